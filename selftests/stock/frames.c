// SPDX-License-Identifier: GPL-2.0-only
/*
 * Send numbered frames to a host interface, whose guest is to send each back
 * unchanged, and see that it does:
 *
 *	frames INTERFACE COUNT
 *
 * Exit code 0 if all came back intact and in order.
 */
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "frame.h"
#include "peer.h"

#define SIZE	1200
#define WINDOW	32	/* frames on their way at a time */

static const unsigned char guest[ETH_ALEN] = { 0x52, 0x54, 0, 0, 0, 1 };
static const unsigned char outside[ETH_ALEN] = { 2, 0, 0, 0, 0, 9 };

static void send_frame(struct peer *p, uint32_t seq)
{
	unsigned char frame[SIZE];

	frame_make(frame, sizeof(frame), guest, outside, seq);
	peer_send(p, NULL, frame, sizeof(frame));
}

static void expect_frame(struct peer *p, uint32_t seq)
{
	unsigned char frame[2048];
	uint32_t seen;
	int len;

	len = peer_recv(p, FRAME_TYPE, NULL, frame, sizeof(frame), 5000);
	CHECK(frame_ours(frame, len, &seen) && seen == seq,
	      "frame %u instead of %u", seen, seq);
	CHECK(len == SIZE && frame_intact(frame, len), "frame %u changed", seq);
}

int main(int argc, char **argv)
{
	uint32_t count, sent = 0, back;
	struct peer p;

	if (argc != 3) {
		fprintf(stderr, "usage: frames INTERFACE COUNT\n");
		return 2;
	}
	count = strtoul(argv[2], NULL, 0);
	peer_open(&p, argv[1], false);
	for (back = 0; back < count; back++) {
		while (sent < count && sent < back + WINDOW)
			send_frame(&p, sent++);
		expect_frame(&p, back);
	}
	printf("# %u frames there and back\n", back);
	return 0;
}
