// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host interface of a device. It has the device's name, one transmit and
 * one receive queue for each queue pair, and a carrier while a driver runs.
 *
 * The carrier outlives a suspend, and a reset for a while: losing it would
 * empty the qdisc, and frames that can wait for the guest should.
 */
#include <linux/etherdevice.h>
#include <linux/rtnetlink.h>

#include "config.h"
#include "device.h"
#include "ethtool.h"
#include "flow.h"
#include "netdev.h"
#include "rx.h"

/* Offloads that depend on what the guest takes. */
#define NETDEV_OFFLOADS	(NETIF_F_HW_CSUM | NETIF_F_TSO | NETIF_F_TSO6 | \
			 NETIF_F_TSO_ECN | NETIF_F_GSO_UDP_L4)

struct netdev_priv {
	struct swnet_dev *dev;
};

/**
 * netdev_to_swnet - the device behind a host interface
 * @netdev: the interface
 *
 * Return: the device.
 */
struct swnet_dev *netdev_to_swnet(const struct net_device *netdev)
{
	const struct netdev_priv *priv = netdev_priv(netdev);

	return priv->dev;
}

/* The guest sees the link the host gives it. */
static int netdev_open(struct net_device *netdev)
{
	queue_work(swnet_wq, &netdev_to_swnet(netdev)->config_work);
	netif_tx_start_all_queues(netdev);
	return 0;
}

static int netdev_stop(struct net_device *netdev)
{
	queue_work(swnet_wq, &netdev_to_swnet(netdev)->config_work);
	netif_tx_disable(netdev);
	rx_flush(netdev_to_swnet(netdev));
	return 0;
}

static netdev_tx_t netdev_start_xmit_frame(struct sk_buff *skb,
					   struct net_device *netdev)
{
	struct swnet_dev *dev = netdev_to_swnet(netdev);

	return rx_xmit(&dev->vqs[2 * skb_get_queue_mapping(skb)], skb);
}

static u16 netdev_select_queue(struct net_device *netdev, struct sk_buff *skb,
			       struct net_device *sb_dev)
{
	return flow_pick(netdev_to_swnet(netdev), skb);
}

static netdev_features_t netdev_guest_features(const struct swnet_dev *dev,
					       netdev_features_t features)
{
	return features & (READ_ONCE(dev->guest_gso) | ~NETDEV_OFFLOADS);
}

static netdev_features_t netdev_features_check(struct sk_buff *skb,
					       struct net_device *netdev,
					       netdev_features_t features)
{
	return netdev_guest_features(netdev_to_swnet(netdev), features);
}

/* Before a driver has said, show what it could get. */
static netdev_features_t netdev_fix_guest_features(struct net_device *netdev,
						   netdev_features_t features)
{
	if (!netif_carrier_ok(netdev))
		return features;
	return netdev_guest_features(netdev_to_swnet(netdev), features);
}

static void netdev_get_stats(struct net_device *netdev,
			     struct rtnl_link_stats64 *total)
{
	struct swnet_dev *dev = netdev_to_swnet(netdev);
	int i;

	for (i = 0; i < dev->max_pairs; i++) {
		const struct vq_stats *rx = &dev->vqs[2 * i].stats;
		const struct vq_stats *tx = &dev->vqs[2 * i + 1].stats;

		total->tx_packets += READ_ONCE(rx->packets);
		total->tx_bytes += READ_ONCE(rx->bytes);
		total->tx_dropped += READ_ONCE(rx->drops_ring) +
				     READ_ONCE(rx->drops_stopped) +
				     READ_ONCE(rx->drops_size) +
				     READ_ONCE(rx->drops_header);
		total->rx_packets += READ_ONCE(tx->packets);
		total->rx_bytes += READ_ONCE(tx->bytes);
		total->rx_dropped += READ_ONCE(tx->drops_memory) +
				     READ_ONCE(tx->drops_down);
		total->rx_length_errors += READ_ONCE(tx->drops_size);
		total->rx_frame_errors += READ_ONCE(tx->drops_header);
	}
	total->rx_errors = total->rx_length_errors + total->rx_frame_errors;
}

static const struct net_device_ops netdev_ops = {
	.ndo_open		= netdev_open,
	.ndo_stop		= netdev_stop,
	.ndo_start_xmit		= netdev_start_xmit_frame,
	.ndo_select_queue	= netdev_select_queue,
	.ndo_features_check	= netdev_features_check,
	.ndo_fix_features	= netdev_fix_guest_features,
	.ndo_get_stats64	= netdev_get_stats,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_validate_addr	= eth_validate_addr,
};

