// SPDX-License-Identifier: GPL-2.0-only
/* Suspend, resume, and the state that moves with a guest. */
#include <string.h>

#include "conf.h"
#include "frame.h"
#include "io.h"

static unsigned char got[FRAME_MAX];

static void post(struct dev *d, unsigned int count)
{
	while (count--)
		io_add(d, 0, count, IO_FRAME);
	ring_publish(dev_tx(d, 0));
}

/* Neither the ring nor the eventfd moves any more. */
static void check_quiet(struct ring *r)
{
	unsigned int used = ring_pending(r);

	ring_calls(r);
	NEVER(ring_pending(r) != used || ring_calls(r),
	      "queue %u works though suspended", r->split.idx);
}

CONFORM(suspend, not_offered, NEED_NET,
	"vhost-vdpa: a SUSPEND or RESUME that is not offered gets EOPNOTSUPP of a running device")
{
	if (dev_has(d, VV_BACKEND(SUSPEND)) && dev_has(d, VV_BACKEND(RESUME)))
		skip("both are offered");
	dev_up(d, NULL);
	if (!dev_has(d, VV_BACKEND(SUSPEND)))
		REFUSED(__vv_suspend(&d->vv), EOPNOTSUPP);
	if (!dev_has(d, VV_BACKEND(RESUME)))
		REFUSED(__vv_resume(&d->vv), EOPNOTSUPP);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

CONFORM(suspend, before_driver_ok, 0,
	"vhost-vdpa: SUSPEND and RESUME before DRIVER_OK succeed and do nothing")
{
	SAME(__vv_suspend(&d->vv), 0);
	SAME(__vv_resume(&d->vv), 0);
	dev_negotiate(d, NULL);
	SAME(__vv_suspend(&d->vv), 0);
	dev_rings(d);
	dev_map(d);
	dev_run(d);
	if (vv_get_device_id(&d->vv) == 1)
		CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

/* Catch the device at work, at different moments. */
CONFORM(suspend, complete, NEED_NET | NEED_SUSPEND | RINGS,
	"uapi vhost.h: when SUSPEND has returned the device uses no buffer and no eventfd")
{
	unsigned int i;

	for (i = 0; i < 6; i++) {
		struct ring *tx;

		if (i)
			dev_again(d);
		else
			dev_up(d, NULL);
		tx = dev_tx(d, 0);
		post(d, ring_room(tx));
		ring_kick(tx);
		pause_us(100 * i);
		vv_suspend(&d->vv);
		check_quiet(tx);
	}
}

CONFORM(suspend, state_is_final, NEED_NET | NEED_SUSPEND | RINGS,
	"vhost-vdpa: after SUSPEND GET_VRING_BASE is the used index: nothing is in flight")
{
	unsigned int i;

	for (i = 0; i < 10; i++) {
		struct ring *tx;

		if (i)
			dev_again(d);
		else
			dev_up(d, NULL);
		tx = dev_tx(d, 0);
		post(d, ring_room(tx));
		ring_kick(tx);
		pause_us(70 * i);
		vv_suspend(&d->vv);
		SAME(vv_get_vring_base(&d->vv, 1), ring_base(tx));
	}
}

CONFORM(suspend, receives_nothing, NEED_NET | NEED_SUSPEND | NEED_PEER | RINGS,
	"uapi vhost.h: a suspended device receives nothing, its receive ring has a final state")
{
	struct ring *rx;
	unsigned int i;

	io_up(d, NULL);
	rx = dev_rx(d, 0);
	for (i = 0; i < 10; i++)
		io_outside_send(d, i, IO_FRAME);
	vv_suspend(&d->vv);
	for (; i < 20; i++)
		io_outside_send(d, i, IO_FRAME);
	check_quiet(rx);
	SAME(vv_get_vring_base(&d->vv, 0), ring_base(rx));
}

CONFORM(suspend, status_stays, NEED_NET | NEED_SUSPEND,
	"uapi vhost.h: a suspended device keeps status and config space, both can be read")
{
	uint8_t before[6], after[6];

	dev_up(d, NULL);
	vv_get_config(&d->vv, 0, before, 6);
	vv_suspend(&d->vv);
	SAME(vv_get_status(&d->vv), S_RUNNING);
	vv_get_config(&d->vv, 0, after, 6);
	CHECK(!memcmp(before, after, 6), "config space");
}

CONFORM(suspend, kick_is_kept, NEED_NET | NEED_SUSPEND | NEED_RESUME | RINGS,
	"vDPA: a kick while suspended does nothing then, and is not forgotten")
{
	struct ring *tx;

	dev_up(d, NULL);
	tx = dev_tx(d, 0);
	vv_suspend(&d->vv);
	post(d, 10);
	ring_kick(tx);
	check_quiet(tx);
	vv_resume(&d->vv);
	HAPPENS(ring_pending(tx) == 10, "%u of 10 used", ring_pending(tx));
	HAPPENS(ring_calls(tx), "no call");
}

CONFORM(suspend, resume_scans, NEED_NET | NEED_SUSPEND | NEED_RESUME | RINGS,
	"vDPA: RESUME looks at every ring, buffers may have come without a kick")
{
	struct ring *tx;

	dev_up(d, NULL);
	tx = dev_tx(d, 0);
	vv_suspend(&d->vv);
	/* What was on its way has come to nothing by then. */
	check_quiet(tx);
	post(d, 10);
	vv_resume(&d->vv);
	HAPPENS(ring_pending(tx) == 10, "%u of 10 used", ring_pending(tx));
}

/* The kick may be on its way to the worker when suspend comes. */
CONFORM(suspend, kick_races, NEED_NET | NEED_SUSPEND | NEED_RESUME | RINGS,
	"vDPA: a kick just before SUSPEND is not lost, the queue goes on after RESUME")
{
	unsigned int i;

	dev_up(d, NULL);
	for (i = 0; i < 100; i++) {
		struct ring *tx = dev_tx(d, 0);

		io_recycle(d);
		post(d, 4);
		ring_kick(tx);
		if (i % 2)
			pause_us(i);
		vv_suspend(&d->vv);
		vv_resume(&d->vv);
		HAPPENS(ring_pending(tx) == 4, "round %u: %u of 4 used", i,
			ring_pending(tx));
	}
}

CONFORM(suspend, twice, NEED_NET | NEED_SUSPEND | NEED_RESUME | RINGS,
	"vDPA: to suspend a suspended device or resume a running one is harmless")
{
	struct ring *tx;

	dev_up(d, NULL);
	tx = dev_tx(d, 0);
	SAME(__vv_resume(&d->vv), 0);
	vv_suspend(&d->vv);
	SAME(__vv_suspend(&d->vv), 0);
	post(d, 1);
	ring_kick(tx);
	check_quiet(tx);
	vv_resume(&d->vv);
	SAME(__vv_resume(&d->vv), 0);
	HAPPENS(ring_pending(tx) == 1, "it does not run");
}

CONFORM(suspend, enable_starts_nothing, NEED_NET | NEED_SUSPEND | NEED_LATE | RINGS,
	"vhost-vdpa: enabling a queue of a suspended device does not make it run")
{
	struct ring *tx;

	dev_up(d, NULL);
	tx = dev_tx(d, 0);
	vv_set_vring_enable(&d->vv, 1, 0);
	vv_suspend(&d->vv);
	post(d, 3);
	vv_set_vring_enable(&d->vv, 1, 1);
	ring_kick(tx);
	check_quiet(tx);
}

CONFORM(suspend, status_starts_nothing, NEED_NET | NEED_SUSPEND | RINGS,
	"vDPA: a repeated DRIVER_OK does not end a suspension")
{
	struct ring *tx;

	dev_up(d, NULL);
	tx = dev_tx(d, 0);
	vv_suspend(&d->vv);
	post(d, 3);
	vv_set_status(&d->vv, S_RUNNING);
	ring_kick(tx);
	check_quiet(tx);
}

CONFORM(suspend, base_changes, NEED_NET | NEED_SUSPEND | NEED_RESUME | RINGS,
	"vhost-vdpa: indexes may be set while suspended, RESUME goes on from them")
{
	uint32_t start = ring_start_base(d->packed);
	struct ring *tx;
	unsigned int i;

	dev_up(d, NULL);
	tx = dev_tx(d, 0);
	for (i = 0; i < 5; i++)
		CHECK_OK(io_send(d, 0, i, IO_FRAME));
	vv_suspend(&d->vv);
	SAME(vv_get_vring_base(&d->vv, 1), ring_base(tx));
	ring_restart(tx, start);
	vv_set_vring_base(&d->vv, 1, start);
	SAME(vv_get_vring_base(&d->vv, 1), start);
	vv_resume(&d->vv);
	CHECK_OK(io_send(d, 0, 9, IO_FRAME));
}

CONFORM(suspend, rings_move, NEED_NET | NEED_SUSPEND | NEED_RESUME | RINGS,
	"vhost-vdpa: ring addresses may be set while suspended, RESUME uses only the new ones")
{
	uint32_t start = ring_start_base(d->packed);
	struct ring old, *tx;

	dev_up(d, NULL);
	tx = dev_tx(d, 0);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	vv_suspend(&d->vv);
	old = *tx;
	ring_init(tx, d->packed, &d->mem, &d->mem, 1, old.split.num, start);
	dev_set_ring(d, tx, start);
	vv_set_vring_kick(&d->vv, 1, tx->split.kick);
	vv_set_vring_call(&d->vv, 1, tx->split.call);
	vv_resume(&d->vv);
	CHECK_OK(io_send(d, 0, 2, IO_FRAME));
	/* Whoever still looks there finds work. */
	ring_add(&old, &(struct vq_seg){ .p = old.slots, .len = 100 }, 1);
	ring_publish(&old);
	ring_kick(tx);
	NEVER(ring_pending(&old), "the old ring is used");
	ring_close(&old);
}

CONFORM(suspend, reset_ends_it, NEED_NET | NEED_SUSPEND | RINGS,
	"vhost-vdpa: a reset ends a suspension, the device can be brought up again")
{
	dev_up(d, NULL);
	vv_suspend(&d->vv);
	dev_again(d);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	vv_suspend(&d->vv);
	vv_close(&d->vv);
	vv_open(&d->vv, options.node);
	SAME(vv_get_status(&d->vv), 0);
}

CONFORM(suspend, memory_goes, NEED_NET | NEED_SUSPEND | NEED_RESUME | RINGS,
	"vhost-vdpa: memory may be unmapped and mapped again while suspended")
{
	struct ring *tx;

	dev_up(d, NULL);
	tx = dev_tx(d, 0);
	vv_suspend(&d->vv);
	dev_unmap(d);
	dev_map(d);
	post(d, 4);
	ring_kick(tx);
	vv_resume(&d->vv);
	HAPPENS(ring_pending(tx) == 4, "%u of 4 used", ring_pending(tx));
}

CONFORM(suspend, control_queue_too, NEED_NET | NEED_SUSPEND | NEED_RESUME | NEED_CVQ | RINGS,
	"uapi vhost.h: a suspended device carries out no control command, and does so when resumed")
{
	struct vq_seg seg[2];
	struct ring *cvq;

	dev_up(d, NULL);
	cvq = io_cvq(d);
	vv_suspend(&d->vv);
	d->ctrl[0] = 0xee;
	seg[0] = (struct vq_seg){ .p = d->ctrl, .len = 10 };
	seg[1] = (struct vq_seg){ .p = d->ctrl + 512, .len = 1, .in = true };
	ring_add(cvq, seg, 2);
	ring_publish(cvq);
	ring_kick(cvq);
	check_quiet(cvq);
	vv_resume(&d->vv);
	HAPPENS(ring_pending(cvq) == 1, "the command is lost");
}

/* Sends a burst and takes what comes: each number once, in order. */
struct stream {
	uint32_t sent;
	uint32_t seen;
};

static void stream_send(struct dev *d, struct stream *s, unsigned int n)
{
	struct ring *tx = dev_tx(d, 0);

	io_reap(tx);
	while (n-- && ring_room(tx))
		io_add(d, 0, s->sent++, IO_FRAME);
	ring_notify(tx);
}

static void stream_take(struct dev *d, struct stream *s)
{
	while (s->seen < s->sent) {
		int len = io_outside_recv(d, got, sizeof(got), options.wait_ms);
		uint32_t seq = ~0u;

		CHECK(len >= 0, "frame %u of %u is lost", s->seen, s->sent);
		frame_ours(got, len, &seq);
		CHECK(seq == s->seen, "frame %u instead of %u", seq, s->seen);
		CHECK(frame_intact(got, IO_FRAME), "frame %u", seq);
		s->seen++;
	}
}

CONFORM(suspend, no_frame_lost, NEED_NET | NEED_FRAMES | NEED_SUSPEND | NEED_RESUME | RINGS,
	"vDPA: over suspend and resume no frame is lost, duplicated or reordered")
{
	struct stream s = { 0 };
	unsigned int i;

	io_up(d, NULL);
	for (i = 0; i < 20; i++) {
		stream_send(d, &s, 30);
		if (i % 3)
			pause_us(50 * i);
		vv_suspend(&d->vv);
		SAME(vv_get_vring_base(&d->vv, 1), ring_base(dev_tx(d, 0)));
		vv_resume(&d->vv);
		stream_take(d, &s);
	}
}

/* What a migration does, with the same device as its own destination. */
CONFORM(suspend, state_moves, NEED_NET | NEED_FRAMES | NEED_SUSPEND | RINGS,
	"vDPA: rings go on from GET_VRING_BASE after a reset, each frame once and in order")
{
	struct stream s = { 0 };
	unsigned int i;

	io_up(d, NULL);
	for (i = 0; i < 20; i++) {
		stream_send(d, &s, 30);
		if (i % 3)
			pause_us(50 * i);
		vv_suspend(&d->vv);
		dev_continue(d);
		/* A VMM kicks all rings when it has started the device. */
		ring_kick(dev_tx(d, 0));
		stream_take(d, &s);
	}
}

CONFORM(suspend, received_state_moves, NEED_NET | NEED_PEER | NEED_SUSPEND | RINGS,
	"vDPA: after a reset the receive ring goes on with the buffers it was given before")
{
	uint32_t seq;
	unsigned int i;

	io_up(d, NULL);
	for (i = 0; i < 10; i++) {
		io_check_in(d, i, IO_FRAME);
		vv_suspend(&d->vv);
		SAME(vv_get_vring_base(&d->vv, 0), ring_base(dev_rx(d, 0)));
		dev_continue(d);
	}
	for (seq = 100; seq < 100 + 80; seq++)
		io_check_in(d, seq, IO_FRAME);
}
