/* SPDX-License-Identifier: GPL-2.0-only */
/* One thread for each queue pair. */
#ifndef SWNET_WORKER_H
#define SWNET_WORKER_H

#include <linux/types.h>

struct kthread_work;
struct swnet_dev;

int swnet_worker_start(struct swnet_dev *dev, unsigned int pair);
void swnet_worker_queue(struct swnet_dev *dev, unsigned int pair,
			struct kthread_work *work);
void swnet_workers_stop(struct swnet_dev *dev);

#endif /* SWNET_WORKER_H */
