// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a virtqueue.
 *
 * Whether a queue runs follows from the device and the queue's own state, and
 * vq_update() makes it so. Stopping leaves nothing in flight and one number,
 * the index; starting takes addresses, size, index and address spaces as they
 * are then and looks for work. Suspend, resume, reset, enable and DRIVER_OK
 * are all this.
 */
#include <linux/slab.h>
#include <linux/vhost_types.h>

#include "area.h"
#include "ctrl.h"
#include "device.h"
#include "pinwait.h"
#include "rx.h"
#include "trace.h"
#include "tx.h"
#include "worker.h"

static int ring_read(struct ring *ring, u64 addr, void *dst, u32 len)
{
	struct swnet_vq *vq = container_of(ring, struct swnet_vq, ring);

	return memory_copy_from(vq->ring_as, &vq->ring_cache, dst, addr, len);
}

static const struct ring_owner_ops ring_ops = {
	.read = ring_read,
};

/**
 * vq_init - prepare a queue of a new device
 * @vq: the queue, zeroed
 * @dev: the device
 * @idx: index in the device
 */
void vq_init(struct swnet_vq *vq, struct swnet_dev *dev, u16 idx)
{
	vq->dev = dev;
	vq->idx = idx;
	spin_lock_init(&vq->lock);
	vq->ring.ops = &ring_ops;
	kthread_init_work(&vq->work, idx % 2 ? tx_work : rx_work);
	timer_setup(&vq->wait_timer, rx_wait_timeout, 0);
	INIT_WORK(&vq->pin.work, pinwait_work);
	coalesce_init(vq);
}

/**
 * vq_free - release what a queue of a dead device still holds
 * @vq: the queue; nobody else knows it any more
 */
void vq_free(struct swnet_vq *vq)
{
	timer_shutdown_sync(&vq->wait_timer);
	coalesce_free(vq);
	kfree(vq->batch.segs);
	kfree(vq->ring.done);
}

/**
 * vq_is_packed - the layout of a queue, as negotiated
 * @vq: the queue
 *
 * Context: process, the device's lock held.
 * Return: true for packed, false for split.
 */
bool vq_is_packed(const struct swnet_vq *vq)
{
	lockdep_assert_held(&vq->dev->lock);

	return vq->dev->driver_features & BIT_ULL(VIRTIO_F_RING_PACKED);
}

/* The device writes used entries to the descriptor area if it is all there is. */
static bool vq_writes_area(int i, bool packed)
{
	return i == VQ_DEVICE || (packed && i == VQ_DESC);
}

static void vq_unmap_areas(struct swnet_vq *vq)
{
	int i;

	for (i = 0; i < VQ_NUM_AREAS; i++)
		vq_area_unmap(&vq->area[i], vq_writes_area(i, vq->ring.packed));
}

/* As a suspended queue left them, if nothing was changed meanwhile. */
static bool vq_areas_are_mapped(const struct swnet_vq *vq,
				const struct swnet_as *as, const u32 *size)
{
	int i;

	for (i = 0; i < VQ_NUM_AREAS; i++)
		if (!vq->area[i].address || vq->area[i].iova != vq->iova[i] ||
		    vq->area[i].size != size[i])
			return false;
	return vq->ring_as == as;
}

static int vq_map_areas(struct swnet_vq *vq, struct swnet_as *as)
{
	bool packed = vq_is_packed(vq);
	const u32 size[VQ_NUM_AREAS] = {
		[VQ_DESC] = ring_desc_size(vq->num),
		[VQ_DRIVER] = ring_driver_size(vq->num, packed),
		[VQ_DEVICE] = ring_device_size(vq->num, packed),
	};
	int err = 0;
	int i;

	if (vq_areas_are_mapped(vq, as, size))
		return 0;
	vq_unmap_areas(vq);
	/* All of them, if there are pins to wait for: then it is one wait. */
	for (i = 0; i < VQ_NUM_AREAS && (!err || vq->dev->pins); i++)
		err = vq_area_map(vq, &vq->area[i], as, vq->iova[i], size[i],
				  vq_writes_area(i, packed) ? VHOST_ACCESS_RW :
							      VHOST_ACCESS_RO) ?: err;
	return err;
}

