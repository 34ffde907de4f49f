// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suspend is synchronous and complete, resume loses nothing: what a live
 * migration rests on.
 */
#include "vdpatest.h"

#define QUIET_MS	100	/* a device that is still at work shows by then */

FIXTURE(suspend) {
	struct vdev dev;
	struct vnet net;
	struct peer peer;
	unsigned char frame[1514];
};

static const unsigned char outside[ETH_ALEN] = { 2, 0, 0, 0, 0, 9 };

FIXTURE_VARIANT(suspend) {
	uint64_t with;
};

FIXTURE_VARIANT_ADD(suspend, split) {
};

FIXTURE_VARIANT_ADD(suspend, packed) {
	.with = FEATURE(F_RING_PACKED),
};

FIXTURE_VARIANT_ADD(suspend, in_order) {
	.with = FEATURE(F_IN_ORDER),
};

FIXTURE_SETUP(suspend)
{
	struct vnet_cfg cfg = { 0 };

	SKIP_IF_NO_DEVICE();
	vnet_add_device(&self->dev, "vtsusp0", 2, variant->with);
	peer_open(&self->peer, self->dev.netdev, false);
	vnet_start(&self->net, self->dev.node, &cfg);
	vdev_wait_up(&self->dev);
	frame_make(self->frame, sizeof(self->frame), outside, self->dev.mac, 1);
}

FIXTURE_TEARDOWN(suspend)
{
	vnet_close(&self->net);
	peer_close(&self->peer);
	vdev_del(&self->dev);
}

static void add_frames(struct vnet *n, const void *frame, size_t len,
		       unsigned int count)
{
	while (count--)
		vnet_tx_add(n, 0, NULL, frame, len);
}

static unsigned int reap(struct vq *q)
{
	unsigned int n = 0;

	while (__vq_get_used(q, NULL) >= 0)
		n++;
	return n;
}

/* Neither the used ring nor the eventfd may move any more. */
static bool stays_quiet(struct vq *q, uint16_t used)
{
	return !WAIT_UNTIL(vq_used_idx(q) != used || vq_calls(q), QUIET_MS);
}

/* Catch the device at work, over and over, at different moments. */
TEST_F(suspend, nothing_moves_after)
{
	struct vq *q = vnet_txq(&self->net, 0);
	unsigned int i, sent = 0, done = 0, caught = 0;

	for (i = 0; i < 40; i++) {
		uint16_t used;

		sent += q->nfree;
		add_frames(&self->net, self->frame, sizeof(self->frame),
			   q->nfree);
		vq_publish(q);
		vq_kick(q);
		/* From "not even woken up" to "nearly through". */
		if (i % 4)
			pause_us(100 * i);
		vv_suspend(&self->net.vv);
		used = vq_used_idx(q);
		vq_calls(q);
		caught += used != q->avail_idx;
		if (i % 8 == 0)
			ASSERT_TRUE(stays_quiet(q, used));
		ASSERT_EQ(vv_get_vring_base(&self->net.vv, q->idx), vq_state(q, used));
		ASSERT_EQ(vq_used_idx(q), used);
		vv_resume(&self->net.vv);
		done += reap(q);
	}
	ASSERT_TRUE(WAIT_UNTIL((done += reap(q)) == sent, 5000));
	TH_LOG("%u frames, caught with work left %u of %u times", sent, caught,
	       i);
	EXPECT_GT(caught, 0);
}

