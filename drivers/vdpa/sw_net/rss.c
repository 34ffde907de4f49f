// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive-side scaling and hash reports (virtio-net, Hash calculation for
 * incoming packets, Receive-side scaling).
 *
 * The Toeplitz hash is linear: the hash of an input is that of its nibbles,
 * combined. What each nibble adds is worked out once for a key.
 */
#include <linux/if_vlan.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <net/flow_dissector.h>

#include "ctrl.h"
#include "device.h"
#include "rss.h"

/* The longest input: two IPv6 addresses and two ports. */
#define RSS_INPUT_MAX	36
#define RSS_NIBBLES	(2 * RSS_INPUT_MAX)

/**
 * struct rss_config - what a command asks for
 * @types: VIRTIO_NET_RSS_HASH_TYPE_* to calculate
 * @mask: indirection table size - 1
 * @unclassified: pair that receives frames without a hash
 * @max_tx: pairs that the driver transmits on, 0 for reports only
 * @table: pairs
 * @key_len: bytes of @key that the driver gave, the rest is zero
 * @key: the key
 */
struct rss_config {
	u32 types;
	u16 mask;
	u16 unclassified;
	u16 max_tx;
	u16 table[RSS_TABLE_MAX];
	u8 key_len;
	u8 key[RSS_KEY_MAX];
};

/**
 * struct swnet_rss - a command put into effect
 * @rcu: to free it
 * @steer: it decides where frames go; written under the device's lock
 * @config: the command
 * @nibble: hash of each value of each nibble of the input
 */
struct swnet_rss {
	struct rcu_head rcu;
	bool steer;
	struct rss_config config;
	u32 nibble[RSS_NIBBLES][16];
};

/* 32 bits of the key from a bit on. */
static u32 key_window(const u8 *key, unsigned int bit)
{
	u64 bits = (u64)get_unaligned_be32(key + bit / 8) << 8;

	if (bit / 8 + 4 < RSS_KEY_MAX)
		bits |= key[bit / 8 + 4];
	return bits >> (8 - bit % 8);
}

static void prepare_nibbles(struct swnet_rss *rss)
{
	unsigned int i, bit, value;

	for (i = 0; i < RSS_NIBBLES; i++)
		for (bit = 0; bit < 4; bit++)
			for (value = 0; value < 16; value++)
				if (value & 8 >> bit)
					rss->nibble[i][value] ^=
						key_window(rss->config.key,
							   4 * i + bit);
}

static u32 hash_input(const struct swnet_rss *rss, const u8 *input,
		      unsigned int len)
{
	unsigned int i;
	u32 hash = 0;

	for (i = 0; i < len; i++)
		hash ^= rss->nibble[2 * i][input[i] >> 4] ^
			rss->nibble[2 * i + 1][input[i] & 15];
	return hash;
}

static bool dissect(struct sk_buff *skb, struct flow_keys *keys)
{
	if (skb_headlen(skb) < ETH_HLEN)
		return false;
	memset(keys, 0, sizeof(*keys));
	return __skb_flow_dissect(NULL, skb, &flow_keys_dissector, keys,
				  skb->data,
				  ((struct ethhdr *)skb->data)->h_proto,
				  ETH_HLEN, skb_headlen(skb),
				  FLOW_DISSECTOR_F_STOP_AT_ENCAP);
}

/* What is hashed of a frame: a VIRTIO_NET_HASH_REPORT_*, of those enabled. */
static u16 classify(u32 types, const struct flow_keys *keys)
{
	bool v6 = keys->control.addr_type == FLOW_DISSECTOR_KEY_IPV6_ADDRS;
	u8 proto = keys->basic.ip_proto;
	u16 report;

	if (!v6 && keys->control.addr_type != FLOW_DISSECTOR_KEY_IPV4_ADDRS)
		return VIRTIO_NET_HASH_REPORT_NONE;
	report = v6 ? VIRTIO_NET_HASH_REPORT_IPv6 : VIRTIO_NET_HASH_REPORT_IPv4;
	/* A type's bit is one less than its report, and TCP and UDP follow IP. */
	if (!(keys->control.flags & FLOW_DIS_IS_FRAGMENT)) {
		if (proto == IPPROTO_TCP && types & BIT(report))
			return report + 1;
		if (proto == IPPROTO_UDP && types & BIT(report + 1))
			return report + 2;
	}
	return types & BIT(report - 1) ? report : VIRTIO_NET_HASH_REPORT_NONE;
}

