/* SPDX-License-Identifier: GPL-2.0-only */
/* Notification coalescing: fewer calls for more frames. */
#ifndef SWNET_COALESCE_H
#define SWNET_COALESCE_H

#include <linux/hrtimer.h>
#include <linux/types.h>

struct ctrl_command;
struct swnet_dev;
struct swnet_vq;

/* Nobody waits longer for a call, whatever the driver asks for. */
#define COALESCE_USECS_MAX	10000

/**
 * struct swnet_coal - when to call the driver
 * @max_packets: after so many frames, or
 * @max_usecs: so long after the first; if either is 0 at once
 */
struct swnet_coal {
	u32 max_packets;
	u32 max_usecs;
};

void coalesce_init(struct swnet_vq *vq);
void coalesce_free(struct swnet_vq *vq);
void coalesce_reset(struct swnet_dev *dev);
void coalesce_enable(struct swnet_vq *vq);
void coalesce_call(struct swnet_vq *vq);
void coalesce_flush(struct swnet_vq *vq);

int coalesce_cmd_all(struct swnet_dev *dev, struct ctrl_command *cmd);
int coalesce_cmd_vq_set(struct swnet_dev *dev, struct ctrl_command *cmd);
int coalesce_cmd_vq_get(struct swnet_dev *dev, struct ctrl_command *cmd);

#endif /* SWNET_COALESCE_H */
