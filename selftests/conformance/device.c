// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>
#include <string.h>

#include "conf.h"
#include "io.h"

/*
 * Small enough for kernels that let vhost-vdpa map 2048 pieces per address
 * space, if each page is one.
 */
#define MEM_SIZE	(1u << 20)
#define MEM_SIZE_MQ	(2u << 20)
#define RING_MEM_SIZE	(256u << 10)
#define RING_NUM	64u

/* What this driver knows to use without further ado. */
#define USUAL	(NEEDED | F(F_ORDER_PLATFORM) | F(NET_F_MAC) | F(NET_F_MTU) |	\
		 F(NET_F_STATUS) | F(NET_F_MRG_RXBUF) | F(NET_F_CTRL_VQ) |	\
		 F(NET_F_CTRL_MAC_ADDR))

bool dev_has(const struct dev *d, uint64_t backend)
{
	return d->backend & backend;
}

struct ring *dev_rx(struct dev *d, unsigned int pair)
{
	return &d->ring[2 * pair];
}

struct ring *dev_tx(struct dev *d, unsigned int pair)
{
	return &d->ring[2 * pair + 1];
}

static unsigned int read_max_pairs(struct dev *d)
{
	uint16_t pairs = 1;

	if (d->offered & F(NET_F_MQ))
		vv_get_config(&d->vv, offsetof(struct virtio_net_config,
					       max_virtqueue_pairs),
			      &pairs, sizeof(pairs));
	return pairs;
}

void dev_open(struct dev *d)
{
	memset(d, 0, sizeof(*d));
	d->peer.fd = -1;
	vv_open(&d->vv, options.node);
	vv_set_owner(&d->vv);
	d->backend = vv_get_backend_features(&d->vv) & VV_BACKEND_ALL;
	vv_set_backend_features(&d->vv, d->backend);
	d->offered = vv_get_features(&d->vv);
	d->nvqs = vv_get_vqs_count(&d->vv);
	d->ngroups = vv_get_group_num(&d->vv);
	d->nas = vv_get_as_num(&d->vv);
	d->ring_max = vv_get_vring_max(&d->vv);
	CHECK_OK(__vv_get_iova_range(&d->vv, &d->range));
	d->max_pairs = read_max_pairs(d);
}

void dev_close(struct dev *d)
{
	unsigned int i;

	vv_close(&d->vv);
	for (i = 0; i <= 2 * PAIRS_MAX; i++)
		ring_close(&d->ring[i]);
	gmem_free(&d->mem);
	gmem_free(&d->ring_mem);
	if (d->peer.fd >= 0)
		peer_close(&d->peer);
}

/* Shared file memory is what every kind of parent can map. */
void dev_gmem(struct dev *d, struct gmem *m, unsigned int which, size_t size)
{
	uint64_t iova = GMEM_IOVA + which * (64ull << 20);

	if (iova < d->range.first || iova + size - 1 > d->range.last)
		iova = ((d->range.first + GMEM_PAGE - 1) & -GMEM_PAGE) +
		       (which + 1) * (64ull << 20);
	gmem_init(m, GMEM_MEMFD, iova, size);
}

void dev_negotiate(struct dev *d, const struct setup *s)
{
	static const struct setup usual;

	d->setup = s ? *s : usual;
	if (!d->setup.pairs)
		d->setup.pairs = 1;
	if (!d->setup.base)
		d->setup.base = ring_start_base(d->packed);
	d->features = d->offered & (USUAL | d->setup.add) & ~d->setup.drop;
	if (!(d->features & F(NET_F_CTRL_VQ)))
		d->features &= ~F(NET_F_CTRL_MAC_ADDR);
	if (d->packed)
		d->features |= F(F_RING_PACKED);
	if (d->setup.pairs > 1)
		d->features |= F(NET_F_MQ);
	vv_set_status(&d->vv, S_READY);
	vv_set_features(&d->vv, d->features);
	vv_set_status(&d->vv, S_FEATURES);
	SAME(vv_get_status(&d->vv), S_FEATURES);
	d->cvq = 0;
	if (d->features & F(NET_F_CTRL_VQ))
		d->cvq = 2 * (d->features & F(NET_F_MQ) ? d->max_pairs : 1);
	d->nrings = 2 * d->setup.pairs;
}

static void alloc_memory(struct dev *d)
{
	if (d->mem.hva)
		return;
	dev_gmem(d, &d->mem, 0, d->setup.pairs > 1 ? MEM_SIZE_MQ : MEM_SIZE);
	d->ctrl = gmem_alloc(&d->mem, GMEM_PAGE, GMEM_PAGE);
	if (d->setup.own_rings)
		dev_gmem(d, &d->ring_mem, 1, RING_MEM_SIZE);
}

void dev_set_ring(struct dev *d, struct ring *r, uint32_t base)
{
	struct ring_areas a = ring_areas(r);

	vv_set_vring_base(&d->vv, r->split.idx, base);
	vv_set_vring_addr(&d->vv, r->split.idx, a.desc, a.driver, a.device);
}

