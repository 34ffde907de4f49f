// SPDX-License-Identifier: GPL-2.0-only
/*
 * What only a packed ring has: its own crimes, event flags, and when its slots
 * are written; and batches that one entry speaks for, of either layout.
 */
#include <endian.h>

#include "guest.h"

#define NUM	8
#define TABLE	GUEST_RAM_IOVA
#define NEXT	VRING_DESC_F_NEXT
#define WRITE	VRING_DESC_F_WRITE
#define INDIR	VRING_DESC_F_INDIRECT
#define AVAIL	(1 << VRING_PACKED_DESC_F_AVAIL)
#define USED	(1 << VRING_PACKED_DESC_F_USED)

/**
 * struct crime - what to write, and what the engine has to say
 * @name: for the report
 * @fault: expected; RING_OK if it is legal although it looks bad
 * @no_indirect: the feature was not negotiated
 * @slots: written from the next slot on, the first of them made available
 * @table: written to the table at TABLE
 */
struct crime {
	const char *name;
	enum ring_fault fault;
	bool no_indirect;
	struct {
		u64 addr;
		u32 len;
		u16 flags;
	} slots[NUM], table[NUM + 1];
};

#define FIVE(flags)	{ 1, 1, flags }, { 1, 1, flags }, { 1, 1, flags }, \
			{ 1, 1, flags }, { 1, 1, flags }

static const struct crime crimes[] = {
	{ "all slots in one chain", RING_OK,
	  .slots = { FIVE(NEXT), { 1, 1, NEXT }, { 1, 1, NEXT }, { 1, 1, 0 } } },
	{ "chain without an end", RING_LOOP,
	  .slots = { FIVE(NEXT), { 1, 1, NEXT }, { 1, 1, NEXT }, { 1, 1, NEXT } } },
	{ "unknown flags", RING_OK, .slots = { { 1, 1, 0x7f78 } } },
	{ "readable after writable", RING_BAD_ORDER,
	  .slots = { { 1, 1, NEXT | WRITE }, { 1, 1, 0 } } },
	{ "readable after nothing writable", RING_BAD_ORDER,
	  .slots = { { 1, 0, NEXT | WRITE }, { 1, 0, 0 } } },
	{ "4 GiB readable", RING_BAD_LEN,
	  .slots = { { 1, 0xffffffff, NEXT }, { 1, 1, 0 } } },
	{ "8 GiB that look like none", RING_BAD_LEN,
	  .slots = { { 1, 0xffffffff, NEXT }, { 1, 0xffffffff, NEXT }, { 1, 2, 0 } } },
	{ "nearly 4 GiB", RING_OK,
	  .slots = { { 1, 0xfffffffe, NEXT }, { 1, 1, WRITE } } },
	{ "no bytes", RING_OK, .slots = { { 1, 0, 0 } } },

	{ "indirect not negotiated", RING_BAD_INDIRECT, .no_indirect = true,
	  .slots = { { TABLE, 16, INDIR } }, .table = { { 1, 1, 0 } } },
	{ "indirect and next", RING_BAD_INDIRECT,
	  .slots = { { TABLE, 16, INDIR | NEXT }, { 1, 1, 0 } } },
	{ "indirect behind next", RING_BAD_INDIRECT,
	  .slots = { { 1, 1, NEXT }, { TABLE, 16, INDIR } } },
	{ "indirect behind next, writable", RING_BAD_INDIRECT,
	  .slots = { { 1, 1, NEXT | WRITE }, { TABLE, 16, INDIR } } },
	{ "indirect, empty", RING_BAD_INDIRECT, .slots = { { TABLE, 0, INDIR } } },
	{ "indirect, uneven", RING_BAD_INDIRECT, .slots = { { TABLE, 17, INDIR } } },
	{ "indirect, too many", RING_BAD_INDIRECT,
	  .slots = { { TABLE, 32769 * 16, INDIR } } },
	{ "indirect, around the end", RING_BAD_INDIRECT,
	  .slots = { { 0xfffffffffffffff0ULL, 32, INDIR } } },
	{ "indirect, not mapped", RING_UNMAPPED_INDIRECT,
	  .slots = { { TABLE + GUEST_RAM_SIZE, 16, INDIR } } },
	{ "indirect, not mapped to its end", RING_UNMAPPED_INDIRECT,
	  .slots = { { TABLE + GUEST_RAM_SIZE - 16, 32, INDIR } } },
	{ "indirect, all flags but write mean nothing", RING_OK,
	  .slots = { { TABLE, 32, INDIR | WRITE } },
	  .table = { { 1, 1, 0xffff & ~WRITE }, { 1, 1, 0xffff } } },
	{ "indirect, longer than the queue", RING_LOOP,
	  .slots = { { TABLE, (NUM + 1) * 16, INDIR } } },
	{ "indirect, as long as the queue", RING_OK,
	  .slots = { { TABLE, NUM * 16, INDIR } } },
	{ "indirect, readable after writable", RING_BAD_ORDER,
	  .slots = { { TABLE, 32, INDIR } },
	  .table = { { 1, 1, WRITE }, { 1, 1, 0 } } },
	{ "indirect, 4 GiB", RING_BAD_LEN,
	  .slots = { { TABLE, 32, INDIR } },
	  .table = { { 1, 0xffffffff, 0 }, { 1, 1, WRITE } } },
};

