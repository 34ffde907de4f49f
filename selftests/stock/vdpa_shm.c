// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared-memory mode: pages are pinned when the device needs them first, stay
 * pinned, and are let go of when what they stand for goes.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vdpatest.h"

#define HUGE_SIZE	(2ul << 20)
#define GIB		(1ul << 30)
#define BUFFERS		64	/* receive buffers of a test, two to a page */

static const unsigned char outside[ETH_ALEN] = { 2, 0, 0, 0, 0, 9 };
static unsigned char frame[2048], got[4096];

FIXTURE(shm) {
	struct vdev dev;
	struct vnet net;
	struct peer peer;
	struct klog log;
};

FIXTURE_SETUP(shm)
{
	setenv("VDPA_MGMTDEV", "vdpasw_net_shm", 1);
	SKIP_IF_NO_DEVICE();
	self->net.vv.fd = -1;
	vdev_add(&self->dev, "vtshm0", 1, "");
	peer_open(&self->peer, self->dev.netdev, false);
	klog_open(&self->log);
}

static void set_populate(unsigned int mib)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", mib);
	file_write("/sys/module/vdpa_sw_net/parameters/shm_populate", text);
}

FIXTURE_TEARDOWN(shm)
{
	set_populate(0);
	vnet_close(&self->net);
	klog_close(&self->log);
	peer_close(&self->peer);
	vdev_del(&self->dev);
}

/* Rings, control queue and buffers in files of their own. */
static const struct vnet_cfg apart = { .desc_asid = 2, .ctrl_asid = 1 };

static long long pins(const struct vdev *d)
{
	return vdev_stat(d, 0, "pins");
}

static long long pinned_pages(const struct vdev *d)
{
	return vdev_stat(d, 0, "pinned_pages");
}

/* Pages that are charged to a process, or -1 if there is none. */
static long long charged_pages(pid_t pid)
{
	char path[64], text[4096], *at;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (__file_read(path, text, sizeof(text)) < 0)
		return -1;
	at = strstr(text, "VmPin:");
	return at ? strtoll(at + 6, NULL, 10) / 4 : -1;
}

static void limit_pins(unsigned long pages)
{
	struct rlimit limit = { .rlim_max = RLIM_INFINITY };

	limit.rlim_cur = pages * GMEM_PAGE;
	CHECK(!setrlimit(RLIMIT_MEMLOCK, &limit), "setrlimit");
}

static void punch(const struct gmem *m, const void *from, size_t len)
{
	CHECK(!fallocate(m->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 (const char *)from - (const char *)m->hva, len),
	      "fallocate");
}

/* One frame from a buffer wherever it is: 0 or -ETIMEDOUT. */
static int send_from(struct vnet *n, void *buf, size_t len)
{
	struct vq_seg seg = { .p = buf, .len = VNET_HDR + len };
	struct vq *q = vnet_txq(n, 0);
	int ret;

	vq_add(q, &seg, 1);
	vq_notify(q);
	ret = __vq_wait_used(q, NULL, 2000);
	return ret < 0 ? ret : 0;
}

static void expect_outside(struct peer *p, uint32_t seq)
{
	uint32_t seen;
	int len = peer_recv(p, FRAME_TYPE, NULL, got, sizeof(got), 1000);

	CHECK(frame_ours(got, len, &seen) && seen == seq && frame_intact(got, len),
	      "%d bytes, number %u of %u", len, seen, seq);
}

static void transmit(struct vdev *d, struct vnet *n, struct peer *p, uint32_t seq)
{
	frame_make(frame, 1000, outside, d->mac, seq);
	vnet_tx(n, 0, NULL, frame, 1000);
	expect_outside(p, seq);
}

static void receive(struct vdev *d, struct vnet *n, struct peer *p, uint32_t seq)
{
	uint32_t seen;
	int len;

	frame_make(frame, 1000, d->mac, outside, seq);
	peer_send(p, NULL, frame, 1000);
	len = vnet_rx(n, 0, FRAME_TYPE, NULL, got, sizeof(got), 2000);
	CHECK(frame_ours(got, len, &seen) && seen == seq && frame_intact(got, len),
	      "%d bytes, number %u of %u", len, seen, seq);
}

