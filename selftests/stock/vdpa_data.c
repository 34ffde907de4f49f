// SPDX-License-Identifier: GPL-2.0-only
/* Frames both ways: contents, offloads, pressure, and memory that is gone. */
#include "vdpatest.h"

#define PAIRS	2
#define FIRST	100	/* first sequence number of a burst */

static const unsigned char outside[ETH_ALEN] = { 2, 0, 0, 0, 0, 9 };
static unsigned char frame[FRAME_MAX], got[FRAME_MAX + VNET_HDR];

FIXTURE(data) {
	struct vdev dev;
	struct vnet net;
	struct peer peer;
};

FIXTURE_VARIANT(data) {
	uint64_t with;
	uint64_t without;
	enum gmem_kind kind;
	unsigned int num;
	uint16_t base;
};

FIXTURE_VARIANT_ADD(data, all) {
	.kind = GMEM_ANON,
};

/* No event index: the flags in the rings decide who is called. */
FIXTURE_VARIANT_ADD(data, plain) {
	.without = FEATURE(RING_F_EVENT_IDX) | FEATURE(NET_F_MQ),
	.kind = GMEM_MEMFD,
};

FIXTURE_VARIANT_ADD(data, big_ring) {
	.num = 1024,
};

FIXTURE_VARIANT_ADD(data, packed) {
	.with = FEATURE(F_RING_PACKED),
};

/* In order; short laps, from the middle of the second on; flags decide about calls. */
FIXTURE_VARIANT_ADD(data, packed_in_order) {
	.with = FEATURE(F_RING_PACKED) | FEATURE(F_IN_ORDER),
	.without = FEATURE(RING_F_EVENT_IDX) | FEATURE(NET_F_MQ),
	.num = 128,
	.base = 200,
};

static void bring_up(struct vdev *dev, struct peer *peer, struct vnet *net,
		     const struct vnet_cfg *cfg)
{
	peer_open(peer, dev->netdev, false);
	vnet_start(net, dev->node, cfg);
	CHECK(WAIT_UNTIL(vdev_carrier(dev), 500), "%s has no carrier", dev->netdev);
	vdev_wait_up(dev);
}

static void take_down(struct vdev *dev, struct peer *peer, struct vnet *net)
{
	vnet_close(net);
	peer_close(peer);
	vdev_del(dev);
}

FIXTURE_SETUP(data)
{
	struct vnet_cfg cfg = {
		.features = ~variant->without,
		.kind = variant->kind,
		.num = variant->num,
		.base = variant->base,
	};

	SKIP_IF_NO_DEVICE();
	vnet_add_device(&self->dev, "vtdata0", PAIRS, variant->with);
	bring_up(&self->dev, &self->peer, &self->net, &cfg);
}

FIXTURE_TEARDOWN(data)
{
	take_down(&self->dev, &self->peer, &self->net);
}

TEST_F(data, tx_sizes)
{
	static const size_t sizes[] = { 60, 64, 65, 127, 128, 1000, 1513, 1514 };
	unsigned int i;
	int len;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		frame_make(frame, sizes[i], outside, self->dev.mac, i);
		vnet_tx(&self->net, 0, NULL, frame, sizes[i]);
		len = peer_recv(&self->peer, FRAME_TYPE, NULL, got,
				sizeof(got), 1000);
		EXPECT_EQ(len, sizes[i]);
		EXPECT_TRUE(frame_intact(got, len));
	}
}

TEST_F(data, rx_sizes)
{
	static const size_t sizes[] = { 60, 64, 65, 127, 128, 1000, 1513, 1514 };
	unsigned int i;
	int len;

	vnet_rx_fill(&self->net, 0, ~0u, VNET_SLOT);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct virtio_net_hdr_mrg_rxbuf hdr;

		frame_make(frame, sizes[i], self->dev.mac, outside, i);
		peer_send(&self->peer, NULL, frame, sizes[i]);
		len = vnet_rx(&self->net, 0, FRAME_TYPE, &hdr, got,
			      sizeof(got), 1000);
		EXPECT_EQ(len, sizes[i]);
		EXPECT_TRUE(frame_intact(got, len));
		EXPECT_EQ(hdr.num_buffers, 1);
		EXPECT_EQ(hdr.hdr.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	}
}

