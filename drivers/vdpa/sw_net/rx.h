/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest receive: frames the host interface transmits. */
#ifndef SWNET_RX_H
#define SWNET_RX_H

#include <linux/netdevice.h>
#include <linux/timer.h>

struct kthread_work;
struct swnet_dev;
struct swnet_vq;

netdev_tx_t rx_xmit(struct swnet_vq *vq, struct sk_buff *skb);
void rx_start(struct swnet_vq *vq);
void rx_flush(struct swnet_dev *dev);
void rx_settle(struct swnet_dev *dev);
void rx_work(struct kthread_work *work);
void rx_wait_timeout(struct timer_list *timer);

#endif /* SWNET_RX_H */
