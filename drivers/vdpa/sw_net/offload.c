// SPDX-License-Identifier: GPL-2.0-only
/* Guest offloads (virtio-net, Offloads State Configuration). */
#include <linux/unaligned.h>

#include "ctrl.h"
#include "device.h"
#include "offload.h"
#include "rx.h"

static const u64 guest_offloads = BIT_ULL(VIRTIO_NET_F_GUEST_CSUM) |
				  BIT_ULL(VIRTIO_NET_F_GUEST_TSO4) |
				  BIT_ULL(VIRTIO_NET_F_GUEST_TSO6) |
				  BIT_ULL(VIRTIO_NET_F_GUEST_ECN) |
				  BIT_ULL(VIRTIO_NET_F_GUEST_USO4) |
				  BIT_ULL(VIRTIO_NET_F_GUEST_USO6);

static void set_offloads(struct swnet_dev *dev, u64 offloads)
{
	netdev_features_t gso = 0;

	lockdep_assert_held(&dev->lock);

	if (offloads & BIT_ULL(VIRTIO_NET_F_GUEST_CSUM)) {
		gso |= NETIF_F_HW_CSUM;
		if (offloads & BIT_ULL(VIRTIO_NET_F_GUEST_TSO4))
			gso |= NETIF_F_TSO;
		if (offloads & BIT_ULL(VIRTIO_NET_F_GUEST_TSO6))
			gso |= NETIF_F_TSO6;
		if (offloads & BIT_ULL(VIRTIO_NET_F_GUEST_ECN))
			gso |= NETIF_F_TSO_ECN;
		/* The host has one bit for both. */
		if (offloads & BIT_ULL(VIRTIO_NET_F_GUEST_USO4) &&
		    offloads & BIT_ULL(VIRTIO_NET_F_GUEST_USO6))
			gso |= NETIF_F_GSO_UDP_L4;
	}
	dev->ctrl.offloads = offloads;
	WRITE_ONCE(dev->guest_gso, gso);
}

/**
 * offload_negotiated - all that was negotiated is on
 * @dev: the device, whose driver is ready
 */
void offload_negotiated(struct swnet_dev *dev)
{
	set_offloads(dev, dev->driver_features & guest_offloads);
}

/**
 * offload_cmd - choose among the negotiated offloads
 * @dev: the device
 * @cmd: the VIRTIO_NET_F_GUEST_* bits to have on
 *
 * The host interface follows a little later; until then frames that the guest
 * does not take any more are dropped.
 *
 * Return: 0 or -EINVAL.
 */
int offload_cmd(struct swnet_dev *dev, struct ctrl_command *cmd)
{
	u64 offloads = get_unaligned_le64(cmd->data);

	if (offloads & ~(dev->driver_features & guest_offloads))
		return -EINVAL;
	if (offloads == dev->ctrl.offloads)
		return 0;
	set_offloads(dev, offloads);
	rx_settle(dev);
	queue_work(swnet_wq, &dev->netdev_work);
	return 0;
}
