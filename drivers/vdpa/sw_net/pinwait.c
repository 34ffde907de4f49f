// SPDX-License-Identifier: GPL-2.0-only
/*
 * A queue of shared-memory mode that meets a page which is not pinned.
 *
 * It cannot pin: it holds a spinlock, and a ring is mapped under the device's
 * lock, inside which the mmap lock must not be taken. So it stands still, and
 * keeps what it has fetched, while a work item pins that page and others it
 * will need next; then it goes on from the same chain, or starts.
 */
#include <linux/vhost_types.h>

#include "area.h"
#include "pincache.h"
#include "pinwait.h"

/* Pages looked up ahead, under the queue's lock. */
#define PINWAIT_LOOKS	256

/* Waits without a chain completed, before the limit must be too small. */
#define PINWAIT_ROUNDS	64

static const char *pinwait_problem(int err)
{
	switch (err) {
	case -EDQUOT:
		return "guest memory not pinned, RLIMIT_MEMLOCK (ulimit -l) is too small";
	case -EACCES:
		return "guest memory to write to is mapped read-only";
	case -ESRCH:
		return "the process that guest memory belongs to is gone";
	case -ENOMEM:
		return "guest memory not pinned, the host has no memory";
	default:
		return "guest memory has no page there, or is not shared";
	}
}

/**
 * pinwait_work - pin what a queue waits for, and have it go on
 * @work: the queue's
 */
void pinwait_work(struct work_struct *work)
{
	struct swnet_vq *vq = container_of(work, struct swnet_vq, pin.work);
	struct swnet_dev *dev = vq->dev;
	struct pin_wants wants;
	bool running;
	int err;

	spin_lock_bh(&vq->lock);
	wants = vq->pin.wants;
	vq->pin.wants.nr = 0;
	spin_unlock_bh(&vq->lock);

	err = pincache_pin(dev->pins, &wants);

	spin_lock_bh(&vq->lock);
	/* Else it was stopped meanwhile, and waits for others if at all. */
	if (vq->pinning && !vq->pin.wants.nr) {
		vq->pinning = false;
		if (err)
			vq_break(vq, pinwait_problem(err));
	}
	running = vq->running;
	spin_unlock_bh(&vq->lock);

	if (running) {
		vq_kick(vq);
		return;
	}
	mutex_lock(&dev->lock);
	vq_update(vq);
	mutex_unlock(&dev->lock);
}

/*
 * Look up each page of a chain, so that those that are missing are known.
 * A driver may have made it as long as it likes, hence @looks.
 */
static void pinwait_probe(struct swnet_vq *vq, const struct ring_chain *chain,
			  unsigned int *looks)
{
	unsigned int i;

	for (i = 0; i < chain->nr_out + chain->nr_in; i++) {
		u64 iova = chain->seg[i].addr;
		u32 len = chain->seg[i].len;

		while (len && *looks && vq->pin.wants.nr < PIN_WANTS) {
			u32 piece = min_t(u32, len,
					  PAGE_SIZE - offset_in_page(iova));

			--*looks;
			len -= piece;
			memory_xlate(vq->data_as, &vq->cache, iova, &piece,
				     i < chain->nr_out ? VHOST_ACCESS_RO :
							 VHOST_ACCESS_WO);
			iova += PAGE_SIZE - offset_in_page(iova);
		}
	}
}

static bool pinwait_too_often(struct swnet_vq *vq)
{
	if (vq->pin.used != vq->ring.used) {
		vq->pin.used = vq->ring.used;
		vq->pin.rounds = 0;
	}
	return ++vq->pin.rounds > PINWAIT_ROUNDS;
}

/**
 * pinwait_fault - the queue met memory that it cannot reach
 * @vq: the queue
 * @why: what to say if it never will
 *
 * If all that is missing are pins the queue stands still until they are there,
 * with everything it has fetched. Else it is broken.
 *
 * Context: any but hard interrupt, the queue's lock held.
 */
void pinwait_fault(struct swnet_vq *vq, const char *why)
{
	unsigned int looks = PINWAIT_LOOKS;
	unsigned int i;

	lockdep_assert_held(&vq->lock);

	if (!vq->pin.wants.nr) {
		vq_break(vq, why);
		return;
	}
	if (pinwait_too_often(vq)) {
		vq->pin.wants.nr = 0;
		vq_break(vq, "guest memory was replaced, or RLIMIT_MEMLOCK is too small");
		return;
	}
	for (i = vq->batch.next; vq->running && i < vq->batch.nr; i++)
		pinwait_probe(vq, &vq->batch.chain[i], &looks);
	vq->pinning = true;
	vq->stats.pin_waits++;
	queue_work(swnet_wq, &vq->pin.work);
}

/**
 * pinwait_chain - see that all of a chain is pinned, for work not to be done twice
 * @vq: the queue
 * @chain: the chain
 *
 * Context: the queue's lock held.
 * Return: false if the queue now waits.
 */
bool pinwait_chain(struct swnet_vq *vq, const struct ring_chain *chain)
{
	unsigned int looks = PINWAIT_LOOKS;

	if (!vq->dev->pins)
		return true;
	pinwait_probe(vq, chain, &looks);
	if (!vq->pin.wants.nr)
		return true;
	pinwait_fault(vq, "");
	return false;
}

/**
 * pinwait_check_ring - break a queue whose ring was truncated
 * @vq: the queue, running
 *
 * Context: the queue's lock held.
 * Return: false if it was.
 */
bool pinwait_check_ring(struct swnet_vq *vq)
{
	int i;

	lockdep_assert_held(&vq->lock);

	for (i = 0; i < VQ_NUM_AREAS; i++) {
		if (!vq_area_is_truncated(&vq->area[i]))
			continue;
		vq_break(vq, "its ring memory was truncated");
		return false;
	}
	return true;
}
