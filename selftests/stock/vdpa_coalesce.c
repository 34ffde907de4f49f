// SPDX-License-Identifier: GPL-2.0-only
/* Notification coalescing: calls wait, are merged, and are never lost. */
#include "vdpatest.h"

#define PAIRS	2
#define LEN	100
#define USECS	10000	/* the longest wait that the device agrees to */
#define TRIES	50	/* to be fast enough for what takes less than that */

static const unsigned char outside[ETH_ALEN] = { 2, 0, 0, 0, 0, 9 };
static unsigned char frame[LEN];

/**
 * struct coal - parameters, as the commands have them
 * @max_packets: frames
 * @max_usecs: microseconds
 */
struct coal {
	uint32_t max_packets;
	uint32_t max_usecs;
};

FIXTURE(coalesce) {
	struct vdev dev;
	struct vnet net;
	struct peer peer;
};

/* Without event index: then every frame is worth a call. */
FIXTURE_SETUP(coalesce)
{
	struct vnet_cfg cfg = {
		.features = ~FEATURE(RING_F_EVENT_IDX),
		.pairs = PAIRS,
	};
	const uint16_t one = 1;

	SKIP_IF_NO_DEVICE();
	vnet_add_device(&self->dev, "vtcoal0", PAIRS,
			FEATURE(NET_F_NOTF_COAL) | FEATURE(NET_F_VQ_NOTF_COAL));
	peer_open(&self->peer, self->dev.netdev, false);
	vnet_start(&self->net, self->dev.node, &cfg);
	vdev_wait_up(&self->dev);
	ASSERT_TRUE(WAIT_UNTIL(vdev_carrier(&self->dev), 500));
	/* All are enabled, and frames come on the first. */
	ASSERT_EQ(vnet_ctrl(&self->net, VIRTIO_NET_CTRL_MQ,
			    VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, &one, sizeof(one)),
		  VIRTIO_NET_OK);
	vnet_rx_fill(&self->net, 0, -1, VNET_SLOT);
	frame_make(frame, LEN, self->dev.mac, outside, 1);
}

FIXTURE_TEARDOWN(coalesce)
{
	vnet_close(&self->net);
	peer_close(&self->peer);
	vdev_del(&self->dev);
}

static int set_all(struct vnet *n, uint8_t cmd, uint32_t packets, uint32_t usecs)
{
	const struct coal c = { packets, usecs };

	return vnet_ctrl(n, VIRTIO_NET_CTRL_NOTF_COAL, cmd, &c, sizeof(c));
}

#define SET_RX(packets, usecs) \
	set_all(&self->net, VIRTIO_NET_CTRL_NOTF_COAL_RX_SET, packets, usecs)
#define SET_TX(packets, usecs) \
	set_all(&self->net, VIRTIO_NET_CTRL_NOTF_COAL_TX_SET, packets, usecs)

static int set_vq(struct vnet *n, uint16_t idx, uint32_t packets, uint32_t usecs)
{
	const struct {
		uint16_t idx, reserved;
		struct coal coal;
	} c = { idx, 0xffff, { packets, usecs } };

	return vnet_ctrl(n, VIRTIO_NET_CTRL_NOTF_COAL,
			 VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET, &c, sizeof(c));
}

static int get_vq(struct vnet *n, uint16_t idx, struct coal *c)
{
	const uint16_t data[2] = { idx, 0xffff };

	return vnet_ctrl_reply(n, VIRTIO_NET_CTRL_NOTF_COAL,
			       VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET, data,
			       sizeof(data), c, sizeof(*c));
}

static bool vq_has(struct vnet *n, uint16_t idx, uint32_t packets, uint32_t usecs)
{
	struct coal c;

	return get_vq(n, idx, &c) == VIRTIO_NET_OK &&
	       c.max_packets == packets && c.max_usecs == usecs;
}

/* Take what the guest received, and give it buffers again. */
static void take(struct vnet *n, unsigned int frames)
{
	while (frames--)
		vq_wait_used(vnet_rxq(n, 0), NULL, 2000);
	vnet_rx_fill(n, 0, -1, VNET_SLOT);
}

/* Calls for frames that arrive one by one, once all are there. */
static uint64_t calls_for(FIXTURE_DATA(coalesce) *self, unsigned int frames)
{
	struct vq *q = vnet_rxq(&self->net, 0);
	unsigned int i;

	vq_calls(q);
	for (i = 0; i < frames; i++) {
		peer_send(&self->peer, NULL, frame, LEN);
		take(&self->net, 1);
	}
	return vq_calls(q);
}

