// SPDX-License-Identifier: GPL-2.0-only
/* Bringing a virtio-net device up and down. */
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "vnet.h"

/*
 * Newer kernels let vhost-vdpa map 2048 pieces per address space, and in the
 * worst case each page is one.
 */
#define MEM_SIZE	(7u << 20)
#define RING_MEM_SIZE	(1u << 20)

/* One device has at most this many pairs if it does not say otherwise. */
static unsigned int read_max_pairs(struct vnet *n)
{
	uint16_t pairs;

	if (!(vv_get_features(&n->vv) & (FEATURE(NET_F_MQ) | FEATURE(NET_F_RSS))))
		return 1;
	vv_get_config(&n->vv, offsetof(struct virtio_net_config,
				       max_virtqueue_pairs),
		      &pairs, sizeof(pairs));
	return pairs;
}

/*
 * By number of pairs: what a device offers if nobody asks for more. Shared, for
 * each test is a process of its own and to add a device takes a while.
 */
static uint64_t *default_features;

static void __attribute__((constructor)) share_default_features(void)
{
	default_features = mmap(NULL, GMEM_PAGE, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static uint64_t learn_default_features(const char *name, unsigned int nr)
{
	struct vhost_vdpa vv;
	uint64_t features;
	struct vdev d;

	vdev_add(&d, name, nr, "");
	vv_open(&vv, d.node);
	features = vv_get_features(&vv);
	vv_close(&vv);
	vdev_del(&d);
	return features;
}

void vnet_add_device(struct vdev *d, const char *name, unsigned int nr,
		     uint64_t more)
{
	char words[64];

	CHECK(nr <= VNET_PAIRS_MAX, "%u pairs", nr);
	if (!more) {
		vdev_add(d, name, nr, "");
		return;
	}
	if (!default_features[nr])
		default_features[nr] = learn_default_features(name, nr);
	snprintf(words, sizeof(words), "device_features 0x%llx",
		 (unsigned long long)(default_features[nr] | more));
	vdev_add(d, name, nr, words);
}

static struct gmem *desc_mem(struct vnet *n)
{
	return n->cfg.desc_asid ? &n->desc_mem : &n->mem;
}

static struct gmem *ctrl_mem(struct vnet *n)
{
	return n->cfg.ctrl_asid ? &n->ctrl_mem : &n->mem;
}

static void alloc_memory(struct vnet *n)
{
	unsigned int i;

	gmem_init(&n->mem, n->cfg.kind, GMEM_IOVA, MEM_SIZE);
	if (n->cfg.desc_asid)
		gmem_init(&n->desc_mem, n->cfg.kind, GMEM_IOVA, RING_MEM_SIZE);
	if (n->cfg.ctrl_asid)
		gmem_init(&n->ctrl_mem, n->cfg.kind, GMEM_IOVA, RING_MEM_SIZE);
	for (i = 0; i < n->nvqs; i++)
		n->slots[i] = gmem_alloc(&n->mem, n->cfg.num * VNET_SLOT,
					 GMEM_PAGE);
	for (i = 0; i < n->cfg.pairs && i < VNET_BIG_MAX; i++)
		n->big[i] = gmem_alloc(&n->mem, VNET_BIG, GMEM_PAGE);
	n->ctrl = gmem_alloc(ctrl_mem(n), GMEM_PAGE, GMEM_PAGE);
}

void vnet_open(struct vnet *n, const char *node, const struct vnet_cfg *cfg)
{
	memset(n, 0, sizeof(*n));
	n->cfg = *cfg;
	n->cfg.pairs = cfg->pairs ?: 1;
	n->cfg.num = cfg->num ?: 256;
	n->nvqs = 2 * n->cfg.pairs;
	CHECK(n->cfg.pairs <= VNET_PAIRS_MAX, "%u pairs", n->cfg.pairs);

	vv_open(&n->vv, node);
	vv_set_owner(&n->vv);
	vv_set_backend_features(&n->vv, vv_get_backend_features(&n->vv) &
					VV_BACKEND_ALL);
	n->max_pairs = read_max_pairs(n);
	CHECK(n->cfg.pairs <= n->max_pairs, "device has %u pairs",
	      n->max_pairs);
	alloc_memory(n);
}

void vnet_close(struct vnet *n)
{
	unsigned int i;

	vv_close(&n->vv);
	for (i = 0; i < VNET_VQS_MAX; i++)
		if (n->vq[i].num)
			vq_close(&n->vq[i]);
	gmem_free(&n->mem);
	gmem_free(&n->desc_mem);
	gmem_free(&n->ctrl_mem);
}

void vnet_negotiate(struct vnet *n)
{
	uint64_t offered = vv_get_features(&n->vv);
	uint8_t ok = STATUS_READY | VIRTIO_CONFIG_S_FEATURES_OK;

	n->features = n->cfg.features ? offered & n->cfg.features : offered;
	vv_set_status(&n->vv, STATUS_READY);
	vv_set_features(&n->vv, n->features);
	vv_set_status(&n->vv, ok);
	CHECK(vv_get_status(&n->vv) == ok, "status 0x%x",
	      vv_get_status(&n->vv));
	n->cvq = 0;
	if (n->features & FEATURE(NET_F_CTRL_VQ))
		n->cvq = n->features & (FEATURE(NET_F_MQ) | FEATURE(NET_F_RSS)) ?
			 2 * n->max_pairs : 2;
	n->hdr_len = n->features & FEATURE(NET_F_HASH_REPORT) ? VNET_HDR_HASH :
								VNET_HDR;
}

static struct vq_layout layout(const struct vnet *n)
{
	return (struct vq_layout){
		.packed = n->features & FEATURE(F_RING_PACKED),
		.in_order = n->features & FEATURE(F_IN_ORDER),
		.event_idx = n->features & FEATURE(RING_F_EVENT_IDX),
	};
}

static void ring_setup(struct vnet *n, struct vq *q, unsigned int idx)
{
	if (q->num)
		vq_restart(q, layout(n), n->cfg.base);
	else if (idx == n->cvq)
		vq_init(q, ctrl_mem(n), ctrl_mem(n), idx, n->cfg.num,
			layout(n), n->cfg.base);
	else
		vq_init(q, desc_mem(n), &n->mem, idx, n->cfg.num, layout(n),
			n->cfg.base);
	vv_set_vring_num(&n->vv, idx, q->num);
	vv_set_vring_base(&n->vv, idx, vq_state(q, n->cfg.base));
	vv_set_vring_addr(&n->vv, idx, gmem_iova(q->ring_mem, q->desc),
			  gmem_iova(q->ring_mem, q->avail),
			  gmem_iova(q->ring_mem, q->used));
	vv_set_vring_kick(&n->vv, idx, q->kick);
	vv_set_vring_call(&n->vv, idx, q->call);
}

void vnet_rings(struct vnet *n)
{
	unsigned int i;

	for (i = 0; i < n->nvqs; i++)
		ring_setup(n, &n->vq[i], i);
	if (n->cvq)
		ring_setup(n, &n->vq[n->nvqs], n->cvq);
}

static void map_one(struct vnet *n, uint32_t asid, const struct gmem *m)
{
	vv_batch_begin(&n->vv, asid);
	vv_map(&n->vv, asid, m->iova, m->size, m->hva, VHOST_ACCESS_RW);
	vv_batch_end(&n->vv, asid);
}

static void unmap_one(struct vnet *n, uint32_t asid, const struct gmem *m)
{
	vv_batch_begin(&n->vv, asid);
	vv_unmap(&n->vv, asid, m->iova, m->size);
	vv_batch_end(&n->vv, asid);
}

/* A reset puts every group back to address space 0. */
static void bind_groups(struct vnet *n)
{
	if (n->cfg.desc_asid)
		vv_set_group_asid(&n->vv, GROUP_DESC, n->cfg.desc_asid);
	if (n->cfg.ctrl_asid)
		vv_set_group_asid(&n->vv, GROUP_CTRL, n->cfg.ctrl_asid);
}

void vnet_map(struct vnet *n)
{
	map_one(n, 0, &n->mem);
	if (n->cfg.desc_asid)
		map_one(n, n->cfg.desc_asid, &n->desc_mem);
	if (n->cfg.ctrl_asid)
		map_one(n, n->cfg.ctrl_asid, &n->ctrl_mem);
}

void vnet_unmap(struct vnet *n)
{
	unmap_one(n, 0, &n->mem);
	if (n->cfg.desc_asid)
		unmap_one(n, n->cfg.desc_asid, &n->desc_mem);
	if (n->cfg.ctrl_asid)
		unmap_one(n, n->cfg.ctrl_asid, &n->ctrl_mem);
}

void vnet_driver_ok(struct vnet *n)
{
	uint8_t ok = STATUS_READY | VIRTIO_CONFIG_S_FEATURES_OK |
		     VIRTIO_CONFIG_S_DRIVER_OK;

	bind_groups(n);
	vv_set_status(&n->vv, ok);
	CHECK(vv_get_status(&n->vv) == ok, "status 0x%x",
	      vv_get_status(&n->vv));
}

static void set_pairs(struct vnet *n)
{
	uint16_t pairs = n->cfg.pairs;
	int ack;

	if (!n->cvq || !(n->features & FEATURE(NET_F_MQ)))
		return;
	ack = vnet_ctrl(n, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET,
			&pairs, sizeof(pairs));
	CHECK(ack == VIRTIO_NET_OK, "%u pairs: answer %d", pairs, ack);
}

void vnet_enable(struct vnet *n)
{
	unsigned int i;

	if (n->cvq)
		vv_set_vring_enable(&n->vv, n->cvq, 1);
	set_pairs(n);
	for (i = 0; i < n->nvqs; i++)
		vv_set_vring_enable(&n->vv, i, 1);
}

void vnet_start(struct vnet *n, const char *node, const struct vnet_cfg *cfg)
{
	vnet_open(n, node, cfg);
	vnet_negotiate(n);
	vnet_rings(n);
	vnet_map(n);
	vnet_driver_ok(n);
	vnet_enable(n);
}

void vnet_restart(struct vnet *n)
{
	vnet_reset(n);
	vnet_negotiate(n);
	vnet_rings(n);
	vnet_driver_ok(n);
	vnet_enable(n);
}

void vnet_reset(struct vnet *n)
{
	vv_set_status(&n->vv, 0);
	CHECK(vv_get_status(&n->vv) == 0, "status 0x%x after reset",
	      vv_get_status(&n->vv));
}

bool vnet_needs_reset(struct vnet *n)
{
	return vv_get_status(&n->vv) & VIRTIO_CONFIG_S_NEEDS_RESET;
}
