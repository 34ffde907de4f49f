// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control queue: commands are executed in a work item under the device's
 * lock, so that a suspend, which takes it too, finds each done or not begun.
 * That lock keeps the addresses of a command valid as well; the queue's own is
 * held while guest memory is touched, and not while the command is executed.
 *
 * A command is copied out of guest memory, checked, and then carried out as a
 * whole or not at all. One that changes nothing costs next to nothing, for a
 * VMM replays all of them when a guest arrives.
 */
#include <linux/etherdevice.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "chain.h"
#include "config.h"
#include "ctrl.h"
#include "device.h"
#include "offload.h"
#include "pinwait.h"
#include "rss.h"
#include "rx.h"
#include "trace.h"

/* Commands before the lock is released, for a suspend that waits for it. */
#define CTRL_BUDGET	16

/* The longest command: a MAC table of some ten thousand addresses. */
#define CTRL_DATA_MAX	SZ_64K

/* The command's handler looks at the size. */
#define CTRL_ANY_SIZE	U16_MAX

/**
 * ctrl_use_pairs - have so many queue pairs in use
 * @dev: the device
 * @pairs: how many
 *
 * Once the command is acknowledged no queue beyond may receive a frame.
 */
void ctrl_use_pairs(struct swnet_dev *dev, u16 pairs)
{
	lockdep_assert_held(&dev->lock);

	if (pairs == dev->ctrl.pairs)
		return;
	WRITE_ONCE(dev->ctrl.pairs, pairs);
	rx_settle(dev);
}

static int ctrl_cmd_pairs(struct swnet_dev *dev, struct ctrl_command *cmd)
{
	u16 pairs = get_unaligned_le16(cmd->data);

	if (pairs < VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MIN || pairs > dev->max_pairs)
		return -EINVAL;
	rss_stop_steering(dev);
	ctrl_use_pairs(dev, pairs);
	return 0;
}

static int ctrl_cmd_announced(struct swnet_dev *dev, struct ctrl_command *cmd)
{
	config_announced(dev);
	return 0;
}

/* Every command there is, the feature it needs, and the size of its data. */
static const struct {
	u8 class;
	u8 cmd;
	u8 feature;
	u16 size;
	int (*execute)(struct swnet_dev *dev, struct ctrl_command *cmd);
} commands[] = {
#define COMMAND(class, cmd, feature, size, execute) \
	{ VIRTIO_NET_CTRL_##class, VIRTIO_NET_CTRL_##cmd, \
	  VIRTIO_NET_F_##feature, size, execute }
	COMMAND(RX, RX_PROMISC, CTRL_RX, 1, filter_cmd_rx),
	COMMAND(RX, RX_ALLMULTI, CTRL_RX, 1, filter_cmd_rx),
	COMMAND(RX, RX_ALLUNI, CTRL_RX_EXTRA, 1, filter_cmd_rx),
	COMMAND(RX, RX_NOMULTI, CTRL_RX_EXTRA, 1, filter_cmd_rx),
	COMMAND(RX, RX_NOUNI, CTRL_RX_EXTRA, 1, filter_cmd_rx),
	COMMAND(RX, RX_NOBCAST, CTRL_RX_EXTRA, 1, filter_cmd_rx),
	COMMAND(MAC, MAC_TABLE_SET, CTRL_RX, CTRL_ANY_SIZE, filter_cmd_macs),
	COMMAND(MAC, MAC_ADDR_SET, CTRL_MAC_ADDR, ETH_ALEN, filter_cmd_mac),
	COMMAND(VLAN, VLAN_ADD, CTRL_VLAN, 2, filter_cmd_vlan),
	COMMAND(VLAN, VLAN_DEL, CTRL_VLAN, 2, filter_cmd_vlan),
	COMMAND(ANNOUNCE, ANNOUNCE_ACK, GUEST_ANNOUNCE, 0, ctrl_cmd_announced),
	COMMAND(MQ, MQ_VQ_PAIRS_SET, MQ, 2, ctrl_cmd_pairs),
	COMMAND(MQ, MQ_RSS_CONFIG, RSS, CTRL_ANY_SIZE, rss_cmd),
	COMMAND(MQ, MQ_HASH_CONFIG, HASH_REPORT, CTRL_ANY_SIZE, rss_cmd),
	COMMAND(GUEST_OFFLOADS, GUEST_OFFLOADS_SET, CTRL_GUEST_OFFLOADS, 8,
		offload_cmd),
	COMMAND(NOTF_COAL, NOTF_COAL_TX_SET, NOTF_COAL, 8, coalesce_cmd_all),
	COMMAND(NOTF_COAL, NOTF_COAL_RX_SET, NOTF_COAL, 8, coalesce_cmd_all),
	COMMAND(NOTF_COAL, NOTF_COAL_VQ_SET, VQ_NOTF_COAL, 12,
		coalesce_cmd_vq_set),
	COMMAND(NOTF_COAL, NOTF_COAL_VQ_GET, VQ_NOTF_COAL, 4,
		coalesce_cmd_vq_get),
};

static int ctrl_execute(struct swnet_dev *dev, struct ctrl_command *cmd)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (commands[i].class != cmd->class || commands[i].cmd != cmd->cmd)
			continue;
		if (!(dev->driver_features & BIT_ULL(commands[i].feature)))
			return -EOPNOTSUPP;
		if (commands[i].size != cmd->len &&
		    commands[i].size != CTRL_ANY_SIZE)
			return -EINVAL;
		return commands[i].execute(dev, cmd);
	}
	return -EOPNOTSUPP;
}

