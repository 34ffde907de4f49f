// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings of a guest that breaks the rules. The device may stop the queue, ask
 * for a reset, or skip the chain; it may not crash, hang, touch memory it was
 * not given, or be of no use after a reset.
 */
#include <string.h>

#include "conf.h"
#include "io.h"

#define CANARY	0x77

/* The last page of guest memory is not mapped, the one before is a canary. */
static unsigned char *canary, *outside;

static void up(struct dev *d, uint64_t add)
{
	const struct setup s = { .unmapped = true, .add = add };
	size_t most;

	dev_negotiate(d, &s);
	dev_rings(d);
	most = d->mem.size - GMEM_PAGE;
	outside = (unsigned char *)d->mem.hva + most;
	canary = outside - GMEM_PAGE;
	memset(canary, CANARY, 2 * GMEM_PAGE);
	vv_map(&d->vv, 0, d->mem.iova, most, d->mem.hva, VHOST_ACCESS_RW);
	dev_run(d);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

/* Kick, let it bite, look for damage, reset, look whether it works. */
static void attack(struct dev *d, struct ring *r)
{
	unsigned int i;

	ring_publish(r);
	ring_kick(r);
	for (i = 0; i < 5; i++) {
		if (vv_get_status(&d->vv) & VIRTIO_CONFIG_S_NEEDS_RESET)
			break;
		pause_us(2000);
		ring_kick(r);
	}
	for (i = 0; i < 2 * GMEM_PAGE; i++)
		CHECK(canary[i] == CANARY, "byte %u of the canary", i);
	dev_again(d);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	CHECK(!(vv_get_status(&d->vv) & VIRTIO_CONFIG_S_NEEDS_RESET),
	      "it still needs a reset");
}

static void set_desc(struct vring_desc *d, uint64_t addr, uint32_t len,
		     uint16_t flags, uint16_t next)
{
	*d = (struct vring_desc){ addr, len, flags, next };
}

static uint64_t buffer(struct dev *d)
{
	return gmem_iova(&d->mem, dev_tx(d, 0)->slots);
}

/* A descriptor at the head of a chain of one's own. */
static void one_desc(struct dev *d, uint64_t addr, uint32_t len, uint16_t flags,
		     uint16_t next)
{
	struct ring *tx = dev_tx(d, 0);

	if (tx->packed) {
		packed_put(&tx->pk, addr, len, 0, flags);
		return;
	}
	set_desc(&tx->split.desc[0], addr, len, flags, next);
	vq_offer(&tx->split, 0);
}

CONFORM(hostile, index_ahead, NEED_NET,
	"virtio: an avail index more than a ring ahead")
{
	up(d, 0);
	dev_tx(d, 0)->split.avail_idx += dev_tx(d, 0)->split.num + 1;
	attack(d, dev_tx(d, 0));
}

CONFORM(hostile, index_back, NEED_NET,
	"virtio: an avail index that goes back")
{
	up(d, 0);
	dev_tx(d, 0)->split.avail_idx--;
	attack(d, dev_tx(d, 0));
}

CONFORM(hostile, head_outside, NEED_NET,
	"virtio: an avail entry that names no descriptor")
{
	up(d, 0);
	vq_offer(&dev_tx(d, 0)->split, dev_tx(d, 0)->split.num);
	vq_offer(&dev_tx(d, 0)->split, 0xffff);
	attack(d, dev_tx(d, 0));
}

CONFORM(hostile, next_outside, NEED_NET,
	"virtio: a descriptor whose next is none")
{
	up(d, 0);
	one_desc(d, buffer(d), 64, VRING_DESC_F_NEXT, 0xfff0);
	attack(d, dev_tx(d, 0));
}

CONFORM(hostile, loop_of_one, NEED_NET,
	"virtio: a descriptor that is its own next")
{
	up(d, 0);
	one_desc(d, buffer(d), 64, VRING_DESC_F_NEXT, 0);
	attack(d, dev_tx(d, 0));
}

CONFORM(hostile, loop_of_all, NEED_NET | RINGS,
	"virtio: a chain of all descriptors that never ends")
{
	struct ring *tx;
	unsigned int i;

	up(d, 0);
	tx = dev_tx(d, 0);
	for (i = 0; i < tx->split.num; i++) {
		if (tx->packed)
			packed_put(&tx->pk, buffer(d), 1, 0, VRING_DESC_F_NEXT);
		else
			set_desc(&tx->split.desc[i], buffer(d), 1,
				 VRING_DESC_F_NEXT, (i + 1) % tx->split.num);
	}
	if (!tx->packed)
		vq_offer(&tx->split, 0);
	attack(d, tx);
}

CONFORM(hostile, unmapped, NEED_NET | RINGS,
	"virtio: a buffer that is not mapped")
{
	up(d, 0);
	one_desc(d, gmem_iova(&d->mem, outside), 100, 0, 0);
	attack(d, dev_tx(d, 0));
}

CONFORM(hostile, over_the_edge, NEED_NET | RINGS,
	"virtio: a buffer that begins in mapped memory and ends outside")
{
	up(d, 0);
	one_desc(d, gmem_iova(&d->mem, outside) - 50, 100, 0, 0);
	attack(d, dev_tx(d, 0));
}

CONFORM(hostile, kernel_address, NEED_NET | RINGS,
	"virtio: a buffer at an address that is one of the kernel's")
{
	up(d, 0);
	one_desc(d, 0xffff888000000000ull, 100, 0, 0);
	attack(d, dev_tx(d, 0));
}

CONFORM(hostile, address_wraps, NEED_NET | RINGS,
	"virtio: a buffer over the end of all addresses")
{
	up(d, 0);
	one_desc(d, ~0ull - 10, 100, 0, 0);
	attack(d, dev_tx(d, 0));
}

CONFORM(hostile, length_huge, NEED_NET | RINGS,
	"virtio: a buffer of 4 GiB, and one of nothing")
{
	up(d, 0);
	one_desc(d, buffer(d), 0xffffffff, 0, 0);
	attack(d, dev_tx(d, 0));
	one_desc(d, buffer(d), 0, 0, 0);
	attack(d, dev_tx(d, 0));
}

CONFORM(hostile, writable_to_send, NEED_NET | RINGS,
	"virtio-net: a frame to send in a buffer that is the device's to write")
{
	up(d, 0);
	one_desc(d, gmem_iova(&d->mem, canary), 100, VRING_DESC_F_WRITE, 0);
	attack(d, dev_tx(d, 0));
}

CONFORM(hostile, readable_after_writable, NEED_NET | RINGS,
	"virtio 2.7.4.2: a buffer to read behind one to write")
{
	struct ring *tx;

	up(d, 0);
	tx = dev_tx(d, 0);
	set_desc(&tx->split.desc[1], buffer(d), 64, 0, 0);
	one_desc(d, buffer(d), 64, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 1);
	if (tx->packed)
		packed_put(&tx->pk, buffer(d), 64, 0, 0);
	attack(d, tx);
}

CONFORM(hostile, indirect_not_negotiated, NEED_NET | RINGS,
	"virtio 2.7.5.3: an indirect table that was not negotiated")
{
	up(d, 0);
	one_desc(d, buffer(d), 32, VRING_DESC_F_INDIRECT, 0);
	attack(d, dev_tx(d, 0));
}

/* A head that points to the table, said to be @len bytes long. */
static void attack_by_table(struct dev *d, const struct vring_desc *table,
			    unsigned int n, uint32_t len, uint16_t flags)
{
	unsigned char *at;

	up(d, F(RING_F_INDIRECT_DESC));
	at = dev_rx(d, 0)->slots;
	memcpy(at, table, n * sizeof(*table));
	one_desc(d, gmem_iova(&d->mem, at), len, VRING_DESC_F_INDIRECT | flags,
		 1);
	attack(d, dev_tx(d, 0));
}

static struct vring_desc entry(struct dev *d, uint16_t flags, uint16_t next)
{
	return (struct vring_desc){ GMEM_IOVA, 64, flags, next };
}

CONFORM(hostile, indirect_odd_length, NEED_NET | NEED_INDIRECT,
	"virtio 2.7.5.3: a table whose length is no multiple of 16, or 0, or 4 GiB")
{
	static const uint32_t lengths[] = { 17, 0, 15, 0xfffffff0, 0xffffffff };
	struct vring_desc table = entry(d, 0, 0);
	unsigned int i;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		attack_by_table(d, &table, 1, lengths[i], 0);
		dev_reset(d);
		vv_unmap(&d->vv, 0, d->mem.iova, d->mem.size);
	}
}