/* More than the ring holds, several rounds: nothing lost, order kept. */
TEST_F(data, tx_burst)
{
	struct vq *q = vnet_txq(&self->net, 0);
	unsigned int round, i, count;
	uint32_t seq;
	int len;

	for (round = 0; round < 4; round++) {
		count = q->nfree;
		for (i = 0; i < count; i++) {
			frame_make(frame, 600, outside, self->dev.mac,
				   FIRST + i);
			vnet_tx_add(&self->net, 0, NULL, frame, 600);
		}
		vq_notify(q);
		for (i = 0; i < count; i++) {
			len = peer_recv(&self->peer, FRAME_TYPE, NULL, got,
					sizeof(got), 1000);
			ASSERT_TRUE(frame_ours(got, len, &seq));
			ASSERT_EQ(seq, FIRST + i);
			ASSERT_TRUE(frame_intact(got, len));
		}
		for (i = 0; i < count; i++)
			vq_wait_used(q, NULL, 1000);
	}
}

TEST_F(data, rx_burst)
{
	unsigned int i, sent = 0, count = 600;
	uint32_t seq;
	int len;

	vnet_rx_fill(&self->net, 0, ~0u, VNET_SLOT);
	for (i = 0; i < count; i++) {
		for (; sent < count && sent < i + 64; sent++) {
			frame_make(frame, 600, self->dev.mac, outside, sent);
			peer_send(&self->peer, NULL, frame, 600);
		}
		len = vnet_rx(&self->net, 0, FRAME_TYPE, NULL, got,
			      sizeof(got), 1000);
		ASSERT_TRUE(frame_ours(got, len, &seq));
		ASSERT_EQ(seq, i);
		ASSERT_TRUE(frame_intact(got, len));
		vnet_rx_fill(&self->net, 0, ~0u, VNET_SLOT);
	}
}

/* A driver that asks to be called is; one that does not is left alone. */
TEST_F(data, calls)
{
	struct vq *q = vnet_txq(&self->net, 0);

	frame_make(frame, 100, outside, self->dev.mac, 1);
	vnet_tx(&self->net, 0, NULL, frame, 100);
	EXPECT_TRUE(vq_wait_call(q, 1000));
	vq_calls(q);

	vq_mute(q);
	vnet_tx_add(&self->net, 0, NULL, frame, 100);
	vq_publish(q);
	vq_kick(q);
	EXPECT_TRUE(WAIT_UNTIL(vq_used_idx(q) != q->last_used, 1000));
	EXPECT_FALSE(WAIT_UNTIL(vq_calls(q), 50));
	vq_unmute(q);
}

/* Header and frame in many small pieces, as a driver without one buffer has. */
TEST_F(data, tx_scattered)
{
	struct vq *q = vnet_txq(&self->net, 0);
	unsigned char *p = self->net.slots[q->idx];
	struct vq_seg seg[32];
	unsigned int n = 0;
	size_t at, step;
	int len;

	memset(p, 0, VNET_HDR);
	frame_make(p + VNET_HDR, 1500, outside, self->dev.mac, 5);
	for (at = 0; at < 1500 + VNET_HDR; at += step) {
		step = n < 24 ? n % 5 + 1 : 300;
		if (at + step > 1500 + VNET_HDR)
			step = 1500 + VNET_HDR - at;
		seg[n++] = (struct vq_seg){ .p = p + at, .len = step };
	}
	vq_add(q, seg, n);
	vq_notify(q);
	vq_wait_used(q, NULL, 1000);
	len = peer_recv(&self->peer, FRAME_TYPE, NULL, got, sizeof(got), 1000);
	EXPECT_EQ(len, 1500);
	EXPECT_TRUE(frame_intact(got, len));
}

