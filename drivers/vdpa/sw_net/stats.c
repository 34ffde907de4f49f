// SPDX-License-Identifier: GPL-2.0-only
/* Counters of a queue: "vdpa dev vstats show" and "ethtool -S". */
#include <linux/netlink.h>
#include <net/netlink.h>
#include <uapi/linux/vdpa.h>

#include "device.h"
#include "pincache.h"
#include "stats.h"

#define STAT(field) { #field, offsetof(struct vq_stats, field), NULL }
#define STAT_PINS(name) { #name, 0, pincache_##name }

static const struct {
	const char *name;
	size_t offset;
	u64 (*of_pins)(const struct pincache *pc); /* the device's, not the queue's */
} stats[] = {
	STAT(packets),
	STAT(bytes),
	STAT(kicks),
	STAT(calls),
	STAT(drops_ring),
	STAT(drops_stopped),
	STAT(drops_size),
	STAT(drops_header),
	STAT(drops_memory),
	STAT(drops_filter),
	STAT(drops_down),
	STAT(pin_waits),
	STAT_PINS(pins),
	STAT_PINS(pinned_pages),
};

/**
 * stats_count - how many counters a queue has
 *
 * Return: the number.
 */
unsigned int stats_count(void)
{
	return ARRAY_SIZE(stats);
}

/**
 * stats_name - name of a counter
 * @i: which
 *
 * Return: the name, in the kernel's style of words_like_these.
 */
const char *stats_name(unsigned int i)
{
	return stats[i].name;
}

/**
 * stats_value - value of a counter
 * @vq: the queue
 * @i: which
 *
 * Return: the value just now.
 */
u64 stats_value(const struct swnet_vq *vq, unsigned int i)
{
	if (stats[i].of_pins)
		return vq->dev->pins ? stats[i].of_pins(vq->dev->pins) : 0;
	return READ_ONCE(*(const u64 *)((const void *)&vq->stats +
					stats[i].offset));
}

/**
 * stats_vendor_vq - the vDPA op behind "vdpa dev vstats show"
 * @vdpa: the device
 * @idx: queue index, unchecked
 * @msg: where the name and value pairs go
 * @extack: for the reason of a refusal
 *
 * Return: 0, -EINVAL for a queue there is not, -EMSGSIZE.
 */
int stats_vendor_vq(struct vdpa_device *vdpa, u16 idx, struct sk_buff *msg,
		    struct netlink_ext_ack *extack)
{
	struct swnet_dev *dev = to_swnet(vdpa);
	unsigned int i;

	if (idx >= dev->nvqs) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "the device has %u queues",
				       dev->nvqs);
		return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(stats); i++)
		if (nla_put_string(msg, VDPA_ATTR_DEV_VENDOR_ATTR_NAME,
				   stats[i].name) ||
		    nla_put_u64_64bit(msg, VDPA_ATTR_DEV_VENDOR_ATTR_VALUE,
				      stats_value(&dev->vqs[idx], i),
				      VDPA_ATTR_PAD))
			return -EMSGSIZE;
	return 0;
}
