// SPDX-License-Identifier: GPL-2.0-only
/* What each vhost-vdpa call answers, the refusals included. */
#include <linux/virtio_ids.h>

#include "vdpatest.h"

#define PAIRS	4
#define NVQS	(2 * PAIRS + 1)

#define NEEDED	(FEATURE(F_VERSION_1) | FEATURE(F_ACCESS_PLATFORM))

FIXTURE(ioctl) {
	struct vdev dev;
	struct vhost_vdpa vv;
};

FIXTURE_SETUP(ioctl)
{
	SKIP_IF_NO_DEVICE();
	vdev_add(&self->dev, "vtioctl0", PAIRS, "");
	vv_open(&self->vv, self->dev.node);
	vv_set_owner(&self->vv);
}

FIXTURE_TEARDOWN(ioctl)
{
	vv_close(&self->vv);
	vdev_del(&self->dev);
}

TEST_F(ioctl, identity)
{
	struct vhost_vdpa_iova_range range;
	struct vhost_vdpa *vv = &self->vv;
	uint32_t i;

	EXPECT_EQ(vv_get_device_id(vv), VIRTIO_ID_NET);
	EXPECT_EQ(vv_get_vqs_count(vv), NVQS);
	EXPECT_EQ(vv_get_group_num(vv), 3);
	EXPECT_EQ(vv_get_as_num(vv), 4);
	EXPECT_EQ(vv_get_config_size(vv), sizeof(struct virtio_net_config));
	EXPECT_EQ(vv_get_vring_max(vv), 1024);
	for (i = 0; i < NVQS; i++) {
		uint32_t size = vv_get_vring_size(vv, i);

		EXPECT_GE(size, 2);
		EXPECT_LE(size, 1024);
		EXPECT_EQ(size & (size - 1), 0);
	}
	ASSERT_EQ(__vv_get_iova_range(vv, &range), 0);
	EXPECT_EQ(range.first, 0);
	EXPECT_GE(range.last, 1ull << 46);
}

TEST_F(ioctl, single_open)
{
	struct vhost_vdpa other;

	EXPECT_EQ(__vv_open(&other, self->dev.node), -EBUSY);
	vv_close(&self->vv);
	ASSERT_EQ(__vv_open(&other, self->dev.node), 0);
	vv_close(&other);
	vv_open(&self->vv, self->dev.node);
}

TEST_F(ioctl, open_resets)
{
	vv_set_status(&self->vv, STATUS_READY);
	vv_close(&self->vv);
	vv_open(&self->vv, self->dev.node);
	EXPECT_EQ(vv_get_status(&self->vv), 0);
}

TEST_F(ioctl, status_bits_only_grow)
{
	struct vhost_vdpa *vv = &self->vv;

	EXPECT_EQ(vv_get_status(vv), 0);
	vv_set_status(vv, STATUS_READY);
	EXPECT_EQ(vv_get_status(vv), STATUS_READY);
	EXPECT_EQ(__vv_set_status(vv, VIRTIO_CONFIG_S_DRIVER), -EINVAL);
	EXPECT_EQ(vv_get_status(vv), STATUS_READY);
	vv_set_status(vv, 0);
	EXPECT_EQ(vv_get_status(vv), 0);
}

/* QEMU's first start: its probe has wiped ACKNOWLEDGE and DRIVER by then. */
TEST_F(ioctl, status_without_acknowledge)
{
	struct vhost_vdpa *vv = &self->vv;

	vv_set_features(vv, vv_get_features(vv));
	vv_set_status(vv, VIRTIO_CONFIG_S_FEATURES_OK);
	EXPECT_EQ(vv_get_status(vv), VIRTIO_CONFIG_S_FEATURES_OK);
	vv_set_status(vv, VIRTIO_CONFIG_S_FEATURES_OK |
			  VIRTIO_CONFIG_S_DRIVER_OK);
	EXPECT_EQ(vv_get_status(vv), VIRTIO_CONFIG_S_FEATURES_OK |
				     VIRTIO_CONFIG_S_DRIVER_OK);
}