/* Frames both ways, the same number through the same buffers each time. */
static void traffic(struct vdev *d, struct vnet *n, struct peer *p)
{
	uint32_t i;

	vdev_wait_up(d);
	vnet_rx_fill(n, 0, BUFFERS, VNET_SLOT);
	for (i = 0; i < BUFFERS; i++) {
		transmit(d, n, p, i);
		receive(d, n, p, i);
	}
}

TEST_F(shm, cold_and_warm)
{
	long long first, waits;

	vnet_start(&self->net, self->dev.node, &apart);
	traffic(&self->dev, &self->net, &self->peer);
	first = pins(&self->dev);
	waits = vdev_stat(&self->dev, 0, "pin_waits") +
		vdev_stat(&self->dev, 1, "pin_waits");
	EXPECT_GT(first, BUFFERS / 2);
	EXPECT_GT(waits, 0);
	/* What is needed next is pinned with what is needed now. */
	EXPECT_LT(waits, BUFFERS);

	/* The ring is full of buffers that were used, in their old order. */
	vnet_restart(&self->net);
	traffic(&self->dev, &self->net, &self->peer);
	EXPECT_EQ(pins(&self->dev), first);
	EXPECT_EQ(vdev_stat(&self->dev, 0, "pin_waits") +
		  vdev_stat(&self->dev, 1, "pin_waits"), waits);
	EXPECT_EQ(charged_pages(getpid()), pinned_pages(&self->dev));
	EXPECT_FALSE(vnet_needs_reset(&self->net));
}

TEST_F(shm, second_map_pins_nothing)
{
	long long first;
	int i;

	vnet_start(&self->net, self->dev.node, &apart);
	traffic(&self->dev, &self->net, &self->peer);
	first = pins(&self->dev);
	for (i = 0; i < 3; i++) {
		vnet_unmap(&self->net);
		vnet_reset(&self->net);
		vnet_negotiate(&self->net);
		EXPECT_EQ(pinned_pages(&self->dev), first);
		vnet_map(&self->net);
		vnet_rings(&self->net);
		vnet_driver_ok(&self->net);
		vnet_enable(&self->net);
		traffic(&self->dev, &self->net, &self->peer);
	}
	EXPECT_EQ(pins(&self->dev), first);
	EXPECT_EQ(charged_pages(getpid()), first);
}

TEST_F(shm, close_lets_go)
{
	vnet_start(&self->net, self->dev.node, &apart);
	traffic(&self->dev, &self->net, &self->peer);
	EXPECT_GT(charged_pages(getpid()), 0);
	vnet_close(&self->net);
	EXPECT_EQ(charged_pages(getpid()), 0);
	vnet_start(&self->net, self->dev.node, &apart);
	traffic(&self->dev, &self->net, &self->peer);
}

/* The pins stay, and yet not one byte is read or written any more. */
TEST_F(shm, unmapped_is_unreachable_at_once)
{
	struct vnet *n = &self->net;
	unsigned char *slots;
	unsigned int i, at;

	vnet_start(n, self->dev.node, &apart);
	traffic(&self->dev, n, &self->peer);
	vnet_rx_fill(n, 0, BUFFERS, VNET_SLOT);
	slots = n->slots[vnet_rxq(n, 0)->idx];
	for (i = 0; i < BUFFERS; i++) {
		frame_make(frame, 1000, self->dev.mac, outside, i);
		peer_send(&self->peer, NULL, frame, 1000);
		if (i != BUFFERS / 2)
			continue;
		vv_unmap(&n->vv, 0, n->mem.iova, n->mem.size);
		memset(slots, 0xaa, n->cfg.num * VNET_SLOT);
	}
	EXPECT_TRUE(WAIT_UNTIL(vnet_needs_reset(n), 2000));
	for (at = 0; at < n->cfg.num * VNET_SLOT && slots[at] == 0xaa; at++)
		;
	EXPECT_EQ(at, n->cfg.num * VNET_SLOT);

	peer_drain(&self->peer);
	frame_make(frame, 1000, outside, self->dev.mac, 7);
	EXPECT_EQ(__vnet_tx(n, 0, NULL, frame, 1000), -ETIMEDOUT);
	EXPECT_EQ(__peer_recv(&self->peer, FRAME_TYPE, NULL, got, sizeof(got),
			      10), -ETIMEDOUT);
	EXPECT_GT(pinned_pages(&self->dev), BUFFERS / 2);
}

