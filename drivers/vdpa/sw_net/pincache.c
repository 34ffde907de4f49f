// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinned pages of the process that owns the device, by user address.
 *
 * vhost-vdpa tells this mode which file lies behind guest memory and where the
 * owner has it mapped; it pins nothing. A page is pinned through that mapping,
 * so what a seal or a read-only mapping forbids stays forbidden, and charged to
 * the owner. It stays pinned when the guest's mapping goes and comes back, for
 * the array is indexed by what such changes do not touch.
 *
 * A page goes when the owner's mapping of it does (an mmu notifier), when the
 * owner exits or closes the device, and when the owner's limit is reached. The
 * notifier comes before a truncated page leaves its file and may miss a page
 * pinned in between, so each use looks whether the page still is the file's.
 *
 * Whoever takes a page out of the array takes and releases every queue's lock
 * before it unpins: a queue looks pages up under its lock, and forgets them.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/shmem_fs.h>
#include <linux/hugetlb.h>
#include <linux/slab.h>
#include <linux/vhost_types.h>
#include <linux/xarray.h>

#include "device.h"
#include "pincache.h"

/* Tag of a page in the array that may be written to. */
#define PIN_WRITE	1

/* Pages taken out of the array at a time. */
#define PIN_DROP_BATCH	64

/**
 * struct pincache - pinned pages of one device
 * @dev: the device
 * @pages: struct page by user page number, tagged; changed under its own lock,
 *	read under RCU
 * @pins: pages pinned since the device was made
 * @pinned: pages pinned just now
 * @lock: guards the rest, and keeps the owner bound while pages are pinned.
 *	Taken outside mmap_lock, so not under the device's lock
 * @mm: of the owner, NULL if there is none
 * @task: the owner's, for its limit
 * @notifier: on @mm
 */
struct pincache {
	struct swnet_dev *dev;
	struct xarray pages;
	atomic64_t pins;
	atomic64_t pinned;

	struct mutex lock; /* the owner, see above */
	struct mm_struct *mm;
	struct task_struct *task;
	struct mmu_notifier notifier;
};

/* No queue uses a page any more that it found before this was called. */
static void pincache_quiesce(struct pincache *pc)
{
	struct swnet_dev *dev = pc->dev;
	u16 i;

	for (i = 0; i < dev->nvqs; i++)
		vq_settle(&dev->vqs[i]);
}

/* The same limit and the same count as for memory that vhost-vdpa pins. */
static int pincache_charge(struct pincache *pc)
{
	u64 limit = task_rlimit(pc->task, RLIMIT_MEMLOCK) >> PAGE_SHIFT;

	if (atomic64_add_return(1, &pc->mm->pinned_vm) > limit) {
		atomic64_dec(&pc->mm->pinned_vm);
		return -EDQUOT;
	}
	atomic64_inc(&pc->pinned);
	return 0;
}

static void pincache_uncharge(struct pincache *pc, struct mm_struct *mm,
			      unsigned int nr)
{
	atomic64_sub(nr, &mm->pinned_vm);
	atomic64_sub(nr, &pc->pinned);
}

/*
 * Unpin pages by user page number. They need not be dirtied: pinning for
 * writing has done that, and a pinned page is not cleaned by writing it out.
 *
 * Context: any that may spin; @mm is bound, which its notifier and @pc->lock
 * see to, and the notifier has no other way to name it.
 */
static void pincache_drop(struct pincache *pc, struct mm_struct *mm,
			  unsigned long first, unsigned long last, bool may_sleep)
{
	XA_STATE(xas, &pc->pages, first);
	struct page *pages[PIN_DROP_BATCH];
	unsigned int nr;
	void *slot;

	do {
		nr = 0;
		xas_lock(&xas);
		xas_for_each(&xas, slot, last) {
			pages[nr++] = xa_untag_pointer(slot);
			xas_store(&xas, NULL);
			if (nr == PIN_DROP_BATCH)
				break;
		}
		xas_pause(&xas);
		xas_unlock(&xas);
		if (!nr)
			break;
		pincache_quiesce(pc);
		unpin_user_pages(pages, nr);
		pincache_uncharge(pc, mm, nr);
		if (may_sleep)
			cond_resched();
	} while (nr == PIN_DROP_BATCH);
}

/* Pages of a file in memory, whose faults never wait for another program. */
static bool pincache_can_pin(struct vm_area_struct *vma)
{
	return vma && vma->vm_flags & VM_SHARED && vma->vm_file &&
	       (is_vm_hugetlb_page(vma) ||
		shmem_mapping(vma->vm_file->f_mapping));
}

static int pincache_store(struct pincache *pc, unsigned long index,
			  struct page *page, bool write)
{
	struct page *old;
	void *slot;

