/* SPDX-License-Identifier: GPL-2.0-only */
/* The host interface: what it transmits the guest receives, and back. */
#ifndef SWNET_NETDEV_H
#define SWNET_NETDEV_H

struct net_device;
struct swnet_dev;

int netdev_create(struct swnet_dev *dev, const char *name);
int netdev_register(struct swnet_dev *dev);
void netdev_unregister(struct swnet_dev *dev);
void netdev_free(struct swnet_dev *dev);

void netdev_driver_ok(struct swnet_dev *dev);
void netdev_device_reset(struct swnet_dev *dev);

struct swnet_dev *netdev_to_swnet(const struct net_device *netdev);

#endif /* SWNET_NETDEV_H */
