/* SPDX-License-Identifier: GPL-2.0-only */
/* Automatic receive steering: a flow comes back on the pair it was sent on. */
#ifndef SWNET_FLOW_H
#define SWNET_FLOW_H

#include <linux/types.h>

struct sk_buff;
struct swnet_dev;

void flow_learn(struct swnet_dev *dev, struct sk_buff *skb, u16 pair);
u16 flow_pick(struct swnet_dev *dev, struct sk_buff *skb);
void flow_forget(struct swnet_dev *dev);

#endif /* SWNET_FLOW_H */
