// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drivers that do what the specification forbids. Each case pokes a bad chain
 * behind some good ones: those arrive, the bad one stops the ring, and nothing
 * moves it any more until it is started again.
 */
#include <endian.h>
#include <pthread.h>
#include <time.h>

#include "guest.h"

#define NUM	8
#define TABLE	GUEST_RAM_IOVA
#define NEXT	VRING_DESC_F_NEXT
#define WRITE	VRING_DESC_F_WRITE
#define INDIR	VRING_DESC_F_INDIRECT

/**
 * struct crime - what to write, and what the engine has to say
 * @name: for the report
 * @fault: expected; RING_OK if it is legal although it looks bad
 * @no_indirect: the feature was not negotiated
 * @head: avail entry
 * @desc: written from descriptor 0 on
 * @table: written to the table at TABLE
 */
struct crime {
	const char *name;
	enum ring_fault fault;
	bool no_indirect;
	u16 head;
	struct {
		u64 addr;
		u32 len;
		u16 flags;
		u16 next;
	} desc[NUM], table[NUM + 1];
};

static const struct crime crimes[] = {
	{ "head just beyond", RING_BAD_HEAD, .head = NUM },
	{ "head far beyond", RING_BAD_HEAD, .head = 0xffff },
	{ "next just beyond", RING_BAD_NEXT, .desc = { { 1, 1, NEXT, NUM } } },
	{ "next far beyond", RING_BAD_NEXT, .desc = { { 1, 1, NEXT, 0xffff } } },
	{ "next unused", RING_OK, .desc = { { 1, 1, 0, 0xffff } } },
	{ "unknown flags", RING_OK, .desc = { { 1, 1, 0xfff8, 0xffff } } },
	{ "loop to itself", RING_LOOP, .desc = { { 1, 1, NEXT, 0 } } },
	{ "loop of two", RING_LOOP,
	  .desc = { { 1, 1, NEXT, 1 }, { 1, 1, NEXT, 0 } } },
	{ "loop of nothing", RING_LOOP,
	  .desc = { { 1, 0, NEXT, 1 }, { 1, 0, NEXT, 0 } } },
	{ "loop of all", RING_LOOP,
	  .desc = { { 1, 1, NEXT, 1 }, { 1, 1, NEXT, 2 }, { 1, 1, NEXT, 3 },
		    { 1, 1, NEXT, 4 }, { 1, 1, NEXT, 5 }, { 1, 1, NEXT, 6 },
		    { 1, 1, NEXT, 7 }, { 1, 1, NEXT, 0 } } },
	{ "all in one chain", RING_OK,
	  .desc = { { 1, 1, NEXT, 1 }, { 1, 1, NEXT, 2 }, { 1, 1, NEXT, 3 },
		    { 1, 1, NEXT, 4 }, { 1, 1, NEXT, 5 }, { 1, 1, NEXT, 6 },
		    { 1, 1, NEXT, 7 }, { 1, 1, 0, 0 } } },
	{ "readable after writable", RING_BAD_ORDER,
	  .desc = { { 1, 1, NEXT | WRITE, 1 }, { 1, 1, 0, 0 } } },
	{ "readable after nothing writable", RING_BAD_ORDER,
	  .desc = { { 1, 0, NEXT | WRITE, 1 }, { 1, 0, 0, 0 } } },
	{ "4 GiB readable", RING_BAD_LEN,
	  .desc = { { 1, 0xffffffff, NEXT, 1 }, { 1, 1, 0, 0 } } },
	{ "4 GiB both ways", RING_BAD_LEN,
	  .desc = { { 1, 0x80000000, NEXT, 1 }, { 1, 0x80000000, WRITE, 0 } } },
	{ "8 GiB that look like none", RING_BAD_LEN,
	  .desc = { { 1, 0xffffffff, NEXT, 1 }, { 1, 0xffffffff, NEXT, 2 },
		    { 1, 2, 0, 0 } } },
	{ "many times 4 GiB", RING_BAD_LEN,
	  .desc = { { 1, 0xffffffff, NEXT, 1 }, { 1, 0xffffffff, NEXT, 2 },
		    { 1, 2, WRITE, 0 } } },
	{ "nearly 4 GiB", RING_OK,
	  .desc = { { 1, 0xfffffffe, NEXT, 1 }, { 1, 1, WRITE, 0 } } },
	{ "no bytes", RING_OK, .desc = { { 1, 0, 0, 0 } } },

	{ "indirect not negotiated", RING_BAD_INDIRECT, .no_indirect = true,
	  .desc = { { TABLE, 16, INDIR, 0 } }, .table = { { 1, 1, 0, 0 } } },
	{ "indirect not negotiated, late", RING_BAD_INDIRECT, .no_indirect = true,
	  .desc = { { 1, 1, NEXT, 1 }, { TABLE, 16, INDIR, 0 } } },
	{ "indirect and next", RING_BAD_INDIRECT,
	  .desc = { { TABLE, 16, INDIR | NEXT, 1 }, { 1, 1, 0, 0 } } },
	{ "indirect, empty", RING_BAD_INDIRECT, .desc = { { TABLE, 0, INDIR, 0 } } },
	{ "indirect, less than one", RING_BAD_INDIRECT,
	  .desc = { { TABLE, 15, INDIR, 0 } } },
	{ "indirect, more than one", RING_BAD_INDIRECT,
	  .desc = { { TABLE, 17, INDIR, 0 } } },
	{ "indirect, too many", RING_BAD_INDIRECT,
	  .desc = { { TABLE, 32769 * 16, INDIR, 0 } } },
	{ "indirect, 4 GiB", RING_BAD_INDIRECT,
	  .desc = { { TABLE, 0xfffffff0, INDIR, 0 } } },
	{ "indirect, around the end", RING_BAD_INDIRECT,
	  .desc = { { 0xfffffffffffffff0ULL, 32, INDIR, 0 } } },
	{ "indirect, up to the end", RING_BAD_INDIRECT,
	  .desc = { { 0xfffffffffffffff0ULL, 16, INDIR, 0 } } },
	{ "indirect, nested", RING_BAD_INDIRECT,
	  .desc = { { TABLE, 16, INDIR, 0 } },
	  .table = { { TABLE, 16, INDIR, 0 } } },
	{ "indirect, nested late", RING_BAD_INDIRECT,
	  .desc = { { TABLE, 48, INDIR, 0 } },
	  .table = { { 1, 1, NEXT, 2 }, {}, { TABLE, 16, INDIR | NEXT, 1 } } },
	{ "indirect, not mapped", RING_UNMAPPED_INDIRECT,
	  .desc = { { 0x1000, 16, INDIR, 0 } } },
	{ "indirect, half mapped", RING_UNMAPPED_INDIRECT,
	  .desc = { { GUEST_RAM_IOVA + GUEST_RAM_SIZE - 16, 32, INDIR, 0 } } },
	{ "indirect, next just beyond", RING_BAD_NEXT,
	  .desc = { { TABLE, 32, INDIR, 0 } },
	  .table = { { 1, 1, NEXT, 2 }, { 1, 1, 0, 0 }, { 1, 1, 0, 0 } } },
	{ "indirect, next far beyond", RING_BAD_NEXT,
	  .desc = { { TABLE, 32, INDIR, 0 } }, .table = { { 1, 1, NEXT, 0xffff } } },
	{ "indirect, next beyond the queue only", RING_OK,
	  .desc = { { TABLE, (NUM + 1) * 16, INDIR, 0 } },
	  .table = { { 1, 1, NEXT, NUM }, {}, {}, {}, {}, {}, {}, {}, { 1, 1, 0, 0 } } },
	{ "indirect, loop to itself", RING_LOOP,
	  .desc = { { TABLE, 16, INDIR, 0 } }, .table = { { 1, 1, NEXT, 0 } } },
	{ "indirect, longer than the queue", RING_LOOP,
	  .desc = { { TABLE, (NUM + 1) * 16, INDIR, 0 } },
	  .table = { { 1, 1, NEXT, 1 }, { 1, 1, NEXT, 2 }, { 1, 1, NEXT, 3 },
		     { 1, 1, NEXT, 4 }, { 1, 1, NEXT, 5 }, { 1, 1, NEXT, 6 },
		     { 1, 1, NEXT, 7 }, { 1, 1, NEXT, 8 }, { 1, 1, 0, 0 } } },
	{ "indirect, longer with its prefix", RING_LOOP,
	  .desc = { { 1, 1, NEXT, 1 }, { TABLE, NUM * 16, INDIR, 0 } },
	  .table = { { 1, 1, NEXT, 1 }, { 1, 1, NEXT, 2 }, { 1, 1, NEXT, 3 },
		     { 1, 1, NEXT, 4 }, { 1, 1, NEXT, 5 }, { 1, 1, NEXT, 6 },
		     { 1, 1, NEXT, 7 }, { 1, 1, 0, 0 } } },
	{ "indirect, just not longer", RING_OK,
	  .desc = { { 1, 1, NEXT, 1 }, { TABLE, NUM * 16, INDIR, 0 } },
	  .table = { { 1, 1, NEXT, 1 }, { 1, 1, NEXT, 2 }, { 1, 1, NEXT, 3 },
		     { 1, 1, NEXT, 4 }, { 1, 1, NEXT, 5 }, { 1, 1, NEXT, 6 },
		     { 1, 1, 0, 0 } } },
	{ "indirect, readable after writable", RING_BAD_ORDER,
	  .desc = { { TABLE, 32, INDIR, 0 } },
	  .table = { { 1, 1, NEXT | WRITE, 1 }, { 1, 1, 0, 0 } } },
	{ "indirect, readable after a writable prefix", RING_BAD_ORDER,
	  .desc = { { 1, 1, NEXT | WRITE, 1 }, { TABLE, 16, INDIR, 0 } },
	  .table = { { 1, 1, 0, 0 } } },
	{ "indirect, 4 GiB with its prefix", RING_BAD_LEN,
	  .desc = { { 1, 0xffffffff, NEXT, 1 }, { TABLE, 16, INDIR, 0 } },
	  .table = { { 1, 1, WRITE, 0 } } },
};

