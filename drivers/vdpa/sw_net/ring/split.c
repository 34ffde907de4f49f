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

/* A descriptor in our own memory and byte order. */
struct desc {
	u64 addr;
	u32 len;
	u16 flags;
	u16 next;
};

/*
 * The specification bounds the chain, not the table. No queue is larger than
 * this, so neither is a table with a use for all of its entries.
 */
#define TABLE_MAX	32768

/* Entries of an indirect table read at a time: drivers fill them in order. */
#define WINDOW		16

/* Not a fault: the batch is full, the chain has to wait for an empty one. */
#define NO_ROOM		(-1)

/*
 * A chain being collected: where its segments go, how many fit, and the
 * bytes, whose sum may exceed what the finished chain can say.
 */
struct walk {
	struct ring *ring;
	struct ring_seg *seg;
	unsigned int room;
	unsigned int nr_out;
	unsigned int nr_in;
	u64 len_out;
	u64 len_in;
};

/* The piece of an indirect table that is in our memory. */
struct window {
	struct ring *ring;
	u64 addr;
	u32 entries;
	u32 first;
	u32 nr;
	struct split_desc desc[WINDOW];
};

u32 ring_desc_size(u16 num)
{
	return sizeof(struct split_desc) * num;
}

u32 ring_driver_size(u16 num)
{
	return sizeof(struct split_avail) + sizeof(__le16) * num + sizeof(__le16);
}

u32 ring_device_size(u16 num)
{
	return sizeof(struct split_used) + sizeof(struct split_used_elem) * num +
	       sizeof(__le16);
}

static void read_desc(const struct split_desc *from, struct desc *d)
{
	d->addr = le64_to_cpu(READ_ONCE(from->addr));
	d->len = le32_to_cpu(READ_ONCE(from->len));
	d->flags = le16_to_cpu(READ_ONCE(from->flags));
	d->next = le16_to_cpu(READ_ONCE(from->next));
}

/*
 * Zero bytes are fine: the specification forbids them nowhere.
 *
 * Counting segments against the queue size is what ends every loop, hostile
 * ones included, for each step of a walk adds one.
 */
static int add_segment(struct walk *w, const struct desc *d)
{
	unsigned int nr = w->nr_out + w->nr_in;

	if (unlikely(nr == w->ring->num))
		return RING_LOOP;
	if (unlikely(nr == w->room))
		return NO_ROOM;
	if (d->flags & VRING_DESC_F_WRITE) {
		w->nr_in++;
		w->len_in += d->len;
	} else if (likely(!w->nr_in)) {
		w->nr_out++;
		w->len_out += d->len;
	} else {
		return RING_BAD_ORDER;
	}
	w->seg[nr].addr = d->addr;
	w->seg[nr].len = d->len;
	return RING_OK;
}

/*
 * Read ahead from entry @i. A table chained in order costs one read per
 * WINDOW entries, one chained at random at most one read per entry.
 */
static int window_load(struct window *win, u32 i)
{
	u32 left = win->entries - i;

	win->first = i;
	win->nr = left < WINDOW ? left : WINDOW;
	return win->ring->ops->read(win->ring, win->addr + i * sizeof(win->desc[0]),
				    win->desc, win->nr * sizeof(win->desc[0]));
}

static int window_open(struct window *win, struct ring *ring, const struct desc *d)
{
	if (!ring->indirect || d->flags & VRING_DESC_F_NEXT)
		return RING_BAD_INDIRECT;
	if (!d->len || d->len % sizeof(win->desc[0]) ||
	    d->len > TABLE_MAX * sizeof(win->desc[0]) || d->addr + d->len < d->addr)
		return RING_BAD_INDIRECT;
	win->ring = ring;
	win->addr = d->addr;
	win->entries = d->len / sizeof(win->desc[0]);
	return window_load(win, 0) ? RING_UNMAPPED_INDIRECT : RING_OK;
}

/*
 * A descriptor that refers to a table ends the chain, whatever came before
 * it. Its own write flag means nothing ("Indirect Descriptors").
 *
 * Not inlined: the window would be stack of every direct chain, too.
 */
static noinline int walk_indirect(struct walk *w, const struct desc *table)
{
	struct window win;
	struct desc d;
	u32 i = 0;
	int err;

	err = window_open(&win, w->ring, table);
	while (!err) {
		read_desc(&win.desc[(i - win.first) & (WINDOW - 1)], &d);
		if (d.flags & VRING_DESC_F_INDIRECT)
			return RING_BAD_INDIRECT;
		err = add_segment(w, &d);
		if (err || !(d.flags & VRING_DESC_F_NEXT))
			return err;
		i = d.next;
		if (i >= win.entries)
			return RING_BAD_NEXT;
		if (i - win.first >= win.nr && window_load(&win, i))
			return RING_UNMAPPED_INDIRECT;
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
		err = add_segment(w, &d);
		if (err || !(d.flags & VRING_DESC_F_NEXT))
			return err;
		i = d.next;
		if (i >= num)
			return RING_BAD_NEXT;
	}
}

static int fetch_chain(struct ring *ring, struct ring_batch *batch, u16 head)
{
	struct ring_chain *chain = &batch->chain[batch->nr];
	struct walk w = {
		.ring = ring,
		.seg = batch->segs + batch->nr_segs,
		.room = batch->max_segs - batch->nr_segs,
	};
	int err;

	if (unlikely(head >= ring->num))
		return RING_BAD_HEAD;
	err = walk_chain(&w, head);
	if (unlikely(err))
		return err;
	if (unlikely(w.len_out + w.len_in > U32_MAX))
		return RING_BAD_LEN;

	chain->id = head;
	chain->slots = 1;
	chain->nr_out = w.nr_out;
	chain->nr_in = w.nr_in;
	chain->len_out = w.len_out;
	chain->len_in = w.len_in;
	chain->seg = w.seg;
	batch->nr_segs += w.nr_out + w.nr_in;
	batch->nr++;
	return RING_OK;
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

unsigned int ring_fetch(struct ring *ring, struct ring_batch *batch,
			unsigned int max)
{
	u16 heads[RING_BATCH];
	unsigned int nr, i;
	int err = 0;

	ring_rewind(ring, batch);
	if (unlikely(ring->fault))
		return 0;
	if (max > RING_BATCH)
		max = RING_BATCH;
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
