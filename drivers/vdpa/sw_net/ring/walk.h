/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A chain being collected: what both layouts do with a descriptor once it has
 * been read. Inline, for this is where the time goes.
 */
#ifndef SWNET_RING_WALK_H
#define SWNET_RING_WALK_H

#include <linux/compiler.h>
#include <linux/limits.h>
#include <uapi/linux/virtio_ring.h>

#include "ring.h"

/* Not a fault: the batch is full, the chain has to wait for an empty one. */
#define RING_NO_ROOM	(-1)

/* Not a fault: no chain is there. */
#define RING_NO_CHAIN	(-2)

/**
 * struct desc - a descriptor in our own memory and byte order
 * @addr: guest address
 * @len: bytes
 * @flags: VRING_DESC_F_*
 * @next: the one that follows (split)
 * @id: name of the chain (packed)
 */
struct desc {
	u64 addr;
	u32 len;
	u16 flags;
	union {
		u16 next;
		u16 id;
	};
};

/**
 * struct walk - a chain being collected
 * @ring: the queue
 * @seg: where its segments go
 * @room: how many fit
 * @nr_out: readable ones so far
 * @nr_in: writable ones so far
 * @len_out: bytes of the readable ones; the sums may exceed what the finished
 *	chain can say
 * @len_in: bytes of the writable ones
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

static inline struct walk walk_begin(struct ring *ring, struct ring_batch *batch)
{
	return (struct walk){
		.ring = ring,
		.seg = batch->segs + batch->nr_segs,
		.room = batch->max_segs - batch->nr_segs,
	};
}

/*
 * Zero bytes are fine: the specification forbids them nowhere.
 *
 * Counting segments against the queue size is what ends every loop, hostile
 * ones included, for each step of a walk adds one.
 */
static inline int walk_add(struct walk *w, const struct desc *d)
{
	unsigned int nr = w->nr_out + w->nr_in;

	if (unlikely(nr == w->ring->num))
		return RING_LOOP;
	if (unlikely(nr == w->room))
		return RING_NO_ROOM;
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

/* The chain is complete: the batch has one more. */
static inline int walk_end(const struct walk *w, struct ring_batch *batch,
			   u16 id, u16 slots)
{
	struct ring_chain *chain = &batch->chain[batch->nr];

	if (unlikely(w->len_out + w->len_in > U32_MAX))
		return RING_BAD_LEN;
	chain->id = id;
	chain->slots = slots;
	chain->nr_out = w->nr_out;
	chain->nr_in = w->nr_in;
	chain->len_out = w->len_out;
	chain->len_in = w->len_in;
	chain->seg = w->seg;
	batch->nr_segs += w->nr_out + w->nr_in;
	batch->nr++;
	return RING_OK;
}

#endif /* SWNET_RING_WALK_H */
