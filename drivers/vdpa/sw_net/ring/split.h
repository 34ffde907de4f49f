/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A split virtqueue in memory. Little endian only: VERSION_1 is not optional
 * for us, so the bitwise types are those of the byte order.
 */
#ifndef SWNET_RING_SPLIT_H
#define SWNET_RING_SPLIT_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <asm/byteorder.h>

#include "ring.h"

struct split_desc {
	__le64 addr;
	__le32 len;
	__le16 flags;
	__le16 next;
};

struct split_avail {
	__le16 flags;
	__le16 idx;
	__le16 ring[];		/* num entries, then used_event */
};

struct split_used_elem {
	__le32 id;
	__le32 len;
};

struct split_used {
	__le16 flags;
	__le16 idx;
	struct split_used_elem ring[];	/* num entries, then avail_event */
};

static inline struct split_avail *split_avail(const struct ring *ring)
{
	return ring->areas.driver;
}

static inline struct split_used *split_used(const struct ring *ring)
{
	return ring->areas.device;
}

static inline void split_write_used(struct ring *ring, u16 at, u16 id, u32 len)
{
	struct split_used_elem *elem = &split_used(ring)->ring[at & (ring->num - 1)];

	WRITE_ONCE(elem->id, cpu_to_le32(id));
	WRITE_ONCE(elem->len, cpu_to_le32(len));
}

/* What ring.h says of ring_...(), which calls these for this layout. */
unsigned int split_fetch(struct ring *ring, struct ring_batch *batch,
			 unsigned int max);
bool split_publish(struct ring *ring);
bool split_enable_notify_for(struct ring *ring, u16 want);
void split_disable_notify(struct ring *ring);
bool split_has_avail(struct ring *ring);

#endif /* SWNET_RING_SPLIT_H */
