// SPDX-License-Identifier: GPL-2.0-only
/* Virtqueue groups and the address spaces they are bound to. */
#include "vdpatest.h"

#define PAIRS	2

FIXTURE(group) {
	struct vdev dev;
	struct vnet net;
	struct peer peer;
};

FIXTURE_SETUP(group)
{
	SKIP_IF_NO_DEVICE();
	vdev_add(&self->dev, "vtgroup0", PAIRS, "");
	peer_open(&self->peer, self->dev.netdev, false);
}

FIXTURE_TEARDOWN(group)
{
	vnet_close(&self->net);
	peer_close(&self->peer);
	vdev_del(&self->dev);
}

/* One frame each way on each queue pair: does the device reach our memory? */
static void check_traffic(struct vdev *dev, struct vnet *n, struct peer *peer)
{
	static const unsigned char outside[ETH_ALEN] = { 2, 0, 0, 0, 0, 9 };
	unsigned char frame[1514], got[2048];
	unsigned int pair;
	int len;

	vdev_wait_up(dev);
	for (pair = 0; pair < n->cfg.pairs; pair++) {
		frame_make(frame, sizeof(frame), outside, dev->mac, pair + 1);
		vnet_tx(n, pair, NULL, frame, sizeof(frame));
		len = peer_recv(peer, FRAME_TYPE, NULL, got, sizeof(got), 1000);
		CHECK(len == sizeof(frame) && !memcmp(frame, got, len),
		      "pair %u: %d bytes", pair, len);
	}
	if (n->cfg.pairs > 1)
		return;
	vnet_rx_fill(n, 0, 8, VNET_SLOT);
	frame_make(frame, sizeof(frame), dev->mac, outside, 77);
	peer_send(peer, NULL, frame, sizeof(frame));
	len = vnet_rx(n, 0, FRAME_TYPE, NULL, got, sizeof(got), 1000);
	CHECK(len == sizeof(frame) && !memcmp(frame, got, len), "%d bytes", len);
}

TEST_F(group, which_queue_is_in_which)
{
	struct vnet_cfg cfg = { .pairs = 1 };
	struct vhost_vdpa *vv = &self->net.vv;
	uint32_t i;

	vnet_open(&self->net, self->dev.node, &cfg);
	vnet_negotiate(&self->net);
	for (i = 0; i < 2 * PAIRS; i++) {
		EXPECT_EQ(vv_get_vring_group(vv, i), GROUP_DATA);
		EXPECT_EQ(vv_get_vring_desc_group(vv, i), GROUP_DESC);
	}
	EXPECT_EQ(vv_get_vring_group(vv, 2 * PAIRS), GROUP_CTRL);
	EXPECT_EQ(vv_get_vring_desc_group(vv, 2 * PAIRS), GROUP_CTRL);
}

/* Without MQ the control queue is the third, however many the device has. */
TEST_F(group, control_queue_follows_features)
{
	struct vnet_cfg cfg = { .features = ~FEATURE(NET_F_MQ) };
	struct vhost_vdpa *vv = &self->net.vv;

	vnet_open(&self->net, self->dev.node, &cfg);
	vnet_negotiate(&self->net);
	EXPECT_EQ(vv_get_vring_group(vv, 0), GROUP_DATA);
	EXPECT_EQ(vv_get_vring_group(vv, 1), GROUP_DATA);
	EXPECT_EQ(vv_get_vring_group(vv, 2), GROUP_CTRL);
}

TEST_F(group, refused)
{
	struct vnet_cfg cfg = { 0 };
	struct vhost_vdpa *vv = &self->net.vv;

	vnet_open(&self->net, self->dev.node, &cfg);
	EXPECT_EQ(__vv_set_group_asid(vv, 3, 0), -EINVAL);
	EXPECT_EQ(__vv_set_group_asid(vv, 0, 4), -EINVAL);
	/* The kernel takes a group for a queue's number at first. */
	EXPECT_LT(__vv_set_group_asid(vv, 0xffffffff, 0), 0);
	EXPECT_EQ(__vv_set_group_asid(vv, 0, 0xffffffff), -EINVAL);
	EXPECT_EQ(__vv_set_group_asid(vv, 2, 3), 0);
}

