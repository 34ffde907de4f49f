// SPDX-License-Identifier: GPL-2.0-only
/* The measuring tool measured: made-up packets with known losses and clocks. */
#include <stdarg.h>
#include <stdio.h>

#include "../flow.h"

#define MS		1000000ull
#define PERIOD		MS
#define DELAY		(MS / 5)
#define GUEST_CLOCK	(900000 * MS)	/* the guest booted much later */

static const struct wire_params params = {
	.period_us = 1000, .gap_us = 3000, .payload = 64,
};

static int number, failed;

static void check(bool good, const char *name)
{
	number++;
	failed += !good;
	printf("%s %d %s\n", good ? "ok" : "not ok", number, name);
}

static bool near(uint64_t value, uint64_t expected)
{
	uint64_t off = value > expected ? value - expected : expected - value;

	if (off > PERIOD)
		printf("# %llu instead of %llu\n", (unsigned long long)value,
		       (unsigned long long)expected);
	return off <= PERIOD;
}

static uint64_t sent_at(uint64_t seq)
{
	return 5000 * MS + seq * PERIOD;
}

/* Packets [from, to) arrive on time; the receiver's clock is behind by `behind`. */
static void steady(struct flow *f, uint64_t from, uint64_t to, uint64_t behind)
{
	for (uint64_t seq = from; seq < to; seq++)
		flow_receive(f, seq, sent_at(seq), sent_at(seq) + DELAY - behind);
}

static void test_counts(void)
{
	struct flow f;

	flow_init(&f, &params, false);
	steady(&f, 0, 100, 0);
	check(f.counts.received == 100 && !f.counts.gaps && !f.counts.reordered,
	      "a steady flow has no gap");
	steady(&f, 102, 200, 0);
	steady(&f, 150, 152, 0);
	check(f.counts.duplicated == 2 && f.counts.received == 198, "duplicates are told");
	flow_receive(&f, 101, sent_at(101), sent_at(200) + DELAY);
	check(f.counts.reordered == 1 && f.counts.received == 199, "a late packet is no loss");
	flow_receive(&f, FLOW_MAX_SEQ, sent_at(201), sent_at(201));
	check(f.counts.corrupted == 1, "an impossible number is refused");
	flow_exit(&f);
}

static void test_gap(void)
{
	struct flow f;

	flow_init(&f, &params, false);
	steady(&f, 0, 100, 0);
	steady(&f, 150, 300, 0);
	check(f.counts.gaps == 1 && f.gap[0].seq_before == 99 && f.gap[0].seq_after == 150,
	      "a loss makes a gap");
	check(near(f.gap[0].end - f.gap[0].start, 51 * MS) && !f.gap[0].silence,
	      "the gap is as long as the loss");
	flow_exit(&f);
}

/* Held, not lost: 50 packets come at once, 50 ms late. */
static void test_burst(void)
{
	struct flow f;

	flow_init(&f, &params, false);
	steady(&f, 0, 100, 0);
	for (uint64_t seq = 100; seq <= 150; seq++)
		flow_receive(&f, seq, sent_at(seq), sent_at(150) + DELAY);
	steady(&f, 151, 300, 0);
	check(f.counts.gaps == 1 && near(f.counts.max_gap, 51 * MS), "held frames make a gap");
	flow_exit(&f);
}

static void test_silence(void)
{
	struct flow f;

	flow_init(&f, &params, false);
	steady(&f, 0, 100, 0);
	for (uint64_t seq = 100; seq < 300; seq++)
		flow_receive(&f, seq, sent_at(seq) + 40 * MS, sent_at(seq) + 40 * MS + DELAY);
	check(f.counts.gaps == 1 && near(f.gap[0].silence, 40 * MS),
	      "a sender that was late is told from a network that was");
	flow_exit(&f);
}

/* The guest stands still for 200 ms and its clock with it; 210 ms are lost. */
static void test_stopped_clock(void)
{
	struct flow f;

	flow_init(&f, &params, true);
	steady(&f, 0, 1000, GUEST_CLOCK);
	steady(&f, 1210, 1220, GUEST_CLOCK + 200 * MS);
	flow_settle(&f);
	check(f.counts.gaps == 1, "the gap of a stopped guest is seen");
	check(near(f.gap[0].start, sent_at(999)) && near(f.gap[0].end, sent_at(1210)),
	      "and told in the clock of who did not stand still");
	flow_exit(&f);
}

/* What is lost is just what was sent while the clock stood still. */
static void test_hidden_stop(void)
{
	struct flow f;

	flow_init(&f, &params, true);
	steady(&f, 0, 1000, GUEST_CLOCK);
	steady(&f, 1200, 2000, GUEST_CLOCK + 200 * MS);
	check(f.counts.gaps == 1 && near(f.counts.max_gap, 201 * MS),
	      "a stop that the guest's clock does not show is seen");
	steady(&f, 2001, 2100, GUEST_CLOCK + 200 * MS);
	check(f.counts.gaps == 2 && f.gap[1].seq_after - f.gap[1].seq_before == 2,
	      "a single lost frame is on record");
	flow_exit(&f);
}

static void test_close(void)
{
	struct flow f;

	flow_init(&f, &params, true);
	steady(&f, 0, 1000, GUEST_CLOCK);
	flow_close(&f, sent_at(1500) - GUEST_CLOCK);
	check(f.counts.gaps == 1 && near(f.counts.max_gap, 501 * MS),
	      "a flow that never came back ends in a gap");
	flow_close(&f, sent_at(2500) - GUEST_CLOCK);
	steady(&f, 1000, 1500, GUEST_CLOCK + 900 * MS);
	check(f.counts.gaps == 1 && f.counts.received == 1500,
	      "and what comes after that is only counted");
	flow_exit(&f);
}

int main(void)
{
	puts("TAP version 13");
	test_counts();
	test_gap();
	test_burst();
	test_silence();
	test_stopped_clock();
	test_hidden_stop();
	test_close();
	printf("1..%d\n", number);
	return failed ? 1 : 0;
}
