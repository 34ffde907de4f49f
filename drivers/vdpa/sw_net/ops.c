// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vDPA config ops. Callers differ in what they lock and check (vhost-vdpa,
 * virtio_vdpa, netlink), so each op takes the device's lock and checks its own
 * arguments. A void op ignores what makes no sense, and the queue does not
 * become ready.
 */
#include <linux/cleanup.h>
#include <linux/log2.h>
#include <linux/mutex.h>
#include <uapi/linux/vhost_types.h>
#include <uapi/linux/virtio_ids.h>

#include "config.h"
#include "device.h"
#include "ops.h"
#include "pincache.h"
#include "populate.h"
#include "stats.h"
#include "trace.h"

static struct swnet_vq *get_vq(struct vdpa_device *vdpa, u16 idx)
{
	struct swnet_dev *dev = to_swnet(vdpa);

	return idx < dev->nvqs ? &dev->vqs[idx] : NULL;
}

static int op_set_vq_address(struct vdpa_device *vdpa, u16 idx, u64 desc,
			     u64 driver, u64 device)
{
	struct swnet_vq *vq = get_vq(vdpa, idx);

	if (!vq || !IS_ALIGNED(desc, VRING_DESC_ALIGN_SIZE) ||
	    !IS_ALIGNED(driver, VRING_AVAIL_ALIGN_SIZE) ||
	    !IS_ALIGNED(device, VRING_USED_ALIGN_SIZE))
		return -EINVAL;

	guard(mutex)(&vq->dev->lock);
	if (vq->running)
		return -EBUSY;
	vq->iova[VQ_DESC] = desc;
	vq->iova[VQ_DRIVER] = driver;
	vq->iova[VQ_DEVICE] = device;
	return 0;
}

static void op_set_vq_num(struct vdpa_device *vdpa, u16 idx, u32 num)
{
	struct swnet_vq *vq = get_vq(vdpa, idx);

	if (!vq)
		return;
	guard(mutex)(&vq->dev->lock);
	if (!vq->running)
		vq->num = is_power_of_2(num) && num <= RING_NUM_MAX ? num : 0;
}

static void op_kick_vq(struct vdpa_device *vdpa, u16 idx)
{
	struct swnet_vq *vq = get_vq(vdpa, idx);

	if (vq)
		vq_kick(vq);
}

static void op_set_vq_cb(struct vdpa_device *vdpa, u16 idx,
			 struct vdpa_callback *cb)
{
	struct swnet_vq *vq = get_vq(vdpa, idx);

	if (!vq)
		return;
	spin_lock_bh(&vq->lock);
	vq->cb = *cb;
	spin_unlock_bh(&vq->lock);
}

static void op_set_vq_ready(struct vdpa_device *vdpa, u16 idx, bool ready)
{
	struct swnet_vq *vq = get_vq(vdpa, idx);

	if (!vq)
		return;
	guard(mutex)(&vq->dev->lock);
	if (ready && !vq->ready)
		coalesce_enable(vq);
	vq->ready = ready;
	trace_swnet_vq_ready(vq->dev, idx, ready);
	vq_update(vq);
}

static bool op_get_vq_ready(struct vdpa_device *vdpa, u16 idx)
{
	struct swnet_vq *vq = get_vq(vdpa, idx);

	if (!vq)
		return false;
	guard(mutex)(&vq->dev->lock);
	return vq->ready && !READ_ONCE(vq->broken);
}

/*
 * What is between used and avail was in flight in another device; nobody can
 * give it back. Some VMMs say nothing of used, which is as good as the same.
 */
static int set_packed_state(struct swnet_vq *vq,
			    const struct vdpa_vq_state_packed *state)
{
	u16 index = state->last_avail_idx | (state->last_avail_counter ? 0 : RING_INDEX_LAP);
	u16 used = state->last_used_idx | (state->last_used_counter ? 0 : RING_INDEX_LAP);

	if (used != index && used != RING_INDEX_LAP)
		return -EINVAL;
	if (!vq_index_fits(vq, index))
		return -EINVAL;
	vq->index = index;
	return 0;
}

static void get_packed_state(struct swnet_vq *vq, struct vdpa_vq_state_packed *state)
{
	u16 index = vq_index(vq);

	state->last_avail_idx = index & ~RING_INDEX_LAP;
	state->last_avail_counter = !(index & RING_INDEX_LAP);
	state->last_used_idx = state->last_avail_idx;
	state->last_used_counter = state->last_avail_counter;
}

static int op_set_vq_state(struct vdpa_device *vdpa, u16 idx,
			   const struct vdpa_vq_state *state)
{
	struct swnet_vq *vq = get_vq(vdpa, idx);
	int err = 0;

	if (!vq)
		return -EINVAL;
	guard(mutex)(&vq->dev->lock);
	if (vq->running)
		return -EBUSY;
	if (vq_is_packed(vq))
		err = set_packed_state(vq, &state->packed);
	else
		vq->index = state->split.avail_index;
	return err;
}

