/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory: address spaces and the only two functions that touch guest
 * addresses on the data path, memory_xlate() and memory_wrote().
 */
#ifndef SWNET_MEMORY_H
#define SWNET_MEMORY_H

#include <linux/maple_tree.h>
#include <linux/types.h>

struct file;
struct pincache;
struct pin_wants;

/**
 * struct memory_entry - one mapping: physically contiguous, or of one file
 * @iova: first guest address
 * @last: last guest address
 * @phys: host physical address behind @iova; in shared-memory mode where the
 *	owner has it mapped
 * @file: in shared-memory mode the file
 * @offset: in @file, of @iova
 * @populated: bytes of it that populate.c has seen to
 * @perm: VHOST_ACCESS_* of the mapping
 * @written: we stored to it, so its pages are dirtied when it goes
 * @next: in a list of entries taken out of their address space
 */
struct memory_entry {
	u64 iova;
	u64 last;
	u64 phys;
	struct file *file;
	u64 offset;
	u64 populated;
	u8 perm;
	bool written;
	struct memory_entry *next;
};

/**
 * struct swnet_as - what one ASID can reach
 * @tree: struct memory_entry by guest address; changed under the device's
 *	lock, read under RCU or that lock
 * @generation: goes up whenever an entry is taken out; outdates every
 *	struct memory_cache
 * @identity: guest addresses are host physical ones (virtio_vdpa); written
 *	under the device's lock while no queue runs
 * @entries: mappings in @tree
 * @pins: in shared-memory mode the device's pinned pages
 */
struct swnet_as {
	struct maple_tree tree;
	unsigned int generation;
	bool identity;
	unsigned int entries;
	struct pincache *pins;
};

/**
 * struct memory_cache - the entry a queue used last
 * @entry: it, or NULL
 * @as: the address space it is of
 * @generation: that address space's generation when it was looked up
 * @wants: in shared-memory mode, where pages go that are not pinned yet
 *
 * Guarded by the queue's lock. An entry taken out of its address space is
 * freed only after every queue's lock was cycled, so a cached entry of the
 * current generation is alive.
 */
struct memory_cache {
	struct memory_entry *entry;
	struct swnet_as *as;
	unsigned int generation;
	struct pin_wants *wants;
};

void memory_init(struct swnet_as *as);
int memory_map(struct swnet_as *as, u64 iova, u64 size, u64 phys, u32 perm);
int memory_map_file(struct swnet_as *as, u64 iova, u64 size, u64 address,
		    u32 perm, struct file *file, u64 offset);
int memory_take(struct swnet_as *as, u64 iova, u64 last,
		struct memory_entry **taken);
void memory_free(struct memory_entry *taken);
void memory_clear(struct swnet_as *as);

void *memory_xlate(struct swnet_as *as, struct memory_cache *cache, u64 iova,
		   u32 *len, u8 perm);
void memory_wrote(struct memory_cache *cache, u64 iova, u32 len);

int memory_copy_from(struct swnet_as *as, struct memory_cache *cache,
		     void *dst, u64 iova, u32 len);
int memory_copy_to(struct swnet_as *as, struct memory_cache *cache, u64 iova,
		   const void *src, u32 len);

#endif /* SWNET_MEMORY_H */
