// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end outside of the guest. It owns the truth: it starts and stops both
 * directions, fetches the guest's counters afterwards and writes the report.
 */
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "end.h"
#include "json.h"
#include "stream.h"
#include "traffic.h"

#define RETRY_NS	200000000ull
#define DRAIN_NS	500000000ull
#define ANSWER_S	30
#define SECOND		1000000000ull
#define PROBES		31
#define HEADROOM	4	/* how many times over the guest could do the work */
#define PERIOD_MAX_US	20000
#define ANY_SEQ		UINT64_MAX
#define TCP_EVERY	10	/* data periods */

struct outside {
	struct end end;
	struct stream stream;
	bool stream_open;
	unsigned int ticks;
	struct flow_counts guest;
	struct flow_gap guest_gap[FLOW_MAX_GAPS];
};

static volatile sig_atomic_t finish;

static void on_signal(int sig)
{
	(void)sig;
	finish = 1;
}

/*
 * The tool measures; it must not be the one that is late because the emulators
 * keep every CPU busy. Its own load is a few packets per millisecond.
 */
static void go_first(void)
{
	struct sched_param prio = { .sched_priority = 10 };

	if (sched_setscheduler(0, SCHED_FIFO, &prio))
		perror("traffic: SCHED_FIFO");
}

/* One round of the loop; true when the packet wanted has come into *p. */
static bool turn(struct outside *o, uint16_t wanted, uint64_t seq, struct packet *p)
{
	struct pollfd fds[] = {
		{ .fd = o->end.udp, .events = POLLIN },
		{ .fd = o->end.timer, .events = POLLIN },
		{ .fd = o->stream_open && !o->stream.failed ? o->stream.fd : -1,
		  .events = POLLIN },
	};
	struct sockaddr_in from;
	ssize_t len;

	if (poll(fds, 3, 20) < 0)
		return false;
	if (fds[1].revents) {
		end_tick(&o->end);
		if (o->stream_open && !(++o->ticks % TCP_EVERY))
			stream_send(&o->stream);
	}
	if (fds[2].revents)
		stream_check(&o->stream);
	for (int i = 0; i < END_BATCH; i++) {
		len = end_receive(&o->end, p, &from);
		if (len < 0)
			break;
		if (len && wanted && p->hdr.type == wanted && p->hdr.run == o->end.run &&
		    (seq == ANY_SEQ || p->hdr.seq == seq))
			return true;
	}
	return false;
}

static void drain(struct outside *o)
{
	uint64_t until = now_ns() + DRAIN_NS;
	struct packet p;

	while (now_ns() < until)
		turn(o, 0, 0, &p);
}

struct question {
	uint16_t type, answer;
	uint64_t seq, answer_seq;
	const void *body;
	size_t len;
};

/* Ask until answered: the network may be in the middle of its blackout. */
static bool ask(struct outside *o, const struct question *q, unsigned int seconds,
		struct packet *p)
{
	uint64_t start = now_ns(), asked = 0;

	while (now_ns() - start < seconds * SECOND) {
		if (now_ns() - asked > RETRY_NS) {
			end_tell(&o->end, q->type, q->seq, q->body, q->len);
			asked = now_ns();
		}
		if (turn(o, q->answer, q->answer_seq, p))
			return true;
		if (finish && (q->type == WIRE_START || q->type == WIRE_PROBE))
			return false;
	}
	return false;
}

