// SPDX-License-Identifier: GPL-2.0-only
/*
 * Split virtqueues, device side ("Split Virtqueues" in the specification).
 * Little endian only: VERSION_1 is not optional for us.
 *
 * The driver may rewrite the ring under our feet. So each field is loaded
 * exactly once into a local, the local is checked, and only the local is used.
 * Indexes are masked on top of the check: a mispredicted check must not let a
 * guest steer speculative loads through kernel memory.
 */
#include <linux/compiler.h>
#include <linux/prefetch.h>
#include <asm/barrier.h>
#include <asm/byteorder.h>
#include <uapi/linux/virtio_ring.h>

#include "ring.h"
#include "split.h"
#include "table.h"
#include "walk.h"

static void read_desc(const struct split_desc *from, struct desc *d)
{
	d->addr = le64_to_cpu(READ_ONCE(from->addr));
	d->len = le32_to_cpu(READ_ONCE(from->len));
	d->flags = le16_to_cpu(READ_ONCE(from->flags));
	d->next = le16_to_cpu(READ_ONCE(from->next));
}

/*
 * A descriptor that refers to a table ends the chain, whatever came before
 * it. Its own write flag means nothing ("Indirect Descriptors").
 *
 * Not inlined: the table's window would be stack of every direct chain, too.
 */
static noinline int walk_indirect(struct walk *w, const struct desc *ref)
{
	struct table table;
	struct desc d;
	u32 i = 0;
	int err;

	err = table_open(&table, w->ring, ref);
	while (!err) {
		read_desc(&table.split[(i - table.first) & (TABLE_WINDOW - 1)], &d);
		if (d.flags & VRING_DESC_F_INDIRECT)
			return RING_BAD_INDIRECT;
		err = walk_add(w, &d);
		if (err || !(d.flags & VRING_DESC_F_NEXT))
			return err;
		i = d.next;
		if (i >= table.entries)
			return RING_BAD_NEXT;
		err = table_have(&table, i);
	}
	return err;
}

static int walk_chain(struct walk *w, u16 i)
{
	const struct split_desc *table = w->ring->areas.desc;
	u16 num = w->ring->num;
	struct desc d;
	int err;

	for (;;) {
		read_desc(&table[i & (num - 1)], &d);
		if (d.flags & VRING_DESC_F_INDIRECT)
			return walk_indirect(w, &d);
		err = walk_add(w, &d);
		if (err || !(d.flags & VRING_DESC_F_NEXT))
			return err;
		i = d.next;
		if (i >= num)
			return RING_BAD_NEXT;
	}
}

static int fetch_chain(struct ring *ring, struct ring_batch *batch, u16 head)
{
	struct walk w = walk_begin(ring, batch);
	int err;

	if (unlikely(head >= ring->num))
		return RING_BAD_HEAD;
	err = walk_chain(&w, head);
	if (unlikely(err))
		return err;
	return walk_end(&w, batch, head, 1);
}

/*
 * How many chains may be fetched, looking at the idx only when fewer than
 * @want are known.
 *
 * Measured from what the driver has got back, not from what was fetched: then
 * rewinding and late completion cannot make room for more than num chains.
 */
static u16 known_avail(struct ring *ring, unsigned int want)
{
	u16 known = ring->avail_seen - ring->next_avail;
	u16 room = ring->used_published + ring->num - ring->avail_seen;
	u16 idx;

	if (known >= want)
		return known;
	/* Pairs with the driver's release of entries and descriptors. */
	idx = le16_to_cpu(smp_load_acquire(&split_avail(ring)->idx));
	if (unlikely((u16)(idx - ring->avail_seen) > room)) {
		ring->fault = RING_BAD_AVAIL_IDX;
		return known;
	}
	ring->avail_seen = idx;
	return idx - ring->next_avail;
}

/*
 * All heads first: the descriptors are in the caches of the driver's CPU, and
 * so their transfers overlap instead of queueing up behind each other.
 */
static void read_heads(const struct ring *ring, u16 *heads, unsigned int nr)
{
	const struct split_desc *table = ring->areas.desc;
	const __le16 *avail = split_avail(ring)->ring;
	u16 mask = ring->num - 1;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		heads[i] = le16_to_cpu(READ_ONCE(avail[(ring->next_avail + i) & mask]));
		prefetch(&table[heads[i] & mask]);
	}
}

unsigned int split_fetch(struct ring *ring, struct ring_batch *batch,
			 unsigned int max)
{
	u16 heads[RING_BATCH];
	unsigned int nr, i;
	int err = 0;

	nr = known_avail(ring, max);
	if (nr > max)
		nr = max;
	read_heads(ring, heads, nr);
	for (i = 0; i < nr && !err; i++)
		err = fetch_chain(ring, batch, heads[i]);
	if (unlikely(err > 0))
		ring->fault = err;
	ring->next_avail += batch->nr;
	return batch->nr;
}