/* A buffer that was pinned gets a new page: the device has to use that one. */
TEST_F(shm, punched_hole)
{
	struct vnet *n = &self->net;
	struct vq *q;
	long long before;

	vnet_start(n, self->dev.node, &apart);
	traffic(&self->dev, n, &self->peer);
	before = pinned_pages(&self->dev);
	punch(&n->mem, n->mem.hva, n->mem.size);
	EXPECT_LT(pinned_pages(&self->dev), before / 2);
	traffic(&self->dev, n, &self->peer);

	/* Without a look from this side: a hole reads as zeroes, no old frame. */
	q = vnet_txq(n, 0);
	punch(&n->mem, n->slots[q->idx], n->cfg.num * VNET_SLOT);
	EXPECT_EQ(send_from(n, n->slots[q->idx], 1000), 0);
	EXPECT_EQ(__peer_recv(&self->peer, FRAME_TYPE, NULL, got, sizeof(got),
			      10), -ETIMEDOUT);
	EXPECT_FALSE(vnet_needs_reset(n));
	EXPECT_EQ(charged_pages(getpid()), pinned_pages(&self->dev));
}

TEST_F(shm, truncated_buffers)
{
	struct vnet *n = &self->net;

	vnet_start(n, self->dev.node, &apart);
	traffic(&self->dev, n, &self->peer);
	ASSERT_EQ(ftruncate(n->mem.memfd, 0), 0);
	EXPECT_EQ(send_from(n, n->slots[vnet_txq(n, 0)->idx], 1000), -ETIMEDOUT);
	EXPECT_TRUE(WAIT_UNTIL(vnet_needs_reset(n), 1000));

	ASSERT_EQ(ftruncate(n->mem.memfd, n->mem.size), 0);
	vnet_restart(n);
	traffic(&self->dev, n, &self->peer);
}

TEST_F(shm, truncated_ring)
{
	struct vnet *n = &self->net;
	uint64_t one = 1;

	vnet_start(n, self->dev.node, &apart);
	traffic(&self->dev, n, &self->peer);
	ASSERT_EQ(ftruncate(n->desc_mem.memfd, 0), 0);
	ASSERT_EQ(write(vnet_txq(n, 0)->kick, &one, sizeof(one)), sizeof(one));
	EXPECT_TRUE(WAIT_UNTIL(vnet_needs_reset(n), 1000));
	EXPECT_GT(klog_count(&self->log, "its ring memory was truncated"), 0);

	ASSERT_EQ(ftruncate(n->desc_mem.memfd, n->desc_mem.size), 0);
	vnet_restart(n);
	traffic(&self->dev, n, &self->peer);
}

/* Another file where the guest's memory was: none of it is ever sent. */
TEST_F(shm, other_memory_at_its_address)
{
	struct vnet *n = &self->net;
	unsigned char *buf;
	int fd = memfd_create("other", MFD_CLOEXEC);

	vnet_start(n, self->dev.node, &apart);
	traffic(&self->dev, n, &self->peer);
	ASSERT_EQ(ftruncate(fd, n->mem.size), 0);
	ASSERT_EQ(mmap(n->mem.hva, n->mem.size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, fd, 0), n->mem.hva);
	buf = n->slots[vnet_txq(n, 0)->idx];
	frame_make(buf + VNET_HDR, 1000, outside, self->dev.mac, 1);
	EXPECT_EQ(send_from(n, buf, 1000), -ETIMEDOUT);
	EXPECT_EQ(__peer_recv(&self->peer, FRAME_TYPE, NULL, got, sizeof(got),
			      10), -ETIMEDOUT);
	EXPECT_TRUE(WAIT_UNTIL(vnet_needs_reset(n), 1000));

	vnet_unmap(n);
	vnet_map(n);
	vnet_restart(n);
	traffic(&self->dev, n, &self->peer);
	EXPECT_EQ(charged_pages(getpid()), pinned_pages(&self->dev));
	close(fd);
}

