// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packed virtqueues, device side ("Packed Virtqueues" in the specification):
 * taking what the driver made available. As for split ones each field is
 * loaded exactly once, the local copy is checked and only that is used.
 *
 * There is no index to distrust, but a driver may mark as available what is
 * still with us. So nothing is looked at that lies a whole ring or more beyond
 * what the driver got back.
 */
#include <linux/compiler.h>
#include <asm/barrier.h>
#include <asm/byteorder.h>

#include "packed.h"
#include "table.h"
#include "walk.h"

static u16 read_flags(const struct vring_packed_desc *from)
{
	return le16_to_cpu(READ_ONCE(from->flags));
}

static void read_desc(const struct vring_packed_desc *from, u16 flags, struct desc *d)
{
	d->flags = flags;
	d->addr = le64_to_cpu(READ_ONCE(from->addr));
	d->len = le32_to_cpu(READ_ONCE(from->len));
	d->id = le16_to_cpu(READ_ONCE(from->id));
}

/*
 * Every entry of a table is part of the chain, whatever its flags say beside
 * "write", and it has no buffer id.
 */
static noinline int walk_indirect(struct walk *w, const struct desc *ref)
{
	const struct vring_packed_desc *entry;
	struct table table;
	struct desc d;
	int err;
	u32 i;

	err = table_open(&table, w->ring, ref);
	for (i = 0; !err && i < table.entries; i++) {
		err = table_have(&table, i);
		if (err)
			break;
		entry = &table.packed[(i - table.first) & (TABLE_WINDOW - 1)];
		read_desc(entry, read_flags(entry), &d);
		err = walk_add(w, &d);
	}
	return err;
}

/*
 * From the head in @d to the last descriptor, which has the chain's buffer id.
 * A list has no table in it ("Indirect Flag: Scatter-Gather Support").
 */
static int walk_chain(struct walk *w, struct desc *d, u16 *slots)
{
	struct ring *ring = w->ring;
	u16 left = ring->used_published + ring->num - ring->next_avail;
	const struct vring_packed_desc *from;
	int err;

	*slots = 1;
	if (d->flags & VRING_DESC_F_INDIRECT)
		return walk_indirect(w, d);
	for (;;) {
		err = walk_add(w, d);
		if (err || !(d->flags & VRING_DESC_F_NEXT))
			return err;
		if (*slots == left)
			return RING_LOOP;
		from = packed_desc(ring, ring->next_avail + *slots);
		read_desc(from, read_flags(from), d);
		if (d->flags & VRING_DESC_F_INDIRECT)
			return RING_BAD_INDIRECT;
		++*slots;
	}
}

static int fetch_chain(struct ring *ring, struct ring_batch *batch)
{
	const struct vring_packed_desc *head = packed_desc(ring, ring->next_avail);
	struct walk w = walk_begin(ring, batch);
	u16 flags, slots;
	struct desc d;
	int err;

	if (unlikely((u16)(ring->next_avail - ring->used_published) == ring->num))
		return RING_NO_CHAIN;
	/* The driver releases the whole chain with the flags of its head. */
	flags = le16_to_cpu(smp_load_acquire(&head->flags));
	if (!packed_is_avail(ring, ring->next_avail, flags))
		return RING_NO_CHAIN;
	read_desc(head, flags, &d);
	err = walk_chain(&w, &d, &slots);
	if (likely(!err))
		err = walk_end(&w, batch, d.id, slots);
	if (likely(!err))
		ring->next_avail += slots;
	return err;
}

unsigned int packed_fetch(struct ring *ring, struct ring_batch *batch,
			  unsigned int max)
{
	int err = 0;

	while (batch->nr < max && !err)
		err = fetch_chain(ring, batch);
	if (unlikely(err > 0))
		ring->fault = err;
	return batch->nr;
}
