// SPDX-License-Identifier: GPL-2.0-only
/* Frames and chains. */
#include <string.h>

#include "conf.h"
#include "frame.h"
#include "io.h"

static unsigned char got[FRAME_MAX];

CONFORM(data, sizes, NEED_NET | NEED_FRAMES | RINGS,
	"virtio-net: frames of every size pass unchanged, both ways")
{
	static const size_t sizes[] = { 60, 61, 63, 64, 65, 128, 511, 512,
					1000, 1499, 1513, 1514 };
	unsigned int i;

	io_up(d, NULL);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		io_check_out(d, 0, 2 * i, sizes[i]);
		if (options.peer)
			io_check_in(d, 2 * i + 1, sizes[i]);
	}
}

CONFORM(data, chains, NEED_NET | NEED_FRAMES | RINGS,
	"virtio 2.7.4.2: a frame may be cut into buffers anywhere, header included")
{
	unsigned int parts;

	io_up(d, NULL);
	for (parts = 1; parts <= 16; parts++) {
		io_add_parts(d, 0, parts, 500, parts);
		ring_notify(dev_tx(d, 0));
		CHECK_OK(ring_wait_used(dev_tx(d, 0), NULL));
		SAME(io_outside_recv(d, got, sizeof(got), options.wait_ms),
		     500);
		CHECK(frame_intact(got, 500), "%u parts", parts);
	}
}

/* In rings of 64, each several times around. */
CONFORM(data, many_in_order, NEED_NET | NEED_FRAMES | RINGS,
	"virtio-net: of many frames each arrives once, in order, whatever the batches are")
{
	const unsigned int total = 400;
	unsigned int sent = 0, seen = 0, done = 0;

	io_up(d, NULL);
	while (seen < total) {
		unsigned int burst = 1 + seen % 17;
		struct ring *tx = dev_tx(d, 0);

		done += io_reap(tx);
		while (sent < total && burst-- && ring_room(tx))
			io_add(d, 0, sent++, IO_FRAME);
		ring_notify(tx);
		while (seen < sent) {
			int len = io_outside_recv(d, got, sizeof(got),
						  options.wait_ms);
			uint32_t seq;

			CHECK(len >= 0, "frame %u of %u is lost", seen, sent);
			CHECK(frame_ours(got, len, &seq) && seq == seen,
			      "frame %u instead of %u", seq, seen);
			seen++;
		}
	}
	HAPPENS((done += io_reap(dev_tx(d, 0))) == total, "%u of %u used", done,
		total);
}

CONFORM(data, no_kick_lost, NEED_NET | RINGS,
	"virtio 2.7.13: the device asks for kicks, then looks again: none is lost")
{
	unsigned int i;

	dev_up(d, NULL);
	for (i = 0; i < 300; i++) {
		CHECK_OK(io_send(d, 0, i, IO_FRAME));
		if (i % 3 == 0)
			pause_us(i % 7 * 20);
	}
}

CONFORM(data, across_index_wrap, NEED_NET | RINGS,
	"virtio: indexes run over 2^16, wrap counters turn")
{
	struct setup s = { .base = d->packed ? 0x00050005 : 65500 };
	unsigned int i;

	dev_up(d, &s);
	for (i = 0; i < 150; i++)
		CHECK_OK(io_send(d, 0, i, IO_FRAME));
	SAME(vv_get_vring_base(&d->vv, 1), ring_base(dev_tx(d, 0)));
}

CONFORM(data, every_pair, NEED_NET | NEED_FRAMES | NEED_CVQ | NEED_MQ | RINGS,
	"virtio-net: every queue pair that was asked for transmits")
{
	struct setup s = { .pairs = d->max_pairs < PAIRS_MAX ? d->max_pairs :
							      PAIRS_MAX };
	unsigned int i;

	io_up(d, &s);
	for (i = 0; i < s.pairs; i++)
		io_check_out(d, i, 100 + i, IO_FRAME);
}