/* Memory of another file, at a guest address that follows from its own. */
static void *map_more(struct vnet *n, int fd, size_t size, int prot, int flags)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED | flags, fd, 0);

	CHECK(p != MAP_FAILED, "mmap of %zu bytes", size);
	vv_map(&n->vv, 0, gmem_iova(&n->mem, p), size, p, VHOST_ACCESS_RW);
	return p;
}

TEST_F(shm, sealed_and_read_only)
{
	struct vnet *n = &self->net;
	struct vq_seg seg = { .len = VNET_SLOT, .in = true };
	struct vq *q;
	unsigned char *p;
	int fd = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	vnet_start(n, self->dev.node, &apart);
	vdev_wait_up(&self->dev);
	memset(frame, 0, VNET_HDR);
	frame_make(frame + VNET_HDR, 1000, outside, self->dev.mac, 3);
	ASSERT_EQ(pwrite(fd, frame, sizeof(frame), 0), sizeof(frame));
	ASSERT_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
	p = map_more(n, fd, GMEM_PAGE, PROT_READ, 0);

	/* It can be read ... */
	EXPECT_EQ(send_from(n, p, 1000), 0);
	expect_outside(&self->peer, 3);

	/* ... and not be written, pinned as it is. */
	q = vnet_rxq(n, 0);
	seg.p = p;
	vq_add(q, &seg, 1);
	vq_notify(q);
	frame_make(got, 1000, self->dev.mac, outside, 4);
	peer_send(&self->peer, NULL, got, 1000);
	EXPECT_TRUE(WAIT_UNTIL(vnet_needs_reset(n), 2000));
	EXPECT_EQ(memcmp(p, frame, sizeof(frame)), 0);
	EXPECT_GT(klog_count(&self->log, "mapped read-only"), 0);
	munmap(p, GMEM_PAGE);
	close(fd);
}

static void set_hugepages(unsigned int nr)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", nr);
	file_write("/proc/sys/vm/nr_hugepages", text);
	CHECK(!__file_read("/proc/sys/vm/nr_hugepages", text, sizeof(text)) ||
	      (unsigned int)atoi(text) == nr, "%s huge pages of %u", text, nr);
}

/* Two huge pages of memory, one in the pool. */
TEST_F(shm, hugetlb_pool_empty)
{
	struct vnet *n = &self->net;
	int fd = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);
	unsigned char *p;

	ASSERT_GE(fd, 0);
	set_hugepages(1);
	vnet_start(n, self->dev.node, &apart);
	ASSERT_EQ(ftruncate(fd, 2 * HUGE_SIZE), 0);
	p = map_more(n, fd, 2 * HUGE_SIZE, PROT_READ | PROT_WRITE, MAP_NORESERVE);
	frame_make(p + VNET_HDR, 1000, outside, self->dev.mac, 5);
	EXPECT_EQ(send_from(n, p, 1000), 0);
	expect_outside(&self->peer, 5);

	EXPECT_EQ(send_from(n, p + HUGE_SIZE, 1000), -ETIMEDOUT);
	EXPECT_TRUE(WAIT_UNTIL(vnet_needs_reset(n), 1000));
	EXPECT_GT(klog_count(&self->log, "has no page there"), 0);

	set_hugepages(2);
	vnet_restart(n);
	frame_make(p + HUGE_SIZE + VNET_HDR, 1000, outside, self->dev.mac, 6);
	EXPECT_EQ(send_from(n, p + HUGE_SIZE, 1000), 0);
	expect_outside(&self->peer, 6);
	vnet_close(n);
	munmap(p, 2 * HUGE_SIZE);
	close(fd);
	set_hugepages(0);
}

