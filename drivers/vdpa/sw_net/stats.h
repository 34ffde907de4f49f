/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters of a queue, by name. */
#ifndef SWNET_STATS_H
#define SWNET_STATS_H

#include <linux/types.h>

struct netlink_ext_ack;
struct sk_buff;
struct swnet_vq;
struct vdpa_device;

unsigned int stats_count(void);
const char *stats_name(unsigned int i);
u64 stats_value(const struct swnet_vq *vq, unsigned int i);

int stats_vendor_vq(struct vdpa_device *vdpa, u16 idx, struct sk_buff *msg,
		    struct netlink_ext_ack *extack);

#endif /* SWNET_STATS_H */