TEST_F(ioctl, features_offered)
{
	const uint64_t expect = NEEDED |
		FEATURE(RING_F_EVENT_IDX) | FEATURE(NET_F_CSUM) |
		FEATURE(NET_F_GUEST_CSUM) | FEATURE(NET_F_HOST_TSO4) |
		FEATURE(NET_F_HOST_TSO6) | FEATURE(NET_F_HOST_ECN) |
		FEATURE(NET_F_GUEST_TSO4) | FEATURE(NET_F_GUEST_TSO6) |
		FEATURE(NET_F_GUEST_ECN) | FEATURE(NET_F_MRG_RXBUF) |
		FEATURE(NET_F_MAC) | FEATURE(NET_F_MTU) |
		FEATURE(NET_F_STATUS) | FEATURE(NET_F_SPEED_DUPLEX) |
		FEATURE(NET_F_CTRL_VQ) | FEATURE(NET_F_CTRL_MAC_ADDR) |
		FEATURE(NET_F_MQ);
	/* What QEMU's shadow virtqueues can migrate (bits outside block it). */
	const uint64_t migratable = 0xf20000000cdfffafull |
		FEATURE(RING_F_EVENT_IDX) | NEEDED;
	uint64_t offered = vv_get_features(&self->vv);

	EXPECT_EQ(offered & expect, expect);
	EXPECT_EQ(offered & ~migratable, 0);
}

TEST_F(ioctl, features_refused)
{
	struct vhost_vdpa *vv = &self->vv;
	uint64_t offered = vv_get_features(vv);

	vv_set_status(vv, STATUS_READY);
	EXPECT_EQ(__vv_set_features(vv, offered | FEATURE(NET_F_GUEST_ANNOUNCE)),
		  -EINVAL);
	EXPECT_EQ(__vv_set_features(vv, offered & ~FEATURE(F_ACCESS_PLATFORM)),
		  -EINVAL);
	EXPECT_EQ(__vv_set_features(vv, offered & ~FEATURE(F_VERSION_1)),
		  -EINVAL);
	EXPECT_EQ(__vv_set_features(vv, offered), 0);
	vv_set_status(vv, STATUS_READY | VIRTIO_CONFIG_S_FEATURES_OK);
	EXPECT_EQ(__vv_set_features(vv, offered), -EBUSY);
}

/* A driver may leave out what QEMU leaves out: MAC, MTU, offloads. */
TEST_F(ioctl, features_subset)
{
	struct vhost_vdpa *vv = &self->vv;

	vv_set_status(vv, STATUS_READY);
	vv_set_features(vv, NEEDED);
	vv_set_status(vv, STATUS_READY | VIRTIO_CONFIG_S_FEATURES_OK);
	EXPECT_EQ(vv_get_status(vv),
		  STATUS_READY | VIRTIO_CONFIG_S_FEATURES_OK);
}

/* QEMU asks for everything, looks at the groups, resets, begins again. */
TEST_F(ioctl, features_probe_then_reset)
{
	struct vhost_vdpa *vv = &self->vv;
	uint64_t offered = vv_get_features(vv);

	vv_set_status(vv, STATUS_READY);
	vv_set_features(vv, offered);
	vv_set_status(vv, STATUS_READY | VIRTIO_CONFIG_S_FEATURES_OK);
	EXPECT_EQ(vv_get_vring_group(vv, 2 * PAIRS), GROUP_CTRL);
	vv_set_status(vv, 0);
	EXPECT_EQ(vv_get_features(vv), offered);
	vv_set_status(vv, STATUS_READY);
	vv_set_features(vv, NEEDED | FEATURE(NET_F_MRG_RXBUF));
	vv_set_status(vv, STATUS_READY | VIRTIO_CONFIG_S_FEATURES_OK);
	EXPECT_EQ(vv_get_status(vv),
		  STATUS_READY | VIRTIO_CONFIG_S_FEATURES_OK);
}

