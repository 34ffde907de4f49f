// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device from its making to its end, and the states between.
 */
#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include <linux/slab.h>

#include "compat.h"
#include "config.h"
#include "ctrl.h"
#include "device.h"
#include "features.h"
#include "flow.h"
#include "netdev.h"
#include "offload.h"
#include "ops.h"
#include "pincache.h"
#include "populate.h"
#include "trace.h"
#include "worker.h"

/*
 * None begins another batch while it waits its turn. Bottom halves are off for
 * all of them at once: with many queues that would be half of the time.
 */
static void stop_queues(struct swnet_dev *dev)
{
	u16 i;

	WRITE_ONCE(dev->halting, true);
	local_bh_disable();
	for (i = 0; i < dev->nvqs; i++)
		vq_stop(&dev->vqs[i]);
	local_bh_enable();
	WRITE_ONCE(dev->halting, false);
}

static void update_queues(struct swnet_dev *dev)
{
	u16 i;

	if (!swnet_is_live(dev))
		stop_queues(dev);
	for (i = 0; i < dev->nvqs; i++)
		vq_update(&dev->vqs[i]);
}

/* The host interface may send to a virtio_vdpa driver without any mapping. */
static bool bound_to_host_driver(const struct swnet_dev *dev)
{
	const struct device_driver *driver = READ_ONCE(dev->vdpa.dev.driver);

	return driver && !strcmp(driver->name, "virtio_vdpa");
}

static void negotiate(struct swnet_dev *dev)
{
	u64 features = dev->driver_features;

	offload_negotiated(dev);
	WRITE_ONCE(dev->mrg_rxbuf, features & BIT_ULL(VIRTIO_NET_F_MRG_RXBUF));
	WRITE_ONCE(dev->hdr_len,
		   features & BIT_ULL(VIRTIO_NET_F_HASH_REPORT) ?
		   sizeof(struct swnet_hdr) :
		   sizeof(struct virtio_net_hdr_mrg_rxbuf));
}

/**
 * swnet_set_features - the driver's choice of features
 * @dev: the device
 * @features: the choice; 0 is what the vDPA core writes before the driver has
 *	chosen, to read the config space
 *
 * Return: 0; -EINVAL for features that are not offered or cannot work;
 * -EBUSY for a change after FEATURES_OK.
 */
int swnet_set_features(struct swnet_dev *dev, u64 features)
{
	lockdep_assert_held(&dev->lock);

	if (features & ~dev->features || (features && !features_usable(features)))
		return -EINVAL;
	if (dev->status & VIRTIO_CONFIG_S_FEATURES_OK)
		return features == dev->driver_features ? 0 : -EBUSY;

	dev->driver_features = features;
	trace_swnet_features(dev, features);
	return 0;
}

