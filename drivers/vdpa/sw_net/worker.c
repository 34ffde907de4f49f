// SPDX-License-Identifier: GPL-2.0-only
/*
 * One thread for each queue pair, started with the pair's first queue and
 * kept until the device goes: a restart finds it there.
 */
#include <linux/kthread.h>

#include "compat.h"
#include "device.h"
#include "worker.h"

/**
 * swnet_worker_start - make sure a pair has its worker
 * @dev: the device
 * @pair: the queue pair
 *
 * Context: process, the device's lock held.
 * Return: 0 or a negative errno.
 */
int swnet_worker_start(struct swnet_dev *dev, unsigned int pair)
{
	struct kthread_worker *worker;

	lockdep_assert_held(&dev->lock);

	if (dev->pairs[pair])
		return 0;
	worker = kthread_run_worker(0, "%s/%u", dev_name(&dev->vdpa.dev), pair);
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	/* Pairs with the acquire of a kick, which takes no lock. */
	smp_store_release(&dev->pairs[pair], worker);
	return 0;
}

/**
 * swnet_worker_queue - have a pair's worker do something
 * @dev: the device
 * @pair: the queue pair
 * @work: what to do; once, however often it is queued before it begins
 *
 * Without a worker nothing runs that could miss it: every queue looks for
 * work when it starts.
 *
 * Context: any.
 */
void swnet_worker_queue(struct swnet_dev *dev, unsigned int pair,
			struct kthread_work *work)
{
	struct kthread_worker *worker;

	if (pair >= dev->max_pairs)
		return;
	/* Pairs with the release of swnet_worker_start(). */
	worker = smp_load_acquire(&dev->pairs[pair]);
	if (worker)
		kthread_queue_work(worker, work);
}

/**
 * swnet_workers_stop - end all workers of a device that nobody can kick now
 * @dev: the device
 */
void swnet_workers_stop(struct swnet_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->max_pairs; i++) {
		if (!dev->pairs[i])
			continue;
		/* A work that queues itself would outlive the worker. */
		kthread_cancel_work_sync(&dev->vqs[2 * i].work);
		kthread_cancel_work_sync(&dev->vqs[2 * i + 1].work);
		kthread_destroy_worker(dev->pairs[i]);
		dev->pairs[i] = NULL;
	}
}
