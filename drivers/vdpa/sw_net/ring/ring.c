// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the engine knows without looking at ring memory, and which layout does
 * the rest. A branch and not a table of functions: it is always the same one
 * for a queue, and an indirect call costs more than fetching a chain.
 */
#include <linux/kernel.h>

#include "packed.h"
#include "ring.h"
#include "split.h"

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

u32 ring_desc_size(u16 num)
{
	return sizeof(struct split_desc) * num;
}

u32 ring_driver_size(u16 num, bool packed)
{
	if (packed)
		return sizeof(struct vring_packed_desc_event);
	return sizeof(struct split_avail) + sizeof(__le16) * num + sizeof(__le16);
}

u32 ring_device_size(u16 num, bool packed)
{
	if (packed)
		return sizeof(struct vring_packed_desc_event);
	return sizeof(struct split_used) + sizeof(struct split_used_elem) * num +
	       sizeof(__le16);
}

void ring_start(struct ring *ring, u16 index)
{
	if (ring->packed)
		index = (index & ~RING_INDEX_LAP) + (index & RING_INDEX_LAP ? ring->num : 0);
	ring->deferred = ring->packed || ring->in_order;
	ring->nr_done = 0;
	ring->fault = RING_OK;
	ring->next_avail = index;
	ring->avail_seen = index;
	ring->used = index;
	ring->used_published = index;
	ring->signalled_used = index;
	ring->signalled_valid = false;
	ring->kicks_off = false;
}

unsigned int ring_fetch(struct ring *ring, struct ring_batch *batch,
			unsigned int max)
{
	ring_rewind(ring, batch);
	if (unlikely(ring->fault))
		return 0;
	if (max > RING_BATCH)
		max = RING_BATCH;
	return ring->packed ? packed_fetch(ring, batch, max) :
			      split_fetch(ring, batch, max);
}

void ring_rewind(struct ring *ring, struct ring_batch *batch)
{
	while (batch->nr > batch->next)
		ring->next_avail -= batch->chain[--batch->nr].slots;
	batch->nr = 0;
	batch->next = 0;
	batch->nr_segs = 0;
}

void ring_complete(struct ring *ring, const struct ring_chain *chain, u32 written)
{
	if (likely(!ring->deferred)) {
		split_write_used(ring, ring->used++, chain->id, written);
		return;
	}
	ring->done[ring->nr_done++] = (struct ring_done){
		.len = written,
		.id = chain->id,
		.slots = chain->slots,
		.silent = !chain->len_in,
	};
	ring->used += chain->slots;
}

unsigned int ring_batch_end(const struct ring *ring, unsigned int i, u16 *slots)
{
	const struct ring_done *done = ring->done;

	*slots = done[i].slots;
	while (ring->in_order && done[i].silent && i + 1 < ring->nr_done)
		*slots += done[++i].slots;
	return i;
}

u16 ring_unpublished(const struct ring *ring)
{
	return ring->used - ring->used_published;
}

void ring_uncomplete(struct ring *ring, struct ring_batch *batch, unsigned int n)
{
	if (ring->deferred)
		ring->nr_done -= n;
	while (n--)
		ring->used -= batch->chain[--batch->next].slots;
}

bool ring_publish(struct ring *ring)
{
	return ring->packed ? packed_publish(ring) : split_publish(ring);
}

bool ring_enable_notify_for(struct ring *ring, u16 want)
{
	if (ring->fault)
		return false;
	return ring->packed ? packed_enable_notify_for(ring, want) :
			      split_enable_notify_for(ring, want);
}

bool ring_enable_notify(struct ring *ring)
{
	return ring_enable_notify_for(ring, 1);
}

void ring_disable_notify(struct ring *ring)
{
	if (ring->packed)
		packed_disable_notify(ring);
	else
		split_disable_notify(ring);
}

bool ring_has_avail(struct ring *ring)
{
	if (ring->fault)
		return false;
	return ring->packed ? packed_has_avail(ring) : split_has_avail(ring);
}

/*
 * Not next_avail: should an owner leave completed chains unpublished, the
 * driver gets them a second time. The other way round it would never get them
 * back, and find garbage in the used entries that were skipped.
 */
u16 ring_index(const struct ring *ring)
{
	u16 at = ring->used_published;

	if (!ring->packed)
		return at;
	return (at & (ring->num - 1)) | (at & ring->num ? RING_INDEX_LAP : 0);
}