static unsigned int make_input(const struct flow_keys *keys, u16 report,
			       u8 *input)
{
	unsigned int len;

	if (keys->control.addr_type == FLOW_DISSECTOR_KEY_IPV6_ADDRS) {
		memcpy(input, &keys->addrs.v6addrs.src, 16);
		memcpy(input + 16, &keys->addrs.v6addrs.dst, 16);
		len = 32;
	} else {
		put_unaligned(keys->addrs.v4addrs.src, (__be32 *)input);
		put_unaligned(keys->addrs.v4addrs.dst, (__be32 *)(input + 4));
		len = 8;
	}
	if (report == VIRTIO_NET_HASH_REPORT_IPv4 ||
	    report == VIRTIO_NET_HASH_REPORT_IPv6)
		return len;
	put_unaligned(keys->ports.src, (__be16 *)(input + len));
	put_unaligned(keys->ports.dst, (__be16 *)(input + len + 2));
	return len + 4;
}

static u16 hash_frame(const struct swnet_rss *rss, struct sk_buff *skb, u32 *hash)
{
	u8 input[RSS_INPUT_MAX];
	struct flow_keys keys;
	u16 report;

	if (!rss->config.types || !dissect(skb, &keys))
		return VIRTIO_NET_HASH_REPORT_NONE;
	report = classify(rss->config.types, &keys);
	if (report)
		*hash = hash_input(rss, input,
				   make_input(&keys, report, input));
	return report;
}

/**
 * rss_steer - which receive queue a frame belongs to
 * @dev: the device
 * @skb: the frame, from its link header on
 * @pair: the pair, if it is decided
 *
 * Context: any but hard interrupt.
 * Return: false if the driver did not ask for receive-side scaling.
 */
bool rss_steer(struct swnet_dev *dev, struct sk_buff *skb, u16 *pair)
{
	const struct swnet_rss *rss;
	bool steer;
	u32 hash;

	rcu_read_lock();
	rss = rcu_dereference(dev->ctrl.rss);
	steer = rss && READ_ONCE(rss->steer);
	if (steer)
		*pair = hash_frame(rss, skb, &hash) ?
			rss->config.table[hash & rss->config.mask] :
			rss->config.unclassified;
	rcu_read_unlock();
	return steer;
}

/**
 * rss_report - tell the driver the hash of a frame
 * @dev: the device
 * @skb: the frame, from its link header on
 * @hdr: its header; as it is, it says that there is no hash
 *
 * Context: any but hard interrupt.
 */
void rss_report(struct swnet_dev *dev, struct sk_buff *skb, struct swnet_hdr *hdr)
{
	const struct swnet_rss *rss;
	u32 hash = 0;

	rcu_read_lock();
	rss = rcu_dereference(dev->ctrl.rss);
	if (rss)
		hdr->hash_report = cpu_to_le16(hash_frame(rss, skb, &hash));
	hdr->hash_value = cpu_to_le32(hash);
	rcu_read_unlock();
}

static struct swnet_rss *current_rss(struct swnet_dev *dev)
{
	return rcu_dereference_protected(dev->ctrl.rss,
					 lockdep_is_held(&dev->lock));
}

/**
 * rss_stop_steering - the driver chose automatic steering; reports go on
 * @dev: the device
 */
void rss_stop_steering(struct swnet_dev *dev)
{
	struct swnet_rss *rss = current_rss(dev);

	if (rss)
		WRITE_ONCE(rss->steer, false);
}

/**
 * rss_reset - neither steer nor report
 * @dev: the device
 */
void rss_reset(struct swnet_dev *dev)
{
	struct swnet_rss *rss = current_rss(dev);

	RCU_INIT_POINTER(dev->ctrl.rss, NULL);
	if (rss)
		kfree_rcu(rss, rcu);
}