CONFORM(data, header_of_received, NEED_NET | NEED_FRAMES | RINGS,
	"virtio-net 5.1.6.4: the header of a frame received without offloads says so")
{
	const struct setup s = { .rx_empty = true };
	struct virtio_net_hdr_v1 hdr;
	uint32_t len, seq;
	int id;

	io_up(d, &s);
	io_fill(d, 0);
	io_outside_send(d, 5, IO_FRAME);
	do {
		id = ring_wait_used(dev_rx(d, 0), &len);
		CHECK(id >= 0, "nothing is received");
		memcpy(&hdr, ring_slot(dev_rx(d, 0), id), HDR);
	} while (!frame_ours(ring_slot(dev_rx(d, 0), id) + HDR, len - HDR,
			     &seq));
	SAME(hdr.flags & ~VIRTIO_NET_HDR_F_DATA_VALID, 0);
	SAME(hdr.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	SAME(hdr.num_buffers, 1);
	CHECK(len >= HDR + IO_FRAME, "used length %u", len);
}

CONFORM(data, mergeable, NEED_NET | NEED_PEER | RINGS,
	"virtio-net 5.1.6.4: with MRG_RXBUF a frame spans buffers, num_buffers says how many")
{
	const struct setup s = { .rx_empty = true };
	int len;

	if (!(d->offered & F(NET_F_MRG_RXBUF)))
		skip("MRG_RXBUF is not offered");
	io_up(d, &s);
	io_post(d, 0, ~0u, 256);
	io_outside_send(d, 9, 1400);
	len = io_recv(d, got, sizeof(got), options.wait_ms);
	CHECK(len >= 1400 && frame_intact(got, 1400), "%d bytes", len);
}

CONFORM(data, rx_buffer_too_small, NEED_NET | NEED_FRAMES | RINGS,
	"virtio: a frame that does not fit is not written behind the buffer")
{
	const struct setup s = { .rx_empty = true,
				 .drop = F(NET_F_MRG_RXBUF) };
	struct ring *rx;
	struct vq_seg seg = { .len = 200, .in = true };
	unsigned int i;
	uint32_t len;

	io_up(d, &s);
	rx = dev_rx(d, 0);
	seg.p = ring_next_slot(rx);
	memset(seg.p, 0xc3, SLOT);
	ring_add(rx, &seg, 1);
	ring_notify(rx);
	/* Dropped or cut short: both are allowed, and so is to wait. */
	io_add(d, 0, 1, 1400);
	if (options.peer)
		io_outside_send(d, 1, 1400);
	else
		ring_notify(dev_tx(d, 0));
	WAIT_UNTIL(ring_pending(rx), 300);
	for (i = 200; i < SLOT; i++)
		CHECK(((unsigned char *)seg.p)[i] == 0xc3,
		      "byte %u behind the buffer was written", i);
	if (ring_get_used(rx, &len) >= 0)
		CHECK(len <= 200, "used length %u", len);
	io_again(d);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

CONFORM(data, indirect, NEED_NET | NEED_FRAMES | NEED_INDIRECT,
	"virtio 2.7.5.3: a chain may lie in an indirect table")
{
	const struct setup s = { .add = F(RING_F_INDIRECT_DESC) };
	struct vring_desc *table;
	unsigned char *buf;
	struct vq *q;

	io_up(d, &s);
	q = &dev_tx(d, 0)->split;
	buf = ring_next_slot(dev_tx(d, 0));
	table = gmem_alloc(&d->mem, GMEM_PAGE, GMEM_PAGE);
	/* A chain of one as far as the books go; the table replaces it. */
	io_add(d, 0, 7, IO_FRAME);
	table[0] = (struct vring_desc){ gmem_iova(&d->mem, buf), 100,
					VRING_DESC_F_NEXT, 2 };
	table[2] = (struct vring_desc){ gmem_iova(&d->mem, buf) + 100,
					HDR + IO_FRAME - 100, 0, 0 };
	q->desc[0] = (struct vring_desc){ gmem_iova(&d->mem, table),
					  3 * sizeof(*table),
					  VRING_DESC_F_INDIRECT, 0 };
	ring_notify(dev_tx(d, 0));
	CHECK_OK(ring_wait_used(dev_tx(d, 0), NULL));
	SAME(io_outside_recv(d, got, sizeof(got), options.wait_ms), IO_FRAME);
	CHECK(frame_intact(got, IO_FRAME), "damaged");
}