static void commit(struct guest *g, const struct crime *c, u16 index)
{
	u16 i;

	for (i = 0; i < NUM; i++)
		guest_poke_desc(g, i, c->desc[i].addr, c->desc[i].len,
				c->desc[i].flags, c->desc[i].next);
	for (i = 0; i <= NUM; i++)
		guest_poke_table(g, TABLE, i, c->table[i].addr, c->table[i].len,
				 c->table[i].flags, c->table[i].next);
	guest_poke_avail(g, index, c->head);
}

/* Repair the bad chain behind @index: it is too late. */
static void repent(struct guest *g, u16 index)
{
	guest_poke_desc(g, 0, 1, 1, 0, 0);
	guest_poke_avail(g, index, 0);
	guest_poke_avail_idx(g, index + 1);
}

/* A ring at fault is silent, but what came before it still completes. */
static bool is_stopped(struct guest *g, enum ring_fault fault, u16 index)
{
	unsigned int nr = g->batch.nr;

	CHECK_EQ(g->ring.fault, fault);
	while (g->batch.next < nr)
		ring_complete(&g->ring, &g->batch.chain[g->batch.next++], 0);
	CHECK_EQ(ring_publish(&g->ring), nr > 0);
	CHECK_EQ(le16toh(g->used->idx), index);
	CHECK_EQ(ring_index(&g->ring), index);
	g->reports = 0;
	CHECK(!ring_has_avail(&g->ring));
	CHECK(!ring_enable_notify(&g->ring));
	CHECK_EQ(g->reports, 0);
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, RING_BATCH), 0);
	CHECK_EQ(g->ring.fault, fault);
	repent(g, index);
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, RING_BATCH), 0);
	CHECK_EQ(g->ring.fault, fault);
	return true;
}

