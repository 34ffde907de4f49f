// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest receive. The host interface's transmit function copies each frame
 * straight into the guest's buffers, in the context of whoever sends: there is
 * no queue of ours, no thread to wake and no second copy.
 *
 * When the guest has no buffers the frame stays in the qdisc, for a bounded
 * time; so it does while the device is suspended or being restarted.
 */
#include <linux/skbuff.h>
#include <linux/vhost_types.h>
#include <linux/virtio_byteorder.h>
#include <linux/virtio_net.h>

#include "device.h"
#include "pinwait.h"
#include "filter.h"
#include "rss.h"
#include "rx.h"
#include "trace.h"

/* Looks at the ring for one frame. */
#define RX_LOOKS	3

static struct netdev_queue *rx_txq(const struct swnet_vq *vq)
{
	return netdev_get_tx_queue(vq->dev->netdev, vq->idx / 2);
}

/**
 * rx_start - frames may flow to the guest (again)
 * @vq: the queue, running
 *
 * Context: any but hard interrupt, the queue's lock held.
 */
void rx_start(struct swnet_vq *vq)
{
	lockdep_assert_held(&vq->lock);

	ring_disable_notify(&vq->ring);
	vq->waiting = false;
	vq->dropping = false;
	netif_tx_wake_queue(rx_txq(vq));
}

/**
 * rx_work - the guest may have added buffers: try what waits in the qdisc
 * @work: the queue's
 */
void rx_work(struct kthread_work *work)
{
	struct swnet_vq *vq = container_of(work, struct swnet_vq, work);

	/* The qdisc runs when the lock is released, here rather than anywhere. */
	spin_lock_bh(&vq->lock);
	vq->stats.kicks++;
	netif_tx_wake_queue(rx_txq(vq));
	spin_unlock_bh(&vq->lock);
}

/**
 * rx_flush - publish what bursts have left, for no frame follows
 * @dev: the device, whose host interface goes down
 */
void rx_flush(struct swnet_dev *dev)
{
	u16 i;

	for (i = 0; i < dev->max_pairs; i++) {
		struct swnet_vq *vq = &dev->vqs[2 * i];

		spin_lock_bh(&vq->lock);
		if (vq->running)
			vq_publish(vq);
		spin_unlock_bh(&vq->lock);
	}
}

/**
 * rx_settle - no frame is on its way that went by other rules than now
 * @dev: the device, whose rules for frames to the guest have changed
 *
 * Context: process, the device's lock held.
 */
void rx_settle(struct swnet_dev *dev)
{
	u16 i;

	lockdep_assert_held(&dev->lock);

	for (i = 0; i < dev->max_pairs; i++)
		vq_settle(&dev->vqs[2 * i]);
}

static unsigned long rx_patience(const struct swnet_vq *vq)
{
	return vq_is_running(vq) ? SWNET_RING_WAIT : SWNET_HOLD;
}

/**
 * rx_wait_timeout - frames waited as long as they may
 * @timer: the queue's
 *
 * From now on they are dropped, until the ring takes one again.
 */
void rx_wait_timeout(struct timer_list *timer)
{
	struct swnet_vq *vq = container_of(timer, struct swnet_vq, wait_timer);
	unsigned long end;

	spin_lock(&vq->lock);
	end = vq->waiting_since + rx_patience(vq);
	if (!vq->waiting) {
		/* The ring took them in the meantime. */
	} else if (time_before(jiffies, end)) {
		mod_timer(&vq->wait_timer, end);
	} else {
		vq->waiting = false;
		vq->dropping = true;
		netif_tx_wake_queue(rx_txq(vq));
	}
	spin_unlock(&vq->lock);
}

/*
 * How many chains a frame takes. More than the batch holds is more than any
 * driver would post for the largest frame. A chain that cannot be written to
 * would be in the way forever.
 */
static int rx_count_chains(struct swnet_vq *vq, u32 total)
{
	struct ring_batch *batch = &vq->batch;
	unsigned int i;
	u64 room = 0;

	for (i = batch->next; i < batch->nr; i++) {
		if (unlikely(batch->chain[i].nr_out || !batch->chain[i].len_in)) {
			vq_break(vq, "receive buffer is not for writing");
			return -EAGAIN;
		}
		room += batch->chain[i].len_in;
		if (room >= total)
			return i - batch->next + 1;
		if (!vq->dev->mrg_rxbuf)
			return -EMSGSIZE;
	}
	return i - batch->next == RING_BATCH ? -EMSGSIZE : -ENOSPC;
}

