// SPDX-License-Identifier: GPL-2.0-only
/* The config space. */
#include <linux/if_ether.h>
#include <stddef.h>
#include <string.h>

#include "conf.h"
#include "io.h"

#define SIZE_MAX_KNOWN	4096

static uint8_t whole[SIZE_MAX_KNOWN], part[SIZE_MAX_KNOWN];

static uint32_t read_whole(struct dev *d)
{
	uint32_t size = vv_get_config_size(&d->vv);

	CHECK(size && size <= SIZE_MAX_KNOWN / 2, "%u bytes", size);
	vv_get_config(&d->vv, 0, whole, size);
	return size;
}

CONFORM(config, bounds, 0,
	"vhost-vdpa: reading behind the config space gets EINVAL, however offset and length add up")
{
	uint32_t size = read_whole(d);

	REFUSED(__vv_get_config(&d->vv, 0, part, size + 1), EINVAL);
	REFUSED(__vv_get_config(&d->vv, size, part, 1), EINVAL);
	REFUSED(__vv_get_config(&d->vv, size - 1, part, 2), EINVAL);
	REFUSED(__vv_get_config(&d->vv, 0xffffffff, part, 2), EINVAL);
	REFUSED(__vv_get_config(&d->vv, 0x80000000, part, 1), EINVAL);
	REFUSED(__vv_get_config(&d->vv, 0, part, 0), EINVAL);
}

CONFORM(config, write_bounds, 0,
	"vhost-vdpa: writing behind the config space gets EINVAL and writes nothing")
{
	uint32_t size = read_whole(d);

	REFUSED(__vv_set_config(&d->vv, 0, part, size + 1), EINVAL);
	REFUSED(__vv_set_config(&d->vv, size, part, 1), EINVAL);
	REFUSED(__vv_set_config(&d->vv, size - 1, part, 2), EINVAL);
	REFUSED(__vv_set_config(&d->vv, 0xffffffff, part, 2), EINVAL);
	vv_get_config(&d->vv, 0, part, size);
	CHECK(!memcmp(part, whole, size), "something was written");
}

CONFORM(config, pieces, 0,
	"virtio: every byte reads the same alone and with others, each time")
{
	uint32_t size = read_whole(d), off;

	for (off = 0; off < size; off++) {
		part[0] = ~whole[off];
		vv_get_config(&d->vv, off, part, 1);
		CHECK(part[0] == whole[off], "byte %u", off);
	}
	memset(part, 0xff, size);
	vv_get_config(&d->vv, 0, part, size);
	CHECK(!memcmp(part, whole, size), "two reads differ");
}

CONFORM(config, values, NEED_NET,
	"virtio-net: MAC, queue pairs, MTU and status of offered features make sense")
{
	struct virtio_net_config c = { 0 };
	uint32_t size = read_whole(d);

	memcpy(&c, whole, size < sizeof(c) ? size : sizeof(c));
	CHECK(!(d->offered & F(NET_F_MAC)) || !(c.mac[0] & 1),
	      "a multicast MAC");
	if (d->offered & F(NET_F_MQ)) {
		CHECK(c.max_virtqueue_pairs >= 1 &&
		      c.max_virtqueue_pairs <= 0x8000, "%u pairs",
		      c.max_virtqueue_pairs);
		CHECK(2 * c.max_virtqueue_pairs +
		      !!(d->offered & F(NET_F_CTRL_VQ)) <= d->nvqs,
		      "%u pairs, %u queues", c.max_virtqueue_pairs, d->nvqs);
	}
	CHECK(!(d->offered & F(NET_F_MTU)) || c.mtu >= 68, "MTU %u", c.mtu);
	CHECK(!(d->offered & F(NET_F_STATUS)) ||
	      !(c.status & ~(VIRTIO_NET_S_LINK_UP | VIRTIO_NET_S_ANNOUNCE)),
	      "status 0x%x", c.status);
}

/* Puts it back, for other parents remember. */
CONFORM(config, rest_is_read_only, NEED_NET,
	"virtio-net 5.1.4: all but the MAC is read-only for the driver")
{
	uint32_t size = read_whole(d);
	bool same;

	if (size <= ETH_ALEN)
		skip("%u bytes", size);
	memset(part, 0x5a, size);
	__vv_set_config(&d->vv, ETH_ALEN, part, size - ETH_ALEN);
	vv_get_config(&d->vv, 0, part, size);
	same = !memcmp(part, whole, size);
	__vv_set_config(&d->vv, ETH_ALEN, whole + ETH_ALEN, size - ETH_ALEN);
	CHECK(same, "the driver wrote a read-only field");
}

CONFORM(config, mac_is_whole, NEED_NET,
	"QEMU: a MAC written before DRIVER_OK is taken or left as a whole, and survives a reset")
{
	const uint8_t mac[ETH_ALEN] = { 0x52, 0x54, 0, 0xaa, 0xbb, 0xcc };
	uint8_t now[ETH_ALEN], later[ETH_ALEN];

	if (!(d->offered & F(NET_F_MAC)))
		skip("MAC is not offered");
	read_whole(d);
	__vv_set_config(&d->vv, 0, mac, sizeof(mac));
	vv_get_config(&d->vv, 0, now, sizeof(now));
	dev_reset(d);
	vv_get_config(&d->vv, 0, later, sizeof(later));
	__vv_set_config(&d->vv, 0, whole, ETH_ALEN);
	CHECK(!memcmp(now, mac, ETH_ALEN) || !memcmp(now, whole, ETH_ALEN),
	      "half of it");
	CHECK(!memcmp(now, later, ETH_ALEN), "changed by a reset");
}

CONFORM(config, readable_in_every_state, NEED_NET,
	"vhost-vdpa: the config space can be read in every state of the device")
{
	uint32_t size = read_whole(d);

	dev_negotiate(d, NULL);
	vv_get_config(&d->vv, 0, part, size);
	CHECK(!memcmp(part, whole, ETH_ALEN), "the MAC changed");
	dev_rings(d);
	dev_map(d);
	dev_run(d);
	vv_get_config(&d->vv, 0, part, size);
	CHECK(!memcmp(part, whole, ETH_ALEN), "the MAC changed");
}