	slot = xa_store(&pc->pages, index,
			xa_tag_pointer(page, write ? PIN_WRITE : 0), GFP_KERNEL);
	if (xa_is_err(slot)) {
		unpin_user_page(page);
		pincache_uncharge(pc, pc->mm, 1);
		return xa_err(slot);
	}
	atomic64_inc(&pc->pins);
	if (slot) {
		/* It left its file, or was not for writing. */
		old = xa_untag_pointer(slot);
		pincache_quiesce(pc);
		unpin_user_page(old);
		pincache_uncharge(pc, pc->mm, 1);
	}
	return 0;
}

/*
 * The mmap lock is held from the look at the mapping until the page is in the
 * array: whoever unmaps it comes before, and there is no mapping, or after, and
 * the notifier finds the page.
 */
static int pincache_pin_page(struct pincache *pc, unsigned long index, bool write)
{
	unsigned long address = index << PAGE_SHIFT;
	unsigned int flags = FOLL_LONGTERM;
	struct vm_area_struct *vma;
	struct page *page;
	long err;

	mmap_assert_locked(pc->mm);

	vma = vma_lookup(pc->mm, address);
	if (!pincache_can_pin(vma))
		return -EFAULT;
	if (vma->vm_flags & VM_WRITE)
		flags |= FOLL_WRITE;
	else if (write)
		return -EACCES;

	err = pincache_charge(pc);
	if (err)
		return err;
	err = pin_user_pages_remote(pc->mm, address, 1, flags, &page, NULL);
	if (err != 1) {
		pincache_uncharge(pc, pc->mm, 1);
		return err < 0 ? err : -EFAULT;
	}
	return pincache_store(pc, index, page, flags & FOLL_WRITE);
}

/* At the limit all others go: those that are still in use come back. */
static int pincache_pin_wants(struct pincache *pc, const struct pin_wants *wants)
{
	unsigned int i;

	for (i = 0; i < wants->nr; i++) {
		unsigned long index = wants->page[i] >> 1;
		bool write = wants->page[i] & 1;
		int err = pincache_pin_page(pc, index, write);

		if (err == -EDQUOT && !i) {
			pincache_drop(pc, pc->mm, 0, ULONG_MAX, true);
			err = pincache_pin_page(pc, index, write);
		}
		if (err)
			return i ? 0 : err;
	}
	return 0;
}

/* The owner's mm, locked, or NULL; @pc->lock is held until pincache_leave(). */
static struct mm_struct *pincache_enter(struct pincache *pc)
{
	struct mm_struct *mm;

	mutex_lock(&pc->lock);
	mm = pc->mm;
	if (!mm || !mmget_not_zero(mm)) {
		mutex_unlock(&pc->lock);
		return NULL;
	}
	mmap_read_lock(mm);
	return mm;
}

static void pincache_leave(struct pincache *pc, struct mm_struct *mm)
{
	mmap_read_unlock(mm);
	mutex_unlock(&pc->lock);
	/* The owner may have died meanwhile: then all its memory goes here. */
	mmput(mm);
}

/**
 * pincache_pin - pin pages that were found missing
 * @pc: the cache
 * @wants: the pages, the one that is needed next first
 *
 * Context: process, without mmap_lock or the device's lock. Faults pages in,
 * and that may allocate them.
 * Return: 0 if at least the first is pinned, else why it is not: -ESRCH if the
 * owner is gone, -EDQUOT at its limit, -EACCES for a page that may only be
 * read, -EFAULT if there is no page to be had, or not of a shared mapping of a
 * file in memory; -ENOMEM.
 */
int pincache_pin(struct pincache *pc, const struct pin_wants *wants)
{
	struct mm_struct *mm = pincache_enter(pc);
	int err;

	if (!mm)
		return -ESRCH;
	err = pincache_pin_wants(pc, wants);
	pincache_leave(pc, mm);
	return err;
}

/**
 * pincache_populate - pin pages that are not, within the owner's limit
 * @pc: the cache
 * @address: of the first, in the owner's memory
 * @pages: how many
 *
 * Context: as pincache_pin().
 * Return: 0, or the errors of pincache_pin() and no further page was tried.
 */
int pincache_populate(struct pincache *pc, unsigned long address,
		      unsigned int pages)
{
	struct mm_struct *mm = pincache_enter(pc);
	unsigned long index = address >> PAGE_SHIFT;
	int err = 0;

	if (!mm)
		return -ESRCH;
	for (; pages && !err; pages--, index++)
		if (!xa_load(&pc->pages, index))
			err = pincache_pin_page(pc, index, false);
	pincache_leave(pc, mm);
	return err;
}

static void pincache_want(struct pin_wants *wants, unsigned long index, bool write)
{
	unsigned long page = index << 1 | write;
	unsigned int i;

	for (i = 0; i < wants->nr; i++)
		if (wants->page[i] == page)
			return;
	if (i < PIN_WANTS)
		wants->page[wants->nr++] = page;
}