/* Buffers smaller than the frame are joined, and only as many as needed. */
TEST_F(data, rx_merged)
{
	struct virtio_net_hdr_mrg_rxbuf hdr;
	int len;

	vnet_rx_fill(&self->net, 0, 64, 256);
	frame_make(frame, 1514, self->dev.mac, outside, 9);
	peer_send(&self->peer, NULL, frame, 1514);
	len = vnet_rx(&self->net, 0, FRAME_TYPE, &hdr, got, sizeof(got), 1000);
	EXPECT_EQ(len, 1514);
	EXPECT_EQ(hdr.num_buffers, (1514 + VNET_HDR + 255) / 256);
	EXPECT_TRUE(frame_intact(got, len));
}

/* 64 KB TCP segments pass as they are, both ways: nobody cuts them. */
TEST_F(data, tx_segmentation_offload)
{
	const size_t payload = 60000;
	struct virtio_net_hdr hdr = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = FRAME_TCP_HDR,
		.gso_size = 1448,
		.csum_start = 34,
		.csum_offset = 16,
	}, seen;
	struct peer peer;
	size_t size;
	int len;

	peer_open(&peer, self->dev.netdev, true);
	size = frame_make_tcp(frame, outside, self->dev.mac, payload, 42);
	vnet_tx(&self->net, 0, &hdr, frame, size);
	len = peer_recv(&peer, ETH_P_IP, &seen, got, sizeof(got), 2000);
	EXPECT_TRUE(frame_tcp_intact(got, len, payload, 42));
	EXPECT_EQ(seen.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	EXPECT_EQ(seen.gso_size, 1448);
	EXPECT_EQ(seen.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM,
		  VIRTIO_NET_HDR_F_NEEDS_CSUM);
	peer_close(&peer);
}

TEST_F(data, rx_segmentation_offload)
{
	const size_t payload = 60000;
	struct virtio_net_hdr hdr = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = FRAME_TCP_HDR,
		.gso_size = 1448,
		.csum_start = 34,
		.csum_offset = 16,
	};
	struct virtio_net_hdr_mrg_rxbuf seen;
	struct peer peer;
	size_t size;
	int len;

	peer_open(&peer, self->dev.netdev, true);
	vnet_rx_fill(&self->net, 0, ~0u, VNET_SLOT);
	size = frame_make_tcp(frame, self->dev.mac, outside, payload, 43);
	peer_send(&peer, &hdr, frame, size);
	len = vnet_rx(&self->net, 0, ETH_P_IP, &seen, got, sizeof(got), 2000);
	EXPECT_TRUE(frame_tcp_intact(got, len, payload, 43));
	EXPECT_EQ(seen.hdr.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	EXPECT_EQ(seen.hdr.gso_size, 1448);
	EXPECT_GT(seen.num_buffers, 1);
	peer_close(&peer);
}

/* A header that makes no sense costs that frame, not the queue. */
TEST_F(data, tx_nonsense_header)
{
	static const struct virtio_net_hdr bad[] = {
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 0 },
		{ .gso_type = 77, .gso_size = 100 },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 60000 },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 14,
		  .csum_offset = 60000 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_UDP, .gso_size = 1 },
		/* It would make sense, had it been negotiated. */
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34,
		  .csum_offset = 6, .gso_type = VIRTIO_NET_HDR_GSO_UDP_L4,
		  .gso_size = 50 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		frame_make(frame, 200, outside, self->dev.mac, i);
		vnet_tx(&self->net, 0, &bad[i], frame, 200);
	}
	EXPECT_EQ(__peer_recv(&self->peer, FRAME_TYPE, NULL, got, sizeof(got),
			      50), -ETIMEDOUT);
	frame_make(frame, 200, outside, self->dev.mac, 99);
	vnet_tx(&self->net, 0, NULL, frame, 200);
	EXPECT_EQ(peer_recv(&self->peer, FRAME_TYPE, NULL, got, sizeof(got),
			    1000), 200);
}