TEST_F(ioctl, backend_features)
{
	struct vhost_vdpa *vv = &self->vv;
	uint64_t offered = vv_get_backend_features(vv);

	EXPECT_EQ(offered & VV_BACKEND_ALL, VV_BACKEND_ALL);
	EXPECT_EQ(__vv_set_backend_features(vv, offered | 1ull << 63),
		  -EOPNOTSUPP);
	EXPECT_EQ(__vv_set_backend_features(vv, VV_BACKEND(IOTLB_MSG_V2) |
						VV_BACKEND(DESC_ASID)),
		  -EINVAL);
	EXPECT_EQ(__vv_set_backend_features(vv, VV_BACKEND_QEMU), 0);
	EXPECT_EQ(__vv_set_backend_features(vv, offered), 0);
}

TEST_F(ioctl, config_bounds)
{
	struct vhost_vdpa *vv = &self->vv;
	uint32_t size = vv_get_config_size(vv);
	uint8_t whole[512], part[512];
	uint32_t off;

	ASSERT_LT(size, sizeof(whole) / 2);
	vv_get_config(vv, 0, whole, size);
	for (off = 0; off < size; off++) {
		vv_get_config(vv, off, part, 1);
		EXPECT_EQ(part[0], whole[off]);
	}
	EXPECT_EQ(__vv_get_config(vv, 0, part, size + 1), -EINVAL);
	EXPECT_EQ(__vv_get_config(vv, size, part, 1), -EINVAL);
	EXPECT_EQ(__vv_get_config(vv, size - 1, part, 2), -EINVAL);
	EXPECT_EQ(__vv_get_config(vv, 0xffffffff, part, 2), -EINVAL);
	EXPECT_EQ(__vv_set_config(vv, size, part, 1), -EINVAL);
	EXPECT_EQ(__vv_set_config(vv, 0xffffffff, part, 2), -EINVAL);
}

TEST_F(ioctl, config_values)
{
	struct virtio_net_config c;

	vv_get_config(&self->vv, 0, &c, sizeof(c));
	EXPECT_EQ(memcmp(c.mac, self->dev.mac, ETH_ALEN), 0);
	EXPECT_EQ(c.max_virtqueue_pairs, PAIRS);
	EXPECT_EQ(c.mtu, 1500);
	EXPECT_EQ(c.status & VIRTIO_NET_S_LINK_UP, VIRTIO_NET_S_LINK_UP);
	EXPECT_TRUE(c.duplex == 0 || c.duplex == 1 || c.duplex == 0xff);
}

/* QEMU writes the MAC this way, before the guest's driver runs. */
TEST_F(ioctl, config_set_mac)
{
	const uint8_t mac[ETH_ALEN] = { 0x52, 0x54, 0, 0xaa, 0xbb, 0xcc };
	const uint8_t multicast[ETH_ALEN] = { 1, 0, 0x5e, 0, 0, 1 };
	struct vhost_vdpa *vv = &self->vv;
	uint8_t now[ETH_ALEN];

	vv_set_config(vv, 0, mac, sizeof(mac));
	vv_get_config(vv, 0, now, sizeof(now));
	EXPECT_EQ(memcmp(now, mac, ETH_ALEN), 0);

	/* No interface can have this one. */
	__vv_set_config(vv, 0, multicast, sizeof(multicast));
	vv_get_config(vv, 0, now, sizeof(now));
	EXPECT_EQ(memcmp(now, mac, ETH_ALEN), 0);
}

TEST_F(ioctl, config_rest_is_read_only)
{
	struct virtio_net_config before, after, zero = { 0 };
	struct vhost_vdpa *vv = &self->vv;

	vv_get_config(vv, 0, &before, sizeof(before));
	__vv_set_config(vv, ETH_ALEN, &zero.status, sizeof(zero) - ETH_ALEN);
	vv_get_config(vv, 0, &after, sizeof(after));
	EXPECT_EQ(memcmp(&before, &after, sizeof(before)), 0);
}

