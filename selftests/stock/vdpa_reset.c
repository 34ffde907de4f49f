// SPDX-License-Identifier: GPL-2.0-only
/* Reset, enable, the host interface's carrier, and a VMM that is killed. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "vdpatest.h"

FIXTURE(reset) {
	struct vdev dev;
	struct vnet net;
	struct peer peer;
	unsigned char frame[1514];
};

static const unsigned char outside[ETH_ALEN] = { 2, 0, 0, 0, 0, 9 };

FIXTURE_SETUP(reset)
{
	SKIP_IF_NO_DEVICE();
	vdev_add(&self->dev, "vtreset0", 2, "");
	peer_open(&self->peer, self->dev.netdev, false);
	frame_make(self->frame, sizeof(self->frame), outside, self->dev.mac, 1);
	self->net.vv.fd = -1;
}

FIXTURE_TEARDOWN(reset)
{
	vnet_close(&self->net);
	peer_close(&self->peer);
	vdev_del(&self->dev);
}

static void start(FIXTURE_DATA(reset) *self)
{
	struct vnet_cfg cfg = { 0 };

	vnet_start(&self->net, self->dev.node, &cfg);
}

static void check_tx(FIXTURE_DATA(reset) *self)
{
	unsigned char got[2048];
	int len;

	peer_drain(&self->peer);
	vnet_tx(&self->net, 0, NULL, self->frame, sizeof(self->frame));
	len = peer_recv(&self->peer, FRAME_TYPE, NULL, got, sizeof(got), 1000);
	CHECK(len == sizeof(self->frame) && !memcmp(got, self->frame, len),
	      "%d bytes", len);
}

/* vnet_restart() maps nothing: the maps of the first life must still be there. */
TEST_F(reset, maps_persist)
{
	int i;

	start(self);
	check_tx(self);
	for (i = 0; i < 5; i++) {
		vnet_restart(&self->net);
		check_tx(self);
	}
}

TEST_F(reset, is_idempotent)
{
	start(self);
	vnet_reset(&self->net);
	vnet_reset(&self->net);
	vnet_restart(&self->net);
	check_tx(self);
}

/* In the middle of work, at different moments. */
TEST_F(reset, while_busy)
{
	struct vq *q = vnet_txq(&self->net, 0);
	uint16_t used;
	int i;

	start(self);
	for (i = 0; i < 20; i++) {
		while (q->nfree)
			vnet_tx_add(&self->net, 0, NULL, self->frame,
				    sizeof(self->frame));
		vq_publish(q);
		vq_kick(q);
		pause_us(150 * (i % 8));
		vnet_reset(&self->net);
		used = vq_used_idx(q);
		EXPECT_FALSE(WAIT_UNTIL(vq_used_idx(q) != used, 20));
		vnet_restart(&self->net);
	}
	check_tx(self);
}

TEST_F(reset, enable_is_idempotent)
{
	struct vq *q = vnet_txq(&self->net, 0);
	int i;

	start(self);
	for (i = 0; i < 5; i++) {
		check_tx(self);
		vv_set_vring_enable(&self->net.vv, q->idx, 1);
	}
	EXPECT_EQ(vq_used_idx(q), 5);
}

/* DPDK enables before DRIVER_OK, QEMU after it. */
TEST_F(reset, enable_before_driver_ok)
{
	struct vnet_cfg cfg = { .features = ~FEATURE(NET_F_MQ) };
	unsigned int i;

	vnet_open(&self->net, self->dev.node, &cfg);
	vnet_negotiate(&self->net);
	vnet_rings(&self->net);
	vnet_map(&self->net);
	for (i = 0; i < self->net.nvqs; i++)
		vv_set_vring_enable(&self->net.vv, i, 1);
	vnet_driver_ok(&self->net);
	check_tx(self);
}

