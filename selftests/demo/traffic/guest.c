// SPDX-License-Identifier: GPL-2.0-only
/* The end inside the guest: it obeys, and reports what it received when asked. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "end.h"
#include "stream.h"
#include "traffic.h"

static void report(struct end *e, uint64_t first)
{
	uint8_t body[WIRE_MAX - sizeof(struct wire_hdr)];
	struct wire_report *r = (struct wire_report *)body;
	struct flow *f = &e->rx;
	size_t n = 0;

	r->counts = f->counts;
	r->counts.sent = e->next_seq;
	r->counts.unsent = e->unsent;
	if (first < f->counts.gaps)
		n = f->counts.gaps - first;
	if (n > WIRE_GAPS)
		n = WIRE_GAPS;
	r->first = first;
	r->number = n;
	memcpy(r->gap, f->gap + first, n * sizeof(*r->gap));
	end_tell(e, WIRE_REPORT, first, body, sizeof(*r) + n * sizeof(*r->gap));
}

/* Anybody may probe, but not in the middle of a run. */
static void probed(struct end *e, const struct packet *p, const struct sockaddr_in *from)
{
	if (e->started && e->run == p->hdr.run)
		return;
	e->run = p->hdr.run;
	e->started = false;
	end_stop_sending(e);
	flow_exit(&e->rx);
	e->peer = *from;
	end_tell(e, WIRE_PROBED, p->hdr.seq, NULL, 0);
}

static void start(struct end *e, const struct packet *p, const struct sockaddr_in *from)
{
	struct wire_params params;

	memcpy(&params, p->body, sizeof(params));
	if (!e->started || e->run != p->hdr.run) {
		if (!params_valid(&params))
			return;
		e->peer = *from;
		if (end_start(e, p->hdr.run, &params, true)) {
			perror("traffic: cannot begin a run");
			return;
		}
	}
	end_tell(e, WIRE_STARTED, 0, NULL, 0);
}

static void stop(struct end *e, const struct packet *p)
{
	end_stop_sending(e);
	flow_settle(&e->rx);
	if (e->rx.highest + 1 < p->hdr.seq)
		flow_close(&e->rx, now_ns());
	end_tell(e, WIRE_STOPPED, e->next_seq, NULL, 0);
}

static void obey(struct end *e, const struct packet *p, const struct sockaddr_in *from)
{
	if (p->hdr.type == WIRE_PROBE) {
		probed(e, p, from);
		return;
	}
	if (p->hdr.type == WIRE_START) {
		start(e, p, from);
		return;
	}
	if (!e->started || p->hdr.run != e->run)
		return;
	if (p->hdr.type == WIRE_STOP)
		stop(e, p);
	else if (p->hdr.type == WIRE_QUERY)
		report(e, p->hdr.seq);
}

static void receive_some(struct end *e)
{
	struct sockaddr_in from;
	struct packet p;
	ssize_t len;

	for (int i = 0; i < END_BATCH; i++) {
		len = end_receive(e, &p, &from);
		if (len < 0)
			return;
		if (len)
			obey(e, &p, &from);
	}
}

int guest_end(uint16_t port)
{
	struct echo echo;
	struct end end;

	if (end_open(&end, port) || echo_open(&echo, port)) {
		perror("traffic: guest");
		return 1;
	}
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = end.udp, .events = POLLIN },
			{ .fd = end.timer, .events = POLLIN },
			{ .fd = echo.listener, .events = POLLIN },
			{ .fd = echo.fd, .events = POLLIN },
		};

		if (poll(fds, 4, -1) < 0)
			continue;
		if (fds[1].revents)
			end_tick(&end);
		if (fds[0].revents)
			receive_some(&end);
		if (fds[2].revents)
			echo_accept(&echo);
		else if (fds[3].revents)
			echo_serve(&echo);
	}
}