/* What the engine keeps of chains that are with us. */
static int vq_alloc_storage(struct swnet_vq *vq)
{
	struct ring_done *done;
	struct ring_seg *segs;

	if (vq->segs_num >= vq->num)
		return 0;
	segs = kcalloc(vq->num, sizeof(*segs), GFP_KERNEL_ACCOUNT);
	done = kcalloc(vq->num, sizeof(*done), GFP_KERNEL_ACCOUNT);
	if (!segs || !done) {
		kfree(segs);
		kfree(done);
		return -ENOMEM;
	}
	kfree(vq->batch.segs);
	kfree(vq->ring.done);
	vq->ring.done = done;
	vq->batch.segs = segs;
	vq->batch.max_segs = vq->num;
	vq->segs_num = vq->num;
	return 0;
}

static void vq_set_ring(struct swnet_vq *vq, enum swnet_vq_kind kind)
{
	struct swnet_dev *dev = vq->dev;
	u64 features = dev->driver_features;

	lockdep_assert_held(&vq->lock);

	vq->kind = kind;
	vq->data_as = swnet_group_as(dev, swnet_vq_group(dev, vq->idx));
	vq->ring_as = swnet_group_as(dev, swnet_vq_desc_group(dev, vq->idx));
	memset(&vq->cache, 0, sizeof(vq->cache));
	memset(&vq->ring_cache, 0, sizeof(vq->ring_cache));
	vq->cache.wants = &vq->pin.wants;
	vq->ring_cache.wants = &vq->pin.wants;
	vq->pinning = false;

	vq->ring.areas.desc = vq->area[VQ_DESC].address;
	vq->ring.areas.driver = vq->area[VQ_DRIVER].address;
	vq->ring.areas.device = vq->area[VQ_DEVICE].address;
	vq->ring.num = vq->num;
	vq->ring.packed = vq_is_packed(vq);
	vq->ring.in_order = features & BIT_ULL(VIRTIO_F_IN_ORDER);
	vq->ring.event_idx = features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	vq->ring.indirect = features & BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC);
	ring_start(&vq->ring, vq->index);
	vq->batch.nr = 0;
	vq->batch.next = 0;
	vq->moved = false;
}

/* vhost-vdpa leaves out what is not shared, without a word. */
static const char vq_not_shared[] =
	"ring is not in shared memory: use memory-backend-memfd,share=on or mgmtdev vdpasw_net";

static const char *vq_prepare(struct swnet_vq *vq, enum swnet_vq_kind kind)
{
	struct swnet_dev *dev = vq->dev;

	if (!vq->num)
		return "enabled without a valid size";
	if (!vq_index_fits(vq, vq->index))
		return "enabled with an index beyond its size";
	switch (vq_map_areas(vq, swnet_group_as(dev,
						swnet_vq_desc_group(dev, vq->idx)))) {
	case 0:
		break;
	case -EFAULT:
		return dev->pins ? vq_not_shared :
				   "ring memory is not mapped, or not for writing";
	default:
		return "no memory to map the ring";
	}
	if (vq_alloc_storage(vq))
		return "no memory for its buffers";
	if (kind != SWNET_VQ_CTRL && swnet_worker_start(dev, vq->idx / 2))
		return "its worker cannot be started";
	return NULL;
}

static void vq_start(struct swnet_vq *vq, enum swnet_vq_kind kind)
{
	const char *problem = vq_prepare(vq, kind);

	if (problem) {
		vq_unmap_areas(vq);
		spin_lock_bh(&vq->lock);
		pinwait_fault(vq, problem);
		spin_unlock_bh(&vq->lock);
		return;
	}

	spin_lock_bh(&vq->lock);
	vq_set_ring(vq, kind);
	vq->running = true;
	if (kind == SWNET_VQ_RX)
		rx_start(vq);
	spin_unlock_bh(&vq->lock);

	trace_swnet_vq_start(vq->dev, vq->idx, vq->index);
	/* What the driver made available before needs no kick to be seen. */
	if (kind != SWNET_VQ_RX)
		vq_kick(vq);
}

