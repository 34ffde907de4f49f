// SPDX-License-Identifier: GPL-2.0-only
/*
 * A network device in userspace, for the suite to test VDUSE as a parent: one
 * queue pair, split and packed rings, sends back what it is given and drops
 * what it has no receive buffer for.
 *
 *   vduse NAME     until a signal ends it; says "ready" when it can be added
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vduse.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vduse_ring.h"

#define NVQS		2
#define RX		0
#define TX		1
#define REGIONS		2048
#define FRAME_MAX	65550
#define BIT64(name)	(1ull << VIRTIO_##name)
#define NEEDED		(BIT64(F_VERSION_1) | BIT64(F_ACCESS_PLATFORM))
#define FEATURES	(NEEDED | BIT64(F_RING_PACKED) | \
			 BIT64(RING_F_INDIRECT_DESC) | BIT64(NET_F_MAC) | \
			 BIT64(NET_F_MTU) | BIT64(NET_F_STATUS))

/* Guest memory as far as it was looked at. */
struct region {
	uint64_t start;
	uint64_t last;
	uint8_t perm;
	void *at;
};

struct vq {
	struct queue q;
	int kick;
	bool runs;
	bool broken;
};

static struct region regions[REGIONS];
static unsigned int nregions;
static struct vq vqs[NVQS];
static bool driver_ok;
static int dev;
static volatile sig_atomic_t ended;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void on_signal(int sig)
{
	ended = 1;
}

static void drop_regions(void)
{
	while (nregions) {
		struct region *r = &regions[--nregions];

		munmap(r->at, r->last - r->start + 1);
	}
}

static struct region *find_region(uint64_t iova)
{
	struct vduse_iotlb_entry e = { .start = iova, .last = iova };
	struct region *r;
	unsigned int i;
	int fd;

	for (i = 0; i < nregions; i++)
		if (iova >= regions[i].start && iova <= regions[i].last)
			return &regions[i];
	if (nregions == REGIONS)
		drop_regions();
	fd = ioctl(dev, VDUSE_IOTLB_GET_FD, &e);
	if (fd < 0)
		return NULL;
	r = &regions[nregions];
	*r = (struct region){ e.start, e.last, e.perm };
	r->at = mmap(NULL, e.last - e.start + 1,
		     e.perm == VDUSE_ACCESS_RO ? PROT_READ :
						 PROT_READ | PROT_WRITE,
		     MAP_SHARED, fd, e.offset);
	close(fd);
	if (r->at == MAP_FAILED)
		return NULL;
	nregions++;
	return r;
}

void *guest(uint64_t iova, size_t len, bool write)
{
	struct region *r = find_region(iova);

	if (!r || len - 1 > r->last - iova ||
	    !(r->perm & (write ? VDUSE_ACCESS_WO : VDUSE_ACCESS_RO)))
		return NULL;
	return (char *)r->at + (iova - r->start);
}

/* Between @buf and guest memory: bytes, or -1 for memory it may not touch. */
static long copy(uint64_t iova, unsigned char *buf, size_t len, bool write)
{
	size_t done = 0;

	while (done < len) {
		size_t piece = 4096 - (iova + done) % 4096;
		void *p;

		piece = piece < len - done ? piece : len - done;
		p = guest(iova + done, piece, write);
		if (!p)
			return -1;
		if (write)
			memcpy(p, buf + done, piece);
		else
			memcpy(buf + done, p, piece);
		done += piece;
	}
	return (long)done;
}

/* Of the chain's buffers of one direction, as much as fits. */
static long copy_chain(const struct chain *c, unsigned char *buf, size_t size,
		       bool write)
{
	size_t done = 0;
	unsigned int i;

	for (i = 0; i < c->n && done < size; i++) {
		size_t len = c->seg[i].len;

		if (c->seg[i].write != write)
			return -1;
		len = len < size - done ? len : size - done;
		if (copy(c->seg[i].addr, buf + done, len, write) < 0)
			return -1;
		done += len;
	}
	return (long)done;
}

static int fetch(struct vq *vq, struct chain *c)
{
	int got = vq->runs && !vq->broken ? queue_fetch(&vq->q, c) : 0;

	vq->broken |= got < 0;
	return got;
}