/* The receive side is driven by other people's packets. */
TEST_F(suspend, nothing_received_after)
{
	struct vq *q = vnet_rxq(&self->net, 0);
	unsigned int i, sent = 0;
	uint16_t used;

	vnet_rx_fill(&self->net, 0, ~0u, VNET_SLOT);
	frame_make(self->frame, sizeof(self->frame), self->dev.mac, outside, 1);
	for (i = 0; i < 20; i++, sent++)
		peer_send(&self->peer, NULL, self->frame, sizeof(self->frame));
	vv_suspend(&self->net.vv);
	used = vq_used_idx(q);
	vq_calls(q);
	for (i = 0; i < 20; i++, sent++)
		__peer_send(&self->peer, NULL, self->frame,
			    sizeof(self->frame));
	EXPECT_TRUE(stays_quiet(q, used));
	EXPECT_EQ(vv_get_vring_base(&self->net.vv, q->idx), vq_state(q, used));
	vv_resume(&self->net.vv);
	/* The host interface held them back: nothing is lost. */
	EXPECT_TRUE(WAIT_UNTIL((uint16_t)(vq_used_idx(q) - q->last_used) >=
			       sent, 3000)) {
		TH_LOG("%u of %u frames arrived",
		       (uint16_t)(vq_used_idx(q) - q->last_used), sent);
	}
}

TEST_F(suspend, kick_while_suspended)
{
	struct vq *q = vnet_txq(&self->net, 0);

	vv_suspend(&self->net.vv);
	add_frames(&self->net, self->frame, sizeof(self->frame), 10);
	vq_publish(q);
	vq_kick(q);
	EXPECT_TRUE(stays_quiet(q, 0));
	vv_resume(&self->net.vv);
	EXPECT_TRUE(WAIT_UNTIL(vq_used_idx(q) == 10, 2000));
}

/* Buffers that nobody kicked for: resume has to look for itself. */
TEST_F(suspend, resume_rescans)
{
	struct vq *q = vnet_txq(&self->net, 0);

	vv_suspend(&self->net.vv);
	add_frames(&self->net, self->frame, sizeof(self->frame), 10);
	vq_publish(q);
	vv_resume(&self->net.vv);
	EXPECT_TRUE(WAIT_UNTIL(vq_used_idx(q) == 10, 2000));
	EXPECT_TRUE(vq_wait_call(q, 1000));
}

TEST_F(suspend, twice)
{
	struct vq *q = vnet_txq(&self->net, 0);

	vv_suspend(&self->net.vv);
	EXPECT_EQ(__vv_suspend(&self->net.vv), 0);
	add_frames(&self->net, self->frame, sizeof(self->frame), 1);
	vq_publish(q);
	vq_kick(q);
	EXPECT_TRUE(stays_quiet(q, 0));
	vv_resume(&self->net.vv);
	EXPECT_EQ(__vv_resume(&self->net.vv), 0);
	EXPECT_TRUE(WAIT_UNTIL(vq_used_idx(q) == 1, 2000));
}

/* Enabling a queue meanwhile must not make it run. */
TEST_F(suspend, enable_while_suspended)
{
	struct vq *q = vnet_txq(&self->net, 0);

	vv_set_vring_enable(&self->net.vv, q->idx, 0);
	vv_suspend(&self->net.vv);
	add_frames(&self->net, self->frame, sizeof(self->frame), 3);
	vq_publish(q);
	vq_kick(q);
	vv_set_vring_enable(&self->net.vv, q->idx, 1);
	EXPECT_TRUE(stays_quiet(q, 0));
	vv_resume(&self->net.vv);
	EXPECT_TRUE(WAIT_UNTIL(vq_used_idx(q) == 3, 2000));
}

/* A VMM moves the rings to memory of its own without a reset. */
TEST_F(suspend, rings_move)
{
	struct vq *q = vnet_txq(&self->net, 0);
	unsigned char got[2048];
	uint32_t base;
	int len;

	vnet_tx(&self->net, 0, NULL, self->frame, sizeof(self->frame));
	peer_recv(&self->peer, FRAME_TYPE, NULL, got, sizeof(got), 1000);
	vv_suspend(&self->net.vv);
	base = vv_get_vring_base(&self->net.vv, q->idx);
	EXPECT_EQ(base, vq_state(q, 1));
	vq_relocate(q);
	vv_set_vring_addr(&self->net.vv, q->idx, gmem_iova(q->mem, q->desc),
			  gmem_iova(q->mem, q->avail),
			  gmem_iova(q->mem, q->used));
	vv_resume(&self->net.vv);
	vnet_tx(&self->net, 0, NULL, self->frame, sizeof(self->frame));
	len = peer_recv(&self->peer, FRAME_TYPE, NULL, got, sizeof(got), 1000);
	EXPECT_EQ(len, sizeof(self->frame));
	EXPECT_EQ(vq_used_idx(q), 2);
}

