/* SPDX-License-Identifier: GPL-2.0-only */
/* The control queue, and what its commands have set. */
#ifndef SWNET_CTRL_H
#define SWNET_CTRL_H

#include "coalesce.h"
#include "filter.h"

struct swnet_dev;
struct swnet_rss;
struct work_struct;

/**
 * struct swnet_ctrl - all state that control commands make
 * @pairs: queue pairs in use; written under the device's lock, read anywhere
 * @offloads: VIRTIO_NET_F_GUEST_* bits that are on
 * @filter: which frames the guest receives
 * @rss: hash and steering, NULL before the first command; changed under the
 *	device's lock, read under RCU
 * @coal: for all receive queues, and for all transmit queues
 *
 * But for the address, which is in the config space, and for the coalescing
 * of single queues. Guarded by the device's lock.
 */
struct swnet_ctrl {
	u16 pairs;
	u64 offloads;
	struct swnet_filter filter;
	struct swnet_rss __rcu *rss;
	struct swnet_coal coal[2];
};

/**
 * struct ctrl_command - a command, copied out of guest memory
 * @class: VIRTIO_NET_CTRL_*
 * @cmd: command of the class
 * @len: bytes of @data
 * @data: command-specific data; as long as the command wants if it has one size
 * @reply: command-specific result
 * @reply_len: bytes of it
 */
struct ctrl_command {
	u8 class;
	u8 cmd;
	u32 len;
	const u8 *data;
	u8 reply[8];
	u8 reply_len;
};

void ctrl_work(struct work_struct *work);
void ctrl_reset(struct swnet_dev *dev);
void ctrl_use_pairs(struct swnet_dev *dev, u16 pairs);

#endif /* SWNET_CTRL_H */
