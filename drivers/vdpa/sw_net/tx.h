/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest transmit: frames the host interface receives. */
#ifndef SWNET_TX_H
#define SWNET_TX_H

struct kthread_work;

void tx_work(struct kthread_work *work);

#endif /* SWNET_TX_H */
