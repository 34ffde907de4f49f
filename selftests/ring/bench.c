// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a chain takes. Printed, not judged: the numbers mean something on
 * one quiet machine, before and after a change.
 */
#include <endian.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/compiler.h>

#include "guest.h"

#define NUM		256
#define LAPS		20000
#define CROSS_CHAINS	5000000
#define CROSS_BURST	32

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static struct guest *guest;

/* The checks of the tests' own version would be part of what is measured. */
static int read_ram(struct ring *ring, u64 addr, void *dst, u32 len)
{
	(void)ring;
	memcpy(dst, guest->ram + (addr - GUEST_RAM_IOVA), len);
	return 0;
}

static const struct ring_owner_ops bench_ops = {
	.read = read_ram,
};

static void boot(struct guest *g, const struct guest_config *config)
{
	guest_boot(g, config);
	guest = g;
	g->ring.ops = &bench_ops;
}

static unsigned int serve(struct guest *g, unsigned int max)
{
	unsigned int nr = ring_fetch(&g->ring, &g->batch, max);

	while (g->batch.next < nr) {
		struct ring_chain *chain = &g->batch.chain[g->batch.next++];

		ring_complete(&g->ring, chain, chain->len_in);
	}
	if (nr)
		ring_publish(&g->ring);
	return nr;
}

/* Nanoseconds per chain of @nr buffers, in one thread: the caches are warm. */
static double one_thread(unsigned int nr, unsigned int batch, bool indirect,
			 bool packed)
{
	struct guest_config config = { .num = NUM, .event_idx = true,
				       .packed = packed, .indirect = indirect };
	struct guest_shape shape = { .direct = indirect ? 0 : nr };
	struct guest_buf bufs[32] = {};
	unsigned int lap, chains = 0;
	double spent = 0;
	struct guest g;
	u32 id, len;

	boot(&g, &config);
	for (lap = 0; lap < LAPS; lap++) {
		double start;

		while (guest_add(&g, bufs, nr, &shape) >= 0)
			chains++;
		guest_publish(&g);
		start = now();
		while (serve(&g, batch))
			;
		spent += now() - start;
		while (guest_take(&g, &id, &len))
			;
	}
	guest_exit(&g);
	return spent / chains;
}

/*
 * A driver with nothing to do but this: descriptor i belongs to avail slot i,
 * and completion is in order.
 */
static void *cross_driver(void *arg)
{
	struct guest *g = arg;
	unsigned int sent = 0, back = 0;

	while (back < CROSS_CHAINS) {
		u16 used = le16toh(__atomic_load_n(&g->used->idx, __ATOMIC_ACQUIRE));
		unsigned int room, n;

		if (used == (u16)back)
			sched_yield();
		for (; (u16)back != used; back++)
			READ_ONCE(g->used->ring[back % NUM].len);
		room = NUM - (sent - back);
		n = room < CROSS_BURST ? 0 : CROSS_BURST;
		while (n-- && sent < CROSS_CHAINS) {
			guest_poke_desc(g, sent % NUM, sent, 64, 0, 0);
			guest_poke_avail(g, sent, sent % NUM);
			sent++;
		}
		guest_poke_avail_idx(g, sent);
	}
	return NULL;
}

/* Nanoseconds per chain between two CPUs that only pass chains around. */
static double two_threads(unsigned int batch)
{
	struct guest_config config = { .num = NUM, .event_idx = true };
	unsigned int served = 0;
	pthread_t thread;
	struct guest g;
	double start;

	boot(&g, &config);
	if (pthread_create(&thread, NULL, cross_driver, &g))
		abort();
	start = now();
	while (served < CROSS_CHAINS) {
		unsigned int n = serve(&g, batch);

		served += n;
		if (!n)
			sched_yield();
	}
	start = now() - start;
	pthread_join(thread, NULL);
	guest_exit(&g);
	return start / CROSS_CHAINS;
}

int main(void)
{
	static const unsigned int batch[] = { 1, 64 };
	static const unsigned int nr[] = { 1, 2, 19 };
	size_t b, n, kind;

	printf("ns per chain, fetch to publish   batch 1  batch 64\n");
	for (n = 0; n < 3; n++) {
		for (kind = 0; kind < 4; kind++) {
			printf("%2u buffers, %-8s %-9s", nr[n],
			       kind & 1 ? "indirect" : "direct",
			       kind & 2 ? "(packed)" : "");
			for (b = 0; b < 2; b++)
				printf("  %8.1f", one_thread(nr[n], batch[b],
							     kind & 1, kind & 2));
			printf("\n");
		}
	}
	printf(" 1 buffer, driver on another CPU");
	for (b = 0; b < 2; b++)
		printf("  %8.1f", two_threads(batch[b]));
	printf("\n");
	return 0;
}