/* A frame shorter than an Ethernet header, or than even our header. */
TEST_F(data, tx_runt)
{
	struct vq *q = vnet_txq(&self->net, 0);
	struct vq_seg seg = { .p = self->net.slots[q->idx] };

	for (seg.len = 1; seg.len < VNET_HDR + ETH_HLEN; seg.len += 3) {
		vq_add(q, &seg, 1);
		vq_notify(q);
		vq_wait_used(q, NULL, 1000);
	}
	EXPECT_FALSE(vnet_needs_reset(&self->net));
	frame_make(frame, 200, outside, self->dev.mac, 99);
	vnet_tx(&self->net, 0, NULL, frame, 200);
	EXPECT_EQ(peer_recv(&self->peer, FRAME_TYPE, NULL, got, sizeof(got),
			    1000), 200);
}

/* A guest without buffers holds frames up for 100 ms, then loses them. */
TEST_F(data, rx_back_pressure)
{
	long long before = vdev_net(&self->dev, "statistics/tx_dropped");
	uint64_t begin = now_us();

	frame_make(frame, 200, self->dev.mac, outside, 1);
	peer_send(&self->peer, NULL, frame, 200);
	EXPECT_TRUE(WAIT_UNTIL(vdev_net(&self->dev, "statistics/tx_dropped") >
			       before, 500));
	TH_LOG("dropped after %llu ms",
	       (unsigned long long)(now_us() - begin) / 1000);

	/* From then on it works as if nothing had been. */
	vnet_rx_fill(&self->net, 0, 16, VNET_SLOT);
	frame_make(frame, 200, self->dev.mac, outside, 2);
	peer_send(&self->peer, NULL, frame, 200);
	EXPECT_EQ(vnet_rx(&self->net, 0, FRAME_TYPE, NULL, got, sizeof(got),
			  1000), 200);
}

TEST_F(data, rx_held_until_buffers_come)
{
	uint32_t seq = 0;
	int len;

	frame_make(frame, 200, self->dev.mac, outside, 21);
	peer_send(&self->peer, NULL, frame, 200);
	vnet_rx_fill(&self->net, 0, 16, VNET_SLOT);
	len = vnet_rx(&self->net, 0, FRAME_TYPE, NULL, got, sizeof(got), 1000);
	EXPECT_TRUE(frame_ours(got, len, &seq));
	EXPECT_EQ(seq, 21);
}

TEST_F(data, peer_down_and_up)
{
	int len;

	run("ip link set %s down", self->dev.netdev);
	frame_make(frame, 300, outside, self->dev.mac, 1);
	vnet_tx(&self->net, 0, NULL, frame, 300);
	vnet_rx_fill(&self->net, 0, ~0u, VNET_SLOT);
	run("ip link set %s up", self->dev.netdev);
	peer_drain(&self->peer);
	frame_make(frame, 300, outside, self->dev.mac, 2);
	vnet_tx(&self->net, 0, NULL, frame, 300);
	len = peer_recv(&self->peer, FRAME_TYPE, NULL, got, sizeof(got), 1000);
	EXPECT_EQ(len, 300);
	frame_make(frame, 300, self->dev.mac, outside, 3);
	peer_send(&self->peer, NULL, frame, 300);
	len = vnet_rx(&self->net, 0, FRAME_TYPE, NULL, got, sizeof(got), 1000);
	EXPECT_EQ(len, 300);
	EXPECT_TRUE(frame_intact(got, len));
}