/**
 * ctrl_reset - forget what commands have set
 * @dev: the device, whose queues are stopped
 */
void ctrl_reset(struct swnet_dev *dev)
{
	lockdep_assert_held(&dev->lock);

	WRITE_ONCE(dev->ctrl.pairs, 1);
	dev->ctrl.offloads = 0;
	filter_reset(dev);
	rss_reset(dev);
	coalesce_reset(dev);
	config_set_mac(dev, dev->config.mac);
}

/* The next command, or NULL; then the driver kicks for another. */
static const struct ring_chain *ctrl_next(struct swnet_vq *vq)
{
	const struct ring_chain *chain = NULL;

	spin_lock_bh(&vq->lock);
	while (!chain && vq_is_running(vq) && pinwait_has_ring(vq)) {
		if (vq->batch.next < vq->batch.nr || vq_fetch(vq)) {
			chain = &vq->batch.chain[vq->batch.next];
			if (!pinwait_chain(vq, chain))
				chain = NULL;
		} else if (!ring_enable_notify(&vq->ring)) {
			break;
		}
	}
	spin_unlock_bh(&vq->lock);
	return chain;
}

/* Copy the command out of the chain to @data, which holds all of it. */
static int ctrl_read(struct swnet_vq *vq, const struct ring_chain *chain,
		     struct ctrl_command *cmd, u8 *data)
{
	struct virtio_net_ctrl_hdr hdr = {};
	struct chain_reader reader;
	int err;

	spin_lock_bh(&vq->lock);
	chain_begin(&reader, vq, chain);
	err = chain_read(&reader, &hdr, sizeof(hdr));
	if (!err)
		err = chain_read(&reader, data, reader.left);
	if (err == -EFAULT)
		pinwait_fault(vq, "control command is not mapped");
	spin_unlock_bh(&vq->lock);

	cmd->class = hdr.class;
	cmd->cmd = hdr.cmd;
	cmd->data = data;
	return err;
}

/* 0 or why the command was not executed. */
static int ctrl_handle(struct swnet_dev *dev, struct swnet_vq *vq,
		       const struct ring_chain *chain, struct ctrl_command *cmd)
{
	u8 *data;
	int err;

	if (!chain->len_in ||
	    chain->len_out < sizeof(struct virtio_net_ctrl_hdr))
		return -EINVAL;
	cmd->len = chain->len_out - sizeof(struct virtio_net_ctrl_hdr);
	if (cmd->len > CTRL_DATA_MAX)
		return -EMSGSIZE;
	data = kvmalloc(cmd->len, GFP_KERNEL);
	if (!data)
		return -ENOMEM;

	err = ctrl_read(vq, chain, cmd, data);
	if (!err)
		err = ctrl_execute(dev, cmd);
	/* The driver brought no room for the answer: nothing to answer then. */
	if (!err && cmd->reply_len >= chain->len_in)
		err = -EMSGSIZE;
	kvfree(data);
	return err;
}

static void ctrl_finish(struct swnet_vq *vq, const struct ring_chain *chain,
			const struct ctrl_command *cmd, u8 ack)
{
	u8 reply_len = ack == VIRTIO_NET_OK ? cmd->reply_len : 0;

	spin_lock_bh(&vq->lock);
	if (!vq_is_running(vq)) {
		/* It could not be read. */
	} else if (chain_write(vq, chain, sizeof(ack), cmd->reply, reply_len) ||
		   chain_write(vq, chain, 0, &ack, sizeof(ack))) {
		pinwait_fault(vq, "control command has no writable acknowledgment");
	} else {
		vq->stats.packets++;
		vq->stats.bytes += chain->len_out;
		ring_complete(&vq->ring, chain, sizeof(ack) + reply_len);
		vq->batch.next++;
		vq_publish(vq);
	}
	spin_unlock_bh(&vq->lock);
}

/* Run the queue; true if there may be more to do than the budget allows. */
static bool ctrl_run(struct swnet_dev *dev, struct swnet_vq *vq)
{
	int budget = CTRL_BUDGET;

	while (budget--) {
		const struct ring_chain *chain = ctrl_next(vq);
		struct ctrl_command cmd = {};
		u8 ack;

		if (!chain)
			return false;
		ack = ctrl_handle(dev, vq, chain, &cmd) ? VIRTIO_NET_ERR :
							  VIRTIO_NET_OK;
		ctrl_finish(vq, chain, &cmd, ack);
		trace_swnet_ctrl(dev, cmd.class, cmd.cmd, ack);
	}
	return true;
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
		vq->stats.kicks++;
		more = ctrl_run(dev, vq);
	}
	mutex_unlock(&dev->lock);

	if (more)
		queue_work(swnet_wq, &dev->ctrl_work);
}