static int op_get_vq_state(struct vdpa_device *vdpa, u16 idx,
			   struct vdpa_vq_state *state)
{
	struct swnet_vq *vq = get_vq(vdpa, idx);

	if (!vq)
		return -EINVAL;
	guard(mutex)(&vq->dev->lock);
	if (vq_is_packed(vq))
		get_packed_state(vq, &state->packed);
	else
		state->split.avail_index = vq_index(vq);
	return 0;
}

static u16 op_get_vq_num_max(struct vdpa_device *vdpa)
{
	return RING_NUM_MAX;
}

static u16 op_get_vq_size(struct vdpa_device *vdpa, u16 idx)
{
	struct swnet_vq *vq = get_vq(vdpa, idx);

	if (!vq)
		return 0;
	guard(mutex)(&vq->dev->lock);
	return vq->num ?: RING_NUM_MAX;
}

static u32 op_get_vq_align(struct vdpa_device *vdpa)
{
	return PAGE_SIZE;
}

static u32 op_get_vq_group(struct vdpa_device *vdpa, u16 idx)
{
	struct swnet_dev *dev = to_swnet(vdpa);

	guard(mutex)(&dev->lock);
	return swnet_vq_group(dev, idx);
}

static u32 op_get_vq_desc_group(struct vdpa_device *vdpa, u16 idx)
{
	struct swnet_dev *dev = to_swnet(vdpa);

	guard(mutex)(&dev->lock);
	return swnet_vq_desc_group(dev, idx);
}

static int op_set_group_asid(struct vdpa_device *vdpa, unsigned int group,
			     unsigned int asid)
{
	struct swnet_dev *dev = to_swnet(vdpa);

	guard(mutex)(&dev->lock);
	return swnet_group_set_asid(dev, group, asid);
}

static u64 op_get_device_features(struct vdpa_device *vdpa)
{
	return to_swnet(vdpa)->features;
}

static u64 op_get_backend_features(const struct vdpa_device *vdpa)
{
	return BIT_ULL(VHOST_BACKEND_F_ENABLE_AFTER_DRIVER_OK);
}

static int op_set_driver_features(struct vdpa_device *vdpa, u64 features)
{
	struct swnet_dev *dev = to_swnet(vdpa);

	guard(mutex)(&dev->lock);
	return swnet_set_features(dev, features);
}

static u64 op_get_driver_features(struct vdpa_device *vdpa)
{
	struct swnet_dev *dev = to_swnet(vdpa);

	guard(mutex)(&dev->lock);
	return dev->driver_features;
}

static void op_set_config_cb(struct vdpa_device *vdpa, struct vdpa_callback *cb)
{
	struct swnet_dev *dev = to_swnet(vdpa);

	guard(mutex)(&dev->lock);
	dev->config_cb = *cb;
}

static u32 op_get_device_id(struct vdpa_device *vdpa)
{
	return VIRTIO_ID_NET;
}

static u32 op_get_vendor_id(struct vdpa_device *vdpa)
{
	return 0;
}

static u8 op_get_status(struct vdpa_device *vdpa)
{
	struct swnet_dev *dev = to_swnet(vdpa);

	guard(mutex)(&dev->lock);
	return dev->status;
}

static void op_set_status(struct vdpa_device *vdpa, u8 status)
{
	struct swnet_dev *dev = to_swnet(vdpa);

	guard(mutex)(&dev->lock);
	swnet_set_status(dev, status);
}

static int op_reset(struct vdpa_device *vdpa)
{
	struct swnet_dev *dev = to_swnet(vdpa);

	guard(mutex)(&dev->lock);
	swnet_reset(dev);
	return 0;
}

static int op_suspend(struct vdpa_device *vdpa)
{
	struct swnet_dev *dev = to_swnet(vdpa);

	guard(mutex)(&dev->lock);
	swnet_suspend(dev, SWNET_SUSPEND_VMM);
	return 0;
}

static int op_resume(struct vdpa_device *vdpa)
{
	struct swnet_dev *dev = to_swnet(vdpa);

	guard(mutex)(&dev->lock);
	swnet_resume(dev, SWNET_SUSPEND_VMM);
	return 0;
}

static size_t op_get_config_size(struct vdpa_device *vdpa)
{
	return sizeof(struct virtio_net_config);
}

static void op_get_config(struct vdpa_device *vdpa, unsigned int offset,
			  void *buf, unsigned int len)
{
	struct swnet_dev *dev = to_swnet(vdpa);

	guard(mutex)(&dev->lock);
	config_get(dev, offset, buf, len);
}

static void op_set_config(struct vdpa_device *vdpa, unsigned int offset,
			  const void *buf, unsigned int len)
{
	struct swnet_dev *dev = to_swnet(vdpa);

	guard(mutex)(&dev->lock);
	config_set(dev, offset, buf, len);
}