/* @good chains, then the crime, then another good one. */
static bool crime_behind(struct guest *g, const struct crime *c, unsigned int good)
{
	u16 start = g->next_avail;
	unsigned int i;

	for (i = 0; i < good + 2; i++)
		guest_poke_avail(g, start + i, NUM - 1);
	commit(g, c, start + good);
	if (!c->desc[NUM - 1].flags)	/* what the good ones use */
		guest_poke_desc(g, NUM - 1, 7, 7, 0, 0);
	guest_poke_avail_idx(g, start + good + 2);

	if (c->fault == RING_OK) {
		CHECK_EQ(ring_fetch(&g->ring, &g->batch, RING_BATCH), good + 2);
		CHECK_EQ(g->ring.fault, RING_OK);
		return true;
	}
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, RING_BATCH), good);
	return is_stopped(g, c->fault, start + good);
}

static bool crime_of(const struct crime *c, unsigned int good)
{
	struct guest_config config = {
		.num = NUM, .index = 65534, .indirect = !c->no_indirect,
		.logging = true, .segs = 8 * NUM,
	};
	struct guest g;
	bool ok;

	guest_boot(&g, &config);
	ok = crime_behind(&g, c, good) && !g.misreported;
	guest_exit(&g);
	return ok || test_fail(__FILE__, __LINE__, "in '%s' behind %u", c->name, good);
}