/* Take a number off the command, or something that no check lets through. */
static u16 take_le16(struct ctrl_command *cmd)
{
	u16 value = U16_MAX;

	if (cmd->len >= sizeof(__le16)) {
		value = get_unaligned_le16(cmd->data);
		cmd->data += sizeof(__le16);
		cmd->len -= sizeof(__le16);
	}
	return value;
}

static int parse_types(struct rss_config *config, struct ctrl_command *cmd)
{
	config->types = take_le16(cmd);
	config->types |= (u32)take_le16(cmd) << 16;
	return config->types & ~RSS_TYPES ? -EINVAL : 0;
}

static int parse_table(struct swnet_dev *dev, struct rss_config *config,
		       struct ctrl_command *cmd)
{
	u32 i;

	config->mask = take_le16(cmd);
	if (config->mask >= RSS_TABLE_MAX || config->mask & (config->mask + 1))
		return -EINVAL;
	config->unclassified = take_le16(cmd);
	if (config->unclassified >= dev->max_pairs)
		return -EINVAL;
	for (i = 0; i <= config->mask; i++) {
		config->table[i] = take_le16(cmd);
		if (config->table[i] >= dev->max_pairs)
			return -EINVAL;
	}
	config->max_tx = take_le16(cmd);
	return config->max_tx && config->max_tx <= dev->max_pairs ? 0 : -EINVAL;
}

/*
 * What follows the key is not looked at: Linux drivers send one byte more, for
 * they take the size of a structure that has padding there.
 */
static int parse_key(struct rss_config *config, struct ctrl_command *cmd)
{
	if (!cmd->len || cmd->data[0] > RSS_KEY_MAX ||
	    cmd->data[0] > cmd->len - 1)
		return -EINVAL;
	config->key_len = cmd->data[0];
	memcpy(config->key, cmd->data + 1, config->key_len);
	return config->types && !config->key_len ? -EINVAL : 0;
}

/* Reserved fields lie where a table of one entry would be. */
static int parse(struct swnet_dev *dev, struct rss_config *config, bool steer,
		 struct ctrl_command *cmd)
{
	int i, err = parse_types(config, cmd);

	if (!err && steer)
		err = parse_table(dev, config, cmd);
	for (i = 0; !steer && i < 4; i++)
		take_le16(cmd);
	return err ?: parse_key(config, cmd);
}

/* Pairs that the driver uses, one way or the other. */
static u16 pairs_used(const struct rss_config *config)
{
	u16 i, pairs = max_t(u16, config->max_tx, config->unclassified + 1);

	for (i = 0; i <= config->mask; i++)
		pairs = max_t(u16, pairs, config->table[i] + 1);
	return pairs;
}

static void install(struct swnet_dev *dev, struct swnet_rss *rss, bool steer)
{
	struct swnet_rss *old = current_rss(dev);

	if (old && !memcmp(&old->config, &rss->config, sizeof(rss->config))) {
		WRITE_ONCE(old->steer, steer);
		kfree(rss);
		return;
	}
	prepare_nibbles(rss);
	rss->steer = steer;
	rcu_assign_pointer(dev->ctrl.rss, rss);
	if (old)
		kfree_rcu(old, rcu);
}

/**
 * rss_cmd - set up receive-side scaling, or reports alone
 * @dev: the device
 * @cmd: struct virtio_net_rss_config or struct virtio_net_hash_config
 *
 * Reports alone leave the steering automatic, on the pairs in use.
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int rss_cmd(struct swnet_dev *dev, struct ctrl_command *cmd)
{
	bool steer = cmd->cmd == VIRTIO_NET_CTRL_MQ_RSS_CONFIG;
	struct swnet_rss *rss;
	u16 pairs;
	int err;

	rss = kzalloc(sizeof(*rss), GFP_KERNEL);
	if (!rss)
		return -ENOMEM;
	err = parse(dev, &rss->config, steer, cmd);
	if (err) {
		kfree(rss);
		return err;
	}

	/* Neither table may name a queue that is not in use. */
	pairs = steer ? pairs_used(&rss->config) : dev->ctrl.pairs;
	ctrl_use_pairs(dev, max(pairs, dev->ctrl.pairs));
	install(dev, rss, steer);
	ctrl_use_pairs(dev, pairs);
	return 0;
}