static void tell_ring(struct dev *d, struct ring *r, uint32_t base)
{
	unsigned int idx = r->split.idx;

	vv_set_vring_num(&d->vv, idx, r->split.num);
	dev_set_ring(d, r, base);
	vv_set_vring_kick(&d->vv, idx, r->split.kick);
	vv_set_vring_call(&d->vv, idx, r->split.call);
}

static void set_up_ring(struct dev *d, struct ring *r, unsigned int idx)
{
	unsigned int num = d->ring_max < RING_NUM ? d->ring_max : RING_NUM;
	bool data = idx != d->cvq || !d->cvq;
	uint32_t base = data ? d->setup.base : ring_start_base(d->packed);
	struct gmem *mem = data && d->setup.own_rings ? &d->ring_mem : &d->mem;

	if (r->split.num)
		ring_restart(r, base);
	else
		ring_init(r, d->packed, mem, &d->mem, idx, num, base);
	ring_event_idx(r, d->features & F(RING_F_EVENT_IDX));
	tell_ring(d, r, base);
}

void dev_rings(struct dev *d)
{
	unsigned int i;

	alloc_memory(d);
	for (i = 0; i < d->nrings; i++)
		set_up_ring(d, &d->ring[i], i);
	if (d->cvq)
		set_up_ring(d, &d->ring[d->nrings], d->cvq);
}

/* Each group to its address space, so far as the device has groups. */
static void set_asids(struct dev *d)
{
	uint32_t rings = d->setup.own_rings ? d->setup.ring_asid : d->setup.asid;
	unsigned int i;

	for (i = 0; i < d->nrings && (d->setup.asid || rings); i++) {
		vv_set_group_asid(&d->vv, vv_get_vring_group(&d->vv, i),
				  d->setup.asid);
		if (dev_has(d, VV_BACKEND(DESC_ASID)))
			vv_set_group_asid(&d->vv,
					  vv_get_vring_desc_group(&d->vv, i),
					  rings);
	}
}

static void map_one(struct dev *d, uint32_t asid, const struct gmem *m)
{
	vv_batch_begin(&d->vv, asid);
	vv_map(&d->vv, asid, m->iova, m->size, m->hva, VHOST_ACCESS_RW);
	vv_batch_end(&d->vv, asid);
}

static void unmap_one(struct dev *d, uint32_t asid, const struct gmem *m)
{
	vv_batch_begin(&d->vv, asid);
	vv_unmap(&d->vv, asid, m->iova, m->size);
	vv_batch_end(&d->vv, asid);
}

void dev_map(struct dev *d)
{
	map_one(d, d->setup.asid, &d->mem);
	if (d->setup.own_rings)
		map_one(d, d->setup.ring_asid, &d->ring_mem);
}

void dev_unmap(struct dev *d)
{
	unmap_one(d, d->setup.asid, &d->mem);
	if (d->setup.own_rings)
		unmap_one(d, d->setup.ring_asid, &d->ring_mem);
}

void dev_driver_ok(struct dev *d)
{
	vv_set_status(&d->vv, S_RUNNING);
	SAME(vv_get_status(&d->vv) & S_RUNNING, S_RUNNING);
}

void dev_enable(struct dev *d)
{
	unsigned int i;

	if (d->cvq)
		vv_set_vring_enable(&d->vv, d->cvq, 1);
	for (i = 0; i < d->nrings; i++)
		vv_set_vring_enable(&d->vv, i, 1);
}

void dev_run(struct dev *d)
{
	bool late = dev_has(d, VV_BACKEND(ENABLE_AFTER_DRIVER_OK));
	unsigned int i;

	if (!late)
		dev_enable(d);
	dev_driver_ok(d);
	if (late)
		dev_enable(d);
	/* Such a device may hold back what it cannot return. */
	for (i = 0; options.loopback && !d->setup.rx_empty &&
	     i < d->setup.pairs; i++)
		io_fill(d, i);
}

void dev_up(struct dev *d, const struct setup *s)
{
	dev_negotiate(d, s);
	dev_rings(d);
	set_asids(d);
	if (!d->setup.unmapped)
		dev_map(d);
	dev_run(d);
}

/* Where maps do not outlive a reset the driver has to make them anew. */
static void run_again(struct dev *d)
{
	set_asids(d);
	if (!d->setup.unmapped && !dev_has(d, VV_BACKEND(IOTLB_PERSIST))) {
		dev_unmap(d);
		dev_map(d);
	}
	dev_run(d);
}

void dev_again(struct dev *d)
{
	struct setup s = d->setup;

	dev_reset(d);
	dev_negotiate(d, &s);
	dev_rings(d);
	run_again(d);
}

void dev_continue(struct dev *d)
{
	uint32_t base[2 * PAIRS_MAX + 1];
	struct setup s = d->setup;
	unsigned int i, n = d->nrings + !!d->cvq;

	for (i = 0; i < n; i++)
		base[i] = vv_get_vring_base(&d->vv, d->ring[i].split.idx);
	dev_reset(d);
	dev_negotiate(d, &s);
	for (i = 0; i < n; i++)
		tell_ring(d, &d->ring[i], base[i]);
	run_again(d);
}

void dev_reset(struct dev *d)
{
	vv_set_status(&d->vv, 0);
	SAME(vv_get_status(&d->vv), 0);
}