static bool all_crimes(void)
{
	unsigned int good;
	bool ok = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(crimes); i++)
		for (good = 0; good < 4; good++)
			if (!good || !crimes[i].desc[NUM - 1].flags)
				ok &= crime_of(&crimes[i], good);
	return ok;
}

/* The first piece of the table can be read, the one that follows cannot. */
static bool table_ends_early(struct guest *g)
{
	const u64 table = GUEST_RAM_IOVA + GUEST_RAM_SIZE - 16 * 16;

	guest_poke_table(g, table, 0, 1, 1, NEXT, 16);
	guest_poke_desc(g, 0, table, 17 * 16, INDIR, 0);
	guest_poke_avail_idx(g, 1);
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, RING_BATCH), 0);
	return is_stopped(g, RING_UNMAPPED_INDIRECT, 0);
}

/* The idx may be ahead by as much as the driver has not got back. */
static bool avail_idx_of(unsigned int fetched, unsigned int published, int ahead,
			 enum ring_fault fault)
{
	struct guest_config config = { .num = NUM, .index = 65530 };
	struct guest g;
	bool ok;

	guest_boot(&g, &config);
	guest_poke_avail_idx(&g, 65530 + NUM / 2);
	ring_fetch(&g.ring, &g.batch, fetched);
	while (g.batch.next < published)
		ring_complete(&g.ring, &g.batch.chain[g.batch.next++], 0);
	ring_publish(&g.ring);
	g.batch.next = g.batch.nr;
	guest_poke_avail_idx(&g, 65530 + ahead);
	ring_fetch(&g.ring, &g.batch, RING_BATCH);
	ok = g.ring.fault == fault;
	guest_exit(&g);
	return ok || test_fail(__FILE__, __LINE__, "idx at %+d, %u fetched, %u published",
			       ahead, fetched, published);
}

static bool avail_idx(void)
{
	unsigned int fetched, published;
	int ahead;

	for (fetched = 1; fetched <= NUM / 2; fetched++)
		for (published = 0; published <= fetched; published++)
			for (ahead = -3; ahead < 3 * NUM; ahead++)
				CHECK(avail_idx_of(fetched, published, ahead,
						   ahead < NUM / 2 ||
						   ahead > (int)published + NUM ?
						   RING_BAD_AVAIL_IDX : RING_OK));
	return true;
}

