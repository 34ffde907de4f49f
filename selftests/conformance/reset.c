// SPDX-License-Identifier: GPL-2.0-only
/* What a reset ends and what it leaves. */
#include "conf.h"
#include "io.h"

static void load(struct dev *d)
{
	struct ring *tx = dev_tx(d, 0);

	io_reap(tx);
	while (ring_room(tx))
		io_add(d, 0, 1, IO_FRAME);
	ring_publish(tx);
	ring_kick(tx);
}

CONFORM(reset, complete, NEED_NET | RINGS,
	"virtio 2.4.1: after a reset the device writes to no ring and signals no eventfd")
{
	unsigned int i;

	for (i = 0; i < 8; i++) {
		struct ring *tx;
		unsigned int used;

		if (i)
			dev_again(d);
		else
			dev_up(d, NULL);
		tx = dev_tx(d, 0);
		load(d);
		pause_us(70 * i);
		dev_reset(d);
		used = ring_pending(tx);
		ring_calls(tx);
		ring_kick(tx);
		NEVER(ring_pending(tx) != used || ring_calls(tx),
		      "it works on after the reset");
	}
}

CONFORM(reset, repeated, NEED_NET,
	"vDPA: a reset of a reset device is harmless")
{
	unsigned int i;

	for (i = 0; i < 10; i++)
		dev_reset(d);
	dev_up(d, NULL);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	for (i = 0; i < 10; i++)
		dev_reset(d);
	dev_again(d);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

CONFORM(reset, under_load, NEED_NET | RINGS,
	"vDPA: a device can be reset and brought up at any moment")
{
	unsigned int i;

	dev_up(d, NULL);
	for (i = 0; i < 30; i++) {
		load(d);
		pause_us(37 * i);
		dev_again(d);
	}
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

CONFORM(reset, forgets, NEED_NET | RINGS,
	"virtio 2.4.1: a reset forgets features, indexes and enabled queues")
{
	struct ring *tx;

	dev_up(d, NULL);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	dev_reset(d);
	SAME(vv_get_vring_base(&d->vv, 1) & 0x7fff, 0);
	dev_negotiate(d, NULL);
	dev_rings(d);
	tx = dev_tx(d, 0);
	dev_driver_ok(d);
	io_add(d, 0, 2, IO_FRAME);
	ring_publish(tx);
	ring_kick(tx);
	NEVER(ring_pending(tx), "a queue that nobody enabled works");
}

CONFORM(reset, maps_stay, NEED_NET | NEED_PERSIST | RINGS,
	"vhost-vdpa: with IOTLB_PERSIST memory stays mapped over a reset, in every address space")
{
	dev_up(d, NULL);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	dev_reset(d);
	REFUSED_SOMEHOW(__vv_map(&d->vv, 0, d->mem.iova, GMEM_PAGE, d->mem.hva,
				 VHOST_ACCESS_RW));
	dev_again(d);
	CHECK_OK(io_send(d, 0, 2, IO_FRAME));
	vv_unmap(&d->vv, 0, d->mem.iova, d->mem.size);
}

CONFORM(reset, maps_go_with_the_fd, NEED_NET,
	"vhost-vdpa: closing the device unmaps memory, the next opener's rings find none")
{
	const struct setup s = { .unmapped = true };
	struct ring *tx;

	dev_up(d, NULL);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	vv_close(&d->vv);
	vv_open(&d->vv, options.node);
	vv_set_owner(&d->vv);
	vv_set_backend_features(&d->vv, d->backend);
	dev_negotiate(d, &s);
	dev_rings(d);
	tx = dev_tx(d, 0);
	/* It may notice in DRIVER_OK, and not take it. */
	dev_enable(d);
	__vv_set_status(&d->vv, S_RUNNING);
	dev_enable(d);
	io_add(d, 0, 2, IO_FRAME);
	ring_publish(tx);
	ring_kick(tx);
	NEVER(ring_pending(tx), "it works with memory it should not know");
}

CONFORM(reset, drops_eventfds, NEED_NET | RINGS,
	"vDPA: eventfds of the life before are not used in the next")
{
	struct ring *tx;
	unsigned int i;

	dev_up(d, NULL);
	tx = dev_tx(d, 0);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	dev_reset(d);
	ring_calls(tx);
	for (i = 0; i < d->nrings; i++) {
		vv_set_vring_call(&d->vv, i, -1);
		vv_set_vring_kick(&d->vv, i, -1);
	}
	ring_kick(tx);
	NEVER(ring_calls(tx), "a call");
	dev_again(d);
	CHECK_OK(io_send(d, 0, 2, IO_FRAME));
}
