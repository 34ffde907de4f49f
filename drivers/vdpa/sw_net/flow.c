// SPDX-License-Identifier: GPL-2.0-only
/*
 * Automatic receive steering (virtio-net, Automatic receive steering in
 * multiqueue mode): frames of a flow go to the receive queue of the pair on
 * which the driver last transmitted that flow.
 *
 * The table is a hint shared by all queues. It is read and written without a
 * lock: the worst a race can do is what a hash collision does anyway.
 */
#include <linux/skbuff.h>

#include "device.h"
#include "flow.h"
#include "rss.h"

/**
 * flow_learn - remember which pair the guest sends a flow on
 * @dev: the device
 * @skb: a frame from the guest
 * @pair: the pair it came on
 */
void flow_learn(struct swnet_dev *dev, struct sk_buff *skb, u16 pair)
{
	u32 hash = __skb_get_hash_symmetric(skb);
	u8 *slot = &dev->flow[hash % SWNET_FLOWS];

	/* 0 is "not known"; a shared cache line is only dirtied by news. */
	if (READ_ONCE(*slot) != pair + 1)
		WRITE_ONCE(*slot, pair + 1);
}

/**
 * flow_pick - choose the pair whose receive queue takes a frame
 * @dev: the device
 * @skb: a frame for the guest
 *
 * Return: a pair in use.
 */
u16 flow_pick(struct swnet_dev *dev, struct sk_buff *skb)
{
	u16 pairs = READ_ONCE(dev->ctrl.pairs);
	u16 pair;
	u32 hash;
	u8 slot;

	if (pairs == 1)
		return 0;
	if (rss_steer(dev, skb, &pair))
		return pair;
	hash = __skb_get_hash_symmetric(skb);
	slot = READ_ONCE(dev->flow[hash % SWNET_FLOWS]);
	return slot && slot <= pairs ? slot - 1 : reciprocal_scale(hash, pairs);
}

/**
 * flow_forget - start with an empty table
 * @dev: the device, which is being reset
 */
void flow_forget(struct swnet_dev *dev)
{
	memset(dev->flow, 0, sizeof(dev->flow));
}
