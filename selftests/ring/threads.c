// SPDX-License-Identifier: GPL-2.0-only
/*
 * Driver and device at the same time, as on two CPUs.
 *
 * The duels are about the full barriers: one side announces that it is about
 * to sleep while the other makes progress, millions of times with nothing in
 * between. Not even once may both miss the other. The traffic is the whole
 * thing, with sleeping; it is what the thread sanitizer looks at, too.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

/* A duel takes so many rounds, or this long where CPUs are scarce. */
#define DUEL_ROUNDS	150000
#define DUEL_SECONDS	2

/*
 * One side starts later by up to so many steps of a nanosecond or less: what
 * matters is that they meet, and the one that is told needs a moment to see it.
 */
#define DUEL_DELAYS	512

/**
 * struct duel - both sides do their part of a round at the same time
 * @g: the guest and the engine
 * @prepare: both sides, by the device's thread
 * @device: the device's part; true if it noticed the driver
 * @driver: the driver's part; true if it noticed the device
 * @round: the device's thread started it
 * @answered: the driver's thread finished it
 * @noticed: what @driver returned
 * @over: no more rounds
 */
struct duel {
	struct guest *g;
	void (*prepare)(struct guest *g);
	bool (*device)(struct guest *g);
	bool (*driver)(struct guest *g);
	unsigned int round;
	unsigned int answered;
	bool noticed;
	bool over;
};

static void wait_for(const unsigned int *counter, unsigned int value)
{
	unsigned int spins = 0;

	while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) != value)
		if (++spins > 2000)
			sched_yield();
}

static void *duel_driver(void *arg)
{
	struct duel *duel = arg;
	unsigned int round;

	for (round = 1; ; round++) {
		wait_for(&duel->round, round);
		if (duel->over)
			return NULL;
		duel->noticed = duel->driver(duel->g);
		__atomic_store_n(&duel->answered, round, __ATOMIC_RELEASE);
	}
}

/*
 * Stores leave a CPU in order, so those that come next wait behind these, which
 * all miss the cache, while later loads do not: unless a barrier says so.
 */
static void stall_stores(void)
{
	static u8 memory[16 << 20];
	static u32 at;
	int i;

	for (i = 0; i < 24; i++) {
		at = (at + 4096 + 64) % sizeof(memory);
		__atomic_store_n(&memory[at], i, __ATOMIC_RELAXED);
	}
}

static unsigned int duel_rounds(struct duel *duel, time_t end)
{
	unsigned int round;
	bool noticed;

	for (round = 1; round <= DUEL_ROUNDS * test_scale; round++) {
		unsigned int delay = round % DUEL_DELAYS;

		duel->prepare(duel->g);
		__atomic_store_n(&duel->round, round, __ATOMIC_RELEASE);
		while (delay--)
			__asm__ __volatile__("" : : : "memory");
		stall_stores();
		noticed = duel->device(duel->g);
		wait_for(&duel->answered, round);
		if (!noticed && !duel->noticed)
			return 0;
		if (round % 1024 == 0 && time(NULL) > end)
			break;
	}
	return round;
}

static bool run_duel(struct duel *duel)
{
	unsigned int rounds;
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, duel_driver, duel), 0);
	rounds = duel_rounds(duel, time(NULL) + DUEL_SECONDS * test_scale);
	duel->over = true;
	__atomic_add_fetch(&duel->round, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	printf("# %u rounds\n", rounds);
	CHECK(rounds);
	return true;
}

static void serve_all(struct guest *g)
{
	u32 id, len;

	while (ring_fetch(&g->ring, &g->batch, RING_BATCH))
		while (g->batch.next < g->batch.nr)
			ring_complete(&g->ring, &g->batch.chain[g->batch.next++], 0);
	ring_publish(&g->ring);
	while (guest_take(g, &id, &len))
		;
}

/* The device is about to sleep, the driver publishes a chain. */
static void kick_prepare(struct guest *g)
{
	serve_all(g);
	ring_disable_notify(&g->ring);
	guest_add_one(g, 0);
}

static bool kick_device(struct guest *g)
{
	return ring_enable_notify(&g->ring);
}

static bool kick_duel(struct guest *g)
{
	struct duel duel = { g, kick_prepare, kick_device, guest_publish };

	return run_duel(&duel);
}