/* The guest's address comes back: the device must not use the old pages. */
TEST_F(data, remapped_memory)
{
	struct vq *q = vnet_txq(&self->net, 0);
	unsigned char *page = gmem_alloc(&self->net.mem, GMEM_PAGE, GMEM_PAGE);
	uint64_t iova = gmem_iova(&self->net.mem, page);
	struct vq_seg seg = { .p = page, .len = VNET_HDR + 500 };
	struct gmem other;
	uint32_t seq = 0;
	int len;

	/* Cut out one page: maps are invalidated as they were made, whole. */
	vv_suspend(&self->net.vv);
	vnet_unmap(&self->net);
	gmem_init(&other, GMEM_ANON, iova, GMEM_PAGE);
	vv_map(&self->net.vv, 0, self->net.mem.iova,
	       iova - self->net.mem.iova, self->net.mem.hva, VHOST_ACCESS_RW);
	vv_map(&self->net.vv, 0, iova, GMEM_PAGE, other.hva, VHOST_ACCESS_RW);
	vv_resume(&self->net.vv);

	memset(page, 0xee, GMEM_PAGE);
	frame_make((unsigned char *)other.hva + VNET_HDR, 500, outside,
		   self->dev.mac, 31);
	vq_add(q, &seg, 1);
	vq_notify(q);
	vq_wait_used(q, NULL, 1000);
	len = peer_recv(&self->peer, FRAME_TYPE, NULL, got, sizeof(got), 1000);
	EXPECT_TRUE(frame_ours(got, len, &seq));
	EXPECT_EQ(seq, 31);
	vv_unmap(&self->net.vv, 0, iova, GMEM_PAGE);
	gmem_free(&other);
}

/* After the invalidate returns, the running device is out of that page. */
TEST_F(data, invalidated_while_running)
{
	unsigned char *page = gmem_alloc(&self->net.mem, GMEM_PAGE, GMEM_PAGE);
	struct vq *q = vnet_rxq(&self->net, 0);
	struct vq_seg seg = { .p = page, .len = VNET_SLOT, .in = true };
	uint64_t iova = gmem_iova(&self->net.mem, page);
	unsigned int i;

	vv_suspend(&self->net.vv);
	vnet_unmap(&self->net);
	vv_map(&self->net.vv, 0, self->net.mem.iova,
	       iova - self->net.mem.iova, self->net.mem.hva, VHOST_ACCESS_RW);
	vv_map(&self->net.vv, 0, iova, GMEM_PAGE, page, VHOST_ACCESS_RW);
	vv_resume(&self->net.vv);

	for (i = 0; i < 8; i++)
		vq_add(q, &seg, 1);
	vq_notify(q);
	frame_make(frame, 500, self->dev.mac, outside, 1);
	peer_send(&self->peer, NULL, frame, 500);
	EXPECT_TRUE(WAIT_UNTIL(vq_used_idx(q) == (uint16_t)(variant->base + 1),
			       1000));
	EXPECT_TRUE(frame_intact(page + VNET_HDR, 500));

	vv_unmap(&self->net.vv, 0, iova, GMEM_PAGE);
	memset(page, 0x11, GMEM_PAGE);
	frame_make(frame, 500, self->dev.mac, outside, 2);
	__peer_send(&self->peer, NULL, frame, 500);
	EXPECT_TRUE(WAIT_UNTIL(vnet_needs_reset(&self->net), 1000));
	EXPECT_EQ(page[0], 0x11);
	EXPECT_EQ(memcmp(page, page + 1, GMEM_PAGE - 1), 0);
}