static void netdev_setup(struct net_device *netdev)
{
	ether_setup(netdev);
	netdev->netdev_ops = &netdev_ops;
	ethtool_setup(netdev);
	netdev->hw_features = NETIF_F_SG | NETIF_F_FRAGLIST | NETDEV_OFFLOADS;
	netdev->features = netdev->hw_features | NETIF_F_HIGHDMA;
	netdev->vlan_features = netdev->hw_features;
	netdev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	/* netpoll sends in hard interrupts, where our locks cannot be taken. */
	netdev->priv_flags |= IFF_DISABLE_NETPOLL;
	netdev->min_mtu = ETH_MIN_MTU;
	eth_hw_addr_random(netdev);
}

/* The features changed with the driver; this needs rtnl, so it comes later. */
static void netdev_work(struct work_struct *work)
{
	struct swnet_dev *dev = container_of(work, struct swnet_dev, netdev_work);

	rtnl_lock();
	if (dev->netdev->reg_state == NETREG_REGISTERED)
		netdev_update_features(dev->netdev);
	rtnl_unlock();
}

static void netdev_carrier_work(struct work_struct *work)
{
	struct swnet_dev *dev = container_of(to_delayed_work(work),
					     struct swnet_dev, carrier_work);

	mutex_lock(&dev->lock);
	if (!(dev->status & VIRTIO_CONFIG_S_DRIVER_OK))
		netif_carrier_off(dev->netdev);
	mutex_unlock(&dev->lock);
}

/**
 * netdev_driver_ok - a driver runs: the link is there
 * @dev: the device
 *
 * Context: process, the device's lock held.
 */
void netdev_driver_ok(struct swnet_dev *dev)
{
	lockdep_assert_held(&dev->lock);

	cancel_delayed_work(&dev->carrier_work);
	netif_carrier_on(dev->netdev);
	queue_work(swnet_wq, &dev->netdev_work);
}

/**
 * netdev_device_reset - the driver is gone, but may be back in a moment
 * @dev: the device
 *
 * Context: process, the device's lock held.
 */
void netdev_device_reset(struct swnet_dev *dev)
{
	lockdep_assert_held(&dev->lock);

	if (netif_carrier_ok(dev->netdev))
		queue_delayed_work(swnet_wq, &dev->carrier_work, SWNET_HOLD);
}

/**
 * netdev_create - make the host interface, not yet visible
 * @dev: the device
 * @name: its name
 *
 * Return: 0 or -ENOMEM.
 */
int netdev_create(struct swnet_dev *dev, const char *name)
{
	struct net_device *netdev;
	struct netdev_priv *priv;

	INIT_WORK(&dev->netdev_work, netdev_work);
	INIT_DELAYED_WORK(&dev->carrier_work, netdev_carrier_work);

	netdev = alloc_netdev_mqs(sizeof(*priv), name, NET_NAME_USER,
				  netdev_setup, dev->max_pairs, dev->max_pairs);
	if (!netdev)
		return -ENOMEM;
	priv = netdev_priv(netdev);
	priv->dev = dev;
	netdev->mtu = dev->config.mtu;
	netdev->max_mtu = dev->config.mtu;
	netif_carrier_off(netdev);
	dev->netdev = netdev;
	return 0;
}

/* The name is taken: add a number, as the kernel does. */
static void netdev_rename(struct net_device *netdev, const char *name)
{
	snprintf(netdev->name, IFNAMSIZ, "%.*s-%%d", IFNAMSIZ - 6, name);
}

/**
 * netdev_register - make the host interface visible
 * @dev: the device
 *
 * Return: 0 or a negative errno.
 */
int netdev_register(struct swnet_dev *dev)
{
	const char *name = dev_name(&dev->vdpa.dev);
	int err = register_netdev(dev->netdev);

	/* sysfs may not want the name either; that is too late for another. */
	if (err != -EEXIST || dev->netdev->reg_state != NETREG_UNINITIALIZED)
		return err;
	netdev_rename(dev->netdev, name);
	err = register_netdev(dev->netdev);
	if (!err)
		dev_info(&dev->vdpa.dev,
			 "interface name %s is taken, the host interface is %s\n",
			 name, netdev_name(dev->netdev));
	return err;
}

/**
 * netdev_unregister - take the host interface away
 * @dev: the device, which no driver uses any more
 *
 * Context: process, without rtnl.
 */
void netdev_unregister(struct swnet_dev *dev)
{
	/* Before: a carrier that goes after that would leave a linkwatch event. */
	cancel_delayed_work_sync(&dev->carrier_work);
	unregister_netdev(dev->netdev);
	cancel_work_sync(&dev->netdev_work);
	cancel_work_sync(&dev->config_work);
}

/**
 * netdev_free - free the host interface
 * @dev: the device; its host interface is not registered, or was never made
 */
void netdev_free(struct swnet_dev *dev)
{
	if (dev->netdev)
		free_netdev(dev->netdev);
}