/* The driver is about to sleep, the device publishes a used entry. */
static void call_prepare(struct guest *g)
{
	serve_all(g);
	if (!g->event_idx)
		guest_set_no_call(g, true);
	guest_add_one(g, 0);
	guest_publish(g);
	ring_fetch(&g->ring, &g->batch, 1);
	ring_complete(&g->ring, &g->batch.chain[g->batch.next++], 0);
}

static bool call_device(struct guest *g)
{
	return ring_publish(&g->ring);
}

static bool call_duel(struct guest *g)
{
	struct duel duel = { g, call_prepare, call_device, guest_enable_call };

	return run_duel(&duel);
}

/* The thread sanitizer slows it down, and needs to see each race once only. */
#ifdef __SANITIZE_THREAD__
#define TRAFFIC_CHAINS	60000
#else
#define TRAFFIC_CHAINS	250000
#endif
#define PATIENCE_MS	20000

/**
 * struct traffic - a driver and a device, each in a thread of its own
 * @g: the guest and the engine; each thread uses its own side only
 * @kick: wakes the device
 * @call: wakes the driver
 * @total: chains to send
 * @nr_kicks: written by the driver's thread
 * @nr_calls: written by the device's thread
 * @failed: the other side gives up
 */
struct traffic {
	struct guest *g;
	int kick;
	int call;
	unsigned int total;
	unsigned int nr_kicks;
	unsigned int nr_calls;
	bool failed;
};

static bool gave_up(struct traffic *t)
{
	return __atomic_load_n(&t->failed, __ATOMIC_RELAXED);
}

static void wake(int fd)
{
	if (eventfd_write(fd, 1))
		perror("# eventfd");
}

static bool sleep_on(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	eventfd_t value;

	CHECK_EQ(poll(&p, 1, PATIENCE_MS), 1);
	CHECK_EQ(eventfd_read(fd, &value), 0);
	return true;
}

/* The device's side of a batch: chains come in the order of their numbers. */
static bool serve_batch(struct traffic *t, struct rng *rng, unsigned int *nr)
{
	struct ring_batch *batch = &t->g->batch;

	while (batch->next < batch->nr) {
		struct ring_chain *chain = &batch->chain[batch->next++];

		CHECK_EQ(chain->seg[0].addr, *nr);
		CHECK_EQ(chain->seg[chain->nr_out + chain->nr_in - 1].len, *nr);
		ring_complete(&t->g->ring, chain, (*nr)++);
		if (rng_once_in(rng, 4) && ring_publish(&t->g->ring)) {
			t->nr_calls++;
			wake(t->call);
		}
	}
	if (ring_publish(&t->g->ring)) {
		t->nr_calls++;
		wake(t->call);
	}
	return true;
}

static bool device_loop(struct traffic *t)
{
	struct rng rng = { 1 };
	unsigned int nr = 0;

	while (nr < t->total && !gave_up(t)) {
		if (ring_fetch(&t->g->ring, &t->g->batch, 1 + rng_below(&rng, 64))) {
			CHECK(serve_batch(t, &rng, &nr));
			continue;
		}
		CHECK_EQ(t->g->ring.fault, RING_OK);
		if (ring_enable_notify(&t->g->ring))
			continue;
		CHECK(sleep_on(t->kick));
		ring_disable_notify(&t->g->ring);
	}
	return true;
}

static bool driver_send(struct traffic *t, struct rng *rng, unsigned int *sent)
{
	unsigned int n = 1 + rng_below(rng, 6);

	while (n-- && *sent < t->total) {
		struct guest_buf bufs[] = {
			{ .addr = *sent, .len = *sent },
			{ .addr = 1, .len = 1, .in = true },
			{ .addr = 2, .len = *sent, .in = true },
		};
		unsigned int nr = rng_once_in(rng, 2) ? 3 : 1;
		struct guest_shape shape = {
			.direct = t->g->ring.indirect && rng_once_in(rng, 2) ? 0 : nr,
		};

		if (guest_add(t->g, bufs, nr, &shape) < 0)
			break;
		(*sent)++;
	}
	if (guest_publish(t->g)) {
		t->nr_kicks++;
		wake(t->kick);
	}
	return true;
}