/* What was made available and kicked for too early is not lost. */
TEST_F(reset, kick_before_ready)
{
	struct vnet_cfg cfg = { 0 };
	struct vq *q = vnet_txq(&self->net, 0);

	vnet_open(&self->net, self->dev.node, &cfg);
	vnet_negotiate(&self->net);
	vnet_rings(&self->net);
	vnet_map(&self->net);
	vnet_tx_add(&self->net, 0, NULL, self->frame, sizeof(self->frame));
	vq_publish(q);
	vq_kick(q);
	/* A signalled eventfd makes vhost kick at once. */
	vv_set_vring_kick(&self->net.vv, q->idx, q->kick);
	EXPECT_FALSE(WAIT_UNTIL(vq_used_idx(q), 50));
	vnet_driver_ok(&self->net);
	EXPECT_FALSE(WAIT_UNTIL(vq_used_idx(q), 50));
	vnet_enable(&self->net);
	EXPECT_TRUE(WAIT_UNTIL(vq_used_idx(q) == 1, 1000));
}

TEST_F(reset, disabled_queue_rests)
{
	struct vq *q = vnet_txq(&self->net, 0);

	start(self);
	check_tx(self);
	vv_set_vring_enable(&self->net.vv, q->idx, 0);
	vnet_tx_add(&self->net, 0, NULL, self->frame, sizeof(self->frame));
	vq_publish(q);
	vq_kick(q);
	EXPECT_FALSE(WAIT_UNTIL(vq_used_idx(q) != 1, 50));
	vv_set_vring_enable(&self->net.vv, q->idx, 1);
	EXPECT_TRUE(WAIT_UNTIL(vq_used_idx(q) == 2, 1000));
}

/* A ring may begin at any index; this one wraps at once. */
TEST_F(reset, index_wraps)
{
	struct vnet_cfg cfg = { .base = 0xfffe };
	int i;

	vnet_start(&self->net, self->dev.node, &cfg);
	for (i = 0; i < 5; i++)
		check_tx(self);
	EXPECT_EQ(vq_used_idx(vnet_txq(&self->net, 0)), 3);
	vv_suspend(&self->net.vv);
	EXPECT_EQ(vv_get_vring_base(&self->net.vv, 1), 3);
}

/* Some kernels refuse the size, others leave that to the driver: never runs. */
TEST_F(reset, oversized_ring_never_runs)
{
	struct vnet_cfg cfg = { 0 };
	struct vq *q = vnet_txq(&self->net, 0);
	int ret;

	vnet_open(&self->net, self->dev.node, &cfg);
	vnet_negotiate(&self->net);
	vnet_rings(&self->net);
	vnet_map(&self->net);
	ret = __vv_set_vring_num(&self->net.vv, q->idx, 2048);
	vnet_driver_ok(&self->net);
	vnet_enable(&self->net);
	vnet_tx_add(&self->net, 0, NULL, self->frame, sizeof(self->frame));
	vq_publish(q);
	vq_kick(q);
	if (ret) {
		/* Refused without effect: the old size is in use. */
		EXPECT_EQ(ret, -EINVAL);
		EXPECT_TRUE(WAIT_UNTIL(vq_used_idx(q) == 1, 1000));
	} else {
		EXPECT_FALSE(WAIT_UNTIL(vq_used_idx(q), 50));
	}
	vnet_restart(&self->net);
	check_tx(self);
}

/* QEMU sets the MAC before the guest runs; the host side can see it. */
TEST_F(reset, mac_survives_reset)
{
	const uint8_t mac[ETH_ALEN] = { 0x52, 0x54, 0, 0xde, 0xad, 1 };
	struct vnet_cfg cfg = { 0 };
	uint8_t now[ETH_ALEN];

	vnet_open(&self->net, self->dev.node, &cfg);
	vv_set_config(&self->net.vv, 0, mac, sizeof(mac));
	vnet_reset(&self->net);
	vnet_negotiate(&self->net);
	vv_get_config(&self->net.vv, 0, now, sizeof(now));
	EXPECT_EQ(memcmp(now, mac, sizeof(mac)), 0);
}

