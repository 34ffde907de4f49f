/* SPDX-License-Identifier: GPL-2.0-only */
/* What the guest takes unfinished: checksums, segmentation. */
#ifndef SWNET_OFFLOAD_H
#define SWNET_OFFLOAD_H

struct ctrl_command;
struct swnet_dev;

void offload_negotiated(struct swnet_dev *dev);

int offload_cmd(struct swnet_dev *dev, struct ctrl_command *cmd);

#endif /* SWNET_OFFLOAD_H */
