// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinned mode with guest memory in as many pieces as it has pages: every piece
 * is a mapping of its own, and each is reached.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vdpatest.h"

#define PIECES	100000ul
#define LOOKS	100	/* frames sent from all over the memory */

static const unsigned char outside[ETH_ALEN] = { 2, 0, 0, 0, 0, 9 };
static unsigned char got[4096];

FIXTURE(fragments) {
	struct vdev dev;
	struct vnet net;
	struct peer peer;
};

/* Newer kernels take few mappings unless vhost_vdpa is told otherwise. */
static void reload_vhost_vdpa(void)
{
	run("modprobe -r vhost_vdpa");
	run("modprobe vhost_vdpa max_iotlb_entries=%lu", 2 * PIECES);
}

FIXTURE_SETUP(fragments)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	SKIP_IF_NO_DEVICE();
	ASSERT_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	reload_vhost_vdpa();
	vdev_add(&self->dev, "vtfrag0", 1, "");
	peer_open(&self->peer, self->dev.netdev, false);
}

FIXTURE_TEARDOWN(fragments)
{
	vnet_close(&self->net);
	peer_close(&self->peer);
	vdev_del(&self->dev);
}

/* Pages taken by turns for two areas are neighbours across, not along. */
static unsigned char *scattered(size_t size)
{
	unsigned char *p = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t at;

	CHECK(p != MAP_FAILED, "mmap of %zu bytes", 2 * size);
	CHECK(!madvise(p, 2 * size, MADV_NOHUGEPAGE), "madvise");
	for (at = 0; at < size; at += GMEM_PAGE) {
		p[at] = 1;
		p[size + at] = 1;
	}
	munmap(p + size, size);
	return p;
}

/* Runs of pages that lie one behind the other in the host's memory. */
static unsigned long count_pieces(const unsigned char *p, size_t size)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	unsigned long i, pieces = 0;
	uint64_t entry, last = 0;

	CHECK(fd >= 0, "pagemap");
	for (i = 0; i < size / GMEM_PAGE; i++) {
		CHECK(pread(fd, &entry, sizeof(entry),
			    ((uintptr_t)p / GMEM_PAGE + i) * sizeof(entry)) ==
		      sizeof(entry), "pagemap");
		entry &= (1ull << 55) - 1;
		pieces += entry != last + 1;
		last = entry;
	}
	close(fd);
	return pieces;
}

/* Each page says which one it is. */
static void send_from(struct vdev *d, struct vnet *n, struct peer *peer,
		      unsigned char *page, uint32_t seq)
{
	struct vq_seg seg = { .p = page, .len = VNET_HDR + 200 };
	struct vq *q = vnet_txq(n, 0);
	uint32_t seen;
	int len;

	memset(page, 0, VNET_HDR);
	frame_make(page + VNET_HDR, 200, outside, d->mac, seq);
	vq_add(q, &seg, 1);
	vq_notify(q);
	vq_wait_used(q, NULL, 2000);
	len = peer_recv(peer, FRAME_TYPE, NULL, got, sizeof(got), 1000);
	CHECK(frame_ours(got, len, &seen) && seen == seq && frame_intact(got, len),
	      "%d bytes, number %u of %u", len, seen, seq);
}

TEST_F(fragments, hundred_thousand)
{
	/* Some pages are neighbours all the same. */
	size_t size = (PIECES + PIECES / 20) * GMEM_PAGE;
	struct vnet_cfg cfg = { 0 };
	struct vnet *n = &self->net;
	unsigned long pieces, i;
	unsigned char *p;
	uint64_t begin;

	vnet_start(n, self->dev.node, &cfg);
	p = scattered(size);
	pieces = count_pieces(p, size);
	ASSERT_GE(pieces, PIECES);

	begin = now_us();
	vv_map(&n->vv, 0, gmem_iova(&n->mem, p), size, p, VHOST_ACCESS_RW);
	TH_LOG("%lu pieces mapped in %llu ms", pieces,
	       (unsigned long long)(now_us() - begin) / 1000);
	for (i = 0; i < LOOKS; i++)
		send_from(&self->dev, n, &self->peer,
			  p + size / LOOKS / GMEM_PAGE * GMEM_PAGE * i, i);
	begin = now_us();
	vv_unmap(&n->vv, 0, gmem_iova(&n->mem, p), size);
	TH_LOG("unmapped in %llu ms", (unsigned long long)(now_us() - begin) / 1000);
	EXPECT_FALSE(vnet_needs_reset(n));
	munmap(p, size);
}

TEST_HARNESS_MAIN
