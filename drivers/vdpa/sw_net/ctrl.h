/* SPDX-License-Identifier: GPL-2.0-only */
/* The control queue. */
#ifndef SWNET_CTRL_H
#define SWNET_CTRL_H

struct swnet_dev;
struct work_struct;

void ctrl_work(struct work_struct *work);
void ctrl_reset(struct swnet_dev *dev);

#endif /* SWNET_CTRL_H */