TEST_F(reset, carrier_follows_driver_ok)
{
	struct vnet_cfg cfg = { 0 };

	EXPECT_FALSE(vdev_carrier(&self->dev));
	vnet_open(&self->net, self->dev.node, &cfg);
	vnet_negotiate(&self->net);
	vnet_rings(&self->net);
	vnet_map(&self->net);
	EXPECT_FALSE(vdev_carrier(&self->dev));
	vnet_driver_ok(&self->net);
	EXPECT_TRUE(WAIT_UNTIL(vdev_carrier(&self->dev), 500));
}

/* A reset that is only part of a switch must not be seen outside ... */
TEST_F(reset, carrier_stays_across_short_reset)
{
	long long changes;

	start(self);
	ASSERT_TRUE(WAIT_UNTIL(vdev_carrier(&self->dev), 500));
	changes = vdev_net(&self->dev, "carrier_changes");
	vnet_reset(&self->net);
	EXPECT_TRUE(vdev_carrier(&self->dev));
	vnet_restart(&self->net);
	check_tx(self);
	/* Longer than the second the driver waits. */
	EXPECT_FALSE(WAIT_UNTIL(!vdev_carrier(&self->dev), 1500));
	EXPECT_EQ(vdev_net(&self->dev, "carrier_changes"), changes);
}

/* ... but one that lasts is. */
TEST_F(reset, carrier_goes_after_a_second)
{
	uint64_t begin;

	start(self);
	ASSERT_TRUE(WAIT_UNTIL(vdev_carrier(&self->dev), 500));
	vnet_reset(&self->net);
	begin = now_us();
	EXPECT_TRUE(WAIT_UNTIL(!vdev_carrier(&self->dev), 3000));
	EXPECT_GE(now_us() - begin, 900000);
}

/* Frames sent to the guest while a VMM switches wait for it. */
TEST_F(reset, frames_wait_for_restart)
{
	unsigned char got[2048];
	unsigned int i;

	start(self);
	ASSERT_TRUE(WAIT_UNTIL(vdev_carrier(&self->dev), 500));
	vnet_reset(&self->net);
	for (i = 0; i < 10; i++) {
		frame_make(self->frame, 200, self->dev.mac, outside, i);
		peer_send(&self->peer, NULL, self->frame, 200);
	}
	vnet_restart(&self->net);
	vnet_rx_fill(&self->net, 0, ~0u, VNET_SLOT);
	for (i = 0; i < 10; i++) {
		uint32_t seq = ~0u;
		int len;

		len = vnet_rx(&self->net, 0, FRAME_TYPE, NULL, got, sizeof(got),
			      1000);
		EXPECT_TRUE(frame_ours(got, len, &seq));
		EXPECT_EQ(seq, i);
	}
}

/* The child: everything a VMM does, as fast as it can, until it is shot. */
static void vmm(const char *node)
{
	struct vnet_cfg cfg = { .pairs = 2 };
	unsigned char frame[1514] = { 0 };
	struct vnet net;
	struct vq *q;

	for (;;) {
		vnet_start(&net, node, &cfg);
		vnet_rx_fill(&net, 0, ~0u, VNET_SLOT);
		q = vnet_txq(&net, 1);
		while (q->nfree)
			vnet_tx_add(&net, 1, NULL, frame, sizeof(frame));
		vq_notify(q);
		vv_suspend(&net.vv);
		vv_resume(&net.vv);
		vnet_unmap(&net);
		vnet_close(&net);
	}
}

TEST_F(reset, vmm_is_killed)
{
	unsigned int seed = (unsigned int)now_us(), i;
	int status;

	TH_LOG("seed %u", seed);
	srandom(seed);
	for (i = 0; i < 20; i++) {
		pid_t pid = fork();

		ASSERT_GE(pid, 0);
		if (!pid)
			vmm(self->dev.node);
		pause_us(random() % 20000 * slow_factor());
		ASSERT_EQ(kill(pid, SIGKILL), 0);
		ASSERT_EQ(waitpid(pid, &status, 0), pid);
		ASSERT_TRUE(WIFSIGNALED(status)) {
			TH_LOG("it failed before it was killed");
		}
	}
	start(self);
	check_tx(self);
}

TEST_HARNESS_MAIN
