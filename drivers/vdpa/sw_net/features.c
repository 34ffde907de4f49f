// SPDX-License-Identifier: GPL-2.0-only
/* Feature profiles. */
#include <linux/array_size.h>

#include "features.h"

/* Virtio-net, Feature bit requirements: @bit needs one of @needs. */
static const struct {
	u8 bit;
	u64 needs;
	const char *what;
} requirements[] = {
	{ VIRTIO_NET_F_GUEST_TSO4, BIT_ULL(VIRTIO_NET_F_GUEST_CSUM),
	  "GUEST_TSO4 needs GUEST_CSUM" },
	{ VIRTIO_NET_F_GUEST_TSO6, BIT_ULL(VIRTIO_NET_F_GUEST_CSUM),
	  "GUEST_TSO6 needs GUEST_CSUM" },
	{ VIRTIO_NET_F_GUEST_ECN,
	  BIT_ULL(VIRTIO_NET_F_GUEST_TSO4) | BIT_ULL(VIRTIO_NET_F_GUEST_TSO6),
	  "GUEST_ECN needs GUEST_TSO4 or GUEST_TSO6" },
	{ VIRTIO_NET_F_GUEST_USO4, BIT_ULL(VIRTIO_NET_F_GUEST_CSUM),
	  "GUEST_USO4 needs GUEST_CSUM" },
	{ VIRTIO_NET_F_GUEST_USO6, BIT_ULL(VIRTIO_NET_F_GUEST_CSUM),
	  "GUEST_USO6 needs GUEST_CSUM" },
	{ VIRTIO_NET_F_HOST_TSO4, BIT_ULL(VIRTIO_NET_F_CSUM),
	  "HOST_TSO4 needs CSUM" },
	{ VIRTIO_NET_F_HOST_TSO6, BIT_ULL(VIRTIO_NET_F_CSUM),
	  "HOST_TSO6 needs CSUM" },
	{ VIRTIO_NET_F_HOST_ECN,
	  BIT_ULL(VIRTIO_NET_F_HOST_TSO4) | BIT_ULL(VIRTIO_NET_F_HOST_TSO6),
	  "HOST_ECN needs HOST_TSO4 or HOST_TSO6" },
	{ VIRTIO_NET_F_HOST_USO, BIT_ULL(VIRTIO_NET_F_CSUM), "HOST_USO needs CSUM" },
	{ VIRTIO_NET_F_MQ, BIT_ULL(VIRTIO_NET_F_CTRL_VQ), "MQ needs CTRL_VQ" },
	{ VIRTIO_NET_F_CTRL_MAC_ADDR, BIT_ULL(VIRTIO_NET_F_CTRL_VQ),
	  "CTRL_MAC_ADDR needs CTRL_VQ" },
	{ VIRTIO_NET_F_CTRL_RX, BIT_ULL(VIRTIO_NET_F_CTRL_VQ),
	  "CTRL_RX needs CTRL_VQ" },
	{ VIRTIO_NET_F_CTRL_RX_EXTRA, BIT_ULL(VIRTIO_NET_F_CTRL_VQ),
	  "CTRL_RX_EXTRA needs CTRL_VQ" },
	{ VIRTIO_NET_F_CTRL_VLAN, BIT_ULL(VIRTIO_NET_F_CTRL_VQ),
	  "CTRL_VLAN needs CTRL_VQ" },
	{ VIRTIO_NET_F_CTRL_GUEST_OFFLOADS, BIT_ULL(VIRTIO_NET_F_CTRL_VQ),
	  "CTRL_GUEST_OFFLOADS needs CTRL_VQ" },
	{ VIRTIO_NET_F_GUEST_ANNOUNCE, BIT_ULL(VIRTIO_NET_F_CTRL_VQ),
	  "GUEST_ANNOUNCE needs CTRL_VQ" },
	{ VIRTIO_NET_F_RSS, BIT_ULL(VIRTIO_NET_F_CTRL_VQ),
	  "RSS needs CTRL_VQ" },
	{ VIRTIO_NET_F_HASH_REPORT, BIT_ULL(VIRTIO_NET_F_CTRL_VQ),
	  "HASH_REPORT needs CTRL_VQ" },
	{ VIRTIO_NET_F_NOTF_COAL, BIT_ULL(VIRTIO_NET_F_CTRL_VQ),
	  "NOTF_COAL needs CTRL_VQ" },
	{ VIRTIO_NET_F_VQ_NOTF_COAL, BIT_ULL(VIRTIO_NET_F_CTRL_VQ),
	  "VQ_NOTF_COAL needs CTRL_VQ" },
};

/**
 * features_problem - check a set of features that somebody wants
 * @features: the set
 *
 * Return: NULL if the set makes sense, else what is wrong with it.
 */
const char *features_problem(u64 features)
{
	size_t i;

	if ((features & SWNET_FEATURES_REQUIRED) != SWNET_FEATURES_REQUIRED)
		return "features must have VERSION_1 and ACCESS_PLATFORM";

	for (i = 0; i < ARRAY_SIZE(requirements); i++)
		if (features & BIT_ULL(requirements[i].bit) &&
		    !(features & requirements[i].needs))
			return requirements[i].what;
	return NULL;
}

/**
 * features_usable - check what a driver chose of the offered features
 * @features: the choice
 *
 * Drivers are known to take an offload without the one it builds on. That
 * does no harm: the offload does nothing then. A control queue that is needed
 * and not there is another matter.
 *
 * Return: true if the device can work with it.
 */
bool features_usable(u64 features)
{
	const u64 ctrl = BIT_ULL(VIRTIO_NET_F_MQ) |
			 BIT_ULL(VIRTIO_NET_F_CTRL_MAC_ADDR);

	if ((features & SWNET_FEATURES_REQUIRED) != SWNET_FEATURES_REQUIRED)
		return false;
	return !(features & ctrl) || features & BIT_ULL(VIRTIO_NET_F_CTRL_VQ);
}