static bool driver_receive(struct traffic *t, unsigned int *received)
{
	u32 id, len;

	while (guest_take(t->g, &id, &len)) {
		CHECK(id < t->g->num);
		/* Entries that in order stand for several have one length. */
		CHECK(len == *received || (t->g->in_order && !len));
		(*received)++;
	}
	return true;
}

static bool driver_loop(struct traffic *t)
{
	unsigned int sent = 0, received = 0;
	struct rng rng = { 2 };

	while (received < t->total && !gave_up(t)) {
		if (sent < t->total)
			CHECK(driver_send(t, &rng, &sent));
		CHECK(driver_receive(t, &received));
		if (received == sent || (sent < t->total && !rng_once_in(&rng, 4)))
			continue;
		if (!guest_enable_call(t->g))
			CHECK(sleep_on(t->call));
		if (!t->g->event_idx)
			guest_set_no_call(t->g, true);
	}
	return true;
}

static void *device_main(void *arg)
{
	struct traffic *t = arg;
	bool ok = device_loop(t);

	if (!ok)
		__atomic_store_n(&t->failed, true, __ATOMIC_RELAXED);
	return ok ? t : NULL;
}

static bool traffic(struct guest *g)
{
	struct traffic t = { .g = g, .total = TRAFFIC_CHAINS * test_scale };
	pthread_t thread;
	void *device_ok;
	bool ok;

	t.kick = eventfd(0, EFD_NONBLOCK);
	t.call = eventfd(0, EFD_NONBLOCK);
	CHECK(t.kick >= 0 && t.call >= 0);
	CHECK_EQ(pthread_create(&thread, NULL, device_main, &t), 0);
	ok = driver_loop(&t);
	if (!ok)
		__atomic_store_n(&t.failed, true, __ATOMIC_RELAXED);
	pthread_join(thread, &device_ok);
	close(t.kick);
	close(t.call);
	printf("# %u chains, %u kicks, %u calls\n", t.total, t.nr_kicks, t.nr_calls);
	return ok && device_ok;
}

/* The ring is large for the fields that matter to lie in cache lines apart. */
const struct test thread_tests[] = {
	{ "threads_kick_duel_by_event", .with = kick_duel,
	  .config = { .num = 256, .event_idx = true } },
	{ "threads_kick_duel_by_flag", .with = kick_duel, .config = { .num = 256 } },
	{ "threads_call_duel_by_event", .with = call_duel,
	  .config = { .num = 256, .event_idx = true } },
	{ "threads_call_duel_by_flag", .with = call_duel, .config = { .num = 256 } },
	{ "threads_kick_duel_packed_by_event", .with = kick_duel,
	  .config = { .num = 256, .packed = true, .event_idx = true } },
	{ "threads_kick_duel_packed_by_flag", .with = kick_duel,
	  .config = { .num = 256, .packed = true } },
	{ "threads_call_duel_packed_by_event", .with = call_duel,
	  .config = { .num = 256, .packed = true, .event_idx = true } },
	{ "threads_call_duel_packed_by_flag", .with = call_duel,
	  .config = { .num = 256, .packed = true } },
	{ "threads_traffic", .with = traffic, .config = { .num = 64 } },
	{ "threads_traffic_event_idx", .with = traffic,
	  .config = { .num = 64, .index = 65000, .event_idx = true } },
	{ "threads_traffic_indirect", .with = traffic,
	  .config = { .num = 16, .indirect = true } },
	{ "threads_traffic_indirect_event_idx", .with = traffic,
	  .config = { .num = 256, .indirect = true, .event_idx = true } },
	{ "threads_traffic_packed", .with = traffic,
	  .config = { .num = 64, .index = 65000, .packed = true } },
	{ "threads_traffic_packed_indirect_event_idx", .with = traffic,
	  .config = { .num = 16, .packed = true, .indirect = true, .event_idx = true } },
	{ "threads_traffic_packed_in_order", .with = traffic,
	  .config = { .num = 256, .packed = true, .in_order = true, .event_idx = true } },
	{ "threads_traffic_in_order", .with = traffic,
	  .config = { .num = 64, .in_order = true, .event_idx = true } },
	{ }
};