/* The head's flags last; nobody has to mark the others as available. */
static void commit(struct guest *g, const struct crime *c, u16 at)
{
	u16 i;

	for (i = NUM; i--; )
		guest_poke_slot(g, at + i, c->slots[i].addr, c->slots[i].len, i,
				c->slots[i].flags | (i ? guest_used_flags(g, at + i + NUM) : 0));
	for (i = 0; i <= NUM; i++)
		guest_poke_packed_table(g, TABLE, i, c->table[i].addr, c->table[i].len,
					c->table[i].flags);
	guest_poke_slot(g, at, c->slots[0].addr, c->slots[0].len, 0,
			(c->slots[0].flags & ~(AVAIL | USED)) | guest_avail_flags(g, at));
}

static bool is_stopped(struct guest *g, enum ring_fault fault, u16 at)
{
	CHECK_EQ(g->ring.fault, fault);
	CHECK_EQ(ring_index(&g->ring), guest_state(g, at));
	CHECK(!ring_has_avail(&g->ring));
	CHECK(!ring_enable_notify(&g->ring));
	guest_poke_slot(g, at, 1, 1, 0, guest_avail_flags(g, at));	/* too late */
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, RING_BATCH), 0);
	CHECK_EQ(g->ring.fault, fault);
	return true;
}

static bool crime_at(struct guest *g, const struct crime *c, u16 at)
{
	commit(g, c, at);
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, RING_BATCH), c->fault == RING_OK);
	CHECK(guest_is_consistent(g));
	if (c->fault != RING_OK)
		return is_stopped(g, c->fault, at);
	CHECK_EQ(g->ring.fault, RING_OK);
	return true;
}

static bool all_crimes(void)
{
	bool ok = true;
	size_t i;
	u16 at;

	for (i = 0; i < ARRAY_SIZE(crimes); i++) {
		for (at = 0; at < 2 * NUM; at++) {
			struct guest_config config = {
				.num = NUM, .index = at, .packed = true,
				.indirect = !crimes[i].no_indirect, .segs = 8 * NUM,
			};
			struct guest g;

			guest_boot(&g, &config);
			if (!crime_at(&g, &crimes[i], at))
				ok = test_fail(__FILE__, __LINE__, "in '%s' at %u",
					       crimes[i].name, at);
			guest_exit(&g);
		}
	}
	return ok;
}

/* Only one combination of the flags is an offer, and it depends on the lap. */
static bool any_flags(struct guest *g)
{
	static const u16 flags[] = { 0, AVAIL, USED, AVAIL | USED };
	unsigned int i, at;

	for (at = 0; at < 2 * NUM; at++) {
		for (i = 0; i < ARRAY_SIZE(flags); i++) {
			bool offer = flags[i] == guest_avail_flags(g, at);

			ring_start(&g->ring, guest_state(g, at));
			guest_poke_slot(g, at, 5, 5, 0, flags[i]);
			CHECK_EQ(ring_has_avail(&g->ring), offer);
			CHECK_EQ(ring_enable_notify(&g->ring), offer);
			CHECK_EQ(ring_fetch(&g->ring, &g->batch, 1), offer);
			g->batch.next = g->batch.nr;
		}
		guest_poke_slot(g, at, 0, 0, 0, 0);
	}
	return true;
}

/* Fetched and not given back: whatever the flags say, it is not offered again. */
static bool offered_twice(struct guest *g)
{
	unsigned int i;

	for (i = 0; i < NUM; i++)
		guest_poke_slot(g, i, i, 1, i, guest_avail_flags(g, i));
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, 6), 6);
	g->batch.next = 6;
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, 6), 2);
	g->batch.next = 2;
	for (i = 0; i < NUM; i++)
		guest_poke_slot(g, i, i, 1, i, guest_avail_flags(g, i + NUM));
	CHECK(!ring_has_avail(&g->ring));
	CHECK(!ring_enable_notify(&g->ring));
	CHECK(!ring_enable_notify_for(&g->ring, 3));
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, RING_BATCH), 0);
	CHECK_EQ(g->ring.fault, RING_OK);
	return true;
}

