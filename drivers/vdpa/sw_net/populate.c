// SPDX-License-Identifier: GPL-2.0-only
/*
 * Background population. Pinning a hole of a file allocates it, so an
 * administrator has to ask for this, and says how far it may go.
 */
#include <linux/moduleparam.h>
#include <linux/vdpa.h>

#include "device.h"
#include "pincache.h"
#include "populate.h"

/* Pages before locks are released, for whoever waits. */
#define POPULATE_PAGES	64

static unsigned int shm_populate;
module_param(shm_populate, uint, 0644);
MODULE_PARM_DESC(shm_populate,
		 "MiB to pin of each vdpasw_net_shm device's memory when it is mapped (0: only what is used)");

static u64 populate_room(const struct swnet_dev *dev)
{
	u64 max = (u64)READ_ONCE(shm_populate) << (20 - PAGE_SHIFT);
	u64 pinned = pincache_pinned_pages(dev->pins);

	return max > pinned ? max - pinned : 0;
}

/* The next mapping that is not done, of any address space. */
static struct memory_entry *populate_next(struct swnet_dev *dev)
{
	struct memory_entry *entry;
	unsigned long index;
	int i;

	lockdep_assert_held(&dev->lock);

	for (i = 0; i < SWNET_NUM_AS; i++) {
		index = 0;
		mt_for_each(&dev->as[i].tree, entry, index, ULONG_MAX)
			if (entry->populated <= entry->last - entry->iova)
				return entry;
	}
	return NULL;
}

/* The next piece; what becomes of it later is not waited for. */
static unsigned int populate_take(struct swnet_dev *dev, unsigned long *address)
{
	struct memory_entry *entry;
	u64 left = 0;

	mutex_lock(&dev->lock);
	entry = populate_next(dev);
	if (entry) {
		left = entry->last - entry->iova + 1 - entry->populated;
		left = min_t(u64, left, POPULATE_PAGES * PAGE_SIZE);
		*address = entry->phys + entry->populated;
		entry->populated += left;
	}
	mutex_unlock(&dev->lock);
	return left >> PAGE_SHIFT;
}

/**
 * populate_work - pin mapped memory until there is no more, or the limit is met
 * @work: the device's
 */
void populate_work(struct work_struct *work)
{
	struct swnet_dev *dev = container_of(work, struct swnet_dev, populate_work);
	unsigned long address;
	unsigned int pages;
	u64 room;

	while ((room = populate_room(dev))) {
		pages = populate_take(dev, &address);
		if (!pages)
			break;
		/* A page that cannot be pinned is left to whoever needs it. */
		switch (pincache_populate(dev->pins, address,
					  min_t(u64, pages, room))) {
		case -ESRCH:
		case -EDQUOT:
			return;
		}
		cond_resched();
	}
}

/**
 * populate_start - memory was mapped: pin it, if the administrator wants that
 * @dev: the device
 *
 * Context: any.
 */
void populate_start(struct swnet_dev *dev)
{
	if (dev->pins && READ_ONCE(shm_populate))
		queue_work(system_unbound_wq, &dev->populate_work);
}