TEST_F(ioctl, vring_index_out_of_range)
{
	const uint32_t bad[] = { NVQS, NVQS + 1, 0xffff, 0xffffffff };
	struct vhost_vdpa *vv = &self->vv;
	uint32_t num;
	int i;

	for (i = 0; i < 4; i++) {
		EXPECT_EQ(__vv_set_vring_num(vv, bad[i], 256), -ENOBUFS);
		EXPECT_EQ(__vv_set_vring_base(vv, bad[i], 0), -ENOBUFS);
		EXPECT_EQ(__vv_get_vring_base(vv, bad[i], &num), -ENOBUFS);
		EXPECT_EQ(__vv_set_vring_addr(vv, bad[i], 0, 0, 0), -ENOBUFS);
		EXPECT_EQ(__vv_set_vring_enable(vv, bad[i], 1), -ENOBUFS);
		EXPECT_EQ(__vv_set_vring_kick(vv, bad[i], -1), -ENOBUFS);
		EXPECT_EQ(__vv_set_vring_call(vv, bad[i], -1), -ENOBUFS);
		EXPECT_EQ(__vv_get_vring_size(vv, bad[i], &num), -ENOBUFS);
		EXPECT_EQ(__vv_get_vring_group(vv, bad[i], &num), -ENOBUFS);
		EXPECT_EQ(__vv_get_vring_desc_group(vv, bad[i], &num),
			  -ENOBUFS);
	}
}

TEST_F(ioctl, vring_num_refused)
{
	struct vhost_vdpa *vv = &self->vv;

	EXPECT_EQ(__vv_set_vring_num(vv, 0, 0), -EINVAL);
	EXPECT_EQ(__vv_set_vring_num(vv, 0, 100), -EINVAL);
	EXPECT_EQ(__vv_set_vring_num(vv, 0, 0x10000), -EINVAL);
	EXPECT_EQ(__vv_set_vring_num(vv, 0, 256), 0);
}

TEST_F(ioctl, vring_base_is_kept)
{
	struct vhost_vdpa *vv = &self->vv;
	uint32_t i;

	for (i = 0; i < NVQS; i++)
		vv_set_vring_base(vv, i, 1000 * i + 7);
	for (i = 0; i < NVQS; i++)
		EXPECT_EQ(vv_get_vring_base(vv, i), 1000 * i + 7);
	vv_set_vring_base(vv, 0, 0xffff);
	EXPECT_EQ(vv_get_vring_base(vv, 0), 0xffff);
	EXPECT_EQ(__vv_set_vring_base(vv, 0, 0x10000), -EINVAL);
	vv_set_status(vv, 0);
	for (i = 0; i < NVQS; i++)
		EXPECT_EQ(vv_get_vring_base(vv, i), 0);
}

FIXTURE(packed_base) {
	struct vdev dev;
	struct vhost_vdpa vv;
};

FIXTURE_SETUP(packed_base)
{
	SKIP_IF_NO_DEVICE();
	vnet_add_device(&self->dev, "vtpacked0", 1, FEATURE(F_RING_PACKED));
	vv_open(&self->vv, self->dev.node);
	vv_set_owner(&self->vv);
	vv_set_status(&self->vv, STATUS_READY);
	vv_set_features(&self->vv, NEEDED | FEATURE(F_RING_PACKED));
}

FIXTURE_TEARDOWN(packed_base)
{
	vv_close(&self->vv);
	vdev_del(&self->dev);
}

