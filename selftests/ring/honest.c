// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drivers that keep to the specification: fetching, completing, going back.
 */
#include <string.h>

#include "guest.h"

static bool area_sizes(void)
{
	static const struct {
		u16 num;
		u32 desc, driver, device;
	} table[] = {
		{ 1,	16,	8,	14 },
		{ 2,	32,	10,	22 },
		{ 256,	4096,	518,	2054 },
		{ 1024,	16384,	2054,	8198 },
		{ 32768, 524288, 65542,	262150 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		CHECK_EQ(ring_desc_size(table[i].num), table[i].desc);
		CHECK_EQ(ring_driver_size(table[i].num, false), table[i].driver);
		CHECK_EQ(ring_device_size(table[i].num, false), table[i].device);
		CHECK_EQ(ring_driver_size(table[i].num, true), 4);
		CHECK_EQ(ring_device_size(table[i].num, true), 4);
	}
	return true;
}

static bool fault_names(void)
{
	int a, b;

	for (a = RING_OK; a <= RING_BAD_LEN; a++) {
		CHECK(ring_fault_name(a) && *ring_fault_name(a));
		for (b = RING_OK; b < a; b++)
			CHECK(strcmp(ring_fault_name(a), ring_fault_name(b)));
	}
	CHECK(!strcmp(ring_fault_name(RING_BAD_LEN + 1), "unknown"));
	CHECK(!strcmp(ring_fault_name((enum ring_fault)-1), "unknown"));
	return true;
}

/* Fetch @want, expecting one-buffer chains with addresses from @first on. */
static bool fetch_ones(struct guest *g, unsigned int max, unsigned int want, u64 first)
{
	unsigned int i;

	CHECK_EQ(ring_fetch(&g->ring, &g->batch, max), want);
	CHECK_EQ(g->batch.nr, want);
	CHECK_EQ(g->batch.next, 0);
	for (i = 0; i < want; i++)
		CHECK_EQ(g->batch.chain[i].seg[0].addr, first + i);
	return true;
}

/* Complete the next @n chains; the length written is the chain's address. */
static void complete_ones(struct guest *g, unsigned int n)
{
	while (n--) {
		struct ring_chain *chain = &g->batch.chain[g->batch.next++];

		ring_complete(&g->ring, chain, chain->seg[0].addr);
	}
}

static bool take_ones(struct guest *g, unsigned int n, u64 first)
{
	u32 id, len;

	while (n--) {
		CHECK(guest_take(g, &id, &len));
		CHECK_EQ(len, first++);
		CHECK(id < g->num);
	}
	CHECK(!g->misreported);
	return true;
}

/* Fill the ring, drain it in batches of at most @max, look at all of it. */
static bool full_ring(struct guest *g, unsigned int max, u64 first)
{
	unsigned int i, n, left = g->num;
	u32 id, len;

	for (i = 0; i < g->num; i++)
		CHECK(guest_add_one(g, first + i) >= 0);
	CHECK_EQ(guest_add_one(g, 0), -1);
	guest_publish(g);
	while (left) {
		n = left < max ? left : max;
		if (n > RING_BATCH)
			n = RING_BATCH;
		CHECK(fetch_ones(g, max, n, first + g->num - left));
		complete_ones(g, n);
		CHECK_EQ(ring_unpublished(&g->ring), n);
		CHECK(!guest_take(g, &id, &len));
		ring_publish(&g->ring);
		CHECK_EQ(ring_unpublished(&g->ring), 0);
		CHECK(take_ones(g, n, first + g->num - left));
		CHECK(!guest_take(g, &id, &len));
		left -= n;
	}
	CHECK(fetch_ones(g, max, 0, 0));
	return true;
}

static bool full_rings_of(const struct guest_config *config)
{
	static const unsigned int max[] = { 1, 2, 3, 63, 64, 65, 100000 };
	struct guest g;
	bool ok = true;
	size_t i;

	guest_boot(&g, config);
	for (i = 0; ok && i < ARRAY_SIZE(max); i++)
		ok = full_ring(&g, max[i], 1000 * i);
	ok = ok && ring_index(&g.ring) ==
		   guest_state(&g, config->index + ARRAY_SIZE(max) * g.num);
	guest_exit(&g);
	return ok;
}

static bool full_rings(void)
{
	u16 num;

	for (num = 1; num <= RING_NUM_MAX; num *= 2) {
		struct guest_config config = {
			.num = num, .event_idx = num & 0x55, .logging = num & 0x333,
		};

		CHECK(full_rings_of(&config));
		config.packed = true;
		CHECK(full_rings_of(&config));
	}
	return true;
}

static bool any_start_index(void)
{
	static const u16 index[] = {
		1, 7, 255, 256, 0x7ffe, 0x7fff, 0x8000, 0xff00, 0xfffe, 0xffff,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(index); i++) {
		struct guest_config small = {
			.num = 4, .index = index[i], .logging = true,
		};
		struct guest_config large = {
			.num = 256, .index = index[i], .event_idx = true,
		};

		CHECK(full_rings_of(&small));
		CHECK(full_rings_of(&large));
		small.packed = true;
		large.packed = true;
		CHECK(full_rings_of(&small));
		CHECK(full_rings_of(&large));
	}
	return true;
}

/* Uneven steps all the way around the 16-bit indexes, twice. */
static bool wrap_indexes_of(bool packed)
{
	struct guest_config config = { .num = 128, .packed = packed, .logging = true };
	struct guest g;
	bool ok = true;
	u64 done = 0;

	guest_boot(&g, &config);
	while (ok && done < 2 * 65536 + 1000) {
		unsigned int n = 1 + done % 61, i;

		for (i = 0; i < n; i++)
			guest_add_one(&g, done + i);
		guest_publish(&g);
		ok = fetch_ones(&g, RING_BATCH, n, done);
		complete_ones(&g, n);
		ring_publish(&g.ring);
		ok = ok && take_ones(&g, n, done);
		done += n;
	}
	ok = ok && ring_index(&g.ring) == guest_state(&g, done);
	guest_exit(&g);
	return ok;
}

static bool wrap_indexes(void)
{
	return wrap_indexes_of(false) && wrap_indexes_of(true);
}

/* The driver adds while chains are in flight; completion is out of order. */
static bool any_completion_order(struct guest *g)
{
	struct ring_chain late[3];
	unsigned int i;
	u32 id, len;

	for (i = 0; i < 6; i++)
		guest_add_one(g, i);
	guest_publish(g);
	CHECK(fetch_ones(g, 3, 3, 0));
	for (i = 0; i < 3; i++)
		late[i] = g->batch.chain[i];
	g->batch.next = 3;
	CHECK(fetch_ones(g, 3, 3, 3));
	complete_ones(g, 3);
	ring_complete(&g->ring, &late[2], 100);
	ring_complete(&g->ring, &late[0], 200);
	ring_publish(&g->ring);
	CHECK(take_ones(g, 3, 3));
	CHECK(guest_take(g, &id, &len));
	CHECK(id == late[2].id && len == 100);
	CHECK(guest_take(g, &id, &len));
	CHECK(id == late[0].id && len == 200);
	CHECK(!guest_take(g, &id, &len));
	return true;
}

/* While enough chains are known, the idx is not looked at. */
static bool idx_read_once(struct guest *g)
{
	unsigned int i;

	for (i = 0; i < 130; i++)
		guest_add_one(g, i);
	guest_publish(g);
	CHECK(fetch_ones(g, 64, 64, 0));
	complete_ones(g, 64);
	guest_poke_avail_idx(g, 30000);
	CHECK(fetch_ones(g, 64, 64, 64));
	complete_ones(g, 64);
	CHECK_EQ(g->ring.fault, RING_OK);
	CHECK(fetch_ones(g, 2, 2, 128));
	complete_ones(g, 2);
	CHECK_EQ(g->ring.fault, RING_OK);
	CHECK(fetch_ones(g, 1, 0, 0));
	CHECK_EQ(g->ring.fault, RING_BAD_AVAIL_IDX);
	return true;
}

/* Cut a batch of @n after @k, go back, and find the rest again. */
static bool rewind_at(struct guest *g, unsigned int n, unsigned int k, bool implicit)
{
	static u64 first = 1;
	unsigned int i;

	for (i = 0; i < n; i++)
		guest_add_one(g, first + i);
	guest_publish(g);
	CHECK(fetch_ones(g, n, n, first));
	complete_ones(g, k);
	if (!implicit) {
		ring_rewind(&g->ring, &g->batch);
		CHECK_EQ(g->batch.nr, 0);
		CHECK_EQ(g->batch.next, 0);
		CHECK_EQ(ring_has_avail(&g->ring), k < n);
	}
	CHECK(fetch_ones(g, n, n - k, first + k));
	complete_ones(g, n - k);
	CHECK_EQ(ring_unpublished(&g->ring), n);
	ring_publish(&g->ring);
	CHECK(take_ones(g, n, first));
	first += n;
	return true;
}

static bool rewind_everywhere_of(bool packed)
{
	struct guest_config config = { .num = 32, .index = 65000, .packed = packed,
				       .logging = true };
	unsigned int n, k;
	struct guest g;
	bool ok = true;

	guest_boot(&g, &config);
	for (n = 1; n <= 32; n++)
		for (k = 0; ok && k <= n; k++)
			ok = rewind_at(&g, n, k, false) && rewind_at(&g, n, k, true);
	guest_exit(&g);
	return ok;
}

static bool rewind_everywhere(void)
{
	return rewind_everywhere_of(false) && rewind_everywhere_of(true);
}

/* Everything given back while more is known: the next life starts there. */
static bool rewind_and_move(struct guest *g)
{
	unsigned int i;

	for (i = 0; i < 10; i++)
		guest_add_one(g, i);
	guest_publish(g);
	CHECK(fetch_ones(g, 6, 6, 0));
	complete_ones(g, 2);
	ring_rewind(&g->ring, &g->batch);
	CHECK_EQ(ring_index(&g->ring), guest_state(g, 65530));
	ring_publish(&g->ring);
	CHECK_EQ(ring_index(&g->ring), guest_state(g, 65530 + 2));
	CHECK(take_ones(g, 2, 0));

	ring_start(&g->ring, ring_index(&g->ring));
	CHECK(ring_has_avail(&g->ring));
	CHECK(fetch_ones(g, 64, 8, 2));
	complete_ones(g, 8);
	ring_publish(&g->ring);
	CHECK_EQ(ring_index(&g->ring), guest_state(g, (u16)(65530 + 10)));
	CHECK(take_ones(g, 8, 2));
	return true;
}

/* A frame over @n chains fails after @k, is tried again, and then goes. */
static bool uncomplete_at(struct guest *g, unsigned int n, unsigned int k)
{
	u32 id, len;
	unsigned int i;

	for (i = 0; i < n; i++)
		guest_add_one(g, i);
	guest_publish(g);
	CHECK(fetch_ones(g, n, n, 0));
	for (i = 0; i < k; i++)
		ring_complete(&g->ring, &g->batch.chain[g->batch.next++], 0xdead);
	ring_uncomplete(&g->ring, &g->batch, k);
	CHECK_EQ(g->batch.next, 0);
	CHECK_EQ(ring_unpublished(&g->ring), 0);
	CHECK(!ring_publish(&g->ring));
	CHECK(!guest_take(g, &id, &len));
	if (k & 1)
		CHECK(fetch_ones(g, n, n, 0));
	complete_ones(g, n);
	ring_publish(&g->ring);
	CHECK(take_ones(g, n, 0));
	return true;
}

static bool uncomplete_everywhere_of(bool packed)
{
	struct guest_config config = { .num = 16, .index = 65500, .packed = packed,
				       .logging = true };
	unsigned int n, k;
	struct guest g;
	bool ok = true;

	guest_boot(&g, &config);
	for (n = 1; n <= 16; n++)
		for (k = 0; ok && k <= n; k++)
			ok = uncomplete_at(&g, n, k);
	guest_exit(&g);
	return ok;
}

static bool uncomplete_everywhere(void)
{
	return uncomplete_everywhere_of(false) && uncomplete_everywhere_of(true);
}

/* Chains of 3 in storage for 8: two at a time, then the others. */
static bool segments_short(struct guest *g)
{
	static const struct guest_buf bufs[3] = {
		{ .addr = 1, .len = 10 }, { .addr = 2, .len = 0 },
		{ .addr = 3, .len = 30, .in = true },
	};
	unsigned int i, n;
	int head[5];

	for (i = 0; i < 5; i++)
		head[i] = guest_add_direct(g, bufs, 3);
	guest_publish(g);
	for (i = 0; i < 5; i += n) {
		n = ring_fetch(&g->ring, &g->batch, 64);
		CHECK_EQ(n, i < 4 ? 2 : 1);
		CHECK_EQ(g->ring.fault, RING_OK);
		CHECK_EQ(g->batch.nr_segs, 3 * n);
		CHECK(guest_same_chain(&g->batch.chain[0], head[i], bufs, 3));
		if (n > 1)
			CHECK(guest_same_chain(&g->batch.chain[1], head[i + 1], bufs, 3));
		g->batch.next = n;
	}
	return true;
}

/* The longest legal chain, and every mix of readable and writable. */
static bool longest_chain_of(bool packed)
{
	struct guest_config config = { .num = 16, .index = 3, .packed = packed };
	struct guest_buf bufs[16];
	unsigned int out, i, nr;
	struct guest g;
	bool ok = true;
	u32 id, len;

	guest_boot(&g, &config);
	for (nr = 1; nr <= 16; nr++) {
		for (out = 0; ok && out <= nr; out++) {
			int head;

			for (i = 0; i < nr; i++)
				bufs[i] = (struct guest_buf){ ~0ULL - i, 1 << i, i >= out };
			head = guest_add_direct(&g, bufs, nr);
			guest_publish(&g);
			ok = ring_fetch(&g.ring, &g.batch, 64) == 1 &&
			     g.batch.chain[0].slots == (packed ? nr : 1) &&
			     guest_same_chain(&g.batch.chain[0], head, bufs, nr);
			g.batch.next = 1;
			ring_complete(&g.ring, &g.batch.chain[0], nr);
			ring_publish(&g.ring);
			ok = ok && guest_take(&g, &id, &len) && id == head && len == nr;
		}
	}
	guest_exit(&g);
	return ok;
}

static bool longest_chain(void)
{
	return longest_chain_of(false) && longest_chain_of(true);
}

const struct test honest_tests[] = {
	{ "area_sizes", area_sizes },
	{ "fault_names", fault_names },
	{ "full_rings", full_rings },
	{ "any_start_index", any_start_index },
	{ "wrap_indexes", wrap_indexes },
	{ "any_completion_order", .with = any_completion_order,
	  .config = { .num = 8, .index = 65533, .logging = true } },
	{ "idx_read_once", .with = idx_read_once,
	  .config = { .num = 256 } },
	{ "any_completion_order_packed", .with = any_completion_order,
	  .config = { .num = 8, .index = 65533, .packed = true, .logging = true } },
	{ "rewind_everywhere", rewind_everywhere },
	{ "rewind_and_move", .with = rewind_and_move,
	  .config = { .num = 16, .index = 65530, .event_idx = true } },
	{ "rewind_and_move_packed", .with = rewind_and_move,
	  .config = { .num = 16, .index = 65530, .packed = true, .event_idx = true } },
	{ "uncomplete_everywhere", uncomplete_everywhere },
	{ "segments_short", .with = segments_short,
	  .config = { .num = 16, .segs = 8 } },
	{ "segments_short_packed", .with = segments_short,
	  .config = { .num = 16, .packed = true, .segs = 8 } },
	{ "longest_chain", longest_chain },
	{ }
};