/**
 * vq_stop - make a queue stand still
 * @vq: the queue
 *
 * When it returns the device touches neither the queue's memory nor the
 * driver's call any more. The ring stays mapped, see vq_update().
 *
 * Context: process, the device's lock held, bottom halves off. Waits for one
 * batch at most.
 */
void vq_stop(struct swnet_vq *vq)
{
	lockdep_assert_held(&vq->dev->lock);

	if (!vq->running)
		return;
	spin_lock(&vq->lock);
	ring_rewind(&vq->ring, &vq->batch);
	vq_publish(vq);
	coalesce_flush(vq);
	vq->index = ring_index(&vq->ring);
	vq->running = false;
	if (vq->dev->pins) {
		vq->pinning = false;
		vq->pin.wants.nr = 0;
	}
	memset(&vq->ring.areas, 0, sizeof(vq->ring.areas));
	spin_unlock(&vq->lock);

	trace_swnet_vq_stop(vq->dev, vq->idx, vq->index);
}

/**
 * vq_update - start or stop a queue, whatever its state now asks for
 * @vq: the queue
 *
 * A queue that is only suspended keeps its ring mapped, for that is most of
 * what stopping and starting cost.
 *
 * Context: process, the device's lock held. Waits for one batch at most.
 */
void vq_update(struct swnet_vq *vq)
{
	struct swnet_dev *dev = vq->dev;
	enum swnet_vq_kind kind = swnet_vq_kind(dev, vq->idx);
	bool enabled = dev->status & VIRTIO_CONFIG_S_DRIVER_OK && vq->ready &&
		       !READ_ONCE(vq->broken) && kind != SWNET_VQ_NONE;
	bool run = enabled && !dev->suspended && !vq->suspended;

	lockdep_assert_held(&dev->lock);

	if (run && !vq->running)
		vq_start(vq, kind);
	if (!run) {
		local_bh_disable();
		vq_stop(vq);
		local_bh_enable();
	}
	if (!enabled)
		vq_unmap_areas(vq);
}

/**
 * vq_reset - bring a queue back to what a new device has
 * @vq: the queue, stopped
 *
 * Context: process, the device's lock held.
 */
void vq_reset(struct swnet_vq *vq)
{
	lockdep_assert_held(&vq->dev->lock);

	memset(vq->iova, 0, sizeof(vq->iova));
	vq->num = 0;
	vq->index = 0;
	vq->ready = false;
	vq->suspended = 0;

	spin_lock_bh(&vq->lock);
	vq->broken = NULL;
	vq->pinning = false;
	vq->pin.wants.nr = 0;
	vq->cb = (struct vdpa_callback){};
	spin_unlock_bh(&vq->lock);
}

/**
 * vq_invalidate - make sure a queue does not use memory that was unmapped
 * @vq: the queue
 * @as: address space the memory was in
 * @iova: first guest address
 * @last: last guest address
 *
 * A queue that loses its ring stops, as if the driver had given it an address
 * that was never mapped. A suspended one looks for it again when it goes on.
 * Any other only has to finish what it does just now.
 *
 * Context: process, the device's lock held.
 */
void vq_invalidate(struct swnet_vq *vq, const struct swnet_as *as, u64 iova,
		   u64 last)
{
	bool hit = false;
	int i;

	lockdep_assert_held(&vq->dev->lock);

	for (i = 0; vq->ring_as == as && i < VQ_NUM_AREAS; i++)
		hit |= vq_area_overlaps(&vq->area[i], iova, last);
	if (!vq->running) {
		if (hit)
			vq_unmap_areas(vq);
		return;
	}

	spin_lock_bh(&vq->lock);
	if (hit)
		vq_break(vq, "its ring memory was unmapped");
	spin_unlock_bh(&vq->lock);
	if (hit)
		vq_update(vq);
}

