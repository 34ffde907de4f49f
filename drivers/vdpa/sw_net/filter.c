// SPDX-License-Identifier: GPL-2.0-only
/*
 * The receive filter (virtio-net, Packet Receive Filtering, Setting MAC
 * Address Filtering, VLAN Filtering).
 *
 * After a reset the device is promiscuous: that is what QEMU assumes, which
 * replays only differences from it, and what drivers without CTRL_RX need. A
 * promiscuous device lets in every VLAN too, as bridges in guests expect.
 */
#include <linux/bitmap.h>
#include <linux/etherdevice.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "ctrl.h"
#include "device.h"
#include "filter.h"
#include "rx.h"

#define MODE(cmd)	BIT(VIRTIO_NET_CTRL_RX_##cmd)

enum { UNICAST, MULTICAST };

/* A frame without a tag, or with a priority only, is of no VLAN. */
static bool admits_vlan(const struct swnet_dev *dev, const struct sk_buff *skb)
{
	const struct vlan_ethhdr *eth;
	struct vlan_ethhdr buf;
	u16 id;

	if (!(dev->driver_features & BIT_ULL(VIRTIO_NET_F_CTRL_VLAN)))
		return true;
	eth = skb_header_pointer(skb, 0, sizeof(buf), &buf);
	if (!eth || eth->h_vlan_proto != htons(ETH_P_8021Q))
		return true;
	id = ntohs(eth->h_vlan_TCI) & VLAN_VID_MASK;
	return !id || test_bit(id, dev->ctrl.filter.vlans);
}

static bool table_has(const struct filter_macs *macs, int kind, u64 mac)
{
	u16 i;

	if (!macs)
		return false;
	for (i = 0; i < macs->nr[kind]; i++)
		if (macs->mac[kind][i] == mac)
			return true;
	return macs->all[kind];
}

static bool admits_mac(const struct swnet_filter *filter, u8 mode, const u8 *dst)
{
	const struct filter_macs *macs = READ_ONCE(filter->macs);
	u64 mac = ether_addr_to_u64(dst);

	if (is_broadcast_ether_addr(dst))
		return !(mode & MODE(NOBCAST));
	if (is_multicast_ether_addr(dst))
		return !(mode & MODE(NOMULTI)) &&
		       (mode & MODE(ALLMULTI) ||
			table_has(macs, MULTICAST, mac));
	return !(mode & MODE(NOUNI)) &&
	       (mode & MODE(ALLUNI) || mac == READ_ONCE(filter->mac) ||
		table_has(macs, UNICAST, mac));
}

/**
 * filter_admits - does the guest want a frame?
 * @dev: the device
 * @skb: the frame, from its link header on
 *
 * Context: any but hard interrupt, the lock of a receive queue held.
 * Return: true if so.
 */
bool filter_admits(const struct swnet_dev *dev, const struct sk_buff *skb)
{
	const struct swnet_filter *filter = &dev->ctrl.filter;
	u8 mode = READ_ONCE(filter->mode);
	u8 buf[ETH_ALEN];
	const u8 *dst;

	if (likely(mode & MODE(PROMISC)))
		return true;
	dst = skb_header_pointer(skb, 0, sizeof(buf), buf);
	return dst && admits_mac(filter, mode, dst) && admits_vlan(dev, skb);
}

static void replace_macs(struct swnet_dev *dev, struct filter_macs *macs)
{
	struct filter_macs *old = dev->ctrl.filter.macs;

	lockdep_assert_held(&dev->lock);

	WRITE_ONCE(dev->ctrl.filter.macs, macs);
	rx_settle(dev);
	kfree(old);
}

/**
 * filter_reset - let everything in, as a new device does
 * @dev: the device
 *
 * The address of the device is the business of the config space.
 */
void filter_reset(struct swnet_dev *dev)
{
	struct swnet_filter *filter = &dev->ctrl.filter;

	lockdep_assert_held(&dev->lock);

	WRITE_ONCE(filter->mode, MODE(PROMISC));
	bitmap_zero(filter->vlans, VLAN_N_VID);
	if (filter->macs)
		replace_macs(dev, NULL);
}

/**
 * filter_set_mac - the address of the device changed
 * @dev: the device
 * @mac: it
 */