/* Slot and wrap counter, of avail in the lower half and of used in the upper. */
TEST_F(packed_base, is_kept)
{
	static const uint16_t good[] = { 0x8000, 0, 0x80ff, 0xff, 0x8001, 7 };
	struct vhost_vdpa *vv = &self->vv;
	unsigned int i;

	EXPECT_EQ(vv_get_vring_base(vv, 0), 0x80008000);
	vv_set_vring_num(vv, 0, 256);
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		vv_set_vring_base(vv, 0, good[i] << 16 | good[i]);
		EXPECT_EQ(vv_get_vring_base(vv, 0),
			  (uint32_t)good[i] << 16 | good[i]);
	}
	/* Who says nothing of used means the same. */
	vv_set_vring_base(vv, 0, 0x8000);
	EXPECT_EQ(vv_get_vring_base(vv, 0), 0x80008000);
}

/* A slot there is not; or chains in flight, which nobody can give back. */
TEST_F(packed_base, is_refused)
{
	static const uint32_t bad[] = {
		0x01000100, 0x81008100, 0x7fff7fff, 0xffffffff, 0x00000100,
		0x80008001, 0x80018000, 0x80000000, 0x80ff8000,
	};
	struct vhost_vdpa *vv = &self->vv;
	unsigned int i;

	vv_set_vring_num(vv, 0, 256);
	vv_set_vring_base(vv, 0, 0x80078007);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(__vv_set_vring_base(vv, 0, bad[i]), -EINVAL) {
			TH_LOG("0x%08x", bad[i]);
		}
	EXPECT_EQ(vv_get_vring_base(vv, 0), 0x80078007);
}

/* Too large for the size that comes after it: the queue never runs. */
TEST_F(packed_base, is_beyond_the_size)
{
	struct vhost_vdpa *vv = &self->vv;

	EXPECT_EQ(__vv_set_vring_base(vv, 0, 0x84008400), -EINVAL);
	vv_set_vring_base(vv, 0, 0x83ff83ff);
	vv_set_vring_num(vv, 0, 256);
	vv_set_status(vv, STATUS_READY | VIRTIO_CONFIG_S_FEATURES_OK);
	vv_set_status(vv, STATUS_READY | VIRTIO_CONFIG_S_FEATURES_OK |
			  VIRTIO_CONFIG_S_DRIVER_OK);
	vv_set_vring_enable(vv, 0, 1);
	EXPECT_TRUE(WAIT_UNTIL(vv_get_status(vv) & VIRTIO_CONFIG_S_NEEDS_RESET,
			       1000));
}

TEST_F(ioctl, iotlb_refused)
{
	struct vhost_vdpa *vv = &self->vv;
	struct gmem m;

	vv_set_backend_features(vv, vv_get_backend_features(vv));
	gmem_init(&m, GMEM_ANON, GMEM_IOVA, 16 * GMEM_PAGE);
	EXPECT_NE(__vv_map(vv, 4, m.iova, m.size, m.hva, VHOST_ACCESS_RW), 0) {
		TH_LOG("there is no address space 4");
	}
	EXPECT_EQ(__vv_map(vv, 0, m.iova, m.size, m.hva, VHOST_ACCESS_RW), 0);
	EXPECT_NE(__vv_map(vv, 0, m.iova + GMEM_PAGE, GMEM_PAGE, m.hva,
			   VHOST_ACCESS_RW), 0) {
		TH_LOG("the range is mapped already");
	}
	EXPECT_EQ(__vv_map(vv, 1, m.iova, m.size, m.hva, VHOST_ACCESS_RW), 0);
	EXPECT_EQ(__vv_unmap(vv, 0, m.iova, m.size), 0);
	EXPECT_EQ(__vv_unmap(vv, 1, m.iova, m.size), 0);
	/* Nothing there: nothing to do. */
	EXPECT_EQ(__vv_unmap(vv, 0, m.iova, m.size), 0);
	gmem_free(&m);
}

TEST_F(ioctl, suspend_before_driver_ok)
{
	EXPECT_EQ(__vv_suspend(&self->vv), 0);
	EXPECT_EQ(__vv_resume(&self->vv), 0);
}

TEST_HARNESS_MAIN