TEST_F(group, refused_while_running)
{
	struct vnet_cfg cfg = { 0 };
	struct vhost_vdpa *vv = &self->net.vv;

	vnet_start(&self->net, self->dev.node, &cfg);
	EXPECT_EQ(__vv_set_group_asid(vv, GROUP_DATA, 1), -EBUSY);
	EXPECT_EQ(__vv_set_group_asid(vv, GROUP_CTRL, 1), -EBUSY);
	check_traffic(&self->dev, &self->net, &self->peer);
}

/* QEMU: the control queue in address space 1, everything else in 0. */
TEST_F(group, control_queue_apart)
{
	struct vnet_cfg cfg = { .pairs = PAIRS, .ctrl_asid = 1 };

	vnet_start(&self->net, self->dev.node, &cfg);
	check_traffic(&self->dev, &self->net, &self->peer);
}

/* Rings at the very guest addresses that buffers have, in another space. */
TEST_F(group, rings_apart)
{
	struct vnet_cfg cfg = { .desc_asid = 2 };

	vnet_start(&self->net, self->dev.node, &cfg);
	check_traffic(&self->dev, &self->net, &self->peer);
}

TEST_F(group, all_three_apart)
{
	struct vnet_cfg cfg = { .pairs = PAIRS, .desc_asid = 3, .ctrl_asid = 1 };

	vnet_start(&self->net, self->dev.node, &cfg);
	check_traffic(&self->dev, &self->net, &self->peer);
}

/* QEMU never moves the control queue back: it relies on the reset. */
TEST_F(group, reset_puts_back_to_zero)
{
	struct vnet_cfg cfg = { 0 };
	struct vhost_vdpa *vv = &self->net.vv;

	vnet_start(&self->net, self->dev.node, &cfg);
	vnet_reset(&self->net);
	vv_set_group_asid(vv, GROUP_DATA, 1);
	vv_set_group_asid(vv, GROUP_CTRL, 2);
	vv_set_group_asid(vv, GROUP_DESC, 3);
	vnet_restart(&self->net);
	check_traffic(&self->dev, &self->net, &self->peer);
}

/* A group bound to an empty address space reaches nothing. */
TEST_F(group, empty_address_space)
{
	struct vnet_cfg cfg = { 0 };
	struct vnet *n = &self->net;
	unsigned char frame[64] = { 0 };

	vnet_open(n, self->dev.node, &cfg);
	vnet_negotiate(n);
	vnet_rings(n);
	vnet_map(n);
	vv_set_group_asid(&n->vv, GROUP_DATA, 3);
	vnet_driver_ok(n);
	vnet_enable(n);
	frame_make(frame, sizeof(frame), self->dev.mac, self->dev.mac, 1);
	EXPECT_EQ(__vnet_tx(n, 0, NULL, frame, sizeof(frame)), -ETIMEDOUT);
	EXPECT_TRUE(WAIT_UNTIL(vnet_needs_reset(n), 1000));
	vnet_restart(n);
	check_traffic(&self->dev, n, &self->peer);
}

/* 6.12 lets a suspended device rebind; from 7.2 on vhost-vdpa says EBUSY. */
TEST_F(group, rebind_while_suspended)
{
	struct vnet_cfg cfg = { 0 };
	struct vnet *n = &self->net;
	int ret;

	vnet_start(n, self->dev.node, &cfg);
	vv_map(&n->vv, 2, n->mem.iova, n->mem.size, n->mem.hva,
	       VHOST_ACCESS_RW);
	check_traffic(&self->dev, n, &self->peer);
	vv_suspend(&n->vv);
	ret = __vv_set_group_asid(&n->vv, GROUP_DATA, 2);
	if (ret == -EBUSY) {
		vv_resume(&n->vv);
		check_traffic(&self->dev, n, &self->peer);
		return;
	}
	ASSERT_EQ(ret, 0);
	vv_set_group_asid(&n->vv, GROUP_DESC, 2);
	vv_set_group_asid(&n->vv, GROUP_CTRL, 2);
	vv_unmap(&n->vv, 0, n->mem.iova, n->mem.size);
	vv_resume(&n->vv);
	check_traffic(&self->dev, n, &self->peer);
	EXPECT_FALSE(vnet_needs_reset(n));
}

TEST_HARNESS_MAIN
