// SPDX-License-Identifier: GPL-2.0-only
/*
 * The config space (struct virtio_net_config) and the config interrupt.
 */
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/unaligned.h>
#include <linux/virtio_byteorder.h>

#include "config.h"
#include "device.h"
#include "rss.h"
#include "trace.h"

static void config_fill_rss(const struct swnet_dev *dev,
			    struct virtio_net_config *config)
{
	u64 rss = BIT_ULL(VIRTIO_NET_F_RSS);

	if (dev->features & rss)
		config->rss_max_indirection_table_length =
			cpu_to_le16(RSS_TABLE_MAX);
	if (dev->features & (rss | BIT_ULL(VIRTIO_NET_F_HASH_REPORT))) {
		config->rss_max_key_size = RSS_KEY_MAX;
		config->supported_hash_types = cpu_to_le32(RSS_TYPES);
	}
}

static void config_fill(const struct swnet_dev *dev,
			struct virtio_net_config *config)
{
	u16 status = 0;

	ether_addr_copy(config->mac, dev->config.current_mac);
	if (dev->config.link_up)
		status |= VIRTIO_NET_S_LINK_UP;
	if (dev->config.announce)
		status |= VIRTIO_NET_S_ANNOUNCE;
	config->status = __cpu_to_virtio16(true, status);
	config->max_virtqueue_pairs = __cpu_to_virtio16(true, dev->max_pairs);
	config->mtu = __cpu_to_virtio16(true, dev->config.mtu);
	config->speed = cpu_to_le32(SWNET_SPEED);
	config->duplex = DUPLEX_FULL;
	config_fill_rss(dev, config);
}

/**
 * config_get - read the config space
 * @dev: the device
 * @offset: first byte
 * @buf: where it goes; bytes behind the config space read as zero
 * @len: bytes
 */
void config_get(struct swnet_dev *dev, unsigned int offset, void *buf,
		unsigned int len)
{
	struct virtio_net_config config = {};

	lockdep_assert_held(&dev->lock);

	memset(buf, 0, len);
	if (offset >= sizeof(config))
		return;
	config_fill(dev, &config);
	memcpy(buf, (void *)&config + offset,
	       min_t(size_t, len, sizeof(config) - offset));
}

/**
 * config_set_mac - give the device its address
 * @dev: the device
 * @mac: what it has now, and after each reset
 */
void config_set_mac(struct swnet_dev *dev, const u8 *mac)
{
	lockdep_assert_held(&dev->lock);

	memmove(dev->config.mac, mac, ETH_ALEN);
	ether_addr_copy(dev->config.current_mac, dev->config.mac);
	filter_set_mac(dev, dev->config.mac);
}

/*
 * A guest that arrived at another host is to tell the network. The device
 * cannot know that it did, its VMM does, and writes the bit.
 */
static void config_set_status(struct swnet_dev *dev, const u8 *buf)
{
	if (!(dev->status & VIRTIO_CONFIG_S_DRIVER_OK) ||
	    !(dev->driver_features & BIT_ULL(VIRTIO_NET_F_GUEST_ANNOUNCE)) ||
	    !(get_unaligned_le16(buf) & VIRTIO_NET_S_ANNOUNCE))
		return;
	dev->config.announce = true;
	dev->config.announce_told = false;
	queue_work(swnet_wq, &dev->config_work);
}

/**
 * config_announced - the driver has announced itself
 * @dev: the device
 */
void config_announced(struct swnet_dev *dev)
{
	lockdep_assert_held(&dev->lock);

	dev->config.announce = false;
}

/**
 * config_set - write the config space
 * @dev: the device
 * @offset: first byte
 * @buf: what to write
 * @len: bytes
 *
 * The MAC address can be written until the driver runs: this is how a VMM
 * gives its own to the device. It survives resets, for a VMM resets the device
 * afterwards. While the driver runs the announce bit of the status can be set,
 * by a write of the status and nothing else. All the rest has no effect.
 */
void config_set(struct swnet_dev *dev, unsigned int offset, const void *buf,
		unsigned int len)
{
	u8 mac[ETH_ALEN];

	lockdep_assert_held(&dev->lock);

	if (offset == offsetof(struct virtio_net_config, status) &&
	    len == sizeof(__le16)) {
		config_set_status(dev, buf);
		return;
	}
	if (offset >= ETH_ALEN || len > ETH_ALEN - offset ||
	    dev->status & VIRTIO_CONFIG_S_DRIVER_OK)
		return;
	ether_addr_copy(mac, dev->config.mac);
	memcpy(mac + offset, buf, len);
	if (is_valid_ether_addr(mac))
		config_set_mac(dev, mac);
}

/* A queue stopped for good: say so in the status, and let go of its ring. */
static bool config_needs_reset(struct swnet_dev *dev)
{
	bool broken = false;
	u16 i;

	for (i = 0; i < dev->nvqs; i++) {
		if (!READ_ONCE(dev->vqs[i].broken))
			continue;
		vq_update(&dev->vqs[i]);
		broken = true;
	}
	if (!broken || dev->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return false;
	dev->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	trace_swnet_status(dev, dev->status);
	return true;
}

static bool config_link_changed(struct swnet_dev *dev)
{
	bool up = netif_running(dev->netdev);

	if (up == dev->config.link_up)
		return false;
	dev->config.link_up = up;
	return true;
}

static bool config_announce_wanted(struct swnet_dev *dev)
{
	if (!dev->config.announce || dev->config.announce_told)
		return false;
	dev->config.announce_told = true;
	return true;
}

/**
 * config_work - bring status and config space up to date, tell the driver
 * @work: the device's
 *
 * A suspended device keeps both as they are; resume comes here again.
 */
void config_work(struct work_struct *work)
{
	struct swnet_dev *dev = container_of(work, struct swnet_dev, config_work);
	bool changed;

	mutex_lock(&dev->lock);
	if (!dev->suspended) {
		changed = config_needs_reset(dev);
		changed |= config_link_changed(dev);
		changed |= config_announce_wanted(dev);
		if (changed)
			dev->config_generation++;
		if (changed && dev->config_cb.callback)
			dev->config_cb.callback(dev->config_cb.private);
	}
	mutex_unlock(&dev->lock);
}