/* The shadow switch of a patched VMM: fresh rings that begin at 0. */
TEST_F(suspend, base_changes)
{
	struct vq *q = vnet_txq(&self->net, 0);
	unsigned int i;

	for (i = 0; i < 5; i++)
		vnet_tx(&self->net, 0, NULL, self->frame, sizeof(self->frame));
	vv_suspend(&self->net.vv);
	EXPECT_EQ(vv_get_vring_base(&self->net.vv, q->idx), vq_state(q, 5));
	vq_restart(q, q->layout, 0);
	vv_set_vring_base(&self->net.vv, q->idx, vq_state(q, 0));
	vv_resume(&self->net.vv);
	vnet_tx(&self->net, 0, NULL, self->frame, sizeof(self->frame));
	EXPECT_EQ(vq_used_idx(q), 1);
}

TEST_F(suspend, rings_are_fixed_while_running)
{
	struct vq *q = vnet_txq(&self->net, 0);

	EXPECT_EQ(__vv_set_vring_base(&self->net.vv, q->idx, 0), -EINVAL);
	EXPECT_EQ(__vv_set_vring_addr(&self->net.vv, q->idx, 0, 0, 0), -EINVAL);
}

/* Memory may go while the device is suspended, and come back. */
TEST_F(suspend, memory_goes_and_returns)
{
	struct vq *q = vnet_txq(&self->net, 0);

	vv_suspend(&self->net.vv);
	vnet_unmap(&self->net);
	vnet_map(&self->net);
	add_frames(&self->net, self->frame, sizeof(self->frame), 4);
	vq_publish(q);
	vv_resume(&self->net.vv);
	EXPECT_TRUE(WAIT_UNTIL(vq_used_idx(q) == 4, 2000));
	EXPECT_FALSE(vnet_needs_reset(&self->net));
}

TEST_F(suspend, reset_ends_it)
{
	vv_suspend(&self->net.vv);
	vnet_restart(&self->net);
	vnet_tx(&self->net, 0, NULL, self->frame, sizeof(self->frame));
}

TEST_F(suspend, control_queue_too)
{
	const uint8_t mac[ETH_ALEN] = { 0x52, 0x54, 0, 1, 2, 3 };
	struct vq *q = &self->net.vq[self->net.nvqs];
	uint16_t used = vq_used_idx(q);

	vv_suspend(&self->net.vv);
	EXPECT_EQ(vnet_ctrl(&self->net, VIRTIO_NET_CTRL_MAC,
			    VIRTIO_NET_CTRL_MAC_ADDR_SET, mac, sizeof(mac)),
		  -ETIMEDOUT);
	EXPECT_EQ(vq_used_idx(q), used);
	vv_resume(&self->net.vv);
	EXPECT_TRUE(WAIT_UNTIL(vq_used_idx(q) == q->avail_idx, 2000));
}

/* Losing carrier would purge the host's queue: it must not flap. */
TEST_F(suspend, carrier_stays)
{
	long long changes = vdev_net(&self->dev, "carrier_changes");

	ASSERT_TRUE(vdev_carrier(&self->dev));
	vv_suspend(&self->net.vv);
	EXPECT_FALSE(WAIT_UNTIL(!vdev_carrier(&self->dev), 200));
	vv_resume(&self->net.vv);
	EXPECT_TRUE(vdev_carrier(&self->dev));
	EXPECT_EQ(vdev_net(&self->dev, "carrier_changes"), changes);
}

TEST_HARNESS_MAIN
