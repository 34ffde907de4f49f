/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared-memory mode: a queue that waits until pages it needs are pinned. */
#ifndef SWNET_PINWAIT_H
#define SWNET_PINWAIT_H

#include "device.h"

void pinwait_work(struct work_struct *work);
void pinwait_fault(struct swnet_vq *vq, const char *why);
bool pinwait_chain(struct swnet_vq *vq, const struct ring_chain *chain);
bool pinwait_check_ring(struct swnet_vq *vq);

/* The ring still is the guest's; the queue's lock held. */
static inline bool pinwait_has_ring(struct swnet_vq *vq)
{
	return !vq->dev->pins || pinwait_check_ring(vq);
}

#endif /* SWNET_PINWAIT_H */
