// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notification coalescing (virtio-net, Notifications Coalescing). Chains are
 * published as ever; what waits is the call, until enough frames have moved or
 * the first of them is old enough.
 */
#include <linux/unaligned.h>

#include "compat.h"
#include "ctrl.h"
#include "device.h"

static void call_now(struct swnet_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	/* A timer that fires just now finds that nothing is due. */
	if (vq->call_due)
		hrtimer_try_to_cancel(&vq->call_timer);
	vq->call_due = false;
	vq->called_at = vq->stats.packets;
	if (vq->cb.callback) {
		vq->stats.calls++;
		vq->cb.callback(vq->cb.private);
	}
}

static bool call_is_met(const struct swnet_vq *vq)
{
	return !vq->coal.max_usecs || !vq->coal.max_packets ||
	       vq->stats.packets - vq->called_at >= vq->coal.max_packets;
}

static void start_timer(struct swnet_vq *vq)
{
	hrtimer_start(&vq->call_timer,
		      ns_to_ktime((u64)vq->coal.max_usecs * NSEC_PER_USEC),
		      HRTIMER_MODE_REL_SOFT);
}

/**
 * coalesce_call - the driver is to be called, now or soon
 * @vq: the queue
 *
 * Context: any but hard interrupt, the queue's lock held.
 */
void coalesce_call(struct swnet_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	if (likely(call_is_met(vq))) {
		call_now(vq);
	} else if (!vq->call_due) {
		vq->call_due = true;
		start_timer(vq);
	}
}

/**
 * coalesce_flush - the queue stops: what is due is due now
 * @vq: the queue
 *
 * Context: any but hard interrupt, the queue's lock held.
 */
void coalesce_flush(struct swnet_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	if (vq->call_due)
		call_now(vq);
}

static enum hrtimer_restart call_timeout(struct hrtimer *timer)
{
	struct swnet_vq *vq = container_of(timer, struct swnet_vq, call_timer);

	spin_lock(&vq->lock);
	coalesce_flush(vq);
	spin_unlock(&vq->lock);
	return HRTIMER_NORESTART;
}

/**
 * coalesce_init - prepare a queue of a new device
 * @vq: the queue
 */
void coalesce_init(struct swnet_vq *vq)
{
	swnet_hrtimer_setup(&vq->call_timer, call_timeout, CLOCK_MONOTONIC,
			    HRTIMER_MODE_REL_SOFT);
}

/**
 * coalesce_free - let go of a queue of a dead device
 * @vq: the queue, stopped
 */
void coalesce_free(struct swnet_vq *vq)
{
	hrtimer_cancel(&vq->call_timer);
}

static bool is_data(const struct swnet_vq *vq)
{
	enum swnet_vq_kind kind = swnet_vq_kind(vq->dev, vq->idx);

	return kind == SWNET_VQ_RX || kind == SWNET_VQ_TX;
}

/* Frames that moved under the old conditions may meet the new ones. */
static void set_vq(struct swnet_vq *vq, const struct swnet_coal *coal)
{
	lockdep_assert_held(&vq->dev->lock);

	spin_lock_bh(&vq->lock);
	vq->coal = *coal;
	if (vq->call_due && call_is_met(vq))
		call_now(vq);
	else if (vq->call_due)
		start_timer(vq);
	spin_unlock_bh(&vq->lock);
}

/**
 * coalesce_reset - call at once, as a new device does
 * @dev: the device, whose queues are stopped
 */
void coalesce_reset(struct swnet_dev *dev)
{
	const struct swnet_coal none = {};
	u16 i;

	memset(dev->ctrl.coal, 0, sizeof(dev->ctrl.coal));
	for (i = 0; i < dev->nvqs; i++)
		set_vq(&dev->vqs[i], &none);
}

/**
 * coalesce_enable - the driver enables a queue: it is like the others again
 * @vq: the queue
 *
 * Context: process, the device's lock held.
 */
void coalesce_enable(struct swnet_vq *vq)
{
	if (is_data(vq))
		set_vq(vq, &vq->dev->ctrl.coal[vq->idx % 2]);
}

static int parse_coal(struct swnet_coal *coal, const u8 *data)
{
	coal->max_packets = get_unaligned_le32(data);
	coal->max_usecs = get_unaligned_le32(data + sizeof(__le32));
	return coal->max_usecs > COALESCE_USECS_MAX ? -EINVAL : 0;
}

/**
 * coalesce_cmd_all - set what all receive or all transmit queues do
 * @dev: the device
 * @cmd: struct virtio_net_ctrl_coal
 *
 * Return: 0 or -EINVAL.
 */
int coalesce_cmd_all(struct swnet_dev *dev, struct ctrl_command *cmd)
{
	bool tx = cmd->cmd == VIRTIO_NET_CTRL_NOTF_COAL_TX_SET;
	struct swnet_coal coal;
	u16 i;

	if (parse_coal(&coal, cmd->data))
		return -EINVAL;
	dev->ctrl.coal[tx] = coal;
	for (i = tx; i < 2 * dev->max_pairs; i += 2)
		if (is_data(&dev->vqs[i]))
			set_vq(&dev->vqs[i], &coal);
	return 0;
}

/* The receive or transmit queue that a command names, if it is enabled. */
static struct swnet_vq *named_vq(struct swnet_dev *dev,
				 const struct ctrl_command *cmd)
{
	u16 idx = get_unaligned_le16(cmd->data);
	struct swnet_vq *vq;

	if (idx >= dev->nvqs)
		return NULL;
	vq = &dev->vqs[idx];
	return vq->ready && is_data(vq) ? vq : NULL;
}

/**
 * coalesce_cmd_vq_set - set what one queue does
 * @dev: the device
 * @cmd: struct virtio_net_ctrl_coal_vq
 *
 * Return: 0 or -EINVAL.
 */
int coalesce_cmd_vq_set(struct swnet_dev *dev, struct ctrl_command *cmd)
{
	struct swnet_vq *vq = named_vq(dev, cmd);
	struct swnet_coal coal;

	if (!vq || parse_coal(&coal, cmd->data + 2 * sizeof(__le16)))
		return -EINVAL;
	set_vq(vq, &coal);
	return 0;
}

/**
 * coalesce_cmd_vq_get - tell what one queue does
 * @dev: the device
 * @cmd: the queue; the reply is a struct virtio_net_ctrl_coal
 *
 * Return: 0 or -EINVAL.
 */
int coalesce_cmd_vq_get(struct swnet_dev *dev, struct ctrl_command *cmd)
{
	struct swnet_vq *vq = named_vq(dev, cmd);

	lockdep_assert_held(&dev->lock);

	if (!vq)
		return -EINVAL;
	put_unaligned_le32(vq->coal.max_packets, cmd->reply);
	put_unaligned_le32(vq->coal.max_usecs, cmd->reply + sizeof(__le32));
	cmd->reply_len = 2 * sizeof(__le32);
	return 0;
}