/* The chain goes on in slots whose chains are in flight. */
static bool runs_into_itself(struct guest *g)
{
	unsigned int i;

	for (i = 0; i < 5; i++)
		guest_add_one(g, i);
	guest_publish(g);
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, RING_BATCH), 5);
	g->batch.next = 5;
	for (i = 5; i < 9; i++)
		guest_poke_slot(g, i, i, 1, i, guest_avail_flags(g, i) | (i < 8 ? NEXT : 0));
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, RING_BATCH), 0);
	CHECK_EQ(g->ring.fault, RING_LOOP);
	return true;
}

/* The name of a chain is the driver's own, even one beyond the ring. */
static bool any_id(struct guest *g)
{
	guest_poke_slot(g, 0, 1, 1, 0x1234, NEXT | guest_avail_flags(g, 0));
	guest_poke_slot(g, 1, 1, 1, 0xffff, WRITE | guest_avail_flags(g, 1));
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, RING_BATCH), 1);
	CHECK_EQ(g->batch.chain[0].id, 0xffff);
	CHECK_EQ(g->batch.chain[0].slots, 2);
	ring_complete(&g->ring, &g->batch.chain[g->batch.next++], 1);
	ring_publish(&g->ring);
	CHECK_EQ(le16toh(g->slot[0].id), 0xffff);
	CHECK_EQ(le32toh(g->slot[0].len), 1);
	CHECK_EQ(le16toh(g->slot[0].flags), WRITE | guest_used_flags(g, 0));
	CHECK_EQ(ring_index(&g->ring), 2);

	/* Nothing was written to it: the length means nothing. */
	guest_poke_slot(g, 2, 1, 1, 7, WRITE | guest_avail_flags(g, 2));
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, RING_BATCH), 1);
	ring_complete(&g->ring, &g->batch.chain[g->batch.next++], 0);
	ring_publish(&g->ring);
	CHECK_EQ(le16toh(g->slot[2].flags), guest_used_flags(g, 2));
	return true;
}

/* Until it is published a slot is the driver's word, and can be fetched again. */
static bool untouched_until_published(struct guest *g)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		guest_add_one(g, i);
	guest_publish(g);
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, 4), 4);
	for (i = 0; i < 4; i++)
		ring_complete(&g->ring, &g->batch.chain[g->batch.next++], 0);
	for (i = 0; i < 4; i++) {
		CHECK_EQ(le64toh(g->slot[i].addr), i);
		CHECK_EQ(le16toh(g->slot[i].flags), guest_avail_flags(g, i));
	}
	ring_uncomplete(&g->ring, &g->batch, 4);
	ring_rewind(&g->ring, &g->batch);
	CHECK_EQ(ring_index(&g->ring), 0);
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, 4), 4);
	return true;
}

/* What was completed and never published is forgotten, and comes once more. */
static bool restart_unpublished(struct guest *g)
{
	unsigned int i;
	u32 id, len;

	for (i = 0; i < 3; i++)
		guest_add_one(g, i);
	guest_publish(g);
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, 2), 2);
	while (g->batch.next < 2)
		ring_complete(&g->ring, &g->batch.chain[g->batch.next++], 0);
	ring_start(&g->ring, ring_index(&g->ring));
	CHECK(!ring_publish(&g->ring));
	CHECK(!guest_take(g, &id, &len));
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, 3), 3);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(g->batch.chain[i].seg[0].addr, i);
		ring_complete(&g->ring, &g->batch.chain[g->batch.next++], 0);
	}
	CHECK(ring_publish(&g->ring));
	CHECK_EQ(ring_index(&g->ring), guest_state(g, 3));
	for (i = 0; i < 3; i++)
		CHECK(guest_take(g, &id, &len));
	return !guest_take(g, &id, &len);
}

static bool pass_one(struct guest *g)
{
	u32 id, len;
	bool call;

	guest_add_one(g, 0);
	guest_publish(g);
	ring_fetch(&g->ring, &g->batch, 1);
	ring_complete(&g->ring, &g->batch.chain[g->batch.next++], 0);
	call = ring_publish(&g->ring);
	guest_take(g, &id, &len);
	return call;
}

/* The flags win over the event; what they may not be is as if they said "yes". */
static bool event_flags(struct guest *g)
{
	unsigned int lap;

	pass_one(g);
	for (lap = 0; lap < 3 * NUM; lap++) {
		guest_set_event(g, g->next_used + 5);
		CHECK_EQ(pass_one(g), !g->event_idx);
		guest_set_event(g, g->next_used);
		CHECK(pass_one(g));
		guest_set_event_flags(g, VRING_PACKED_EVENT_FLAG_DISABLE);
		CHECK(!pass_one(g));
		guest_set_event_flags(g, VRING_PACKED_EVENT_FLAG_ENABLE);
		CHECK(pass_one(g));
		guest_set_event_flags(g, 3);
		CHECK(pass_one(g));
		guest_set_event_flags(g, 0xfffc | VRING_PACKED_EVENT_FLAG_DISABLE);
		CHECK(!pass_one(g));
	}
	return true;
}

