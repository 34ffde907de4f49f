// SPDX-License-Identifier: GPL-2.0-only
/* Frames and control commands through a virtio-net device. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#include "vnet.h"

#define CTRL_DATA	64	/* offset of a command's data in its page */
#define CTRL_ACK	2048
#define USED_MS		2000	/* a device that takes longer is stuck */

struct vq *vnet_rxq(struct vnet *n, unsigned int pair)
{
	return &n->vq[2 * pair];
}

struct vq *vnet_txq(struct vnet *n, unsigned int pair)
{
	return &n->vq[2 * pair + 1];
}

void vnet_tx_add(struct vnet *n, unsigned int pair,
		 const struct virtio_net_hdr *hdr, const void *frame, size_t len)
{
	struct vq *q = vnet_txq(n, pair);
	unsigned char *buf = n->slots[q->idx] + q->free * VNET_SLOT;
	struct vq_seg seg = { .p = buf, .len = n->hdr_len + len };

	CHECK(len <= FRAME_MAX, "frame of %zu bytes", len);
	if (n->hdr_len + len > VNET_SLOT) {
		CHECK(pair < VNET_BIG_MAX, "no such buffer for pair %u", pair);
		buf = n->big[pair];
	}
	seg.p = buf;
	memset(buf, 0, n->hdr_len);
	if (hdr)
		memcpy(buf, hdr, sizeof(*hdr));
	memcpy(buf + n->hdr_len, frame, len);
	vq_add(q, &seg, 1);
}

int __vnet_tx(struct vnet *n, unsigned int pair,
	      const struct virtio_net_hdr *hdr, const void *frame, size_t len)
{
	struct vq *q = vnet_txq(n, pair);
	int ret;

	vnet_tx_add(n, pair, hdr, frame, len);
	vq_notify(q);
	ret = __vq_wait_used(q, NULL, USED_MS);
	return ret < 0 ? ret : 0;
}

void vnet_rx_fill(struct vnet *n, unsigned int pair, unsigned int count,
		  uint32_t size)
{
	struct vq *q = vnet_rxq(n, pair);

	CHECK(size <= VNET_SLOT, "buffer of %u bytes", size);
	while (q->nfree && count--) {
		struct vq_seg seg = {
			.p = n->slots[q->idx] + q->free * VNET_SLOT,
			.len = size,
			.in = true,
		};

		vq_add(q, &seg, 1);
	}
	vq_notify(q);
}

/* Append one used buffer to @buf; the first one begins with the header. */
static size_t take_buffer(struct vnet *n, struct vq *q, uint32_t head,
			  uint32_t len, struct virtio_net_hdr_mrg_rxbuf *hdr,
			  void *buf, size_t size)
{
	unsigned char *from = n->slots[q->idx] + head * VNET_SLOT;

	CHECK(len <= VNET_SLOT, "device wrote %u bytes into one buffer", len);
	if (hdr) {
		CHECK(len >= n->hdr_len, "device wrote %u bytes", len);
		memcpy(hdr, from, VNET_HDR);
		memcpy(&n->hash, from + VNET_HDR, n->hdr_len - VNET_HDR);
		from += n->hdr_len;
		len -= n->hdr_len;
	}
	CHECK(len <= size, "frame is %u bytes longer than expected",
	      len - (uint32_t)size);
	memcpy(buf, from, len);
	return len;
}

static int recv_frame(struct vnet *n, struct vq *q,
		      struct virtio_net_hdr_mrg_rxbuf *hdr, void *buf,
		      size_t size, unsigned int ms)
{
	size_t got;
	uint32_t len;
	int head, i;

	head = __vq_wait_used(q, &len, ms);
	if (head < 0)
		return head;
	got = take_buffer(n, q, head, len, hdr, buf, size);
	for (i = 1; i < hdr->num_buffers; i++) {
		/* All buffers of a frame are to show up at once. */
		head = __vq_get_used(q, &len);
		CHECK(head >= 0, "buffer %d of %u is missing", i,
		      hdr->num_buffers);
		got += take_buffer(n, q, head, len, NULL, (char *)buf + got,
				   size - got);
	}
	return (int)got;
}

int __vnet_rx(struct vnet *n, unsigned int pair, uint16_t type,
	      struct virtio_net_hdr_mrg_rxbuf *hdr, void *buf, size_t size,
	      unsigned int ms)
{
	struct vq *q = vnet_rxq(n, pair);
	struct virtio_net_hdr_mrg_rxbuf any;
	const struct ethhdr *eth = buf;
	int len;

	do {
		len = recv_frame(n, q, hdr ? hdr : &any, buf, size, ms);
	} while (len >= 0 && (len < ETH_HLEN || eth->h_proto != htons(type)));
	return len;
}

int vnet_ctrl_reply(struct vnet *n, uint8_t class, uint8_t cmd,
		    const void *data, size_t len, void *reply, size_t reply_len)
{
	struct virtio_net_ctrl_hdr *hdr = (void *)n->ctrl;
	uint8_t *ack = n->ctrl + CTRL_ACK;
	struct vq *q = &n->vq[n->nvqs];
	struct vq_seg seg[3] = {
		{ .p = hdr, .len = sizeof(*hdr) },
		{ .p = n->ctrl + CTRL_DATA, .len = len },
		{ .p = ack, .len = 1 + reply_len, .in = true },
	};
	uint32_t written;
	int ret;

	CHECK(n->cvq, "no control queue");
	hdr->class = class;
	hdr->cmd = cmd;
	CHECK(len <= CTRL_ACK - CTRL_DATA && reply_len < CTRL_ACK,
	      "command of %zu bytes, reply of %zu", len, reply_len);
	if (len)
		memcpy(n->ctrl + CTRL_DATA, data, len);
	*ack = 0xff;
	if (!len)
		seg[1] = seg[2];
	vq_add(q, seg, len ? 3 : 2);
	vq_notify(q);
	ret = __vq_wait_used(q, &written, USED_MS);
	if (ret < 0)
		return ret;
	if (reply_len && *ack == VIRTIO_NET_OK) {
		CHECK(written == 1 + reply_len, "device wrote %u bytes", written);
		memcpy(reply, ack + 1, reply_len);
	}
	return *ack;
}

int vnet_ctrl(struct vnet *n, uint8_t class, uint8_t cmd, const void *data,
	      size_t len)
{
	return vnet_ctrl_reply(n, class, cmd, data, len, NULL, 0);
}