/*
 * Have the chains for a frame of @total bytes at the head of the batch.
 * A batch that ends too early is fetched again from where the frame begins.
 * When that brings no more although there is more, the chains are so long
 * that the batch cannot hold what the frame needs.
 *
 * A driver that adds buffers one by one gets a few looks, then the frame waits
 * like any other: this is the time of whoever sends.
 */
static int rx_reserve(struct swnet_vq *vq, u32 total)
{
	int n = rx_count_chains(vq, total);
	unsigned int had = 0;
	int look;

	for (look = 0; n == -ENOSPC && look < RX_LOOKS; look++) {
		unsigned int nr = vq_fetch(vq);

		if (!vq_is_running(vq))
			return -EAGAIN;
		if (look && nr <= had)
			return had ? -EMSGSIZE : -ENOSPC;
		n = rx_count_chains(vq, total);
		if (n == -ENOSPC && !ring_enable_notify(&vq->ring))
			return -ENOSPC;
		had = nr;
	}
	/* No kick may come for the buffers that are there already. */
	if (n == -ENOSPC)
		vq_kick(vq);
	return n;
}

/**
 * struct rx_source - a frame on its way into the guest
 * @hdr: virtio header that goes before it
 * @hdr_len: bytes of that the driver expects
 * @skb: the frame
 * @offset: bytes of header and frame copied so far
 */
struct rx_source {
	struct swnet_hdr hdr;
	u8 hdr_len;
	const struct sk_buff *skb;
	u32 offset;
};

static u32 rx_copy(struct rx_source *src, void *dst, u32 len)
{
	u32 hdr_left = src->offset < src->hdr_len ?
		       src->hdr_len - src->offset : 0;

	if (hdr_left) {
		len = min(len, hdr_left);
		memcpy(dst, (void *)&src->hdr + src->offset, len);
	} else if (skb_copy_bits(src->skb, src->offset - src->hdr_len, dst,
				 len)) {
		return 0;
	}
	src->offset += len;
	return len;
}

static int rx_fill_segment(struct swnet_vq *vq, struct rx_source *src, u64 iova,
			   u32 len)
{
	while (len) {
		u32 piece = len;
		void *dst = memory_xlate(vq->data_as, &vq->cache, iova, &piece,
					 VHOST_ACCESS_WO);

		if (!dst)
			return -EFAULT;
		piece = rx_copy(src, dst, piece);
		if (!piece)
			return -EFAULT;
		memory_wrote(&vq->cache, iova, piece);
		iova += piece;
		len -= piece;
	}
	return 0;
}

static int rx_fill_chain(struct swnet_vq *vq, struct rx_source *src,
			 const struct ring_chain *chain, u32 len)
{
	const struct ring_seg *seg = chain->seg + chain->nr_out;
	u32 left = len;

	for (; left; seg++) {
		u32 piece = min(left, seg->len);

		if (rx_fill_segment(vq, src, seg->addr, piece))
			return -EFAULT;
		left -= piece;
	}
	ring_complete(&vq->ring, chain, len);
	return 0;
}

static int rx_fill(struct swnet_vq *vq, struct rx_source *src, int chains)
{
	struct ring_batch *batch = &vq->batch;
	u32 total = src->hdr_len + src->skb->len;
	int i;

	for (i = 0; i < chains; i++) {
		const struct ring_chain *chain = &batch->chain[batch->next];
		u32 len = min(total - src->offset, chain->len_in);

		if (rx_fill_chain(vq, src, chain, len)) {
			ring_uncomplete(&vq->ring, batch, i);
			return -EFAULT;
		}
		batch->next++;
	}
	return 0;
}

/* A frame that waited may have been made for a driver that took more. */
static bool rx_acceptable(const struct swnet_dev *dev, const struct sk_buff *skb)
{
	if (skb->ip_summed == CHECKSUM_PARTIAL &&
	    !(dev->guest_gso & NETIF_F_HW_CSUM))
		return false;
	return !skb_is_gso(skb) ||
	       net_gso_ok(dev->guest_gso | NETIF_F_GSO_ROBUST,
			  skb_shinfo(skb)->gso_type);
}

