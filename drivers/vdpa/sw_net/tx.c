// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest transmit. The pair's worker copies up to a batch of frames out of
 * guest memory under the queue's lock, tells the driver once, and hands them
 * to the stack after the lock is released: nothing the stack does can hold up
 * a suspend.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/skbuff.h>
#include <linux/vhost_types.h>
#include <linux/virtio_net.h>

#include "chain.h"
#include "device.h"
#include "flow.h"
#include "pinwait.h"
#include "trace.h"
#include "tx.h"
#include "worker.h"

/* Batches before another queue of the pair gets its turn. */
#define TX_BUDGET	8

/* Bytes of a batch: GSO frames would hold the lock too long otherwise. */
#define TX_BATCH_BYTES	(256 * 1024)

/* Bytes that go to the linear part of a frame that is too large for it. */
#define TX_HEAD		256

/* The largest frame whose data lies in one piece. */
#define TX_LINEAR_MAX	SKB_WITH_OVERHEAD(PAGE_SIZE - NET_SKB_PAD - NET_IP_ALIGN)

/* A frame's largest size on the wire side, headers of the link included. */
#define TX_FRAME_MAX	(65535 + VLAN_ETH_HLEN)

static struct sk_buff *tx_alloc_linear(u32 len)
{
	u32 size = SKB_DATA_ALIGN(NET_SKB_PAD + NET_IP_ALIGN + len) +
		   SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
	void *data = napi_alloc_frag(size);
	struct sk_buff *skb;

	if (!data)
		return NULL;
	skb = napi_build_skb(data, size);
	if (!skb) {
		skb_free_frag(data);
		return NULL;
	}
	skb_reserve(skb, NET_SKB_PAD + NET_IP_ALIGN);
	skb_put(skb, len);
	return skb;
}

static struct sk_buff *tx_alloc_paged(u32 len)
{
	struct sk_buff *skb;
	int err;

	skb = alloc_skb_with_frags(NET_SKB_PAD + NET_IP_ALIGN + TX_HEAD,
				   len - TX_HEAD, PAGE_ALLOC_COSTLY_ORDER, &err,
				   GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return NULL;
	skb_reserve(skb, NET_SKB_PAD + NET_IP_ALIGN);
	skb_put(skb, TX_HEAD);
	skb->data_len = len - TX_HEAD;
	skb->len += len - TX_HEAD;
	return skb;
}

static int tx_read_skb(struct chain_reader *reader, struct sk_buff *skb)
{
	int i, err;

	err = chain_read(reader, skb->data, skb_headlen(skb));
	for (i = 0; !err && i < skb_shinfo(skb)->nr_frags; i++) {
		skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		err = chain_read(reader, skb_frag_address(frag),
				 skb_frag_size(frag));
	}
	return err;
}

/* The guest may only ask for what it negotiated. */
static bool tx_header_allowed(u64 features, const struct virtio_net_hdr *hdr)
{
	if (hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
	    !(features & BIT_ULL(VIRTIO_NET_F_CSUM)))
		return false;

	if (hdr->gso_type & VIRTIO_NET_HDR_GSO_ECN &&
	    !(features & BIT_ULL(VIRTIO_NET_F_HOST_ECN)))
		return false;

	switch (hdr->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return features & BIT_ULL(VIRTIO_NET_F_HOST_TSO4);
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return features & BIT_ULL(VIRTIO_NET_F_HOST_TSO6);
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		return features & BIT_ULL(VIRTIO_NET_F_HOST_USO);
	default:
		return false;
	}
}

static bool tx_size_allowed(const struct net_device *netdev,
			    const struct virtio_net_hdr *hdr, u32 len)
{
	u32 max = hdr->gso_type == VIRTIO_NET_HDR_GSO_NONE ?
		  netdev->mtu + VLAN_ETH_HLEN : TX_FRAME_MAX;

	return len >= ETH_HLEN && len <= max;
}

/* Everything the stack wants to know before it gets the frame. */
static int tx_dress(struct swnet_vq *vq, struct sk_buff *skb,
		    const struct virtio_net_hdr *hdr)
{
	struct net_device *netdev = vq->dev->netdev;

	skb->dev = netdev;
	skb_reset_mac_header(skb);
	if (virtio_net_hdr_to_skb(skb, hdr, true))
		return -EPROTO;
	skb->protocol = eth_type_trans(skb, netdev);
	skb_reset_network_header(skb);
	if (skb_is_gso(skb))
		skb_probe_transport_header(skb);
	skb_record_rx_queue(skb, vq->idx / 2);
	return 0;
}

/* The frame of a chain; an ERR_PTR if there is none to deliver. */
static struct sk_buff *tx_frame(struct swnet_vq *vq,
				const struct ring_chain *chain)
{
	u8 hdr_len = vq->dev->hdr_len;
	struct chain_reader reader;
	struct swnet_hdr vhdr;
	struct virtio_net_hdr *hdr = (struct virtio_net_hdr *)&vhdr;
	struct sk_buff *skb;
	int err;
	u32 len;

	if (chain->len_out < hdr_len)
		return ERR_PTR(-EPROTO);
	chain_begin(&reader, vq, chain);
	if (chain_read(&reader, &vhdr, hdr_len))
		return ERR_PTR(-EFAULT);
	if (!tx_header_allowed(vq->dev->driver_features, hdr))
		return ERR_PTR(-EPROTO);
	len = chain->len_out - hdr_len;
	if (!tx_size_allowed(vq->dev->netdev, hdr, len))
		return ERR_PTR(-EMSGSIZE);

	skb = len <= TX_LINEAR_MAX ? tx_alloc_linear(len) : tx_alloc_paged(len);
	if (!skb)
		return ERR_PTR(-ENOMEM);
	err = tx_read_skb(&reader, skb);
	if (!err)
		err = tx_dress(vq, skb, hdr);
	if (err) {
		kfree_skb(skb);
		return ERR_PTR(err);
	}
	return skb;
}

static void tx_count_drop(struct swnet_vq *vq, long why)
{
	switch (why) {
	case -EMSGSIZE:
		vq->stats.drops_size++;
		break;
	case -ENOMEM:
		vq->stats.drops_memory++;
		break;
	case -ENETDOWN:
		vq->stats.drops_down++;
		break;
	default:
		vq->stats.drops_header++;
	}
}

/* Take one chain; false if it has an address that cannot be read. */
static bool tx_chain(struct swnet_vq *vq, const struct ring_chain *chain,
		     struct list_head *frames)
{
	struct sk_buff *skb = ERR_PTR(-ENETDOWN);

