// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the engine knows without looking at ring memory.
 */
#include <linux/kernel.h>

#include "ring.h"

static const char *const fault_names[] = {
	[RING_OK] = "none",
	[RING_BAD_AVAIL_IDX] = "avail index out of bounds",
	[RING_BAD_HEAD] = "head out of bounds",
	[RING_BAD_NEXT] = "next out of bounds",
	[RING_LOOP] = "chain longer than the queue",
	[RING_BAD_INDIRECT] = "bad indirect descriptor",
	[RING_UNMAPPED_INDIRECT] = "indirect table not mapped",
	[RING_BAD_ORDER] = "readable descriptor after a writable one",
	[RING_BAD_LEN] = "chain of 4 GiB or more",
};

const char *ring_fault_name(enum ring_fault fault)
{
	const unsigned int i = fault;

	if (i >= ARRAY_SIZE(fault_names))
		return "unknown";
	return fault_names[i];
}

void ring_start(struct ring *ring, u16 index)
{
	ring->fault = RING_OK;
	ring->next_avail = index;
	ring->avail_seen = index;
	ring->used = index;
	ring->used_published = index;
	ring->signalled_used = index;
	ring->signalled_valid = false;
	ring->kicks_off = false;
}

void ring_rewind(struct ring *ring, struct ring_batch *batch)
{
	ring->next_avail -= batch->nr - batch->next;
	batch->nr = 0;
	batch->next = 0;
	batch->nr_segs = 0;
}

u16 ring_unpublished(const struct ring *ring)
{
	return ring->used - ring->used_published;
}

void ring_uncomplete(struct ring *ring, u16 n)
{
	ring->used -= n;
}

/*
 * Not next_avail: should an owner leave completed chains unpublished, the
 * driver gets them a second time. The other way round it would never get them
 * back, and find garbage in the used entries that were skipped.
 */
u16 ring_index(const struct ring *ring)
{
	return ring->used_published;
}