/* A page that was truncated, or replaced, is not the guest's any more. */
static bool page_is_entrys(struct page *page, const struct memory_entry *entry,
			   u64 offset)
{
	struct folio *folio = page_folio(page);

	return READ_ONCE(folio->mapping) == entry->file->f_mapping &&
	       folio->index + folio_page_idx(folio, page) ==
	       (entry->offset + offset) >> PAGE_SHIFT;
}

/**
 * pincache_address - where a page of guest memory is, if it is pinned
 * @pc: the cache
 * @entry: mapping of guest memory
 * @offset: bytes from its start
 * @perm: VHOST_ACCESS_RO to load, VHOST_ACCESS_WO to store
 * @wants: learns of the page if it is missing
 *
 * Context: under a queue's lock, and the address is valid until that is
 * released.
 * Return: kernel address, or NULL.
 */
void *pincache_address(struct pincache *pc, const struct memory_entry *entry,
		       u64 offset, u8 perm, struct pin_wants *wants)
{
	unsigned long index = (entry->phys + offset) >> PAGE_SHIFT;
	bool write = perm & VHOST_ACCESS_WO;
	void *slot = xa_load(&pc->pages, index);
	struct page *page = xa_untag_pointer(slot);

	if (unlikely(!slot || (write && xa_pointer_tag(slot) != PIN_WRITE) ||
		     !page_is_entrys(page, entry, offset))) {
		pincache_want(wants, index, write);
		return NULL;
	}
	if (is_page_hwpoison(page))
		return NULL;
	return page_address(page) + offset_in_page(entry->phys + offset);
}

/* What a change of protection means is decided when a page is pinned. */
static int pincache_invalidate(struct mmu_notifier *notifier,
			       const struct mmu_notifier_range *range)
{
	struct pincache *pc = container_of(notifier, struct pincache, notifier);

	if (range->event == MMU_NOTIFY_UNMAP || range->event == MMU_NOTIFY_CLEAR)
		pincache_drop(pc, range->mm, range->start >> PAGE_SHIFT,
			      (range->end - 1) >> PAGE_SHIFT,
			      mmu_notifier_range_blockable(range));
	return 0;
}

static void pincache_mm_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct pincache *pc = container_of(notifier, struct pincache, notifier);

	pincache_drop(pc, mm, 0, ULONG_MAX, true);
}

static const struct mmu_notifier_ops pincache_notifier_ops = {
	.invalidate_range_start	= pincache_invalidate,
	.release		= pincache_mm_release,
};

/**
 * pincache_bind - have an owner
 * @pc: the cache
 * @mm: of the owner, who is the caller
 *
 * Context: process, without mmap_lock.
 * Return: 0, -EBUSY if there is one, or a negative errno.
 */
int pincache_bind(struct pincache *pc, struct mm_struct *mm)
{
	int err;

	mutex_lock(&pc->lock);
	err = pc->mm ? -EBUSY : mmu_notifier_register(&pc->notifier, mm);
	if (!err) {
		mmgrab(mm);
		pc->mm = mm;
		pc->task = get_task_struct(current->group_leader);
	}
	mutex_unlock(&pc->lock);
	return err;
}

/**
 * pincache_unbind - let go of the owner and all its pages
 * @pc: the cache; without an owner nothing happens
 *
 * Context: process, without mmap_lock.
 */
void pincache_unbind(struct pincache *pc)
{
	mutex_lock(&pc->lock);
	if (pc->mm) {
		mmu_notifier_unregister(&pc->notifier, pc->mm);
		pincache_drop(pc, pc->mm, 0, ULONG_MAX, true);
		put_task_struct(pc->task);
		mmdrop(pc->mm);
		pc->mm = NULL;
		pc->task = NULL;
	}
	mutex_unlock(&pc->lock);
}

/**
 * pincache_pins - pages pinned since the device was made
 * @pc: the cache
 *
 * Return: the number.
 */
u64 pincache_pins(const struct pincache *pc)
{
	return atomic64_read(&pc->pins);
}

/**
 * pincache_pinned_pages - pages pinned just now
 * @pc: the cache
 *
 * Return: the number.
 */
u64 pincache_pinned_pages(const struct pincache *pc)
{
	return atomic64_read(&pc->pinned);
}

/**
 * pincache_create - make an empty cache
 * @dev: the device, whose queues are there as long as the cache
 *
 * Return: the cache or NULL.
 */
struct pincache *pincache_create(struct swnet_dev *dev)
{
	struct pincache *pc = kzalloc(sizeof(*pc), GFP_KERNEL);

	if (!pc)
		return NULL;
	pc->dev = dev;
	xa_init(&pc->pages);
	mutex_init(&pc->lock);
	pc->notifier.ops = &pincache_notifier_ops;
	return pc;
}

/**
 * pincache_free - free a cache
 * @pc: the cache, without an owner; may be NULL
 */
void pincache_free(struct pincache *pc)
{
	if (!pc)
		return;
	xa_destroy(&pc->pages);
	mutex_destroy(&pc->lock);
	kfree(pc);
}
