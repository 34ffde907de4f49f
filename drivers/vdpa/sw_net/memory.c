// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address spaces, and the two functions that touch guest memory.
 *
 * In shared-memory mode a mapping names a file, and pincache.c has the pages.
 * Else vhost-vdpa has pinned them, and the rest of this is about that:
 *
 * vhost-vdpa drops its pins before it tells us that a mapping is gone, so the
 * address space holds a reference of its own on every folio it can reach, and
 * dirties what was written in between.
 *
 * Pinned memory lies in the kernel's direct map: a translation is an address.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/vhost_types.h>

#include "memory.h"
#include "pincache.h"

/**
 * memory_init - prepare an empty address space
 * @as: the address space
 */
void memory_init(struct swnet_as *as)
{
	mt_init_flags(&as->tree, MT_FLAGS_USE_RCU);
}

/*
 * Walk the folios behind an entry. Each is held once however many of its
 * pages are mapped: a folio we hold cannot be split under us.
 */
static struct folio *entry_folio(const struct memory_entry *entry, u64 *offset)
{
	struct page *page = pfn_to_page(PHYS_PFN(entry->phys + *offset));
	struct folio *folio = page_folio(page);
	u64 end = PFN_PHYS(folio_pfn(folio)) + folio_size(folio);

	*offset = end - entry->phys;
	return folio;
}

static void entry_hold(const struct memory_entry *entry)
{
	u64 offset = 0;

	while (offset <= entry->last - entry->iova) {
		folio_get(entry_folio(entry, &offset));
		cond_resched();
	}
}

static void entry_drop(const struct memory_entry *entry)
{
	u64 offset = 0;

	if (entry->file) {
		fput(entry->file);
		return;
	}
	while (offset <= entry->last - entry->iova) {
		struct folio *folio = entry_folio(entry, &offset);

		if (entry->written && !folio_test_dirty(folio)) {
			folio_lock(folio);
			folio_mark_dirty(folio);
			folio_unlock(folio);
		}
		folio_put(folio);
		cond_resched();
	}
}

/* Memory without a struct page (a device's BAR) can be neither held nor copied. */
static bool phys_is_ram(u64 phys, u64 size)
{
	return size - 1 <= U64_MAX - phys && pfn_valid(PHYS_PFN(phys)) &&
	       pfn_valid(PHYS_PFN(phys + size - 1));
}

/* Whole pages only; in pinned mode vhost-vdpa rounds what userspace asks for. */
static bool range_is_valid(u64 iova, u64 size, u64 address)
{
	return size && size - 1 <= U64_MAX - iova &&
	       size - 1 <= U64_MAX - address &&
	       PAGE_ALIGNED(iova | size | address);
}

static struct memory_entry *entry_create(u64 iova, u64 size, u64 address, u32 perm)
{
	struct memory_entry *entry;

	if (!range_is_valid(iova, size, address) ||
	    !perm || perm & ~VHOST_ACCESS_RW)
		return ERR_PTR(-EINVAL);
	entry = kzalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return ERR_PTR(-ENOMEM);
	entry->iova = iova;
	entry->last = iova + size - 1;
	entry->phys = address;
	entry->perm = perm;
	return entry;
}

static int entry_insert(struct swnet_as *as, struct memory_entry *entry)
{
	int err = mtree_insert_range(&as->tree, entry->iova, entry->last, entry,
				     GFP_KERNEL_ACCOUNT);

	if (err) {
		entry_drop(entry);
		kfree(entry);
		return err;
	}
	as->entries++;
	return 0;
}

/**
 * memory_map - make host memory reachable at a guest address
 * @as: the address space
 * @iova: first guest address
 * @size: bytes
 * @phys: host physical address of pinned, contiguous memory
 * @perm: VHOST_ACCESS_*
 *
 * Context: process, device lock held. Reachable when it returns.
 * Return: 0; -EINVAL for an empty, unaligned or wrapping range, an unknown
 * permission or memory that is not RAM; -EEXIST if part of the range is mapped; -ENOMEM.
 */