/* Chains known to be good before the idx went bad are delivered. */
static bool known_before_bad_idx(struct guest *g)
{
	unsigned int i;

	for (i = 0; i < 5; i++)
		guest_add_one(g, i);
	guest_publish(g);
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, 2), 2);
	ring_rewind(&g->ring, &g->batch);
	guest_poke_avail_idx(g, 0);
	CHECK(ring_has_avail(&g->ring));
	guest_poke_avail_idx(g, 20000);
	CHECK(ring_has_avail(&g->ring));
	CHECK(ring_enable_notify(&g->ring));
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, RING_BATCH), 5);
	return is_stopped(g, RING_BAD_AVAIL_IDX, 5);
}

/* With nothing known the owner has to be sent to look, or it would sleep. */
static bool bad_idx_is_found(struct guest *g)
{
	guest_poke_avail_idx(g, 40000);
	CHECK(ring_has_avail(&g->ring));
	CHECK(ring_enable_notify(&g->ring));
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, RING_BATCH), 0);
	return is_stopped(g, RING_BAD_AVAIL_IDX, 0);
}

static bool restart_after_fault(struct guest *g)
{
	guest_poke_avail_idx(g, 30000);
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, RING_BATCH), 0);
	guest_poke_avail_idx(g, 0);
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, RING_BATCH), 0);
	ring_start(&g->ring, 0);
	CHECK_EQ(g->ring.fault, RING_OK);
	guest_add_one(g, 77);
	guest_publish(g);
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, RING_BATCH), 1);
	CHECK_EQ(g->batch.chain[0].seg[0].addr, 77);
	return true;
}

/* The batch is not too small for the chain: no chain may be that long. */
static bool loop_in_large_storage(struct guest *g)
{
	guest_poke_desc(g, 0, 1, 1, NEXT, 0);
	guest_poke_avail_idx(g, 1);
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, RING_BATCH), 0);
	CHECK_EQ(g->ring.fault, RING_LOOP);
	return true;
}

/*
 * A guest that rewrites its memory while the device looks. Whatever it gets
 * to see, the engine's own view has to be consistent.
 */
struct scribbler {
	struct guest *guest;
	bool stop;
};

static u16 scribbled_flags(struct rng *rng)
{
	static const u16 flags[] = {
		0, 0, 0, 0, WRITE, WRITE, WRITE, NEXT, NEXT, NEXT | WRITE, INDIR,
	};

	if (rng_once_in(rng, 200))
		return rng_next(rng);
	return flags[rng_below(rng, ARRAY_SIZE(flags))];
}

/* Mostly plausible, or nothing would ever get past the first check. */
static void scribble(struct guest *g, struct rng *rng)
{
	u16 i = rng_below(rng, NUM);
	struct vring_desc *d = &g->desc[i];
	struct vring_desc *t = (struct vring_desc *)g->ram + i;
	u16 next = rng_once_in(rng, 8) ? rng_below(rng, NUM + 2) : (i + 1) % NUM;
	u16 head = rng_below(rng, rng_once_in(rng, 500) ? NUM + 1 : NUM);

	__atomic_store_n(&d->flags, htole16(scribbled_flags(rng)), __ATOMIC_RELAXED);
	__atomic_store_n(&d->next, htole16(next), __ATOMIC_RELAXED);
	__atomic_store_n(&d->addr, htole64(TABLE), __ATOMIC_RELAXED);
	__atomic_store_n(&d->len, htole32(rng_below(rng, NUM + 2) * 16), __ATOMIC_RELAXED);
	__atomic_store_n(&t->next, htole16(next), __ATOMIC_RELAXED);
	__atomic_store_n(&t->flags, htole16(scribbled_flags(rng)), __ATOMIC_RELAXED);
	__atomic_store_n(&g->avail->ring[i], htole16(head), __ATOMIC_RELAXED);
	if (rng_once_in(rng, 500))
		guest_poke_avail_idx(g, rng_next(rng));
	else
		guest_poke_avail_idx(g, le16toh(__atomic_load_n(&g->used->idx,
								__ATOMIC_RELAXED)) + NUM);
}

