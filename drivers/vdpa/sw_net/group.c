// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which queue is what, and which address space it works in.
 *
 * The control queue has a group of its own, so that a VMM can shadow it while
 * the guest keeps the data queues. The rings of the data queues have one too,
 * so that they can be moved without moving guest memory.
 */
#include <linux/vdpa.h>

#include "device.h"
#include "trace.h"

/*
 * Without MQ and RSS the control queue follows the first pair (virtio-net,
 * Virtqueues).
 */
static u16 ctrl_index(const struct swnet_dev *dev)
{
	u64 features = dev->status & VIRTIO_CONFIG_S_FEATURES_OK ?
		       dev->driver_features : dev->features;

	return features & (BIT_ULL(VIRTIO_NET_F_MQ) | BIT_ULL(VIRTIO_NET_F_RSS)) ?
	       2 * dev->max_pairs : 2;
}

/**
 * swnet_ctrl_vq - the control queue
 * @dev: the device
 *
 * Return: it, with the features as they are negotiated, or offered; NULL if
 * the device has none.
 */
struct swnet_vq *swnet_ctrl_vq(struct swnet_dev *dev)
{
	return dev->features & BIT_ULL(VIRTIO_NET_F_CTRL_VQ) ?
	       &dev->vqs[ctrl_index(dev)] : NULL;
}

/**
 * swnet_vq_kind - what a queue is for
 * @dev: the device
 * @idx: queue index
 *
 * Return: its kind, with the features as they are negotiated, or offered.
 */
enum swnet_vq_kind swnet_vq_kind(const struct swnet_dev *dev, u16 idx)
{
	if (dev->features & BIT_ULL(VIRTIO_NET_F_CTRL_VQ)) {
		if (idx == ctrl_index(dev))
			return SWNET_VQ_CTRL;
		if (idx > ctrl_index(dev))
			return SWNET_VQ_NONE;
	}
	return idx % 2 ? SWNET_VQ_TX : SWNET_VQ_RX;
}

/**
 * swnet_vq_group - group of a queue's buffers
 * @dev: the device
 * @idx: queue index
 *
 * Return: a group there is, whatever @idx.
 */
enum swnet_group swnet_vq_group(const struct swnet_dev *dev, u16 idx)
{
	return swnet_vq_kind(dev, idx) == SWNET_VQ_CTRL ? SWNET_GROUP_CTRL :
							  SWNET_GROUP_DATA;
}

/**
 * swnet_vq_desc_group - group of a queue's rings and indirect tables
 * @dev: the device
 * @idx: queue index
 *
 * Return: a group there is, whatever @idx.
 */
enum swnet_group swnet_vq_desc_group(const struct swnet_dev *dev, u16 idx)
{
	return swnet_vq_kind(dev, idx) == SWNET_VQ_CTRL ? SWNET_GROUP_CTRL :
							  SWNET_GROUP_DESC;
}

/**
 * swnet_group_as - address space a group is bound to
 * @dev: the device
 * @group: the group
 *
 * Return: the address space.
 */
struct swnet_as *swnet_group_as(struct swnet_dev *dev, enum swnet_group group)
{
	lockdep_assert_held(&dev->lock);
	return &dev->as[dev->group_asid[group]];
}

/**
 * swnet_group_set_asid - bind a group to an address space
 * @dev: the device
 * @group: group index
 * @asid: address space
 *
 * A running queue has its rings mapped and addresses in flight, so this is
 * for a device that is stopped or suspended.
 *
 * Return: 0, -EINVAL for an unknown group or ASID, -EBUSY while running.
 */
int swnet_group_set_asid(struct swnet_dev *dev, unsigned int group,
			 unsigned int asid)
{
	lockdep_assert_held(&dev->lock);

	if (group >= SWNET_NUM_GROUPS || asid >= SWNET_NUM_AS)
		return -EINVAL;
	if (swnet_is_live(dev))
		return -EBUSY;

	dev->group_asid[group] = asid;
	trace_swnet_group_asid(dev, group, asid);
	return 0;
}