/* 0, or why the frame cannot be delivered now or at all. */
static int rx_frame(struct swnet_vq *vq, struct sk_buff *skb)
{
	struct rx_source src = { .skb = skb, .hdr_len = vq->dev->hdr_len };
	int chains;

	if (!vq_is_running(vq) || !pinwait_has_ring(vq))
		return -EAGAIN;
	if (vq->idx / 2 >= READ_ONCE(vq->dev->ctrl.pairs))
		return -ESHUTDOWN;
	if (!filter_admits(vq->dev, skb))
		return -EADDRNOTAVAIL;
	if (!rx_acceptable(vq->dev, skb))
		return -EPROTO;
	if (virtio_net_hdr_from_skb(skb, (struct virtio_net_hdr *)&src.hdr, true,
				    vq->dev->guest_gso & NETIF_F_HW_CSUM, 0))
		return -EPROTO;

	chains = rx_reserve(vq, src.hdr_len + skb->len);
	if (chains < 0)
		return chains;
	if (src.hdr_len == sizeof(src.hdr))
		rss_report(vq->dev, skb, &src.hdr);
	src.hdr.net.num_buffers = __cpu_to_virtio16(true, chains);
	if (rx_fill(vq, &src, chains)) {
		pinwait_fault(vq, "receive buffer is not mapped for writing");
		return -EAGAIN;
	}
	return 0;
}

/* The frame cannot go now: whether it may wait for the ring. */
static bool rx_may_wait(struct swnet_vq *vq)
{
	if (vq->dropping && !vq->pinning)
		return false;
	if (!vq->waiting) {
		vq->waiting = true;
		vq->waiting_since = jiffies;
		mod_timer(&vq->wait_timer, jiffies + rx_patience(vq));
	}
	netif_tx_stop_queue(rx_txq(vq));
	return true;
}

static void rx_delivered(struct swnet_vq *vq, struct sk_buff *skb)
{
	if (!vq->moved)
		trace_swnet_first_frame(vq->dev, vq->idx, skb->len);
	vq->moved = true;
	ring_disable_notify(&vq->ring);
	skb_tx_timestamp(skb);
	vq->waiting = false;
	vq->dropping = false;
	vq->stats.packets++;
	vq->stats.bytes += skb->len;
}

static void rx_dropped(struct swnet_vq *vq, int why)
{
	/* If it waited, the next one has not yet. */
	vq->waiting = false;
	switch (why) {
	case -ENOSPC:
		vq->stats.drops_ring++;
		break;
	case -EAGAIN:
	case -ESHUTDOWN:
		vq->stats.drops_stopped++;
		break;
	case -EADDRNOTAVAIL:
		vq->stats.drops_filter++;
		break;
	case -EMSGSIZE:
		vq->stats.drops_size++;
		break;
	default:
		vq->stats.drops_header++;
	}
}

/**
 * rx_xmit - give a frame to the guest
 * @vq: receive queue
 * @skb: the frame; consumed unless the qdisc has to keep it
 *
 * Context: bottom halves off, as for every ndo_start_xmit.
 * Return: NETDEV_TX_OK, or NETDEV_TX_BUSY with the host queue stopped.
 */
netdev_tx_t rx_xmit(struct swnet_vq *vq, struct sk_buff *skb)
{
	bool keep = false;
	int err;

	spin_lock(&vq->lock);
	err = rx_frame(vq, skb);
	if (!err)
		rx_delivered(vq, skb);
	else if ((err == -ENOSPC || err == -EAGAIN) && rx_may_wait(vq))
		keep = true;
	else
		rx_dropped(vq, err);

	/* One used index and one call for a burst, not for each frame. */
	if (vq->running && (err || !netdev_xmit_more() ||
			    ring_unpublished(&vq->ring) >= RING_BATCH))
		vq_publish(vq);
	/* The driver is to bring buffers, and cannot be told too soon. */
	if (err == -ENOSPC)
		coalesce_flush(vq);
	spin_unlock(&vq->lock);

	if (keep)
		return NETDEV_TX_BUSY;
	if (err)
		dev_kfree_skb_any(skb);
	else
		napi_consume_skb(skb, 1);
	return NETDEV_TX_OK;
}