CONFORM(hostile, indirect_overlong, NEED_NET | NEED_INDIRECT,
	"virtio 2.7.5.3.1: a chain in a table that is longer than the ring")
{
	struct vring_desc table[100];
	unsigned int i;

	for (i = 0; i < 100; i++)
		table[i] = entry(d, i < 99 ? VRING_DESC_F_NEXT : 0, i + 1);
	attack_by_table(d, table, 100, sizeof(table), 0);
}

CONFORM(hostile, indirect_loop, NEED_NET | NEED_INDIRECT,
	"virtio 2.7.5.3: a table with a loop")
{
	struct vring_desc table = entry(d, VRING_DESC_F_NEXT, 0);

	attack_by_table(d, &table, 1, sizeof(table), 0);
}

CONFORM(hostile, indirect_nested, NEED_NET | NEED_INDIRECT,
	"virtio 2.7.5.3.1: a table in a table")
{
	struct vring_desc table = entry(d, VRING_DESC_F_INDIRECT, 0);

	attack_by_table(d, &table, 1, sizeof(table), 0);
}

CONFORM(hostile, indirect_next_outside, NEED_NET | NEED_INDIRECT,
	"virtio 2.7.5.3: a next that leaves the table")
{
	struct vring_desc table = entry(d, VRING_DESC_F_NEXT, 1);

	attack_by_table(d, &table, 1, sizeof(table), 0);
}

