/* SPDX-License-Identifier: GPL-2.0-only */
/* The config space, and telling the driver that it changed. */
#ifndef SWNET_CONFIG_H
#define SWNET_CONFIG_H

#include <linux/types.h>

struct swnet_dev;
struct work_struct;

void config_get(struct swnet_dev *dev, unsigned int offset, void *buf,
		unsigned int len);
void config_set(struct swnet_dev *dev, unsigned int offset, const void *buf,
		unsigned int len);
void config_set_mac(struct swnet_dev *dev, const u8 *mac);
void config_announced(struct swnet_dev *dev);
void config_work(struct work_struct *work);

#endif /* SWNET_CONFIG_H */
