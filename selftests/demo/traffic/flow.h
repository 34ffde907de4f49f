/* SPDX-License-Identifier: GPL-2.0-only */
/* One direction of numbered packets, as its receiver sees it. */
#ifndef TRAFFIC_FLOW_H
#define TRAFFIC_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

#define FLOW_MAX_SEQ	(1u << 24)
#define FLOW_MAX_GAPS	8192

struct flow {
	struct flow_counts counts;
	struct wire_params params;
	bool foreign;		/* the sender's clock is not ours: map ours to it */
	bool closed;		/* what still comes is counted, but makes no gap */
	uint8_t *seen;		/* one bit per sequence number */
	uint64_t highest;
	struct {
		uint64_t rx;	/* our clock */
		uint64_t tx;	/* the sender's clock */
		uint64_t seq;
	} last;
	struct {
		int64_t now, before;	/* smallest rx - tx, this and the last batch */
		unsigned int fill;
	} delay;
	struct {
		bool open;
		uint64_t rx;
		int64_t delay;
		unsigned int fill;
	} pending;		/* a gap whose end is not mapped yet */
	struct flow_gap *gap;
};

int flow_init(struct flow *f, const struct wire_params *params, bool foreign);
void flow_exit(struct flow *f);
void flow_receive(struct flow *f, uint64_t seq, uint64_t tx, uint64_t rx);
void flow_settle(struct flow *f);
void flow_close(struct flow *f, uint64_t now);

uint64_t now_ns(void);

#endif