static int later(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/*
 * One packet each way is what the guest has to do once per period. An emulated
 * guest may take a millisecond for that; traffic it cannot cope with would only
 * measure itself.
 */
static bool choose_period(struct outside *o, struct wire_params *params, unsigned int wait_s)
{
	struct question q = { .type = WIRE_PROBE, .answer = WIRE_PROBED };
	uint64_t took[PROBES], period;
	struct packet p;

	for (int i = 0; i < PROBES; i++) {
		took[i] = now_ns();
		q.seq = i;
		q.answer_seq = i;
		if (!ask(o, &q, wait_s, &p))
			return false;
		took[i] = now_ns() - took[i];
	}
	qsort(took, PROBES, sizeof(*took), later);
	period = HEADROOM * took[PROBES / 2] / 1000;
	if (period > PERIOD_MAX_US)
		period = PERIOD_MAX_US;
	if (params->period_us < period)
		params->period_us = period;
	if (params->gap_us < 3 * params->period_us)
		params->gap_us = 3 * params->period_us;
	return true;
}

static bool outside_start(struct outside *o, struct outside_options *opt)
{
	struct question q = {
		.type = WIRE_START, .answer = WIRE_STARTED,
		.body = &opt->params, .len = sizeof(opt->params),
	};
	uint16_t run = now_ns() / 1000000;
	struct packet p;

	/* Our own data starts with the guest's: the flow is not armed before. */
	o->end.peer = opt->peer;
	o->end.run = run;
	if (!choose_period(o, &opt->params, opt->wait_s) || !ask(o, &q, opt->wait_s, &p)) {
		fprintf(stderr, "traffic: the guest did not answer in %u s\n", opt->wait_s);
		return false;
	}
	if (end_start(&o->end, run, &opt->params, false))
		return false;
	if (stream_connect(&o->stream, &opt->peer)) {
		perror("traffic: tcp connect");
		return false;
	}
	o->stream_open = true;
	return true;
}

/* The echo of everything sent has to come back. */
static void stream_finish(struct outside *o)
{
	uint64_t until = now_ns() + ANSWER_S * SECOND;
	struct packet p;

	while (!o->stream.failed && o->stream.echoed < o->stream.sent && now_ns() < until)
		turn(o, 0, 0, &p);
	if (o->stream.echoed < o->stream.sent)
		o->stream.failed = true;
}

static bool fetch_page(struct outside *o, uint64_t first, uint32_t *number)
{
	struct question q = {
		.type = WIRE_QUERY, .answer = WIRE_REPORT, .seq = first, .answer_seq = first,
	};
	struct wire_report r;
	struct packet p;

	if (!ask(o, &q, ANSWER_S, &p))
		return false;
	memcpy(&r, p.body, sizeof(r));
	o->guest = r.counts;
	*number = r.number;
	if (r.number > WIRE_GAPS || first + r.number > FLOW_MAX_GAPS)
		return false;
	memcpy(o->guest_gap + first, p.body + sizeof(r), r.number * sizeof(*r.gap));
	return true;
}

static bool outside_stop(struct outside *o)
{
	struct question q = { .type = WIRE_STOP, .answer = WIRE_STOPPED };
	uint32_t number = 1;
	struct packet p;

	end_stop_sending(&o->end);
	drain(o);
	q.seq = o->end.next_seq;
	q.answer_seq = ANY_SEQ;	/* it tells how much the guest sent */
	if (!ask(o, &q, ANSWER_S, &p))
		return false;
	/* Data still under way may come after the guest's answer. */
	drain(o);
	if (o->end.rx.highest + 1 < p.hdr.seq)
		flow_close(&o->end.rx, now_ns());
	stream_finish(o);
	for (uint64_t n = 0; number; n += number)
		if (!fetch_page(o, n, &number))
			return false;
	return true;
}

static void outside_report(struct outside *o, const struct outside_options *opt, bool complete)
{
	struct flow_counts in = o->end.rx.counts, out = o->guest;
	FILE *f = fopen(opt->output, "w");

	if (!f) {
		perror(opt->output);
		return;
	}
	in.sent = o->guest.sent;
	in.unsent = o->guest.unsent;
	out.sent = o->end.next_seq;
	out.unsent = o->end.unsent;
	flow_settle(&o->end.rx);
	fprintf(f, "{\"complete\":%s,\"period_us\":%u,\"gap_us\":%u,\"payload\":%u,",
		complete ? "true" : "false", opt->params.period_us, opt->params.gap_us,
		opt->params.payload);
	json_direction(f, "to_guest", &out, o->guest_gap);
	fputc(',', f);
	json_direction(f, "from_guest", &in, o->end.rx.gap);
	fputc(',', f);
	json_stream(f, &o->stream);
	fputs("}\n", f);
	fclose(f);
}

/* Whoever waits for the file finds it complete: it tells the period chosen. */
static void announce(const struct outside_options *opt)
{
	char tmp[PATH_MAX];
	FILE *f;

	if (!opt->ready)
		return;
	snprintf(tmp, sizeof(tmp), "%s.tmp", opt->ready);
	f = fopen(tmp, "w");
	if (!f || fprintf(f, "%u\n", opt->params.period_us) < 0 || fclose(f) ||
	    rename(tmp, opt->ready))
		perror(opt->ready);
}

int outside_end(struct outside_options *opt)
{
	static struct outside o;
	struct sigaction act = { .sa_handler = on_signal };
	struct packet p;
	bool complete;

	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	if (end_open(&o.end, 0)) {
		perror("traffic: socket");
		return 1;
	}
	go_first();
	if (!outside_start(&o, opt))
		return 1;
	announce(opt);
	while (!finish)
		turn(&o, 0, 0, &p);
	complete = outside_stop(&o);
	outside_report(&o, opt, complete);
	return !complete;
}