TEST_F(data, control_commands)
{
	const uint8_t mac[ETH_ALEN] = { 0x52, 0x54, 0, 7, 8, 9 };
	const uint8_t multicast[ETH_ALEN] = { 1, 0, 0x5e, 0, 0, 1 };
	const uint16_t none = 0, one = 1, too_many = PAIRS + 1;
	struct vnet *n = &self->net;
	uint8_t now[ETH_ALEN];

#define CTRL(class, cmd, data) \
	vnet_ctrl(n, VIRTIO_NET_CTRL_##class, VIRTIO_NET_CTRL_##cmd, data, \
		  sizeof(*(data)))

	EXPECT_EQ(CTRL(MAC, MAC_ADDR_SET, &mac), VIRTIO_NET_OK);
	vv_get_config(&n->vv, 0, now, sizeof(now));
	EXPECT_EQ(memcmp(now, mac, sizeof(mac)), 0);
	EXPECT_EQ(CTRL(MAC, MAC_ADDR_SET, &multicast), VIRTIO_NET_ERR);
	EXPECT_EQ(CTRL(MAC, MAC_ADDR_SET, &one), VIRTIO_NET_ERR);
	EXPECT_EQ(vnet_ctrl(n, VIRTIO_NET_CTRL_MAC,
			    VIRTIO_NET_CTRL_MAC_ADDR_SET, NULL, 0),
		  VIRTIO_NET_ERR);
	EXPECT_EQ(vnet_ctrl(n, 200, 0, &one, sizeof(one)), VIRTIO_NET_ERR);
	EXPECT_EQ(vnet_ctrl(n, VIRTIO_NET_CTRL_MQ, 99, &one, sizeof(one)),
		  VIRTIO_NET_ERR);
	if (n->features & FEATURE(NET_F_MQ)) {
		EXPECT_EQ(CTRL(MQ, MQ_VQ_PAIRS_SET, &one), VIRTIO_NET_OK);
		EXPECT_EQ(CTRL(MQ, MQ_VQ_PAIRS_SET, &none), VIRTIO_NET_ERR);
		EXPECT_EQ(CTRL(MQ, MQ_VQ_PAIRS_SET, &too_many),
			  VIRTIO_NET_ERR);
	}
	EXPECT_FALSE(vnet_needs_reset(n));
}

/* The control queue's ring goes round many times. */
TEST_F(data, many_control_commands)
{
	uint8_t mac[ETH_ALEN] = { 0x52, 0x54, 0, 7, 8, 9 };
	unsigned int i;

	for (i = 0; i < 2100; i++) {
		mac[4] = i >> 8;
		mac[5] = i;
		ASSERT_EQ(vnet_ctrl(&self->net, VIRTIO_NET_CTRL_MAC,
				    VIRTIO_NET_CTRL_MAC_ADDR_SET, mac,
				    sizeof(mac)), VIRTIO_NET_OK);
	}
}

FIXTURE(pairs) {
	struct vdev dev;
	struct vnet net;
	struct peer peer;
};

FIXTURE_SETUP(pairs)
{
	struct vnet_cfg cfg = { .pairs = PAIRS };

	SKIP_IF_NO_DEVICE();
	vdev_add(&self->dev, "vtpairs0", PAIRS, "");
	bring_up(&self->dev, &self->peer, &self->net, &cfg);
}

FIXTURE_TEARDOWN(pairs)
{
	take_down(&self->dev, &self->peer, &self->net);
}

TEST_F(pairs, all_transmit)
{
	unsigned int pair;

	for (pair = 0; pair < PAIRS; pair++) {
		frame_make(frame, 400, outside, self->dev.mac, pair);
		vnet_tx(&self->net, pair, NULL, frame, 400);
		EXPECT_EQ(peer_recv(&self->peer, FRAME_TYPE, NULL, got,
				    sizeof(got), 1000), 400);
		EXPECT_TRUE(frame_intact(got, 400));
	}
}

/* Receive steering: frames of a flow follow the pair the guest sends it on. */
TEST_F(pairs, receive_follows_transmit)
{
	unsigned int pair;

	for (pair = 0; pair < PAIRS; pair++)
		vnet_rx_fill(&self->net, pair, 16, VNET_SLOT);
	for (pair = PAIRS; pair--;) {
		frame_make(frame, 400, outside, self->dev.mac, pair);
		vnet_tx(&self->net, pair, NULL, frame, 400);
		peer_recv(&self->peer, FRAME_TYPE, NULL, got, sizeof(got), 1000);
		frame_make(frame, 400, self->dev.mac, outside, pair);
		peer_send(&self->peer, NULL, frame, 400);
		EXPECT_EQ(vnet_rx(&self->net, pair, FRAME_TYPE, NULL, got,
				  sizeof(got), 1000), 400);
	}
}

TEST_HARNESS_MAIN
