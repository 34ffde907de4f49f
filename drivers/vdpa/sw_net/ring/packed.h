/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packed virtqueue in memory: one ring of descriptors, which driver and
 * device hand to each other, and an event suppression structure of each.
 *
 * Positions are counted in slots and go on beyond the end of the ring, like
 * the indexes of a split one: position & num is set in every other lap, when
 * the wrap counter is 0.
 */
#ifndef SWNET_RING_PACKED_H
#define SWNET_RING_PACKED_H

#include <linux/bits.h>
#include <linux/types.h>
#include <uapi/linux/virtio_ring.h>

#include "ring.h"

#define PACKED_AVAIL	BIT(VRING_PACKED_DESC_F_AVAIL)
#define PACKED_USED	BIT(VRING_PACKED_DESC_F_USED)
#define PACKED_WRAP	BIT(VRING_PACKED_EVENT_F_WRAP_CTR)

static inline struct vring_packed_desc *packed_desc(const struct ring *ring, u16 at)
{
	struct vring_packed_desc *table = ring->areas.desc;

	return &table[at & (ring->num - 1)];
}

/* The wrap counter of a position. */
static inline bool packed_wrap(const struct ring *ring, u16 at)
{
	return !(at & ring->num);
}

/* "Available and Used Flags": whether a descriptor is the driver's offer. */
static inline bool packed_is_avail(const struct ring *ring, u16 at, u16 flags)
{
	bool avail = flags & PACKED_AVAIL, used = flags & PACKED_USED;

	return avail != used && avail == packed_wrap(ring, at);
}

/* What ring.h says of ring_...(), which calls these for this layout. */
unsigned int packed_fetch(struct ring *ring, struct ring_batch *batch,
			  unsigned int max);
bool packed_publish(struct ring *ring);
bool packed_enable_notify_for(struct ring *ring, u16 want);
void packed_disable_notify(struct ring *ring);
bool packed_has_avail(const struct ring *ring);

#endif /* SWNET_RING_PACKED_H */
