/* SPDX-License-Identifier: GPL-2.0-only */
/* Virtqueue groups: which queues share an address space, and for what. */
#ifndef SWNET_GROUP_H
#define SWNET_GROUP_H

#include <linux/types.h>

struct swnet_dev;
struct swnet_as;
struct swnet_vq;

#define SWNET_NUM_AS	4

enum swnet_group {
	SWNET_GROUP_DATA,	/* buffers of the data queues */
	SWNET_GROUP_CTRL,	/* rings and buffers of the control queue */
	SWNET_GROUP_DESC,	/* rings and indirect tables of the data queues */
	SWNET_NUM_GROUPS
};

enum swnet_vq_kind {
	SWNET_VQ_RX,		/* guest receives */
	SWNET_VQ_TX,		/* guest transmits */
	SWNET_VQ_CTRL,
	SWNET_VQ_NONE,		/* has no use with the negotiated features */
};

struct swnet_vq *swnet_ctrl_vq(struct swnet_dev *dev);
enum swnet_vq_kind swnet_vq_kind(const struct swnet_dev *dev, u16 idx);
enum swnet_group swnet_vq_group(const struct swnet_dev *dev, u16 idx);
enum swnet_group swnet_vq_desc_group(const struct swnet_dev *dev, u16 idx);
struct swnet_as *swnet_group_as(struct swnet_dev *dev, enum swnet_group group);
int swnet_group_set_asid(struct swnet_dev *dev, unsigned int group,
			 unsigned int asid);

#endif /* SWNET_GROUP_H */