/* What is over the limit goes, what is in use comes back, nothing is lost. */
TEST_F(shm, limit_shrinks)
{
	struct vnet *n = &self->net;

	vnet_start(n, self->dev.node, &apart);
	traffic(&self->dev, n, &self->peer);
	EXPECT_GT(charged_pages(getpid()), 8);

	limit_pins(8);
	punch(&n->mem, n->mem.hva, GMEM_PAGE);
	traffic(&self->dev, n, &self->peer);
	EXPECT_LE(charged_pages(getpid()), 8);
	EXPECT_EQ(charged_pages(getpid()), pinned_pages(&self->dev));
	EXPECT_FALSE(vnet_needs_reset(n));

	limit_pins(0);
	punch(&n->mem, n->mem.hva, n->mem.size);
	frame_make(frame, 1000, outside, self->dev.mac, 1);
	EXPECT_EQ(__vnet_tx(n, 0, NULL, frame, 1000), -ETIMEDOUT);
	EXPECT_TRUE(WAIT_UNTIL(vnet_needs_reset(n), 1000));
	EXPECT_GT(klog_count(&self->log, "RLIMIT_MEMLOCK"), 0);
	EXPECT_EQ(charged_pages(getpid()), 0);

	limit_pins(1024);
	vnet_restart(n);
	traffic(&self->dev, n, &self->peer);
}

/* Asked for, memory is pinned ahead, so that nothing waits; but not too much. */
TEST_F(shm, populate)
{
	struct vnet *n = &self->net;
	long long before;

	limit_pins(8192);
	vnet_open(n, self->dev.node, &apart);
	vnet_negotiate(n);
	vnet_map(n);
	EXPECT_EQ(pins(&self->dev), 0);
	vnet_unmap(n);

	set_populate(4);
	vnet_map(n);
	EXPECT_TRUE(WAIT_UNTIL(pinned_pages(&self->dev) ==
			       (4 << 20) / GMEM_PAGE, 2000));
	vnet_unmap(n);
	set_populate(1024);
	vnet_map(n);
	EXPECT_TRUE(WAIT_UNTIL(pinned_pages(&self->dev) ==
			       (n->mem.size + n->desc_mem.size +
				n->ctrl_mem.size) / GMEM_PAGE, 2000));
	set_populate(0);
	EXPECT_EQ(charged_pages(getpid()), pinned_pages(&self->dev));

	before = pins(&self->dev);
	vnet_rings(n);
	vnet_driver_ok(n);
	vnet_enable(n);
	traffic(&self->dev, n, &self->peer);
	EXPECT_EQ(pins(&self->dev), before);
	EXPECT_EQ(vdev_stat(&self->dev, 0, "pin_waits"), 0);
	EXPECT_EQ(vdev_stat(&self->dev, 1, "pin_waits"), 0);
}

/* The owner's limit ends population; it takes nothing from what is in use. */
TEST_F(shm, populate_up_to_the_limit)
{
	struct vnet *n = &self->net;

	limit_pins(100);
	set_populate(1024);
	vnet_start(n, self->dev.node, &apart);
	/* Not how many are pinned: at the limit they go, for what is needed now. */
	EXPECT_TRUE(WAIT_UNTIL(pins(&self->dev) > 64, 2000));
	set_populate(0);
	traffic(&self->dev, n, &self->peer);
	EXPECT_LE(charged_pages(getpid()), 100);
	EXPECT_EQ(charged_pages(getpid()), pinned_pages(&self->dev));
	EXPECT_FALSE(vnet_needs_reset(n));
}

TEST_F(shm, ordinary_memory_is_refused)
{
	struct vnet_cfg cfg = { .kind = GMEM_PRIVATE };
	struct vnet *n = &self->net;

	vnet_start(n, self->dev.node, &cfg);
	EXPECT_TRUE(WAIT_UNTIL(vnet_needs_reset(n), 1000));
	EXPECT_EQ(klog_count(&self->log,
			     "memory-backend-memfd,share=on or mgmtdev vdpasw_net"), 1);
	EXPECT_EQ(charged_pages(getpid()), 0);
	vnet_close(n);

	vnet_start(n, self->dev.node, &apart);
	traffic(&self->dev, n, &self->peer);
}

