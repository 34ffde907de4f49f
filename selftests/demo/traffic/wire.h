/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the two ends of the traffic tool say to each other over UDP.
 *
 * Both ends always run on the same physical machine (one of them in a nested
 * guest of the other), so every field is in host byte order.
 */
#ifndef TRAFFIC_WIRE_H
#define TRAFFIC_WIRE_H

#include <stdint.h>

#define WIRE_MAGIC	0x76647061u
#define WIRE_PORT	7000
#define WIRE_MAX	1400

enum wire_type {
	WIRE_PROBE = 1,		/* outside -> guest: how fast are you? */
	WIRE_PROBED,
	WIRE_START,		/* outside -> guest: body is wire_params */
	WIRE_STARTED,
	WIRE_DATA,		/* numbered, stamped, both directions */
	WIRE_STOP,		/* outside -> guest: send no more data */
	WIRE_STOPPED,
	WIRE_QUERY,		/* outside -> guest: seq is the index of the first gap */
	WIRE_REPORT,		/* body is wire_report */
};

struct wire_hdr {
	uint32_t magic;
	uint16_t run;		/* a late packet of an earlier run is not counted */
	uint16_t type;
	uint64_t seq;
	uint64_t stamp;		/* sender's CLOCK_MONOTONIC, ns */
};

struct wire_params {
	uint32_t period_us;
	uint32_t gap_us;	/* silences longer than this are recorded, as any hole */
	uint32_t payload;	/* UDP payload of a data packet, bytes */
	uint32_t reserved;
};

struct flow_gap {
	uint64_t start;		/* both in the clock of the outside end, ns */
	uint64_t end;
	uint64_t seq_before;
	uint64_t seq_after;
	uint64_t silence;	/* part of it in which the sender sent nothing, ns */
};

struct flow_counts {
	uint64_t sent;
	uint64_t unsent;	/* send() refused: no room, not a loss */
	uint64_t received;	/* different sequence numbers seen */
	uint64_t duplicated;
	uint64_t reordered;
	uint64_t corrupted;
	uint64_t gaps;
	uint64_t gaps_dropped;	/* more than the table holds */
	uint64_t max_gap;	/* ns */
};

struct wire_report {
	struct flow_counts counts;
	uint32_t first;		/* index of gap[0] in the table */
	uint32_t number;
	struct flow_gap gap[];
};

#define WIRE_GAPS ((WIRE_MAX - sizeof(struct wire_hdr) - sizeof(struct wire_report)) / \
		   sizeof(struct flow_gap))

#endif
