/* SPDX-License-Identifier: GPL-2.0-only */
/* Which features are offered, and which combinations make sense. */
#ifndef SWNET_FEATURES_H
#define SWNET_FEATURES_H

#include <linux/bits.h>
#include <linux/virtio_net.h>
#include <uapi/linux/virtio_config.h>
#include <uapi/linux/virtio_ring.h>

/* No driver and no VMM works without them. */
#define SWNET_FEATURES_REQUIRED \
	(BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_F_ACCESS_PLATFORM))

/*
 * What QEMU's shadow virtqueues can migrate, and we implement: one bit that is
 * not in QEMU's list and it refuses to migrate. MQ is added for devices with
 * several queue pairs.
 *
 * RSS and HASH_REPORT are in that list and not here: steering by what the
 * guest sends is better than a table for a device without hardware to hash,
 * and a hash report makes every header longer.
 */
#define SWNET_FEATURES_DEFAULT \
	(SWNET_FEATURES_REQUIRED | \
	 BIT_ULL(VIRTIO_RING_F_EVENT_IDX) | \
	 BIT_ULL(VIRTIO_NET_F_CSUM) | \
	 BIT_ULL(VIRTIO_NET_F_GUEST_CSUM) | \
	 BIT_ULL(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) | \
	 BIT_ULL(VIRTIO_NET_F_MTU) | \
	 BIT_ULL(VIRTIO_NET_F_MAC) | \
	 BIT_ULL(VIRTIO_NET_F_GUEST_TSO4) | \
	 BIT_ULL(VIRTIO_NET_F_GUEST_TSO6) | \
	 BIT_ULL(VIRTIO_NET_F_GUEST_ECN) | \
	 BIT_ULL(VIRTIO_NET_F_HOST_TSO4) | \
	 BIT_ULL(VIRTIO_NET_F_HOST_TSO6) | \
	 BIT_ULL(VIRTIO_NET_F_HOST_ECN) | \
	 BIT_ULL(VIRTIO_NET_F_MRG_RXBUF) | \
	 BIT_ULL(VIRTIO_NET_F_STATUS) | \
	 BIT_ULL(VIRTIO_NET_F_CTRL_VQ) | \
	 BIT_ULL(VIRTIO_NET_F_CTRL_RX) | \
	 BIT_ULL(VIRTIO_NET_F_CTRL_VLAN) | \
	 BIT_ULL(VIRTIO_NET_F_CTRL_RX_EXTRA) | \
	 BIT_ULL(VIRTIO_NET_F_CTRL_MAC_ADDR) | \
	 BIT_ULL(VIRTIO_NET_F_SPEED_DUPLEX))

/* All that device_features can ask for. */
#define SWNET_FEATURES_ALL \
	(SWNET_FEATURES_DEFAULT | \
	 BIT_ULL(VIRTIO_NET_F_MQ) | \
	 BIT_ULL(VIRTIO_NET_F_HOST_USO) | \
	 BIT_ULL(VIRTIO_NET_F_GUEST_USO4) | \
	 BIT_ULL(VIRTIO_NET_F_GUEST_USO6) | \
	 BIT_ULL(VIRTIO_NET_F_RSS) | \
	 BIT_ULL(VIRTIO_NET_F_HASH_REPORT) | \
	 BIT_ULL(VIRTIO_NET_F_GUEST_ANNOUNCE) | \
	 BIT_ULL(VIRTIO_NET_F_NOTF_COAL) | \
	 BIT_ULL(VIRTIO_NET_F_VQ_NOTF_COAL) | \
	 BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) | \
	 BIT_ULL(VIRTIO_F_RING_PACKED) | \
	 BIT_ULL(VIRTIO_F_IN_ORDER))

const char *features_problem(u64 features);
bool features_usable(u64 features);

#endif /* SWNET_FEATURES_H */