int memory_map(struct swnet_as *as, u64 iova, u64 size, u64 phys, u32 perm)
{
	struct memory_entry *entry;

	if (!phys_is_ram(phys, size))
		return -EINVAL;
	entry = entry_create(iova, size, phys, perm);
	if (IS_ERR(entry))
		return PTR_ERR(entry);
	entry_hold(entry);
	return entry_insert(as, entry);
}

/**
 * memory_map_file - make part of a file in memory reachable at a guest address
 * @as: the address space
 * @iova: first guest address
 * @size: bytes
 * @address: where the owner has it mapped
 * @perm: VHOST_ACCESS_*
 * @file: the file; a reference is taken
 * @offset: in @file, of @address
 *
 * Costs the same however large it is, for nothing is pinned yet.
 *
 * Context: process, device lock held; mmap_lock of the owner may be.
 * Return: 0; -EINVAL for an empty, unaligned or wrapping range or an unknown
 * permission; -EEXIST if part of the range is mapped; -ENOMEM.
 */
int memory_map_file(struct swnet_as *as, u64 iova, u64 size, u64 address,
		    u32 perm, struct file *file, u64 offset)
{
	struct memory_entry *entry = entry_create(iova, size, address, perm);

	if (IS_ERR(entry))
		return PTR_ERR(entry);
	entry->file = get_file(file);
	entry->offset = offset;
	return entry_insert(as, entry);
}

/* Each entry lies in the range as a whole, or the range cuts one in two. */
static bool range_is_whole(struct swnet_as *as, u64 iova, u64 last)
{
	struct memory_entry *entry;

	entry = mtree_load(&as->tree, iova);
	if (entry && entry->iova < iova)
		return false;
	entry = mtree_load(&as->tree, last);
	return !entry || entry->last <= last;
}

/* The tree needs memory to forget as well, and forgetting must not fail. */
static void tree_erase(struct maple_tree *tree, const struct memory_entry *entry)
{
	mtree_store_range(tree, entry->iova, entry->last, NULL,
			  GFP_KERNEL | __GFP_NOFAIL);
}

/**
 * memory_take - take all mappings of a range out of the address space
 * @as: the address space
 * @iova: first guest address
 * @last: last guest address
 * @taken: where the list of the taken entries goes
 *
 * Whoever looks up an address after this misses. Queues may still use an
 * entry they looked up before: cycle their locks, then memory_free() the list.
 *
 * Context: process, device lock held.
 * Return: 0, -EINVAL if the range would cut a mapping in two or is empty.
 */
int memory_take(struct swnet_as *as, u64 iova, u64 last,
		struct memory_entry **taken)
{
	unsigned long index = iova;
	struct memory_entry *entry;

	*taken = NULL;
	if (last < iova || !range_is_whole(as, iova, last))
		return -EINVAL;

	mt_for_each(&as->tree, entry, index, last) {
		tree_erase(&as->tree, entry);
		as->entries--;
		entry->next = *taken;
		*taken = entry;
	}
	if (*taken)
		WRITE_ONCE(as->generation, as->generation + 1);
	return 0;
}

/**
 * memory_free - release entries that no queue can use any more
 * @taken: list made by memory_take()
 *
 * Context: process; sleeps to dirty pages.
 */
void memory_free(struct memory_entry *taken)
{
	while (taken) {
		struct memory_entry *next = taken->next;

		entry_drop(taken);
		kfree(taken);
		taken = next;
	}
}

/**
 * memory_clear - empty the address space of a device that is going away
 * @as: the address space; no queue runs any more
 */
void memory_clear(struct swnet_as *as)
{
	struct memory_entry *taken;

	if (!memory_take(as, 0, U64_MAX, &taken))
		memory_free(taken);
	mtree_destroy(&as->tree);
}

static void *phys_to_address(u64 phys, u32 *len)
{
	*len = min_t(u32, *len, PAGE_SIZE - offset_in_page(phys));

	/* A page that lost its contents must not be touched again. */
	if (is_page_hwpoison(pfn_to_page(PHYS_PFN(phys))))
		return NULL;
	return phys_to_virt(phys);
}

