/* SPDX-License-Identifier: GPL-2.0-only */
/* A virtqueue: its configuration, its life and its memory. */
#ifndef SWNET_VQ_H
#define SWNET_VQ_H

#include <linux/kthread.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/vdpa.h>
#include <linux/workqueue.h>

#include "coalesce.h"
#include "group.h"
#include "memory.h"
#include "pincache.h"
#include "ring/ring.h"

/**
 * struct vq_stats - what a queue did since the device was made
 * @packets: frames moved
 * @bytes: bytes of those
 * @kicks: kicks taken from the driver
 * @calls: calls sent to the driver
 * @drops_ring: frames dropped because the ring had no room in time
 * @drops_stopped: frames dropped because the device stood still too long
 * @drops_size: frames too large for the buffers or the MTU
 * @drops_header: frames with a header that makes no sense
 * @drops_memory: frames dropped because the host had no memory
 * @drops_filter: frames the guest does not want
 * @drops_down: frames dropped because the host interface is down
 * @pin_waits: waits for memory to be pinned
 *
 * Written under the queue's lock, but for @kicks, which may miss a few.
 */
struct vq_stats {
	u64 packets;
	u64 bytes;
	u64 kicks;
	u64 calls;
	u64 drops_ring;
	u64 drops_stopped;
	u64 drops_size;
	u64 drops_header;
	u64 drops_memory;
	u64 drops_filter;
	u64 drops_down;
	u64 pin_waits;
};

/**
 * struct pinwait - what a queue of shared-memory mode waits for
 * @work: pins it
 * @wants: the pages
 * @rounds: waits since a chain was completed
 * @used: the ring's used index at the last wait
 */
struct pinwait {
	struct work_struct work;
	struct pin_wants wants;
	unsigned int rounds;
	u16 used;
};

/**
 * struct vq_area - one part of a ring, mapped
 * @address: where the kernel sees it
 * @iova: where the guest sees it
 * @size: bytes
 * @pages: its pages
 * @nr_pages: pages
 * @held: each page has a reference of ours
 * @vmapped: @address is a mapping of our own, not the direct map's
 */
struct vq_area {
	void *address;
	u64 iova;
	u32 size;
	struct page **pages;
	unsigned int nr_pages;
	bool held;
	bool vmapped;
};

enum { VQ_DESC, VQ_DRIVER, VQ_DEVICE, VQ_NUM_AREAS };

/**
 * struct swnet_vq - a virtqueue
 * @dev: the device
 * @idx: index in the device
 *
 * Guarded by the device's lock; the data path never looks:
 * @iova: guest addresses of the three areas
 * @num: entries, 0 until the driver says
 * @index: next entry to work on, while the queue does not run, as ring_index()
 *	says it
 * @ready: the driver enabled the queue
 * @suspended: SWNET_SUSPEND_* reasons to hold this one queue
 * @area: the areas, mapped while the queue runs
 * @segs_num: size of @batch.segs and @ring.done
 *
 * @lock: guards the rest, and every access to guest memory by this queue:
 *	who takes and releases it knows that no access begun before goes on
 * @running: the queue may touch its ring
 * @pinning: it waits until memory is pinned
 * @broken: why it stopped for good, if it did; a reset mends it
 * @kind: what it is for, while it runs
 * @ring: the engine
 * @batch: chains fetched and not worked on
 * @moved: a frame went through since the queue started
 * @data_as: address space of the buffers
 * @ring_as: address space of indirect tables
 * @cache: last translation of @data_as
 * @ring_cache: last translation of @ring_as
 * @cb: the driver's call
 * @coal: how long it may wait; changed under the device's lock too
 * @call_due: it waits
 * @called_at: value of @stats.packets at the last one
 * @call_timer: when it has waited long enough
 * @stats: counters
 * @work: for the pair's worker: the driver kicked
 * @waiting: frames wait in the qdisc (receive)
 * @waiting_since: jiffies when they began to
 * @dropping: they waited too long, now they are dropped (receive)
 * @wait_timer: when they have
 * @pin: for @pinning
 */
struct swnet_vq {
	struct swnet_dev *dev;
	u16 idx;

	u64 iova[VQ_NUM_AREAS];
	u16 num;
	u16 index;
	bool ready;
	unsigned int suspended;
	struct vq_area area[VQ_NUM_AREAS];
	u16 segs_num;

	spinlock_t lock ____cacheline_aligned_in_smp;
	bool running;
	bool pinning;
	bool call_due;
	const char *broken;
	enum swnet_vq_kind kind;
	struct ring ring;
	bool moved;
	struct swnet_as *data_as;
	struct swnet_as *ring_as;
	struct memory_cache cache;
	struct memory_cache ring_cache;
	struct vdpa_callback cb;
	struct swnet_coal coal;
	u64 called_at;
	struct hrtimer call_timer;
	struct vq_stats stats;
	struct kthread_work work;
	bool waiting;
	bool dropping;
	unsigned long waiting_since;
	struct timer_list wait_timer;
	struct pinwait pin;
	/* Last, for its size: the rest is what suspend goes through. */
	struct ring_batch batch;
};

void vq_init(struct swnet_vq *vq, struct swnet_dev *dev, u16 idx);
void vq_free(struct swnet_vq *vq);
void vq_update(struct swnet_vq *vq);
void vq_stop(struct swnet_vq *vq);
void vq_reset(struct swnet_vq *vq);
void vq_invalidate(struct swnet_vq *vq, const struct swnet_as *as, u64 iova,
		   u64 last);
u16 vq_index(struct swnet_vq *vq);
bool vq_is_packed(const struct swnet_vq *vq);
bool vq_index_fits(const struct swnet_vq *vq, u16 index);
void vq_kick(struct swnet_vq *vq);
void vq_break(struct swnet_vq *vq, const char *why);
void vq_publish(struct swnet_vq *vq);
unsigned int vq_fetch(struct swnet_vq *vq);

/* The data path may use the ring; @lock held. */
static inline bool vq_is_running(const struct swnet_vq *vq)
{
	lockdep_assert_held(&vq->lock);
	return vq->running && !vq->broken && !vq->pinning;
}

/* No access to guest memory by the queue goes on that began before. */
static inline void vq_settle(struct swnet_vq *vq)
{
	spin_lock_bh(&vq->lock);
	spin_unlock_bh(&vq->lock);
}

#endif /* SWNET_VQ_H */
