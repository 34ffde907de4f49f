/* SPDX-License-Identifier: GPL-2.0-only */
/* A TCP connection that has to survive: a byte stream out, its echo back. */
#ifndef TRAFFIC_STREAM_H
#define TRAFFIC_STREAM_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct stream {
	int fd;
	bool failed;
	uint64_t sent;
	uint64_t echoed;
	uint64_t mismatches;
	uint64_t last_echo;	/* ns */
	uint64_t max_stall;	/* longest wait for an echo that was due, ns */
};

/* The end that checks. */
int stream_connect(struct stream *s, const struct sockaddr_in *peer);
void stream_send(struct stream *s);
void stream_check(struct stream *s);

/* The end that echoes: a listening socket and one connection at a time. */
struct echo {
	int listener;
	int fd;			/* -1: nobody connected */
};

int echo_open(struct echo *e, uint16_t port);
void echo_accept(struct echo *e);
void echo_serve(struct echo *e);

#endif