static struct memory_entry *cached_entry(struct swnet_as *as,
					 struct memory_cache *cache, u64 iova)
{
	unsigned int generation = READ_ONCE(as->generation);
	struct memory_entry *entry = cache->entry;

	if (likely(entry && cache->as == as && cache->generation == generation &&
		   iova >= entry->iova && iova <= entry->last))
		return entry;

	entry = mtree_load(&as->tree, iova);
	cache->entry = entry;
	cache->as = as;
	cache->generation = generation;
	return entry;
}

/**
 * memory_xlate - where guest memory is
 * @as: the address space
 * @cache: the queue's own cache
 * @iova: guest address
 * @len: in: bytes wanted; out: bytes that lie there in one piece, at most to
 *	the end of the page
 * @perm: VHOST_ACCESS_RO to load, VHOST_ACCESS_WO to store
 *
 * Context: any but hard interrupt, under the lock that guards @cache. The
 * address is valid until that lock is released.
 * Return: kernel address, or NULL if the guest may not reach the address that
 * way. In shared-memory mode also if it is not pinned yet; then @cache->wants
 * knows it.
 */
void *memory_xlate(struct swnet_as *as, struct memory_cache *cache, u64 iova,
		   u32 *len, u8 perm)
{
	struct memory_entry *entry;

	if (as->identity) {
		cache->entry = NULL;
		return phys_is_ram(iova, 1) ? phys_to_address(iova, len) : NULL;
	}

	entry = cached_entry(as, cache, iova);
	if (!entry || (entry->perm & perm) != perm)
		return NULL;
	*len = min_t(u64, *len, entry->last - iova + 1);
	if (entry->file) {
		*len = min_t(u32, *len, PAGE_SIZE - offset_in_page(iova));
		return pincache_address(as->pins, entry, iova - entry->iova,
					perm, cache->wants);
	}
	return phys_to_address(entry->phys + (iova - entry->iova), len);
}

/**
 * memory_wrote - be told of a store to guest memory
 * @cache: cache of the memory_xlate() that gave the address
 * @iova: guest address
 * @len: bytes
 *
 * Called after the store, under the lock that guards @cache, and before the
 * guest is told that the bytes are there.
 */
void memory_wrote(struct memory_cache *cache, u64 iova, u32 len)
{
	struct memory_entry *entry = cache->entry;

	if (entry && !READ_ONCE(entry->written))
		WRITE_ONCE(entry->written, true);
}

/**
 * memory_copy_from - read guest memory
 * @as: the address space
 * @cache: the queue's own cache, guarded by the lock held
 * @dst: where the bytes go
 * @iova: guest address
 * @len: bytes
 *
 * Return: 0, or -EFAULT if part of the range cannot be read.
 */
int memory_copy_from(struct swnet_as *as, struct memory_cache *cache,
		     void *dst, u64 iova, u32 len)
{
	while (len) {
		u32 piece = len;
		const void *src = memory_xlate(as, cache, iova, &piece,
					       VHOST_ACCESS_RO);

		if (!src)
			return -EFAULT;
		memcpy(dst, src, piece);
		dst += piece;
		iova += piece;
		len -= piece;
	}
	return 0;
}

/**
 * memory_copy_to - write guest memory
 * @as: the address space
 * @cache: the queue's own cache, guarded by the lock held
 * @iova: guest address
 * @src: where the bytes come from
 * @len: bytes
 *
 * Return: 0, or -EFAULT if part of the range cannot be written.
 */
int memory_copy_to(struct swnet_as *as, struct memory_cache *cache, u64 iova,
		   const void *src, u32 len)
{
	while (len) {
		u32 piece = len;
		void *dst = memory_xlate(as, cache, iova, &piece, VHOST_ACCESS_WO);

		if (!dst)
			return -EFAULT;
		memcpy(dst, src, piece);
		memory_wrote(cache, iova, piece);
		src += piece;
		iova += piece;
		len -= piece;
	}
	return 0;
}