static u32 op_get_generation(struct vdpa_device *vdpa)
{
	struct swnet_dev *dev = to_swnet(vdpa);

	guard(mutex)(&dev->lock);
	return dev->config_generation;
}

/* In shared-memory mode vhost-vdpa says which file is behind the memory. */
static int map(struct swnet_dev *dev, struct swnet_as *as, u64 iova, u64 size,
	       u64 address, u32 perm, const struct vdpa_map_file *map)
{
	if (!dev->pins)
		return memory_map(as, iova, size, address, perm);
	if (!map)
		return -EINVAL;
	return memory_map_file(as, iova, size, address, perm, map->file,
			       map->offset);
}

/* The next one may fail inside vhost-vdpa, and its user gets "Bad address". */
#define VHOST_VDPA_ENTRIES	2048

static void hint(const struct swnet_dev *dev, const struct swnet_as *as)
{
	if (as->entries == VHOST_VDPA_ENTRIES)
		dev_info_once(&dev->vdpa.dev,
			      "%u mappings: if no more can be made, load vhost_vdpa with a larger max_iotlb_entries, as in modprobe.d/vdpa_sw_net.conf\n",
			      as->entries);
}

static int op_dma_map(struct vdpa_device *vdpa, unsigned int asid, u64 iova,
		      u64 size, u64 pa, u32 perm, void *opaque)
{
	struct swnet_dev *dev = to_swnet(vdpa);
	int err;

	if (asid >= SWNET_NUM_AS)
		return -EINVAL;
	guard(mutex)(&dev->lock);
	err = map(dev, &dev->as[asid], iova, size, pa, perm, opaque);
	if (!err) {
		populate_start(dev);
		hint(dev, &dev->as[asid]);
	}
	trace_swnet_map(dev, asid, iova, size, err);
	return err;
}

static int op_dma_unmap(struct vdpa_device *vdpa, unsigned int asid, u64 iova,
			u64 size)
{
	struct swnet_dev *dev = to_swnet(vdpa);
	int err;

	if (asid >= SWNET_NUM_AS || !size || size - 1 > U64_MAX - iova)
		return -EINVAL;
	err = swnet_unmap(dev, asid, iova, iova + size - 1);
	trace_swnet_unmap(dev, asid, iova, size, err);
	return err;
}

static int op_reset_map(struct vdpa_device *vdpa, unsigned int asid)
{
	if (asid >= SWNET_NUM_AS)
		return -EINVAL;
	return swnet_unmap(to_swnet(vdpa), asid, 0, U64_MAX);
}

static int op_bind_mm(struct vdpa_device *vdpa, struct mm_struct *mm)
{
	return pincache_bind(to_swnet(vdpa)->pins, mm);
}

static void op_unbind_mm(struct vdpa_device *vdpa)
{
	pincache_unbind(to_swnet(vdpa)->pins);
}

/* The vDPA core calls the last two only in shared-memory mode. */
const struct vdpa_config_ops swnet_vdpa_ops = {
	.set_vq_address		= op_set_vq_address,
	.set_vq_num		= op_set_vq_num,
	.kick_vq		= op_kick_vq,
	.set_vq_cb		= op_set_vq_cb,
	.set_vq_ready		= op_set_vq_ready,
	.get_vq_ready		= op_get_vq_ready,
	.set_vq_state		= op_set_vq_state,
	.get_vq_state		= op_get_vq_state,
	.get_vendor_vq_stats	= stats_vendor_vq,
	.get_vq_size		= op_get_vq_size,
	.get_vq_align		= op_get_vq_align,
	.get_vq_group		= op_get_vq_group,
	.get_vq_desc_group	= op_get_vq_desc_group,
	.get_vq_num_max		= op_get_vq_num_max,
	.get_device_features	= op_get_device_features,
	.get_backend_features	= op_get_backend_features,
	.set_driver_features	= op_set_driver_features,
	.get_driver_features	= op_get_driver_features,
	.set_config_cb		= op_set_config_cb,
	.get_device_id		= op_get_device_id,
	.get_vendor_id		= op_get_vendor_id,
	.get_status		= op_get_status,
	.set_status		= op_set_status,
	.reset			= op_reset,
	.suspend		= op_suspend,
	.resume			= op_resume,
	.get_config_size	= op_get_config_size,
	.get_config		= op_get_config,
	.set_config		= op_set_config,
	.get_generation		= op_get_generation,
	.set_group_asid		= op_set_group_asid,
	.dma_map		= op_dma_map,
	.dma_unmap		= op_dma_unmap,
	.reset_map		= op_reset_map,
	.bind_mm		= op_bind_mm,
	.unbind_mm		= op_unbind_mm,
	.free			= swnet_dev_release,
};