/* The same for a packed ring: around where the device is. */
static void scribble_slots(struct guest *g, struct rng *rng)
{
	u16 at = rng_below(rng, 2 * NUM);
	struct vring_packed_desc *d = &g->slot[at % NUM];
	struct vring_packed_desc *t = (struct vring_packed_desc *)g->ram + at % NUM;
	u16 flags = scribbled_flags(rng);

	__atomic_store_n(&d->addr, htole64(TABLE), __ATOMIC_RELAXED);
	__atomic_store_n(&d->len, htole32(rng_below(rng, NUM + 2) * 16), __ATOMIC_RELAXED);
	__atomic_store_n(&d->id, htole16(at), __ATOMIC_RELAXED);
	__atomic_store_n(&t->flags, htole16(scribbled_flags(rng)), __ATOMIC_RELAXED);
	if (!rng_once_in(rng, 100))
		flags |= guest_avail_flags(g, at);
	__atomic_store_n(&d->flags, htole16(flags), __ATOMIC_RELEASE);
	if (rng_once_in(rng, 50))
		guest_set_event_flags(g, rng_next(rng));
}

static void *scribbler_main(void *arg)
{
	struct scribbler *s = arg;
	struct rng rng = { 42 };

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED))
		(s->guest->packed ? scribble_slots : scribble)(s->guest, &rng);
	return NULL;
}

static bool serve_scribbler(struct guest *g)
{
	unsigned int i, faults = 0, served = 0;
	/* A limit against hanging, not a measure of speed. */
	time_t end = time(NULL) + 300 * test_scale;

	for (i = 0; served < 100000 * test_scale || faults < 10000 * test_scale; i++) {
		ring_fetch(&g->ring, &g->batch, 1 + i % RING_BATCH);
		CHECK(guest_is_consistent(g));
		while (g->batch.next < g->batch.nr && (i % 3 || !g->batch.next))
			ring_complete(&g->ring, &g->batch.chain[g->batch.next++], 0);
		served += g->batch.next;
		ring_publish(&g->ring);
		if (i % 7 == 0)
			ring_enable_notify(&g->ring);
		CHECK(i % 1024 || time(NULL) < end);
		if (!g->ring.fault)
			continue;
		faults++;
		ring_rewind(&g->ring, &g->batch);
		ring_start(&g->ring, ring_index(&g->ring));
	}
	printf("# %u chains served, %u faults survived\n", served, faults);
	return true;
}

static bool scribbled_upon(struct guest *g)
{
	struct scribbler s = { .guest = g };
	pthread_t thread;
	bool ok;

	CHECK_EQ(pthread_create(&thread, NULL, scribbler_main, &s), 0);
	ok = serve_scribbler(g);
	__atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	return ok;
}

const struct test hostile_tests[] = {
	{ "hostile_chains", all_crimes },
	{ "hostile_table_ends_early", .with = table_ends_early,
	  .config = { .num = NUM, .indirect = true } },
	{ "hostile_avail_idx", avail_idx },
	{ "hostile_idx_behind_known_chains", .with = known_before_bad_idx,
	  .config = { .num = NUM, .logging = true } },
	{ "hostile_idx_is_found", .with = bad_idx_is_found,
	  .config = { .num = NUM, .event_idx = true } },
	{ "hostile_loop_in_large_storage", .with = loop_in_large_storage,
	  .config = { .num = NUM, .segs = 1000 } },
	{ "hostile_restart", .with = restart_after_fault, .config = { .num = NUM } },
	{ "hostile_scribbler", .with = scribbled_upon,
	  .config = { .num = NUM, .indirect = true, .event_idx = true,
		      .segs = 3 * NUM } },
	{ "hostile_scribbler_packed", .with = scribbled_upon,
	  .config = { .num = NUM, .packed = true, .indirect = true, .event_idx = true,
		      .segs = 3 * NUM } },
	{ }
};
