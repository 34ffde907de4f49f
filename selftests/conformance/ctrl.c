// SPDX-License-Identifier: GPL-2.0-only
/* The control queue. */
#include <linux/if_ether.h>
#include <string.h>

#include "conf.h"
#include "io.h"

static void read_mac(struct dev *d, uint8_t *mac)
{
	vv_get_config(&d->vv, 0, mac, ETH_ALEN);
}

static int set_mac(struct dev *d, const uint8_t *mac)
{
	return io_ctrl(d, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET,
		       mac, ETH_ALEN);
}

CONFORM(ctrl, mac_set, NEED_NET | NEED_CVQ | RINGS,
	"virtio-net 5.1.6.5.2: MAC_ADDR_SET is answered, and the config space shows the address")
{
	const uint8_t mac[ETH_ALEN] = { 0x52, 0x54, 0, 1, 2, 3 };
	uint8_t old[ETH_ALEN], now[ETH_ALEN];

	if (!(d->offered & F(NET_F_CTRL_MAC_ADDR)))
		skip("CTRL_MAC_ADDR is not offered");
	dev_up(d, NULL);
	read_mac(d, old);
	SAME(set_mac(d, mac), VIRTIO_NET_OK);
	read_mac(d, now);
	CHECK(set_mac(d, old) == VIRTIO_NET_OK, "not set back");
	CHECK(!memcmp(mac, now, ETH_ALEN), "another address");
}

CONFORM(ctrl, mac_after_reset, NEED_NET | NEED_CVQ,
	"QEMU: a reset brings the MAC back that the device had before its driver changed it")
{
	const uint8_t mac[ETH_ALEN] = { 0x52, 0x54, 0, 1, 2, 3 };
	uint8_t old[ETH_ALEN], now[ETH_ALEN];

	if (!(d->offered & F(NET_F_CTRL_MAC_ADDR)))
		skip("CTRL_MAC_ADDR is not offered");
	dev_up(d, NULL);
	read_mac(d, old);
	SAME(set_mac(d, mac), VIRTIO_NET_OK);
	dev_reset(d);
	read_mac(d, now);
	if (memcmp(old, now, ETH_ALEN)) {
		dev_again(d);
		set_mac(d, old);
	}
	CHECK(!memcmp(old, now, ETH_ALEN), "still the driver's address");
}

CONFORM(ctrl, unknown_command, NEED_NET | NEED_CVQ | RINGS,
	"virtio-net 5.1.6.5: an unknown class or command is answered with an error")
{
	const uint8_t data[8] = { 0 };

	dev_up(d, NULL);
	SAME(io_ctrl(d, 0xee, 0, data, 8), VIRTIO_NET_ERR);
	SAME(io_ctrl(d, VIRTIO_NET_CTRL_MAC, 0xee, data, 6), VIRTIO_NET_ERR);
	SAME(io_ctrl(d, 0xee, 0, data, 0), VIRTIO_NET_ERR);
}

CONFORM(ctrl, error_after_success, NEED_NET | NEED_CVQ,
	"virtio-net 5.1.6.5: each command has an answer of its own, not that of the one before")
{
	const uint8_t data[8] = { 0 };
	uint8_t mac[ETH_ALEN];

	if (!(d->offered & F(NET_F_CTRL_MAC_ADDR)))
		skip("CTRL_MAC_ADDR is not offered");
	dev_up(d, NULL);
	read_mac(d, mac);
	SAME(set_mac(d, mac), VIRTIO_NET_OK);
	SAME(io_ctrl(d, 0xee, 0, data, 8), VIRTIO_NET_ERR);
}