/* A slot beyond the ring, which no honest driver waits for. */
static bool event_beyond(struct guest *g)
{
	unsigned int i, calls = 0;

	pass_one(g);
	guest_set_event_flags(g, VRING_PACKED_EVENT_FLAG_DESC);
	for (i = 0; i < 1000; i++) {
		g->driver_event->off_wrap = htole16(rng_next(&g->rng) >> 32);
		calls += pass_one(g);
	}
	CHECK(calls && calls < 1000);
	return guest_is_consistent(g);
}

/* What the device asks for has the slot before the flags, and the wrap counter. */
static bool kick_wrap(struct guest *g)
{
	unsigned int i;

	for (i = 0; i < 5 * NUM; i++) {
		CHECK(!ring_enable_notify(&g->ring));
		CHECK_EQ(le16toh(g->device_event->flags), VRING_PACKED_EVENT_FLAG_DESC);
		CHECK_EQ(le16toh(g->device_event->off_wrap),
			 i % NUM | (i / NUM % 2 ? 0 : 0x8000));
		pass_one(g);
		ring_disable_notify(&g->ring);
		CHECK(guest_no_kick(g));
	}
	return true;
}

/* In order: @nr chains, the @writable ones (a mask) with an entry of their own. */
static bool batch_of(bool packed, u16 index, unsigned int nr, unsigned int writable)
{
	struct guest_config config = { .num = NUM, .index = index, .packed = packed,
				       .in_order = true, .logging = true };
	unsigned int i, entries = 0;
	struct guest g;
	int head[NUM];
	u32 id, len;

	guest_boot(&g, &config);
	for (i = 0; i < nr; i++) {
		struct guest_buf buf = { .len = 64, .in = writable >> i & 1 };

		head[i] = guest_add_direct(&g, &buf, 1);
	}
	guest_publish(&g);
	CHECK_EQ(ring_fetch(&g.ring, &g.batch, RING_BATCH), nr);
	for (i = 0; i < nr; i++)
		ring_complete(&g.ring, &g.batch.chain[g.batch.next++],
			      writable >> i & 1 ? i + 1 : 0);
	CHECK(ring_publish(&g.ring));
	for (i = 0; i < nr; i++) {
		entries += !g.in_batch;
		CHECK(guest_take(&g, &id, &len));
		CHECK_EQ(id, head[i]);
		CHECK_EQ(len, writable >> i & 1 ? i + 1 : 0);
	}
	CHECK(!guest_take(&g, &id, &len));
	CHECK(!g.misreported);
	CHECK_EQ(ring_index(&g.ring), guest_state(&g, index + nr));
	guest_exit(&g);
	/* A run of others has one entry, alone or with the writable one behind. */
	for (i = 0; i < nr; i++)
		entries -= writable >> i & 1 || i + 1 == nr;
	CHECK_EQ(entries, 0);
	return true;
}

static bool batches(void)
{
	unsigned int packed, nr, writable;
	u16 index;

	for (packed = 0; packed < 2; packed++)
		for (index = 0; index < 2 * NUM; index += 3)
			for (nr = 1; nr <= NUM; nr++)
				for (writable = 0; writable < 1u << nr; writable++)
					CHECK(batch_of(packed, index, nr, writable));
	return true;
}

const struct test packed_tests[] = {
	{ "packed_hostile_chains", all_crimes },
	{ "packed_any_flags", .with = any_flags,
	  .config = { .num = NUM, .packed = true } },
	{ "packed_offered_twice", .with = offered_twice,
	  .config = { .num = NUM, .packed = true } },
	{ "packed_runs_into_itself", .with = runs_into_itself,
	  .config = { .num = NUM, .packed = true } },
	{ "packed_any_id", .with = any_id, .config = { .num = NUM, .packed = true } },
	{ "packed_untouched_until_published", .with = untouched_until_published,
	  .config = { .num = NUM, .packed = true } },
	{ "packed_restart_unpublished", .with = restart_unpublished,
	  .config = { .num = NUM, .packed = true } },
	{ "in_order_restart_unpublished", .with = restart_unpublished,
	  .config = { .num = NUM, .in_order = true } },
	{ "packed_event_flags", .with = event_flags,
	  .config = { .num = NUM, .packed = true, .event_idx = true } },
	{ "packed_event_flags_without_event_idx", .with = event_flags,
	  .config = { .num = NUM, .packed = true } },
	{ "packed_event_beyond", .with = event_beyond,
	  .config = { .num = NUM, .packed = true, .event_idx = true } },
	{ "packed_kick_wrap", .with = kick_wrap,
	  .config = { .num = NUM, .packed = true, .event_idx = true } },
	{ "in_order_batches", batches },
	{ }
};
