// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ring memory. The data path reads and writes rings through plain pointers:
 * the direct map's where the pages lie in one piece, else a mapping of ours.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "area.h"
#include "memory.h"
#include "vq.h"

/* Under the queue's lock, as every access: until we hold it a page may go. */
static int area_hold_pages(struct swnet_vq *vq, struct vq_area *area,
			   struct swnet_as *as, u64 iova, u32 size, u8 perm)
{
	struct memory_cache cache = { .wants = &vq->pin.wants };
	int err = 0;

	lockdep_assert_held(&vq->lock);

	/* A ring of the host's own driver lies in pages without a refcount. */
	area->held = !as->identity;

	while (size) {
		u32 piece = size;
		void *address = memory_xlate(as, &cache, iova, &piece, perm);
		struct page *page;

		if (address) {
			page = virt_to_page(address);
			if (area->held)
				get_page(page);
			area->pages[area->nr_pages++] = page;
		} else {
			/* Go on all the same: all that is to be pinned is wanted. */
			err = -EFAULT;
			piece = min_t(u32, size, PAGE_SIZE - offset_in_page(iova));
		}
		iova += piece;
		size -= piece;
	}
	return err;
}

static bool area_is_contiguous(const struct vq_area *area)
{
	unsigned int i;

	for (i = 1; i < area->nr_pages; i++)
		if (page_to_pfn(area->pages[i]) !=
		    page_to_pfn(area->pages[i - 1]) + 1)
			return false;
	return true;
}

static int area_address(struct vq_area *area)
{
	void *base;

	if (area_is_contiguous(area)) {
		base = page_address(area->pages[0]);
	} else {
		base = vmap(area->pages, area->nr_pages, VM_MAP, PAGE_KERNEL);
		if (!base)
			return -ENOMEM;
		area->vmapped = true;
	}
	area->address = base + offset_in_page(area->iova);
	return 0;
}

/**
 * vq_area_map - make one part of a ring addressable
 * @vq: the queue; in shared-memory mode @vq->pin.wants learns of pages that
 *	have to be pinned first
 * @area: the part, not mapped
 * @as: address space of the ring
 * @iova: guest address
 * @size: bytes
 * @perm: VHOST_ACCESS_* the device needs
 *
 * Context: process, the device's lock held.
 * Return: 0; -EFAULT if part of it is not mapped for that access, or not
 * pinned, or it wraps around; -ENOMEM.
 */
int vq_area_map(struct swnet_vq *vq, struct vq_area *area, struct swnet_as *as,
		u64 iova, u32 size, u8 perm)
{
	unsigned int max = DIV_ROUND_UP(offset_in_page(iova) + size, PAGE_SIZE);
	int err;

	if (size - 1 > U64_MAX - iova)
		return -EFAULT;
	area->pages = kcalloc(max, sizeof(*area->pages), GFP_KERNEL_ACCOUNT);
	if (!area->pages)
		return -ENOMEM;
	area->iova = iova;
	area->size = size;

	spin_lock_bh(&vq->lock);
	err = area_hold_pages(vq, area, as, iova, size, perm);
	spin_unlock_bh(&vq->lock);
	if (!err)
		err = area_address(area);
	if (err)
		vq_area_unmap(area, false);
	return err;
}

/**
 * vq_area_unmap - let go of one part of a ring
 * @area: the part; may be unmapped already
 * @dirty: the device may have written to it
 *
 * Context: process, the device's lock held, and the queue does not run.
 */
void vq_area_unmap(struct vq_area *area, bool dirty)
{
	unsigned int i;

	if (area->vmapped)
		vunmap(area->address - offset_in_page(area->iova));
	for (i = 0; area->held && i < area->nr_pages; i++) {
		if (dirty)
			set_page_dirty_lock(area->pages[i]);
		put_page(area->pages[i]);
	}
	kfree(area->pages);
	memset(area, 0, sizeof(*area));
}

/**
 * vq_area_is_truncated - whether memory of a ring has left its file
 * @area: the part, mapped, of guest memory
 *
 * The pages are ours, but nobody else sees them any more. Only in
 * shared-memory mode does that mean anything.
 *
 * Return: true if one has.
 */
bool vq_area_is_truncated(const struct vq_area *area)
{
	unsigned int i;

	for (i = 0; area->held && i < area->nr_pages; i++)
		if (!READ_ONCE(page_folio(area->pages[i])->mapping))
			return true;
	return false;
}

/**
 * vq_area_overlaps - whether a range takes something from under a ring
 * @area: the part, mapped or not
 * @iova: first guest address of the range
 * @last: last guest address of the range
 *
 * Return: true if they share a byte.
 */
bool vq_area_overlaps(const struct vq_area *area, u64 iova, u64 last)
{
	return area->size && iova <= area->iova + (area->size - 1) &&
	       last >= area->iova;
}