/* Both are in the ring before the device looks. */
CONFORM(ctrl, two_at_once, NEED_NET | NEED_CVQ | RINGS,
	"virtio-net 5.1.6.5: of two commands in the ring the second's failure is its own")
{
	unsigned char *page;
	struct ring *cvq;
	unsigned int i;

	if (!(d->offered & F(NET_F_CTRL_MAC_ADDR)))
		skip("CTRL_MAC_ADDR is not offered");
	dev_up(d, NULL);
	cvq = io_cvq(d);
	page = gmem_alloc(&d->mem, GMEM_PAGE, GMEM_PAGE);
	for (i = 0; i < 2; i++) {
		unsigned char *at = page + i * 1024;
		struct vq_seg seg[3] = {
			{ .p = at, .len = 2 },
			{ .p = at + 64, .len = ETH_ALEN },
			{ .p = at + 512, .len = 1, .in = true },
		};

		at[0] = i ? 0xee : VIRTIO_NET_CTRL_MAC;
		at[1] = VIRTIO_NET_CTRL_MAC_ADDR_SET;
		read_mac(d, at + 64);
		at[512] = 0xa5;
		ring_add(cvq, seg, 3);
	}
	ring_notify(cvq);
	CHECK_OK(ring_wait_used(cvq, NULL));
	CHECK_OK(ring_wait_used(cvq, NULL));
	SAME(page[512], VIRTIO_NET_OK);
	SAME(page[1024 + 512], VIRTIO_NET_ERR);
}

CONFORM(ctrl, short_command, NEED_NET | NEED_CVQ | RINGS,
	"virtio: a command without a whole header is used up or stops the queue; a reset mends it")
{
	unsigned char *page;
	struct ring *cvq;
	uint8_t mac[ETH_ALEN];

	dev_up(d, NULL);
	cvq = io_cvq(d);
	page = gmem_alloc(&d->mem, GMEM_PAGE, GMEM_PAGE);
	ring_add(cvq, (struct vq_seg[]){
		{ .p = page, .len = 1 },
		{ .p = page + 512, .len = 1, .in = true },
	}, 2);
	ring_notify(cvq);
	HAPPENS(ring_pending(cvq) || (vv_get_status(&d->vv) &
				      VIRTIO_CONFIG_S_NEEDS_RESET),
		"neither used nor an error");
	dev_again(d);
	read_mac(d, mac);
	if (d->offered & F(NET_F_CTRL_MAC_ADDR))
		SAME(set_mac(d, mac), VIRTIO_NET_OK);
}

CONFORM(ctrl, pairs_out_of_range, NEED_NET | NEED_CVQ | NEED_MQ | RINGS,
	"virtio-net 5.1.6.5.5: VQ_PAIRS_SET of 0 or of more pairs than there are is an error")
{
	const struct setup s = { .pairs = 2 };
	uint16_t bad[] = { 0, d->max_pairs + 1, 0x8001, 0xffff };
	unsigned int i;

	dev_up(d, &s);
	for (i = 0; i < 4; i++)
		SAME(io_ctrl(d, VIRTIO_NET_CTRL_MQ,
			     VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, &bad[i], 2),
		     VIRTIO_NET_ERR);
	bad[0] = 2;
	SAME(io_ctrl(d, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET,
		     &bad[0], 2), VIRTIO_NET_OK);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

CONFORM(ctrl, own_address_space, NEED_NET | NEED_CVQ | NEED_GROUPS,
	"QEMU: the control queue works in another address space than the data queues")
{
	const bool late = dev_has(d, VV_BACKEND(ENABLE_AFTER_DRIVER_OK));
	const uint8_t data[8] = { 0 };

	dev_negotiate(d, NULL);
	dev_rings(d);
	vv_set_group_asid(&d->vv, vv_get_vring_group(&d->vv, d->cvq), 1);
	vv_map(&d->vv, 1, d->mem.iova, d->mem.size, d->mem.hva,
	       VHOST_ACCESS_RW);
	if (!late)
		vv_set_vring_enable(&d->vv, d->cvq, 1);
	dev_driver_ok(d);
	if (late)
		vv_set_vring_enable(&d->vv, d->cvq, 1);
	SAME(io_ctrl(d, 0xee, 0, data, 8), VIRTIO_NET_ERR);
}
