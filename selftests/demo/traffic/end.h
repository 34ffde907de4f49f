/* SPDX-License-Identifier: GPL-2.0-only */
/* What both ends of the traffic have in common: a socket, a clock, two flows. */
#ifndef TRAFFIC_END_H
#define TRAFFIC_END_H

#include <netinet/in.h>

#include "flow.h"

struct end {
	int udp;
	int timer;
	bool started;		/* params, rx and run are valid */
	uint16_t run;
	struct sockaddr_in peer;
	struct wire_params params;
	struct flow rx;
	uint64_t next_seq;	/* of the data we send */
	uint64_t unsent;
};

struct packet {
	struct wire_hdr hdr;
	uint8_t body[WIRE_MAX - sizeof(struct wire_hdr)];
};

int end_open(struct end *e, uint16_t port);
int end_start(struct end *e, uint16_t run, const struct wire_params *params, bool foreign);
void end_stop_sending(struct end *e);
void end_tick(struct end *e);
void end_tell(struct end *e, uint16_t type, uint64_t seq, const void *body, size_t len);

/* Packets handled before the other duties get their turn again. */
#define END_BATCH 16

/* One packet, or -1 when there is none; data packets are counted on the way. */
ssize_t end_receive(struct end *e, struct packet *p, struct sockaddr_in *from);

#endif
