// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "frame.h"
#include "io.h"

#define CTRL_DATA	64	/* offset of a command's data in its page */
#define CTRL_ACK	2048

/* Everybody's address: no device filters it out. */
static const unsigned char everybody[ETH_ALEN] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff
};

static const unsigned char somebody[ETH_ALEN] = { 2, 0, 0, 0, 0, 9 };

static unsigned char scratch[FRAME_MAX];

void io_make(void *buf, uint32_t seq, size_t len)
{
	frame_make(buf, len, everybody, somebody, seq);
}

static bool has_carrier(void)
{
	char path[64], text[8];

	snprintf(path, sizeof(path), "/sys/class/net/%s/carrier", options.peer);
	return __file_read(path, text, sizeof(text)) > 0 && text[0] == '1';
}

struct ring *io_cvq(struct dev *d)
{
	return &d->ring[d->nrings];
}

static void set_pairs(struct dev *d)
{
	uint16_t pairs = d->setup.pairs;

	if (pairs > 1)
		SAME(io_ctrl(d, VIRTIO_NET_CTRL_MQ,
			     VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, &pairs,
			     sizeof(pairs)), VIRTIO_NET_OK);
}

static void make_ready(struct dev *d)
{
	unsigned int i;

	set_pairs(d);
	for (i = 0; i < d->setup.pairs && !d->setup.rx_empty; i++)
		io_fill(d, i);
	io_wait_peer();
}

void io_open_peer(struct dev *d)
{
	if (options.peer)
		peer_open(&d->peer, options.peer, false);
}

void io_wait_peer(void)
{
	if (options.peer)
		HAPPENS(has_carrier(), "%s has no carrier", options.peer);
}

void io_up(struct dev *d, const struct setup *s)
{
	io_open_peer(d);
	dev_up(d, s);
	make_ready(d);
}

void io_again(struct dev *d)
{
	dev_again(d);
	make_ready(d);
}

void io_post(struct dev *d, unsigned int pair, unsigned int count, uint32_t size)
{
	struct ring *r = dev_rx(d, pair);

	while (ring_room(r) && count--) {
		struct vq_seg seg = {
			.p = ring_next_slot(r), .len = size, .in = true,
		};

		ring_add(r, &seg, 1);
	}
	ring_notify(r);
}

void io_fill(struct dev *d, unsigned int pair)
{
	io_post(d, pair, ~0u, SLOT);
}

int io_add_parts(struct dev *d, unsigned int pair, uint32_t seq, size_t len,
		 unsigned int parts)
{
	struct ring *r = dev_tx(d, pair);
	unsigned char *buf = ring_next_slot(r);
	struct vq_seg seg[16];
	size_t at = 0, all = HDR + len;
	unsigned int i;

	CHECK(all <= SLOT && parts && parts <= 16, "frame of %zu bytes", len);
	memset(buf, 0, HDR);
	io_make(buf + HDR, seq, len);
	for (i = 0; i < parts; i++) {
		seg[i].p = buf + at;
		seg[i].len = i + 1 < parts ? all / parts : all - at;
		seg[i].in = false;
		at += seg[i].len;
	}
	return ring_add(r, seg, parts);
}

int io_add(struct dev *d, unsigned int pair, uint32_t seq, size_t len)
{
	return io_add_parts(d, pair, seq, len, 1);
}

unsigned int io_reap(struct ring *r)
{
	unsigned int n = 0;

	while (ring_get_used(r, NULL) >= 0)
		n++;
	return n;
}

int io_send(struct dev *d, unsigned int pair, uint32_t seq, size_t len)
{
	struct ring *r = dev_tx(d, pair);

	io_reap(r);
	io_add(d, pair, seq, len);
	ring_notify(r);
	return ring_wait_used(r, NULL);
}

/* One buffer, taken and given back: payload behind the header, if it has one. */
static int take(struct dev *d, unsigned int pair, bool first, uint16_t *more,
		unsigned char *buf, size_t size)
{
	struct ring *r = dev_rx(d, pair);
	struct virtio_net_hdr_v1 hdr;
	uint32_t len, skip = first ? HDR : 0;
	int id = ring_get_used(r, &len);

	if (id < 0)
		return id;
	CHECK(len <= SLOT && len >= skip && len - skip <= size,
	      "device says it wrote %u bytes", len);
	memcpy(&hdr, ring_slot(r, id), HDR);
	memcpy(buf, ring_slot(r, id) + skip, len - skip);
	if (first)
		*more = d->features & F(NET_F_MRG_RXBUF) ? hdr.num_buffers : 1;
	CHECK(!first || *more, "num_buffers is 0");
	return (int)(len - skip);
}