/* Time of a map and an unmap, the best of several, in microseconds. */
static uint64_t map_time(struct vnet *n, void *p, size_t size)
{
	uint64_t iova = 1ull << 40, best = ~0ull;
	int i;

	for (i = 0; i < 50; i++) {
		uint64_t start = now_us(), took;

		vv_map(&n->vv, 3, iova, size, p, VHOST_ACCESS_RW);
		vv_unmap(&n->vv, 3, iova, size);
		took = now_us() - start;
		best = took < best ? took : best;
	}
	return best;
}

TEST_F(shm, size_does_not_matter)
{
	struct vnet *n = &self->net;
	int fd = memfd_create("large", MFD_CLOEXEC);
	uint64_t small, large;
	void *p;

	ASSERT_EQ(ftruncate(fd, 64 * GIB), 0);
	p = mmap(NULL, 64 * GIB, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_NORESERVE, fd, 0);
	ASSERT_NE(p, MAP_FAILED);
	vnet_start(n, self->dev.node, &apart);
	small = map_time(n, p, GIB);
	large = map_time(n, p, 64 * GIB);
	TH_LOG("1 GiB %llu us, 64 GiB %llu us", (unsigned long long)small,
	       (unsigned long long)large);
	EXPECT_LE(2 * large, 3 * small + 2);
	munmap(p, 64 * GIB);
	close(fd);
}

/* Starts the device, pins for as long as it lives, and tells when it began. */
static void owner(struct vdev *d, int tell)
{
	struct vnet n = { .vv.fd = -1 };
	char byte = 0;

	vnet_start(&n, d->node, &apart);
	CHECK(write(tell, &n.vv.fd, sizeof(n.vv.fd)) == sizeof(n.vv.fd), "pipe");
	for (;; byte++) {
		punch(&n.mem, n.mem.hva, n.mem.size);
		vnet_rx_fill(&n, 0, 1, VNET_SLOT);
		vnet_rx(&n, 0, FRAME_TYPE, NULL, got, sizeof(got), 5000);
	}
}

/* The device's file is still open here when its owner dies while it pins. */
TEST_F(shm, owner_dies)
{
	struct vhost_vdpa vv = { 0 };
	int round, pidfd, fd, pipefd[2];
	unsigned int i;
	pid_t pid;

	frame_make(frame, 1000, self->dev.mac, outside, 1);
	for (round = 0; round < 8; round++) {
		ASSERT_EQ(pipe(pipefd), 0);
		pid = fork();
		if (!pid)
			owner(&self->dev, pipefd[1]);
		ASSERT_EQ(read(pipefd[0], &fd, sizeof(fd)), sizeof(fd));
		pidfd = syscall(SYS_pidfd_open, pid, 0);
		vv.fd = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
		ASSERT_GE(vv.fd, 0);

		for (i = 0; i < 20 + 7 * round; i++)
			__peer_send(&self->peer, NULL, frame, 1000);
		EXPECT_TRUE(WAIT_UNTIL(charged_pages(pid) > 0, 1000));
		EXPECT_EQ(charged_pages(getpid()), 0);
		kill(pid, SIGKILL);
		for (i = 0; i < 50; i++)
			__peer_send(&self->peer, NULL, frame, 1000);
		ASSERT_EQ(waitpid(pid, NULL, 0), pid);
		EXPECT_TRUE(WAIT_UNTIL(!pinned_pages(&self->dev), 1000));
		EXPECT_EQ(charged_pages(getpid()), 0);

		close(vv.fd);
		close(pidfd);
		close(pipefd[0]);
		close(pipefd[1]);
	}
	vnet_start(&self->net, self->dev.node, &apart);
	peer_drain(&self->peer);
	traffic(&self->dev, &self->net, &self->peer);
	EXPECT_EQ(charged_pages(getpid()), pinned_pages(&self->dev));
}

TEST_HARNESS_MAIN