CONFORM(hostile, indirect_and_next, NEED_NET | NEED_INDIRECT,
	"virtio 2.7.5.3.1: INDIRECT and NEXT in one descriptor")
{
	struct vring_desc table = entry(d, 0, 0);

	attack_by_table(d, &table, 1, sizeof(table), VRING_DESC_F_NEXT);
}

CONFORM(hostile, indirect_unmapped, NEED_NET | NEED_INDIRECT | RINGS,
	"virtio: a table that is not mapped")
{
	up(d, F(RING_F_INDIRECT_DESC));
	one_desc(d, gmem_iova(&d->mem, outside), 16, VRING_DESC_F_INDIRECT, 0);
	attack(d, dev_tx(d, 0));
}

CONFORM(hostile, ring_is_not_mapped, NEED_NET | RINGS,
	"vDPA: a ring that is not mapped does no harm, mapped after a reset it works")
{
	const struct setup s = { .unmapped = true };

	dev_negotiate(d, &s);
	dev_rings(d);
	dev_enable(d);
	__vv_set_status(&d->vv, S_RUNNING);
	dev_enable(d);
	ring_kick(dev_tx(d, 0));
	NEVER(ring_pending(dev_tx(d, 0)), "used");
	dev_reset(d);
	dev_map(d);
	dev_again(d);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

CONFORM(hostile, ring_goes, NEED_NET | RINGS,
	"vDPA: a ring unmapped while its queue runs does no harm, mapped after a reset it works")
{
	dev_up(d, NULL);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	dev_unmap(d);
	io_add(d, 0, 2, IO_FRAME);
	ring_publish(dev_tx(d, 0));
	ring_kick(dev_tx(d, 0));
	NEVER(ring_pending(dev_tx(d, 0)), "used");
	dev_reset(d);
	dev_map(d);
	dev_again(d);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

CONFORM(hostile, ring_at_the_end, NEED_NET | RINGS,
	"vDPA: a ring over the end of all addresses is refused or never runs")
{
	dev_negotiate(d, NULL);
	dev_rings(d);
	dev_map(d);
	__vv_set_vring_addr(&d->vv, 1, ~0ull - 255, ~0ull - 15, ~0ull - 15);
	dev_enable(d);
	__vv_set_status(&d->vv, S_RUNNING);
	dev_enable(d);
	ring_kick(dev_tx(d, 0));
	pause_us(5000);
	dev_again(d);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

CONFORM(hostile, nothing_set, NEED_NET,
	"vDPA: enabled queues without addresses or size do no harm, nor do kicks")
{
	int i;

	dev_negotiate(d, NULL);
	for (i = 0; i < 4; i++)
		__vv_set_vring_enable(&d->vv, i % d->nvqs, 1);
	__vv_set_status(&d->vv, S_RUNNING);
	for (i = 0; i < 4; i++)
		__vv_set_vring_enable(&d->vv, i % d->nvqs, 1);
	pause_us(5000);
	dev_reset(d);
	dev_up(d, NULL);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

CONFORM(hostile, ring_changes_underway, NEED_NET | RINGS,
	"virtio: descriptors that change while the device looks at them do no harm")
{
	struct ring *tx;
	unsigned int i, k;

	up(d, 0);
	tx = dev_tx(d, 0);
	for (i = 0; i < 200; i++) {
		unsigned int at = i % tx->split.num;

		io_reap(tx);
		if (ring_room(tx))
			io_add(d, 0, i, IO_FRAME);
		ring_notify(tx);
		for (k = 0; k < 50; k++) {
			__u64 *addr = tx->packed ? &tx->pk.desc[at].addr :
						      &tx->split.desc[at].addr;
			__u32 *len = tx->packed ? &tx->pk.desc[at].len :
						     &tx->split.desc[at].len;

			__atomic_store_n(len, k * 97, __ATOMIC_RELAXED);
			__atomic_store_n(addr, k % 2 ? buffer(d) : ~0ull,
					 __ATOMIC_RELAXED);
		}
	}
	attack(d, tx);
}