TEST_F(coalesce, at_once_by_default)
{
	EXPECT_EQ(calls_for(self, 8), 8);
	EXPECT_TRUE(vq_has(&self->net, 0, 0, 0));
	EXPECT_EQ(SET_RX(0, USECS), VIRTIO_NET_OK);
	EXPECT_EQ(calls_for(self, 8), 8);
	EXPECT_EQ(SET_RX(8, 0), VIRTIO_NET_OK);
	EXPECT_EQ(calls_for(self, 8), 8);
	EXPECT_EQ(SET_RX(1, USECS), VIRTIO_NET_OK);
	EXPECT_EQ(calls_for(self, 8), 8);
}

/* One frame is there at once; its call comes, and not before its time. */
TEST_F(coalesce, call_is_late)
{
	struct vq *q = vnet_rxq(&self->net, 0);
	unsigned int i;

	ASSERT_EQ(SET_RX(100, USECS), VIRTIO_NET_OK);
	for (i = 0; i < 5; i++) {
		uint64_t begin = now_us();
		uint64_t calls = calls_for(self, 1);

		if (!calls && vq_wait_call(q, 1000))
			calls = vq_calls(q);
		EXPECT_EQ(calls, 1);
		EXPECT_GE(now_us() - begin, USECS);
	}
}

/* As many as asked for, in less than the time: one call, and no second. */
TEST_F(coalesce, calls_are_merged)
{
	unsigned int tries, merged = 0;

	ASSERT_EQ(SET_RX(4, USECS), VIRTIO_NET_OK);
	for (tries = 0; tries < TRIES && merged < 3; tries++) {
		uint64_t begin = now_us();
		uint64_t calls = calls_for(self, 4);

		if (now_us() - begin >= USECS)
			continue;
		EXPECT_EQ(calls, 1);
		merged++;
	}
	EXPECT_EQ(merged, 3);
}

TEST_F(coalesce, transmit)
{
	struct vnet *n = &self->net;
	struct vq *q = vnet_txq(n, 0);
	uint64_t begin;

	ASSERT_EQ(SET_TX(100, USECS), VIRTIO_NET_OK);
	frame_make(frame, LEN, outside, self->dev.mac, 1);
	vq_calls(q);
	begin = now_us();
	vnet_tx(n, 0, NULL, frame, LEN);
	EXPECT_TRUE(vq_wait_call(q, 1000));
	EXPECT_GE(now_us() - begin, USECS);
	EXPECT_EQ(vq_calls(q), 1);
	EXPECT_TRUE(vq_has(n, 1, 100, USECS));
	EXPECT_TRUE(vq_has(n, 3, 100, USECS));
	EXPECT_TRUE(vq_has(n, 0, 0, 0));
}

/* What is due when the queue stops comes before the suspend is over. */
TEST_F(coalesce, suspend_calls)
{
	struct vnet *n = &self->net;
	struct vq *q = vnet_rxq(n, 0);

	ASSERT_EQ(SET_RX(100, USECS), VIRTIO_NET_OK);
	vq_calls(q);
	peer_send(&self->peer, NULL, frame, LEN);
	take(n, 1);
	vv_suspend(&n->vv);
	EXPECT_EQ(vq_calls(q), 1);
	pause_us(2 * USECS);
	EXPECT_EQ(vq_calls(q), 0);
	vv_resume(&n->vv);
	EXPECT_TRUE(vq_has(n, 0, 100, USECS));
}

/* New parameters that are met already: the call comes with the answer. */
TEST_F(coalesce, change_calls)
{
	struct vnet *n = &self->net;
	struct vq *q = vnet_rxq(n, 0);

	ASSERT_EQ(SET_RX(100, USECS), VIRTIO_NET_OK);
	vq_calls(q);
	peer_send(&self->peer, NULL, frame, LEN);
	peer_send(&self->peer, NULL, frame, LEN);
	take(n, 2);
	EXPECT_EQ(set_vq(n, 0, 2, USECS), VIRTIO_NET_OK);
	EXPECT_GE(vq_calls(q), 1);
	EXPECT_EQ(SET_RX(0, 0), VIRTIO_NET_OK);
	vq_calls(q);
	EXPECT_EQ(calls_for(self, 8), 8);
}