/**
 * vq_index - next entry to work on, as GET_VRING_BASE reports it
 * @vq: the queue
 *
 * Context: process, the device's lock held.
 * Return: the index; it is final only if the queue is stopped.
 */
u16 vq_index(struct swnet_vq *vq)
{
	u16 index;

	lockdep_assert_held(&vq->dev->lock);

	spin_lock_bh(&vq->lock);
	index = vq->running ? ring_index(&vq->ring) : vq->index;
	spin_unlock_bh(&vq->lock);
	return index;
}

/**
 * vq_index_fits - whether a queue can begin at an index
 * @vq: the queue
 * @index: as ring_index() says it
 *
 * A split ring can begin anywhere.
 *
 * Context: process, the device's lock held.
 * Return: false if the slot is beyond a queue of the size set, or of any size.
 */
bool vq_index_fits(const struct swnet_vq *vq, u16 index)
{
	return !vq_is_packed(vq) || (index & ~RING_INDEX_LAP) < (vq->num ?: RING_NUM_MAX);
}

/**
 * vq_kick - the driver made buffers available, or may have
 * @vq: the queue
 *
 * Context: any, interrupts off included; called in any state of the queue.
 */
void vq_kick(struct swnet_vq *vq)
{
	struct swnet_dev *dev = vq->dev;

	if (READ_ONCE(vq->kind) == SWNET_VQ_CTRL)
		queue_work(swnet_wq, &dev->ctrl_work);
	else
		swnet_worker_queue(dev, vq->idx / 2, &vq->work);
}

/* What one queue has told of need not be told of each. */
static bool vq_told(const struct swnet_vq *vq, const char *why)
{
	const struct swnet_dev *dev = vq->dev;
	u16 i;

	for (i = 0; i < dev->nvqs; i++)
		if (READ_ONCE(dev->vqs[i].broken) == why)
			return true;
	return false;
}

/**
 * vq_break - stop a queue for good, because of what the driver did
 * @vq: the queue
 * @why: what it did, for the log
 *
 * Context: any but hard interrupt, the queue's lock held. Telling the driver
 * (DEVICE_NEEDS_RESET) and letting go of the ring follow in a work item.
 */
void vq_break(struct swnet_vq *vq, const char *why)
{
	lockdep_assert_held(&vq->lock);

	if (vq->broken)
		return;
	if (!vq_told(vq, why))
		dev_warn_ratelimited(&vq->dev->vdpa.dev,
				     "queue %u stopped until reset: %s\n",
				     vq->idx, why);
	WRITE_ONCE(vq->broken, why);
	trace_swnet_vq_broken(vq->dev, vq->idx, why);
	queue_work(swnet_wq, &vq->dev->config_work);
}

/**
 * vq_publish - show the driver all completed chains, and call it if it asks
 * @vq: the queue
 *
 * Context: any but hard interrupt, the queue's lock held: that is what
 * serialises the call with set_vq_cb.
 */
void vq_publish(struct swnet_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	if (ring_unpublished(&vq->ring) && ring_publish(&vq->ring))
		coalesce_call(vq);
}

/**
 * vq_fetch - look for chains
 * @vq: the queue, running, with an empty batch
 *
 * A broken ring stops the queue, but what came before the fault is delivered.
 *
 * Return: chains in the batch.
 */
unsigned int vq_fetch(struct swnet_vq *vq)
{
	unsigned int nr = ring_fetch(&vq->ring, &vq->batch, RING_BATCH);

	if (likely(vq->ring.fault == RING_OK))
		return nr;
	/* A table that is not pinned yet is no fault of the driver's. */
	if (vq->ring.fault == RING_UNMAPPED_INDIRECT && vq->pin.wants.nr)
		vq->ring.fault = RING_OK;
	if (!nr)
		pinwait_fault(vq, ring_fault_name(vq->ring.fault));
	return nr;
}