void filter_set_mac(struct swnet_dev *dev, const u8 *mac)
{
	WRITE_ONCE(dev->ctrl.filter.mac, ether_addr_to_u64(mac));
}

/**
 * filter_cmd_rx - turn one of the receive modes on or off
 * @dev: the device
 * @cmd: 0 or 1
 *
 * Return: 0 or -EINVAL.
 */
int filter_cmd_rx(struct swnet_dev *dev, struct ctrl_command *cmd)
{
	u8 mode = dev->ctrl.filter.mode & ~BIT(cmd->cmd);

	lockdep_assert_held(&dev->lock);

	if (*cmd->data > 1)
		return -EINVAL;
	mode |= *cmd->data << cmd->cmd;
	if (mode == dev->ctrl.filter.mode)
		return 0;
	WRITE_ONCE(dev->ctrl.filter.mode, mode);
	rx_settle(dev);
	return 0;
}

/**
 * filter_cmd_mac - set the address of the device
 * @dev: the device
 * @cmd: the address
 *
 * Return: 0 or -EINVAL.
 */
int filter_cmd_mac(struct swnet_dev *dev, struct ctrl_command *cmd)
{
	lockdep_assert_held(&dev->lock);

	if (!is_valid_ether_addr(cmd->data))
		return -EINVAL;
	if (ether_addr_equal_unaligned(cmd->data, dev->config.current_mac))
		return 0;
	memcpy(dev->config.current_mac, cmd->data, ETH_ALEN);
	filter_set_mac(dev, dev->config.current_mac);
	rx_settle(dev);
	return 0;
}

/* One of the two lists, a count and so many addresses; it is taken off @cmd. */
static int parse_macs(struct filter_macs *macs, int kind,
		      struct ctrl_command *cmd)
{
	u32 nr, i;

	if (cmd->len < sizeof(__le32))
		return -EINVAL;
	nr = get_unaligned_le32(cmd->data);
	cmd->data += sizeof(__le32);
	cmd->len -= sizeof(__le32);
	if (nr > cmd->len / ETH_ALEN)
		return -EINVAL;

	macs->all[kind] = nr > FILTER_MACS;
	macs->nr[kind] = macs->all[kind] ? 0 : nr;
	for (i = 0; i < macs->nr[kind]; i++)
		macs->mac[kind][i] = ether_addr_to_u64(cmd->data + i * ETH_ALEN);
	cmd->data += nr * ETH_ALEN;
	cmd->len -= nr * ETH_ALEN;
	return 0;
}

static bool same_macs(const struct filter_macs *a, const struct filter_macs *b)
{
	static const struct filter_macs none;

	return !memcmp(a, b ?: &none, sizeof(*a));
}

/**
 * filter_cmd_macs - set the MAC filter table
 * @dev: the device
 * @cmd: the unicast addresses, then the multicast ones
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int filter_cmd_macs(struct swnet_dev *dev, struct ctrl_command *cmd)
{
	struct filter_macs *macs;
	int err;

	lockdep_assert_held(&dev->lock);

	macs = kzalloc(sizeof(*macs), GFP_KERNEL);
	if (!macs)
		return -ENOMEM;
	err = parse_macs(macs, UNICAST, cmd);
	if (!err)
		err = parse_macs(macs, MULTICAST, cmd);
	if (!err && cmd->len)
		err = -EINVAL;
	if (err || same_macs(macs, dev->ctrl.filter.macs))
		kfree(macs);
	else
		replace_macs(dev, macs);
	return err;
}

/**
 * filter_cmd_vlan - add a VLAN, or remove it
 * @dev: the device
 * @cmd: its identifier
 *
 * Return: 0 or -EINVAL.
 */
int filter_cmd_vlan(struct swnet_dev *dev, struct ctrl_command *cmd)
{
	u16 id = get_unaligned_le16(cmd->data);

	lockdep_assert_held(&dev->lock);

	if (id >= VLAN_N_VID)
		return -EINVAL;
	if (cmd->cmd == VIRTIO_NET_CTRL_VLAN_ADD)
		set_bit(id, dev->ctrl.filter.vlans);
	else if (test_and_clear_bit(id, dev->ctrl.filter.vlans))
		rx_settle(dev);
	return 0;
}
