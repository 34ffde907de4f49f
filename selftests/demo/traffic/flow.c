// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accounting of one direction: loss, duplicates, order and gaps.
 *
 * Gaps are told in the clock of the outside end, because that is the clock the
 * driver's tracepoints use. The guest's own clock cannot be used: it stands
 * still while the VM is stopped, which is just the time to be measured. The
 * guest therefore maps its receive stamps by the smallest (receive - send) it
 * saw shortly before the gap, and shortly after it, separately.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "flow.h"

#define BATCH 128

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

int flow_init(struct flow *f, const struct wire_params *params, bool foreign)
{
	memset(f, 0, sizeof(*f));
	f->params = *params;
	f->foreign = foreign;
	f->delay.now = INT64_MAX;
	f->delay.before = INT64_MAX;
	f->seen = calloc(FLOW_MAX_SEQ / 8, 1);
	f->gap = calloc(FLOW_MAX_GAPS, sizeof(*f->gap));
	if (f->seen && f->gap)
		return 0;

	flow_exit(f);
	return -1;
}

void flow_exit(struct flow *f)
{
	free(f->seen);
	free(f->gap);
	f->seen = NULL;
	f->gap = NULL;
}

static bool seen_before(struct flow *f, uint64_t seq)
{
	uint8_t bit = 1u << (seq % 8);
	bool old = f->seen[seq / 8] & bit;

	f->seen[seq / 8] |= bit;
	return old;
}

static int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static struct flow_gap *current_gap(struct flow *f)
{
	return &f->gap[f->counts.gaps - 1];
}

static void pending_finish(struct flow *f)
{
	struct flow_gap *gap = current_gap(f);

	f->pending.open = false;
	gap->end = f->pending.rx - f->pending.delay;
	if (gap->end < gap->start)
		gap->end = gap->start;
	if (gap->end - gap->start > f->counts.max_gap)
		f->counts.max_gap = gap->end - gap->start;
}

/* No more packets are expected for now: the last gap's end is known well enough. */
void flow_settle(struct flow *f)
{
	if (f->pending.open)
		pending_finish(f);
}

/* The delay after a gap is the smallest of the batch of packets that follows. */
static void pending_feed(struct flow *f, int64_t delay)
{
	if (!f->pending.open)
		return;
	f->pending.delay = min64(f->pending.delay, delay);
	if (++f->pending.fill == BATCH)
		pending_finish(f);
}

static void delay_feed(struct flow *f, int64_t delay)
{
	f->delay.now = min64(f->delay.now, delay);
	if (++f->delay.fill < BATCH)
		return;
	f->delay.before = f->delay.now;
	f->delay.now = INT64_MAX;
	f->delay.fill = 0;
}

/* Forget the delays of before the gap: the clocks may have jumped in it. */
static void delay_restart(struct flow *f)
{
	f->delay.now = INT64_MAX;
	f->delay.before = INT64_MAX;
	f->delay.fill = 0;
}

static uint64_t sender_silence(struct flow *f, uint64_t seq, uint64_t tx)
{
	uint64_t due, took;

	if (seq <= f->last.seq || tx <= f->last.tx)
		return 0;
	took = tx - f->last.tx;
	due = (seq - f->last.seq) * f->params.period_us * 1000ull;
	return took > due ? took - due : 0;
}

static void gap_open(struct flow *f, uint64_t seq, uint64_t tx, uint64_t rx)
{
	struct flow_gap *gap;

	flow_settle(f);
	if (f->closed || f->counts.gaps == FLOW_MAX_GAPS) {
		f->counts.gaps_dropped += !f->closed;
		return;
	}
	f->counts.gaps++;
	gap = current_gap(f);
	gap->start = f->last.rx - (f->foreign ? min64(f->delay.now, f->delay.before) : 0);
	gap->seq_before = f->last.seq;
	gap->seq_after = seq;
	gap->silence = sender_silence(f, seq, tx);

	f->pending.open = true;
	f->pending.rx = rx;
	f->pending.delay = f->foreign ? INT64_MAX : 0;
	f->pending.fill = 0;
	delay_restart(f);
}

/*
 * Silence, a hole in the numbers, or, where the sender's clock runs ahead from
 * one packet to the next, a time in which ours stood still.
 */
static bool is_gap(const struct flow *f, uint64_t seq, uint64_t rx, int64_t delay)
{
	int64_t limit = f->params.gap_us * 1000ll;
	int64_t least = min64(f->delay.now, f->delay.before);

	if (!f->last.rx)
		return false;
	return (int64_t)(rx - f->last.rx) > limit || seq > f->highest + 1 ||
	       (least != INT64_MAX && least - delay > limit);
}

void flow_receive(struct flow *f, uint64_t seq, uint64_t tx, uint64_t rx)
{
	int64_t delay = f->foreign ? (int64_t)(rx - tx) : 0;

	if (seq >= FLOW_MAX_SEQ) {
		f->counts.corrupted++;
		return;
	}
	if (seen_before(f, seq)) {
		f->counts.duplicated++;
		return;
	}
	if (is_gap(f, seq, rx, delay))
		gap_open(f, seq, tx, rx);
	f->counts.received++;
	if (seq < f->highest)
		f->counts.reordered++;
	else
		f->highest = seq;

	pending_feed(f, delay);
	delay_feed(f, delay);
	f->last.rx = rx;
	f->last.tx = tx;
	f->last.seq = seq;
}

/* A flow that never came back ends in a gap, too; may be called again. */
void flow_close(struct flow *f, uint64_t now)
{
	int64_t delay = f->foreign ? min64(f->delay.now, f->delay.before) : 0;

	if (!f->closed && f->last.rx && now - f->last.rx > f->params.gap_us * 1000ull) {
		gap_open(f, f->last.seq, f->last.tx, now);
		f->pending.delay = delay;
	}
	f->closed = true;
	flow_settle(f);
}
