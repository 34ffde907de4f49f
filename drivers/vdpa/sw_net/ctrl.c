// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control queue: commands are executed in a work item under the device's
 * lock, so that a suspend, which takes it too, finds each done or not begun.
 */
#include <linux/etherdevice.h>

#include "chain.h"
#include "config.h"
#include "ctrl.h"
#include "device.h"
#include "trace.h"

/* Commands before the lock is released, for a suspend that waits for it. */
#define CTRL_BUDGET	16

/**
 * struct ctrl_command - a command, copied out of guest memory
 * @hdr: class and command
 * @len: bytes of @data, the longest command's and one more to tell too long
 * @data: command-specific data
 */
struct ctrl_command {
	struct virtio_net_ctrl_hdr hdr;
	u32 len;
	u8 data[ETH_ALEN + 1];
};

/**
 * ctrl_reset - forget what commands have set
 * @dev: the device, whose queues are stopped
 */
void ctrl_reset(struct swnet_dev *dev)
{
	lockdep_assert_held(&dev->lock);

	WRITE_ONCE(dev->cur_pairs, 1);
	config_set_mac(dev, dev->config.mac);
}

static bool ctrl_set_mac(struct swnet_dev *dev, const struct ctrl_command *cmd)
{
	if (!(dev->driver_features & BIT_ULL(VIRTIO_NET_F_CTRL_MAC_ADDR)) ||
	    cmd->hdr.cmd != VIRTIO_NET_CTRL_MAC_ADDR_SET ||
	    cmd->len != ETH_ALEN || !is_valid_ether_addr(cmd->data))
		return false;
	memcpy(dev->config.current_mac, cmd->data, ETH_ALEN);
	return true;
}

/* Once the command is acknowledged no queue beyond may receive a frame. */
static void ctrl_use_pairs(struct swnet_dev *dev, u16 pairs)
{
	u16 i;

	WRITE_ONCE(dev->cur_pairs, pairs);
	for (i = pairs; i < dev->max_pairs; i++) {
		/* Under the control queue's lock; nobody takes them the other way. */
		spin_lock_nested(&dev->vqs[2 * i].lock, SINGLE_DEPTH_NESTING);
		spin_unlock(&dev->vqs[2 * i].lock);
	}
}

static bool ctrl_set_pairs(struct swnet_dev *dev, const struct ctrl_command *cmd)
{
	u16 pairs;

	if (!(dev->driver_features & BIT_ULL(VIRTIO_NET_F_MQ)) ||
	    cmd->hdr.cmd != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET ||
	    cmd->len != sizeof(struct virtio_net_ctrl_mq))
		return false;
	pairs = get_unaligned_le16(cmd->data);
	if (pairs < VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MIN || pairs > dev->max_pairs)
		return false;
	ctrl_use_pairs(dev, pairs);
	return true;
}

static u8 ctrl_execute(struct swnet_dev *dev, const struct ctrl_command *cmd)
{
	bool done = false;

	switch (cmd->hdr.class) {
	case VIRTIO_NET_CTRL_MAC:
		done = ctrl_set_mac(dev, cmd);
		break;
	case VIRTIO_NET_CTRL_MQ:
		done = ctrl_set_pairs(dev, cmd);
		break;
	}
	return done ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
}

/* Copy the command out of the chain; one that is too short gets class 0xff. */
static int ctrl_read(struct swnet_vq *vq, const struct ring_chain *chain,
		     struct ctrl_command *cmd)
{
	struct chain_reader reader;
	int err;

	chain_begin(&reader, vq, chain);
	err = chain_read(&reader, &cmd->hdr, sizeof(cmd->hdr));
	if (err == -EMSGSIZE) {
		cmd->hdr.class = 0xff;
		return 0;
	}
	cmd->len = min_t(u32, reader.left, sizeof(cmd->data));
	return err ?: chain_read(&reader, cmd->data, cmd->len);
}

/*
 * One command. No command sleeps, so all of it is under the queue's lock too,
 * which keeps the addresses of the chain valid.
 */
static void ctrl_one(struct swnet_dev *dev, struct swnet_vq *vq)
{
	const struct ring_chain *chain = &vq->batch.chain[vq->batch.next];
	struct ctrl_command cmd = {};
	u8 ack;

	if (ctrl_read(vq, chain, &cmd)) {
		vq_break(vq, "control command is not mapped");
		return;
	}
	ack = ctrl_execute(dev, &cmd);
	if (chain_write(vq, chain, 0, &ack, sizeof(ack))) {
		vq_break(vq, "control command has no writable acknowledgment");
		return;
	}
	trace_swnet_ctrl(dev, cmd.hdr.class, cmd.hdr.cmd, ack);
	vq->stats.packets++;
	vq->stats.bytes += chain->len_out;
	ring_complete(&vq->ring, chain, sizeof(ack));
	vq->batch.next++;
}

/* Run the queue; true if there is more to do than the budget allows. */
static bool ctrl_run(struct swnet_dev *dev, struct swnet_vq *vq)
{
	int budget = CTRL_BUDGET;

	while (vq_is_running(vq) && budget--) {
		if (vq->batch.next == vq->batch.nr && !vq_fetch(vq)) {
			if (!vq_is_running(vq) ||
			    !ring_enable_notify(&vq->ring))
				return false;
			continue;
		}
		ctrl_one(dev, vq);
		vq_publish(vq);
	}
	return vq_is_running(vq);
}

/**
 * ctrl_work - the driver may have control commands
 * @work: the device's
 */
void ctrl_work(struct work_struct *work)
{
	struct swnet_dev *dev = container_of(work, struct swnet_dev, ctrl_work);
	struct swnet_vq *vq;
	bool more = false;

	mutex_lock(&dev->lock);
	vq = swnet_ctrl_vq(dev);
	if (vq && vq->running) {
		spin_lock_bh(&vq->lock);
		vq->stats.kicks++;
		more = ctrl_run(dev, vq);
		spin_unlock_bh(&vq->lock);
	}
	mutex_unlock(&dev->lock);

	if (more)
		queue_work(swnet_wq, &dev->ctrl_work);
}
