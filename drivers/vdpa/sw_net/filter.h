/* SPDX-License-Identifier: GPL-2.0-only */
/* The receive filter: which frames the guest wants to see. */
#ifndef SWNET_FILTER_H
#define SWNET_FILTER_H

#include <linux/if_vlan.h>
#include <linux/types.h>

struct ctrl_command;
struct sk_buff;
struct swnet_dev;

/* Addresses of a kind, unicast or multicast; with more all of it is let in. */
#define FILTER_MACS	64

/**
 * struct filter_macs - the MAC filter table
 * @nr: addresses, unicast and multicast
 * @all: there are too many of them
 * @mac: the addresses, as numbers
 */
struct filter_macs {
	u16 nr[2];
	bool all[2];
	u64 mac[2][FILTER_MACS];
};

/**
 * struct swnet_filter - what commands have made of the filter
 * @mode: a bit for each VIRTIO_NET_CTRL_RX command that is on
 * @mac: the address of the device, as a number
 * @macs: addresses beside it; NULL for none
 * @vlans: VLANs to let in
 *
 * Written under the device's lock; the data path reads it under the lock of a
 * receive queue. A table is freed when all of these have been cycled.
 */
struct swnet_filter {
	u8 mode;
	u64 mac;
	struct filter_macs *macs;
	DECLARE_BITMAP(vlans, VLAN_N_VID);
};

bool filter_admits(const struct swnet_dev *dev, const struct sk_buff *skb);
void filter_reset(struct swnet_dev *dev);
void filter_set_mac(struct swnet_dev *dev, const u8 *mac);

int filter_cmd_rx(struct swnet_dev *dev, struct ctrl_command *cmd);
int filter_cmd_mac(struct swnet_dev *dev, struct ctrl_command *cmd);
int filter_cmd_macs(struct swnet_dev *dev, struct ctrl_command *cmd);
int filter_cmd_vlan(struct swnet_dev *dev, struct ctrl_command *cmd);

#endif /* SWNET_FILTER_H */
