/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SWNET_ETHTOOL_H
#define SWNET_ETHTOOL_H

struct net_device;

void ethtool_setup(struct net_device *netdev);

#endif /* SWNET_ETHTOOL_H */
