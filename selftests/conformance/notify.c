// SPDX-License-Identifier: GPL-2.0-only
/* Call eventfds, the config call. */
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "conf.h"
#include "io.h"

static bool signalled(int fd)
{
	uint64_t n;

	return read(fd, &n, sizeof(n)) == sizeof(n);
}

CONFORM(notify, call, NEED_NET | RINGS,
	"vhost: the call eventfd is signalled for used buffers, and not without")
{
	struct ring *tx;
	unsigned int i;

	dev_up(d, NULL);
	tx = dev_tx(d, 0);
	NEVER(ring_calls(tx), "a call without a reason");
	for (i = 0; i < 20; i++) {
		CHECK_OK(io_send(d, 0, i, IO_FRAME));
		HAPPENS(ring_calls(tx), "no call for buffer %u", i);
	}
	NEVER(ring_calls(tx), "a call too many");
}

CONFORM(notify, suppressed, NEED_NET | RINGS,
	"virtio 2.7.7: a driver that asks not to be called is not, and is again when it asks")
{
	const struct setup s = { .drop = F(RING_F_EVENT_IDX) };
	struct ring *tx;

	dev_up(d, &s);
	tx = dev_tx(d, 0);
	ring_want_calls(tx, false);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	NEVER(ring_calls(tx), "called though it did not want to be");
	ring_want_calls(tx, true);
	CHECK_OK(io_send(d, 0, 2, IO_FRAME));
	HAPPENS(ring_calls(tx), "not called");
}

CONFORM(notify, event_idx, NEED_NET | NEED_EVENT_IDX,
	"virtio 2.7.7.1: with EVENT_IDX the device calls when used_event is reached")
{
	const struct setup s = { .add = F(RING_F_EVENT_IDX) };
	struct ring *tx;
	struct vq *q;
	unsigned int i;

	dev_up(d, &s);
	tx = dev_tx(d, 0);
	q = &tx->split;
	/* The first call may come unasked: a device does not know of any before. */
	CHECK_OK(io_send(d, 0, 0, IO_FRAME));
	HAPPENS(ring_calls(tx), "no call");
	/* After the fourth from here. */
	__atomic_store_n(&q->avail->ring[q->num], q->last_used + 3,
			 __ATOMIC_SEQ_CST);
	for (i = 0; i < 3; i++) {
		io_add(d, 0, i, IO_FRAME);
		ring_notify(tx);
		HAPPENS(ring_pending(tx) == i + 1, "buffer %u", i);
	}
	NEVER(ring_calls(tx), "called too early");
	io_add(d, 0, i, IO_FRAME);
	ring_notify(tx);
	HAPPENS(ring_calls(tx), "not called");
}

CONFORM(notify, avail_event, NEED_NET | NEED_EVENT_IDX | RINGS,
	"virtio 2.7.10: with EVENT_IDX avail_event names a place where a kick is wanted")
{
	const struct setup s = { .add = F(RING_F_EVENT_IDX) };
	unsigned int i;

	dev_up(d, &s);
	/* ring_notify() kicks only when the device's event asks for it. */
	for (i = 0; i < 200; i++)
		CHECK_OK(io_send(d, 0, i, IO_FRAME));
}

CONFORM(notify, call_fd_changes, NEED_NET | RINGS,
	"vhost-vdpa: after SET_VRING_CALL the new eventfd is signalled, the old one no more")
{
	int next = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct ring *tx;
	unsigned int i;

	dev_up(d, NULL);
	tx = dev_tx(d, 0);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	HAPPENS(ring_calls(tx), "no call");
	vv_set_vring_call(&d->vv, 1, next);
	CHECK_OK(io_send(d, 0, 2, IO_FRAME));
	HAPPENS(signalled(next), "no call to the new one");
	SAME(ring_calls(tx), 0);
	/* While the device is about to signal, over and over. */
	for (i = 0; i < 100; i++) {
		io_reap(tx);
		if (ring_room(tx))
			io_add(d, 0, i, IO_FRAME);
		ring_notify(tx);
		vv_set_vring_call(&d->vv, 1, i % 3 == 0 ? -1 : i % 3 == 1 ?
				  next : tx->split.call);
	}
	close(next);
}

/* The device is then kicked in the middle of its own call. */
CONFORM(notify, call_is_a_kick, NEED_NET | RINGS,
	"vhost: a call eventfd may be the kick eventfd of this or another queue")
{
	unsigned int i;

	dev_up(d, NULL);
	vv_set_vring_call(&d->vv, 1, dev_rx(d, 0)->split.kick);
	for (i = 0; i < 20; i++)
		CHECK_OK(io_send(d, 0, i, IO_FRAME));
	vv_set_vring_call(&d->vv, 1, dev_tx(d, 0)->split.kick);
	for (i = 0; i < 20; i++)
		CHECK_OK(io_send(d, 0, i, IO_FRAME));
}

CONFORM(notify, without_call_fd, NEED_NET | RINGS,
	"vhost-vdpa: a queue without a call eventfd works, the driver polls")
{
	dev_up(d, NULL);
	vv_set_vring_call(&d->vv, 1, -1);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	SAME(ring_calls(dev_tx(d, 0)), 0);
}

CONFORM(notify, kick_fd_changes, NEED_NET | RINGS,
	"vhost-vdpa: SET_VRING_KICK of a running queue takes effect, one already signalled counts")
{
	int next = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	struct ring *tx;

	dev_up(d, NULL);
	tx = dev_tx(d, 0);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	io_add(d, 0, 2, IO_FRAME);
	ring_publish(tx);
	vv_set_vring_kick(&d->vv, 1, next);
	HAPPENS(ring_pending(tx), "the signalled eventfd did not count");
	close(next);
}

CONFORM(notify, rx_call, NEED_NET | NEED_FRAMES | RINGS,
	"vhost: the receive queue calls for a received frame")
{
	io_up(d, NULL);
	ring_calls(dev_rx(d, 0));
	io_outside_send(d, 1, IO_FRAME);
	HAPPENS(ring_calls(dev_rx(d, 0)), "no call");
}

CONFORM(notify, config_call_needs_reset, NEED_NET,
	"virtio 2.1.2: DEVICE_NEEDS_RESET comes with a config change notification")
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct ring *tx;

	dev_up(d, NULL);
	tx = dev_tx(d, 0);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	CHECK_OK(__vv_set_config_call(&d->vv, fd));
	signalled(fd);
	vq_offer(&tx->split, 0x7fff);
	ring_publish(tx);
	ring_kick(tx);
	if (!WAIT_UNTIL(vv_get_status(&d->vv) & VIRTIO_CONFIG_S_NEEDS_RESET,
			options.wait_ms / 4))
		skip("the device does not use DEVICE_NEEDS_RESET");
	HAPPENS(signalled(fd), "no notification");
	close(fd);
}

CONFORM(notify, config_call_changes, NEED_NET,
	"vhost-vdpa: the config eventfd may be replaced and taken away at any time")
{
	unsigned int i;

	dev_up(d, NULL);
	for (i = 0; i < 20; i++) {
		int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

		CHECK_OK(__vv_set_config_call(&d->vv, fd));
		close(fd);
		if (i % 4 == 3)
			CHECK_OK(__vv_set_config_call(&d->vv, -1));
	}
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}