static u8 acceptable_status(const struct swnet_dev *dev, u8 status)
{
	if ((dev->driver_features & SWNET_FEATURES_REQUIRED) !=
	    SWNET_FEATURES_REQUIRED)
		status &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	if (!(status & VIRTIO_CONFIG_S_FEATURES_OK))
		status &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	return status | (dev->status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/**
 * swnet_set_status - the driver moves on (virtio, Device Status Field)
 * @dev: the device
 * @status: the new status; 0 resets
 *
 * A bit that cannot be granted stays clear, which is how the driver learns.
 */
void swnet_set_status(struct swnet_dev *dev, u8 status)
{
	bool was_ok = dev->status & VIRTIO_CONFIG_S_DRIVER_OK;

	lockdep_assert_held(&dev->lock);

	if (!status) {
		swnet_reset(dev);
		return;
	}
	dev->status = acceptable_status(dev, status);
	trace_swnet_status(dev, dev->status);
	if (!was_ok && dev->status & VIRTIO_CONFIG_S_DRIVER_OK) {
		negotiate(dev);
		netdev_driver_ok(dev);
		queue_work(swnet_wq, &dev->config_work);
	}
	update_queues(dev);
}

/**
 * swnet_reset - bring the device back to where a driver begins
 * @dev: the device
 *
 * Memory maps stay, and so do the administrator's suspend and the MAC address
 * that the VMM wrote. Every group is back in address space 0. Harmless when
 * repeated.
 *
 * Context: process; waits for one batch of each queue at most.
 */
void swnet_reset(struct swnet_dev *dev)
{
	u16 i;

	lockdep_assert_held(&dev->lock);

	dev->status = 0;
	update_queues(dev);
	netdev_device_reset(dev);

	for (i = 0; i < dev->nvqs; i++)
		vq_reset(&dev->vqs[i]);
	memset(dev->group_asid, 0, sizeof(dev->group_asid));
	dev->suspended &= ~SWNET_SUSPEND_VMM;
	dev->driver_features = 0;
	dev->config_cb = (struct vdpa_callback){};
	dev->config.announce = false;
	ctrl_reset(dev);
	flow_forget(dev);
	dev->as[0].identity = bound_to_host_driver(dev);
	trace_swnet_status(dev, 0);
}

/**
 * swnet_suspend - stand still, with all state kept
 * @dev: the device
 * @reason: SWNET_SUSPEND_* of whoever asks
 *
 * When it returns the device touches neither guest memory nor an eventfd,
 * indexes are final and nothing is in flight. Harmless when repeated.
 *
 * Context: process; waits for one batch of each queue at most.
 */
void swnet_suspend(struct swnet_dev *dev, unsigned int reason)
{
	lockdep_assert_held(&dev->lock);

	trace_swnet_suspend(dev, reason);
	dev->suspended |= reason;
	stop_queues(dev);
	trace_swnet_suspended(dev, dev->suspended);
}

/**
 * swnet_resume - go on from the state as it is now
 * @dev: the device
 * @reason: SWNET_SUSPEND_* of whoever asks; others' reasons hold on
 *
 * Addresses, sizes, indexes and address spaces may have changed. Every ring
 * is looked at, for no kick comes twice.
 */
void swnet_resume(struct swnet_dev *dev, unsigned int reason)
{
	lockdep_assert_held(&dev->lock);

	dev->suspended &= ~reason;
	update_queues(dev);
	trace_swnet_resume(dev, dev->suspended);
	queue_work(swnet_wq, &dev->config_work);
}

/**
 * swnet_unmap - take guest memory away from the device
 * @dev: the device
 * @asid: address space
 * @iova: first guest address
 * @last: last guest address
 *
 * It is unreachable when this returns. A device that stands still waits for
 * nothing; one that runs finishes the batches in hand.
 *
 * Context: process.
 * Return: 0, -EINVAL if the range is none, or cuts a mapping in two.
 */
int swnet_unmap(struct swnet_dev *dev, unsigned int asid, u64 iova, u64 last)
{
	struct swnet_as *as = &dev->as[asid];
	struct memory_entry *taken;
	int err;
	u16 i;

	mutex_lock(&dev->lock);
	err = memory_take(as, iova, last, &taken);
	for (i = 0; taken && i < dev->nvqs; i++)
		vq_invalidate(&dev->vqs[i], as, iova, last);
	mutex_unlock(&dev->lock);

	memory_free(taken);
	return err;
}

static int alloc_queues(struct swnet_dev *dev)
{
	u16 i;

	dev->pairs = kcalloc(dev->max_pairs, sizeof(*dev->pairs), GFP_KERNEL);
	if (!dev->pairs)
		return -ENOMEM;
	dev->vqs = kvcalloc(dev->nvqs, sizeof(*dev->vqs), GFP_KERNEL_ACCOUNT);
	if (!dev->vqs)
		return -ENOMEM;
	for (i = 0; i < dev->nvqs; i++)
		vq_init(&dev->vqs[i], dev, i);
	return 0;
}

static int alloc_pins(struct swnet_dev *dev)
{
	int i;

	if (!dev->vdpa.use_va)
		return 0;
	dev->pins = pincache_create(dev);
	if (!dev->pins)
		return -ENOMEM;
	for (i = 0; i < SWNET_NUM_AS; i++)
		dev->as[i].pins = dev->pins;
	return 0;
}

static void init_device(struct swnet_dev *dev, const struct swnet_provision *want)
{
	struct device *device = &dev->vdpa.dev;
	int i;

	mutex_init(&dev->lock);
	INIT_WORK(&dev->ctrl_work, ctrl_work);
	INIT_WORK(&dev->config_work, config_work);
	INIT_WORK(&dev->populate_work, populate_work);
	for (i = 0; i < SWNET_NUM_AS; i++)
		memory_init(&dev->as[i]);

	/* For virtio_vdpa: the driver's addresses are the host's own. */
	device->dma_mask = &device->coherent_dma_mask;
	dma_coerce_mask_and_coherent(device, DMA_BIT_MASK(64));
	swnet_vdpa_set_dma_dev(&dev->vdpa, device);

	dev->features = want->features;
	dev->max_pairs = want->max_pairs;
	dev->nvqs = 2 * want->max_pairs +
		    !!(want->features & BIT_ULL(VIRTIO_NET_F_CTRL_VQ));
	dev->config.mtu = want->mtu;
	ether_addr_copy(dev->config.mac, want->mac);
}

/**
 * swnet_dev_create - make a device, not yet known to anybody
 * @parent: the management device
 * @name: its name
 * @want: its properties, checked
 *
 * Return: the device or an ERR_PTR.
 */
struct swnet_dev *swnet_dev_create(struct device *parent, const char *name,
				   const struct swnet_provision *want)
{
	struct swnet_dev *dev;
	int err;

	dev = swnet_vdpa_alloc(struct swnet_dev, vdpa, parent, &swnet_vdpa_ops,
			       SWNET_NUM_GROUPS, SWNET_NUM_AS, name, want->shm);
	if (IS_ERR(dev))
		return dev;

	init_device(dev, want);
	err = alloc_queues(dev);
	if (!err)
		err = alloc_pins(dev);
	if (!err)
		err = netdev_create(dev, name);
	if (err) {
		put_device(&dev->vdpa.dev);
		return ERR_PTR(err);
	}
	mutex_lock(&dev->lock);
	ctrl_reset(dev);
	mutex_unlock(&dev->lock);
	return dev;
}

/**
 * swnet_dev_release - free a device, however far its making got
 * @vdpa: the device; the vDPA core frees the structure itself
 */
void swnet_dev_release(struct vdpa_device *vdpa)
{
	struct swnet_dev *dev = to_swnet(vdpa);
	int i;

	for (i = 0; dev->vqs && i < dev->nvqs; i++)
		vq_free(&dev->vqs[i]);
	kvfree(dev->vqs);
	kfree(dev->pairs);
	netdev_free(dev);
	for (i = 0; i < SWNET_NUM_AS; i++)
		memory_clear(&dev->as[i]);
	pincache_free(dev->pins);
	mutex_destroy(&dev->lock);
}

/**
 * swnet_dev_register - let the host and the vDPA bus have the device
 * @dev: the device
 * @mdev: its management device
 *
 * Context: process, under the vDPA core's device lock.
 * Return: 0, or a negative errno and the device is as before.
 */
int swnet_dev_register(struct swnet_dev *dev, struct vdpa_mgmt_dev *mdev)
{
	int err = netdev_register(dev);

	if (err)
		return err;
	dev->vdpa.mdev = mdev;
	err = _vdpa_register_device(&dev->vdpa, dev->nvqs);
	if (err)
		netdev_unregister(dev);
	return err;
}

/**
 * swnet_dev_unregister - take the device from the bus and the host, and free it
 * @dev: the device; waits until no VMM has it open
 */
void swnet_dev_unregister(struct swnet_dev *dev)
{
	struct device *device = get_device(&dev->vdpa.dev);
	u16 i;

	_vdpa_unregister_device(&dev->vdpa);

	/* No op comes any more, but a queue may be left as its driver left it. */
	mutex_lock(&dev->lock);
	swnet_reset(dev);
	mutex_unlock(&dev->lock);
	for (i = 0; i < dev->nvqs; i++)
		cancel_work_sync(&dev->vqs[i].pin.work);
	cancel_work_sync(&dev->populate_work);
	cancel_work_sync(&dev->ctrl_work);
	swnet_workers_stop(dev);
	netdev_unregister(dev);
	put_device(device);
}