static void complete(unsigned int i, const struct chain *c, uint32_t len)
{
	struct vq *vq = &vqs[i];

	if (queue_complete(&vq->q, c, len))
		vq->broken = true;
	else if (queue_wants_call(&vq->q))
		ioctl(dev, VDUSE_VQ_INJECT_IRQ, &i);
}

static void receive(unsigned char *frame, size_t len)
{
	struct virtio_net_hdr_v1 *hdr = (void *)frame;
	static struct chain rx;
	long written;

	if (fetch(&vqs[RX], &rx) != 1)
		return;
	memset(hdr, 0, sizeof(*hdr));
	hdr->num_buffers = 1;
	written = copy_chain(&rx, frame, len, true);
	if (written < 0)
		vqs[RX].broken = true;
	else
		complete(RX, &rx, (uint32_t)written);
}

/* A queue is taken up as it stands when it turns out to be enabled. */
static void update(unsigned int i, uint64_t features)
{
	struct vduse_vq_info info = { .index = i };
	struct vq *vq = &vqs[i];
	struct queue *q = &vq->q;

	if (ioctl(dev, VDUSE_VQ_GET_INFO, &info))
		return;
	if (vq->runs || !info.ready || !info.num) {
		vq->runs = vq->runs && info.ready;
		return;
	}
	*q = (struct queue){
		.num = info.num,
		.packed = features & BIT64(F_RING_PACKED),
		.indirect = features & BIT64(RING_F_INDIRECT_DESC),
		.area = { info.desc_addr, info.driver_addr, info.device_addr },
		.avail = info.split.avail_index,
		.used = info.split.avail_index,
	};
	if (q->packed) {
		q->avail = info.packed.last_avail_idx;
		q->avail_wrap = info.packed.last_avail_counter;
		q->used = info.packed.last_used_idx;
		q->used_wrap = info.packed.last_used_counter;
	}
	vq->runs = true;
}

static void work(void)
{
	static unsigned char frame[FRAME_MAX];
	static struct chain tx;
	uint64_t features;
	unsigned int i;

	if (!driver_ok || ioctl(dev, VDUSE_DEV_GET_FEATURES, &features))
		return;
	for (i = 0; i < NVQS; i++)
		update(i, features);
	/* Control messages come between: what is asked for must not wait. */
	for (i = 0; i < 16 && fetch(&vqs[TX], &tx) == 1; i++) {
		long len = copy_chain(&tx, frame, sizeof(frame), false);

		if (len < 0) {
			vqs[TX].broken = true;
			return;
		}
		if (len > (long)sizeof(struct virtio_net_hdr_v1))
			receive(frame, len);
		complete(TX, &tx, 0);
	}
	if (i == 16)
		eventfd_write(vqs[TX].kick, 1);
}

static void set_kick(unsigned int i, int fd)
{
	struct vduse_vq_eventfd arg = { .index = i, .fd = fd };

	ioctl(dev, VDUSE_VQ_SETUP_KICKFD, &arg);
}

static void stop(void)
{
	unsigned int i;

	driver_ok = false;
	for (i = 0; i < NVQS; i++) {
		vqs[i].runs = false;
		vqs[i].broken = false;
	}
}

/* Does the device work with what the driver chose? */
static bool good_features(void)
{
	uint64_t features;

	return !ioctl(dev, VDUSE_DEV_GET_FEATURES, &features) &&
	       !(features & ~FEATURES) && (features & NEEDED) == NEEDED;
}

static bool set_status(uint8_t status)
{
	unsigned int i;

	if (!status)
		stop();
	if (status & VIRTIO_CONFIG_S_FEATURES_OK && !good_features())
		return false;
	if (status & VIRTIO_CONFIG_S_DRIVER_OK && !driver_ok) {
		driver_ok = true;
		/* Also wakes us up: buffers may be there already. */
		for (i = 0; i < NVQS; i++)
			set_kick(i, vqs[i].kick);
		eventfd_write(vqs[TX].kick, 1);
	}
	return true;
}

