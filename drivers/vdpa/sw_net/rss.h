/* SPDX-License-Identifier: GPL-2.0-only */
/* Receive-side scaling and hash reports. */
#ifndef SWNET_RSS_H
#define SWNET_RSS_H

#include <linux/types.h>

struct ctrl_command;
struct sk_buff;
struct swnet_dev;
struct swnet_hdr;

#define RSS_KEY_MAX	40
#define RSS_TABLE_MAX	128
#define RSS_TYPES \
	(VIRTIO_NET_RSS_HASH_TYPE_IPv4 | VIRTIO_NET_RSS_HASH_TYPE_TCPv4 | \
	 VIRTIO_NET_RSS_HASH_TYPE_UDPv4 | VIRTIO_NET_RSS_HASH_TYPE_IPv6 | \
	 VIRTIO_NET_RSS_HASH_TYPE_TCPv6 | VIRTIO_NET_RSS_HASH_TYPE_UDPv6)

bool rss_steer(struct swnet_dev *dev, struct sk_buff *skb, u16 *pair);
void rss_report(struct swnet_dev *dev, struct sk_buff *skb,
		struct swnet_hdr *hdr);
void rss_stop_steering(struct swnet_dev *dev);
void rss_reset(struct swnet_dev *dev);

int rss_cmd(struct swnet_dev *dev, struct ctrl_command *cmd);

#endif /* SWNET_RSS_H */