static int recv_any(struct dev *d, unsigned int pair, void *buf, size_t size)
{
	uint16_t more = 1, i;
	int got = take(d, pair, true, &more, buf, size);

	for (i = 1; got >= 0 && i < more; i++) {
		int len = take(d, pair, false, &more, (unsigned char *)buf + got,
			       size - got);

		CHECK(len >= 0, "buffer %u of %u is missing", i, more);
		got += len;
	}
	if (got >= 0)
		io_fill(d, pair);
	return got;
}

int io_recv(struct dev *d, void *buf, size_t size, unsigned int ms)
{
	uint64_t end = deadline(ms);
	unsigned int pair = 0;
	int len;

	do {
		len = recv_any(d, pair, buf, size);
		if (len >= 0 && frame_ours(buf, len, NULL))
			return len;
		if (len >= 0)
			continue;
		pair = (pair + 1) % d->setup.pairs;
		if (!pair)
			pause_us(50);
	} while (now_us() < end);
	return -ETIMEDOUT;
}

void io_outside_send(struct dev *d, uint32_t seq, size_t len)
{
	if (options.peer) {
		io_make(scratch, seq, len);
		peer_send(&d->peer, NULL, scratch, len);
	} else {
		CHECK_OK(io_send(d, 0, seq, len));
	}
}

void io_recycle(struct dev *d)
{
	unsigned int pair;

	for (pair = 0; pair < d->setup.pairs; pair++) {
		io_reap(dev_tx(d, pair));
		if (!options.loopback)
			continue;
		io_reap(dev_rx(d, pair));
		io_fill(d, pair);
	}
}

int io_outside_recv(struct dev *d, void *buf, size_t size, unsigned int ms)
{
	if (options.peer)
		return __peer_recv(&d->peer, FRAME_TYPE, NULL, buf, size, ms);
	return io_recv(d, buf, size, ms);
}

static void check_frame(int got, uint32_t seq, size_t len, const char *where)
{
	uint32_t number = 0;

	CHECK(got >= 0, "frame %u did not arrive %s", seq, where);
	/* The way there may pad, never change. */
	CHECK((size_t)got >= len, "frame %u is %d bytes %s, not %zu", seq, got,
	      where, len);
	CHECK(frame_ours(scratch, len, &number) && number == seq,
	      "frame %u arrived %s, not %u", number, where, seq);
	CHECK(frame_intact(scratch, len), "frame %u is damaged %s", seq, where);
}

void io_check_out(struct dev *d, unsigned int pair, uint32_t seq, size_t len)
{
	CHECK_OK(io_send(d, pair, seq, len));
	check_frame(io_outside_recv(d, scratch, sizeof(scratch),
				    options.wait_ms), seq, len, "outside");
}

void io_check_in(struct dev *d, uint32_t seq, size_t len)
{
	io_outside_send(d, seq, len);
	check_frame(io_recv(d, scratch, sizeof(scratch), options.wait_ms), seq,
		    len, "in the guest");
}

void io_check(struct dev *d, uint32_t seq)
{
	io_check_out(d, 0, seq, IO_FRAME);
	if (options.peer)
		io_check_in(d, seq + 1, IO_FRAME);
}

void io_check_works(struct dev *d)
{
	if (options.peer || options.loopback)
		io_check(d, 0xabcd);
	else
		CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

int io_ctrl(struct dev *d, uint8_t class, uint8_t cmd, const void *data,
	    size_t len)
{
	struct virtio_net_ctrl_hdr *hdr = (void *)d->ctrl;
	unsigned char *ack = d->ctrl + CTRL_ACK;
	struct vq_seg seg[3] = {
		{ .p = hdr, .len = sizeof(*hdr) },
		{ .p = d->ctrl + CTRL_DATA, .len = (uint32_t)len },
		{ .p = ack, .len = 1, .in = true },
	};
	int ret;

	hdr->class = class;
	hdr->cmd = cmd;
	memcpy(d->ctrl + CTRL_DATA, data, len);
	*ack = 0xa5;
	if (!len)
		seg[1] = seg[2];
	ring_add(io_cvq(d), seg, len ? 3 : 2);
	ring_notify(io_cvq(d));
	ret = ring_wait_used(io_cvq(d), NULL);
	return ret < 0 ? ret : *ack;
}
