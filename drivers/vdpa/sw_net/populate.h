/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared-memory mode: pinning guest memory before the device needs it. */
#ifndef SWNET_POPULATE_H
#define SWNET_POPULATE_H

struct swnet_dev;
struct work_struct;

void populate_start(struct swnet_dev *dev);
void populate_work(struct work_struct *work);

#endif /* SWNET_POPULATE_H */