TEST_F(coalesce, single_queues)
{
	struct vnet *n = &self->net;

	EXPECT_EQ(SET_RX(10, 1000), VIRTIO_NET_OK);
	EXPECT_EQ(set_vq(n, 0, 20, 2000), VIRTIO_NET_OK);
	EXPECT_EQ(set_vq(n, 0, 20, 2000), VIRTIO_NET_OK);
	EXPECT_EQ(set_vq(n, 3, 30, 3000), VIRTIO_NET_OK);
	EXPECT_TRUE(vq_has(n, 0, 20, 2000));
	EXPECT_TRUE(vq_has(n, 1, 0, 0));
	EXPECT_TRUE(vq_has(n, 2, 10, 1000));
	EXPECT_TRUE(vq_has(n, 3, 30, 3000));

	/* A queue that is enabled again is like its kind. */
	vv_set_vring_enable(&n->vv, 0, 0);
	vv_set_vring_enable(&n->vv, 0, 1);
	vv_set_vring_enable(&n->vv, 3, 0);
	vv_set_vring_enable(&n->vv, 3, 1);
	EXPECT_TRUE(vq_has(n, 0, 10, 1000));
	EXPECT_TRUE(vq_has(n, 3, 0, 0));

	/* The last command for a queue wins. */
	EXPECT_EQ(set_vq(n, 0, 20, 2000), VIRTIO_NET_OK);
	EXPECT_EQ(SET_RX(10, 1000), VIRTIO_NET_OK);
	EXPECT_TRUE(vq_has(n, 0, 10, 1000));

	vnet_restart(n);
	EXPECT_TRUE(vq_has(n, 0, 0, 0));
	EXPECT_TRUE(vq_has(n, 2, 0, 0));
}

TEST_F(coalesce, refused)
{
	struct vnet *n = &self->net;
	const uint16_t wrong[] = { 2 * PAIRS, 2 * PAIRS + 1, 0x7fff, 0xffff };
	const uint32_t data = 0;
	struct coal c;
	unsigned int i;
	char more[9];

	EXPECT_EQ(SET_RX(10, 1000), VIRTIO_NET_OK);
	EXPECT_EQ(SET_RX(20, USECS + 1), VIRTIO_NET_ERR);
	EXPECT_EQ(SET_RX(20, 0xffffffff), VIRTIO_NET_ERR);
	EXPECT_EQ(SET_TX(20, USECS + 1), VIRTIO_NET_ERR);
	EXPECT_EQ(set_vq(n, 0, 20, USECS + 1), VIRTIO_NET_ERR);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(set_vq(n, wrong[i], 20, 2000), VIRTIO_NET_ERR);
		EXPECT_EQ(get_vq(n, wrong[i], &c), VIRTIO_NET_ERR);
	}
	EXPECT_TRUE(vq_has(n, 0, 10, 1000));

	/* No room for the whole result, or too much: that does no harm. */
	EXPECT_EQ(vnet_ctrl_reply(n, VIRTIO_NET_CTRL_NOTF_COAL,
				  VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET, &data,
				  sizeof(data), more, 7), VIRTIO_NET_ERR);
	EXPECT_EQ(vnet_ctrl(n, VIRTIO_NET_CTRL_NOTF_COAL,
			    VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET, &data,
			    sizeof(data)), VIRTIO_NET_ERR);

	/* A queue that is not enabled has no parameters. */
	vv_set_vring_enable(&n->vv, 2, 0);
	EXPECT_EQ(set_vq(n, 2, 20, 2000), VIRTIO_NET_ERR);
	EXPECT_EQ(get_vq(n, 2, &c), VIRTIO_NET_ERR);
	EXPECT_FALSE(vnet_needs_reset(n));
}

/* A call may be due in any state: nobody is called who is gone. */
TEST_F(coalesce, restarts)
{
	unsigned int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(SET_RX(100, 1 + 500 * i), VIRTIO_NET_OK);
		peer_send(&self->peer, NULL, frame, LEN);
		take(&self->net, 1);
		self->net.cfg.pairs = 1;
		vnet_restart(&self->net);
		vnet_rx_fill(&self->net, 0, -1, VNET_SLOT);
	}
	EXPECT_EQ(calls_for(self, 8), 8);
}

TEST_HARNESS_MAIN
