/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An indirect table ("Indirect Descriptors"), and the piece of it that is in our
 * memory. An entry has 16 bytes, whatever the layout. Inline, as walk.h is.
 */
#ifndef SWNET_RING_TABLE_H
#define SWNET_RING_TABLE_H

#include <linux/types.h>
#include <uapi/linux/virtio_ring.h>

#include "split.h"
#include "walk.h"

/*
 * The specification bounds the chain, not the table. No queue is larger than
 * this, so neither is a table with a use for all of its entries.
 */
#define TABLE_MAX	32768

/* Entries read at a time: drivers fill tables in order. */
#define TABLE_WINDOW	16

/**
 * struct table - an indirect table
 * @ring: the queue
 * @addr: guest address
 * @entries: descriptors in it
 * @first: entry that is first in the window
 * @nr: entries in the window
 * @split: the window, by layout
 * @packed: the window, by layout
 */
struct table {
	struct ring *ring;
	u64 addr;
	u32 entries;
	u32 first;
	u32 nr;
	union {
		struct split_desc split[TABLE_WINDOW];
		struct vring_packed_desc packed[TABLE_WINDOW];
	};
};

/* Read ahead from entry @i. */
static inline int table_load(struct table *table, u32 i)
{
	const u32 size = sizeof(table->split[0]);
	u32 left = table->entries - i;

	table->first = i;
	table->nr = left < TABLE_WINDOW ? left : TABLE_WINDOW;
	if (table->ring->ops->read(table->ring, table->addr + i * size,
				   table->split, table->nr * size))
		return RING_UNMAPPED_INDIRECT;
	return RING_OK;
}

/*
 * Have entry @i in the window. A table chained in order costs one read per
 * window, one chained at random at most one read per entry.
 */
static inline int table_have(struct table *table, u32 i)
{
	return i - table->first < table->nr ? RING_OK : table_load(table, i);
}

/* Check the descriptor that refers to a table, and read the table's head. */
static inline int table_open(struct table *table, struct ring *ring,
			     const struct desc *d)
{
	const u32 size = sizeof(table->split[0]);

	if (!ring->indirect || d->flags & VRING_DESC_F_NEXT)
		return RING_BAD_INDIRECT;
	if (!d->len || d->len % size || d->len > TABLE_MAX * size ||
	    d->addr + d->len < d->addr)
		return RING_BAD_INDIRECT;
	table->ring = ring;
	table->addr = d->addr;
	table->entries = d->len / size;
	return table_load(table, 0);
}

#endif /* SWNET_RING_TABLE_H */