	if (unlikely(chain->nr_in)) {
		vq_break(vq, "transmit buffer is for writing");
		return false;
	}
	if (netif_running(vq->dev->netdev))
		skb = tx_frame(vq, chain);
	if (skb == ERR_PTR(-EFAULT)) {
		pinwait_fault(vq, "transmit buffer is not mapped");
		return false;
	}

	ring_complete(&vq->ring, chain, 0);
	if (IS_ERR(skb)) {
		tx_count_drop(vq, PTR_ERR(skb));
		return true;
	}
	if (!vq->moved)
		trace_swnet_first_frame(vq->dev, vq->idx, skb->len);
	vq->moved = true;
	vq->stats.packets++;
	vq->stats.bytes += skb->len + ETH_HLEN;
	list_add_tail(&skb->list, frames);
	return true;
}

/*
 * One batch; whether there may be more. What a batch leaves behind is fetched
 * again by the next one, or rewound by whoever stops the queue.
 */
static bool tx_batch(struct swnet_vq *vq, struct list_head *frames)
{
	struct ring_batch *batch = &vq->batch;
	u32 bytes = 0;

	if (!vq_is_running(vq) || READ_ONCE(vq->dev->halting) ||
	    !pinwait_has_ring(vq))
		return false;
	if (!vq_fetch(vq))
		return vq_is_running(vq) && ring_enable_notify(&vq->ring);

	while (batch->next < batch->nr && bytes < TX_BATCH_BYTES &&
	       !READ_ONCE(vq->dev->halting)) {
		const struct ring_chain *chain = &batch->chain[batch->next];

		if (!tx_chain(vq, chain, frames))
			break;
		bytes += chain->len_out;
		batch->next++;
	}
	vq_publish(vq);
	return true;
}

static void tx_discard(struct swnet_vq *vq, struct list_head *frames)
{
	struct sk_buff *skb, *next;

	spin_lock(&vq->lock);
	list_for_each_entry_safe(skb, next, frames, list) {
		skb_list_del_init(skb);
		kfree_skb(skb);
		vq->stats.drops_down++;
	}
	spin_unlock(&vq->lock);
}

/*
 * The interface may have gone down, or to another namespace, since the frames
 * were copied. Bottom halves off are an RCU reader, which both wait for.
 */
static void tx_deliver(struct swnet_vq *vq, struct list_head *frames)
{
	struct sk_buff *skb;

	if (list_empty(frames))
		return;

	local_bh_disable();
	if (READ_ONCE(vq->dev->ctrl.pairs) > 1)
		list_for_each_entry(skb, frames, list)
			flow_learn(vq->dev, skb, vq->idx / 2);
	if (netif_running(vq->dev->netdev))
		netif_receive_skb_list(frames);
	else
		tx_discard(vq, frames);
	local_bh_enable();
}

/**
 * tx_work - the guest may have frames to send
 * @work: the queue's
 */
void tx_work(struct kthread_work *work)
{
	struct swnet_vq *vq = container_of(work, struct swnet_vq, work);
	int budget = TX_BUDGET;
	bool more = true;

	spin_lock_bh(&vq->lock);
	vq->stats.kicks++;
	if (vq_is_running(vq))
		ring_disable_notify(&vq->ring);
	spin_unlock_bh(&vq->lock);

	while (more && budget--) {
		LIST_HEAD(frames);

		spin_lock_bh(&vq->lock);
		more = tx_batch(vq, &frames);
		spin_unlock_bh(&vq->lock);
		tx_deliver(vq, &frames);
		cond_resched();
	}
	if (more)
		swnet_worker_queue(vq->dev, vq->idx / 2, work);
}