static void get_state(struct vduse_vq_state *s)
{
	struct vduse_vq_info info = { .index = s->index };
	struct queue *q = &vqs[s->index].q;

	if (!vqs[s->index].runs) {
		ioctl(dev, VDUSE_VQ_GET_INFO, &info);
		memcpy(&s->packed, &info.packed, sizeof(s->packed));
	} else if (q->packed) {
		s->packed = (struct vduse_vq_state_packed){
			q->avail_wrap, q->avail, q->used_wrap, q->used
		};
	} else {
		s->split.avail_index = q->avail;
	}
}

static void message(void)
{
	struct vduse_dev_request req;
	struct vduse_dev_response resp = { 0 };

	if (read(dev, &req, sizeof(req)) != sizeof(req))
		return;
	resp.request_id = req.request_id;
	resp.result = VDUSE_REQ_RESULT_OK;
	switch (req.type) {
	case VDUSE_GET_VQ_STATE:
		resp.vq_state.index = req.vq_state.index;
		if (req.vq_state.index < NVQS)
			get_state(&resp.vq_state);
		break;
	case VDUSE_SET_STATUS:
		if (!set_status(req.s.status))
			resp.result = VDUSE_REQ_RESULT_FAILED;
		break;
	case VDUSE_UPDATE_IOTLB:
		drop_regions();
		break;
	default:
		resp.result = VDUSE_REQ_RESULT_FAILED;
	}
	if (write(dev, &resp, sizeof(resp)) != sizeof(resp))
		die("answer");
}

static int create(const char *name)
{
	struct vduse_dev_config *c = calloc(1, sizeof(*c) +
					    sizeof(struct virtio_net_config));
	struct virtio_net_config *net = (void *)c->config;
	int ctl = open("/dev/vduse/control", O_RDWR | O_CLOEXEC);
	uint64_t version = 0;

	if (ctl < 0)
		die("/dev/vduse/control");
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->device_id = VIRTIO_ID_NET;
	c->features = FEATURES;
	c->vq_num = NVQS;
	c->vq_align = 4096;
	c->config_size = sizeof(*net);
	memcpy(net->mac, "\x52\x54\x00\x00\x00\x01", 6);
	net->status = VIRTIO_NET_S_LINK_UP;
	net->max_virtqueue_pairs = 1;
	net->mtu = 1500;
	if (ioctl(ctl, VDUSE_SET_API_VERSION, &version) ||
	    ioctl(ctl, VDUSE_CREATE_DEV, c))
		die("VDUSE_CREATE_DEV");
	free(c);
	return ctl;
}

static void set_up(const char *name)
{
	char path[64];
	unsigned int i;

	snprintf(path, sizeof(path), "/dev/vduse/%s", name);
	/* The node may come a moment later. */
	for (i = 0; i < 500 && access(path, R_OK); i++)
		usleep(10000);
	dev = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (dev < 0)
		die(path);
	for (i = 0; i < NVQS; i++) {
		struct vduse_vq_config vq = { .index = i, .max_size = 256 };

		if (ioctl(dev, VDUSE_VQ_SETUP, &vq))
			die("VDUSE_VQ_SETUP");
		vqs[i].kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
}

static void serve(void)
{
	struct pollfd p[1 + NVQS] = { { .fd = dev, .events = POLLIN } };
	eventfd_t n;
	unsigned int i;

	for (i = 0; i < NVQS; i++)
		p[1 + i] = (struct pollfd){ .fd = vqs[i].kick, .events = POLLIN };
	while (!ended) {
		if (poll(p, 1 + NVQS, -1) < 0)
			continue;
		if (p[0].revents & POLLIN)
			message();
		for (i = 0; i < NVQS; i++)
			eventfd_read(vqs[i].kick, &n);
		work();
	}
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	char name[VDUSE_NAME_MAX] = "";
	int ctl;

	if (argc != 2) {
		fprintf(stderr, "usage: vduse NAME\n");
		return 2;
	}
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	ctl = create(argv[1]);
	set_up(argv[1]);
	printf("ready\n");
	fflush(stdout);
	serve();
	close(dev);
	snprintf(name, sizeof(name), "%s", argv[1]);
	ioctl(ctl, VDUSE_DESTROY_DEV, name);
	return 0;
}
