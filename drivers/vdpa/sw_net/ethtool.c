// SPDX-License-Identifier: GPL-2.0-only
/* ethtool for the host interface; directions are the host's. */
#include <linux/ethtool.h>
#include <linux/netdevice.h>

#include "device.h"
#include "ethtool.h"
#include "netdev.h"
#include "stats.h"

static void ethtool_drvinfo(struct net_device *netdev,
			    struct ethtool_drvinfo *info)
{
	struct swnet_dev *dev = netdev_to_swnet(netdev);

	strscpy(info->driver, SWNET_NAME, sizeof(info->driver));
	strscpy(info->bus_info, dev_name(&dev->vdpa.dev), sizeof(info->bus_info));
}

static int ethtool_link_ksettings(struct net_device *netdev,
				  struct ethtool_link_ksettings *cmd)
{
	ethtool_link_ksettings_zero_link_mode(cmd, supported);
	ethtool_link_ksettings_zero_link_mode(cmd, advertising);
	cmd->base.speed = SWNET_SPEED;
	cmd->base.duplex = DUPLEX_FULL;
	cmd->base.port = PORT_OTHER;
	return 0;
}

static void ethtool_channels(struct net_device *netdev,
			     struct ethtool_channels *channels)
{
	struct swnet_dev *dev = netdev_to_swnet(netdev);

	channels->max_combined = dev->max_pairs;
	channels->combined_count = READ_ONCE(dev->ctrl.pairs);
}

/* The guest's rings are ours: what it receives from is what we send to. */
static void ethtool_ringparam(struct net_device *netdev,
			      struct ethtool_ringparam *ring,
			      struct kernel_ethtool_ringparam *kernel_ring,
			      struct netlink_ext_ack *extack)
{
	struct swnet_dev *dev = netdev_to_swnet(netdev);

	ring->rx_max_pending = RING_NUM_MAX;
	ring->tx_max_pending = RING_NUM_MAX;
	mutex_lock(&dev->lock);
	ring->rx_pending = dev->vqs[1].num;
	ring->tx_pending = dev->vqs[0].num;
	mutex_unlock(&dev->lock);
}

static int ethtool_sset_count(struct net_device *netdev, int sset)
{
	struct swnet_dev *dev = netdev_to_swnet(netdev);

	return sset == ETH_SS_STATS ? 2 * dev->max_pairs * stats_count() :
				      -EOPNOTSUPP;
}

static void ethtool_strings(struct net_device *netdev, u32 sset, u8 *data)
{
	struct swnet_dev *dev = netdev_to_swnet(netdev);
	unsigned int i, stat;

	for (i = 0; sset == ETH_SS_STATS && i < 2 * dev->max_pairs; i++)
		for (stat = 0; stat < stats_count(); stat++)
			ethtool_sprintf(&data, "%s_queue_%u_%s",
					i % 2 ? "rx" : "tx", i / 2,
					stats_name(stat));
}

static void ethtool_stats(struct net_device *netdev,
			  struct ethtool_stats *header, u64 *data)
{
	struct swnet_dev *dev = netdev_to_swnet(netdev);
	unsigned int i, stat;

	for (i = 0; i < 2 * dev->max_pairs; i++)
		for (stat = 0; stat < stats_count(); stat++)
			*data++ = stats_value(&dev->vqs[i], stat);
}

static const struct ethtool_ops swnet_ethtool_ops = {
	.get_drvinfo		= ethtool_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_link_ksettings	= ethtool_link_ksettings,
	.get_channels		= ethtool_channels,
	.get_ringparam		= ethtool_ringparam,
	.get_sset_count		= ethtool_sset_count,
	.get_strings		= ethtool_strings,
	.get_ethtool_stats	= ethtool_stats,
	.get_ts_info		= ethtool_op_get_ts_info,
};

/**
 * ethtool_setup - give a host interface its ethtool operations
 * @netdev: the interface
 */
void ethtool_setup(struct net_device *netdev)
{
	netdev->ethtool_ops = &swnet_ethtool_ops;
}
