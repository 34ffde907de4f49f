// SPDX-License-Identifier: GPL-2.0-only
/*
 * Indirect tables, as a driver may lay them out.
 */
#include "guest.h"

#define NR_MAX	64

static void make_bufs(struct guest_buf *bufs, unsigned int nr, unsigned int nr_out)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		bufs[i] = (struct guest_buf){ 0x1234567800000000ULL + i, 1000 + i,
					      i >= nr_out };
}

/* Offer, fetch, compare, complete. */
static bool pass(struct guest *g, const struct guest_buf *bufs, unsigned int nr,
		 const struct guest_shape *shape)
{
	int head = guest_add(g, bufs, nr, shape);
	u32 id, len;

	CHECK(head >= 0);
	guest_publish(g);
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, 1), 1);
	CHECK(guest_same_chain(&g->batch.chain[0], head, bufs, nr));
	ring_complete(&g->ring, &g->batch.chain[g->batch.next++], nr);
	ring_publish(&g->ring);
	CHECK(guest_take(g, &id, &len));
	CHECK(id == head && len == nr);
	return true;
}

static bool any_shape_of(struct guest *g, unsigned int nr, unsigned int direct)
{
	static const unsigned int spares[] = { 0, 1, 15, 16, 1000 };
	struct guest_buf bufs[NR_MAX];
	size_t i;
	int order;

	for (order = 0; order < GUEST_ORDERS; order++) {
		for (i = 0; i < ARRAY_SIZE(spares); i++) {
			struct guest_shape shape = {
				.direct = direct, .order = order,
				.spare = spares[i], .write_flag = i & 1,
			};

			make_bufs(bufs, nr, (i + order) * nr / 6);
			CHECK(pass(g, bufs, nr, &shape));
		}
	}
	return true;
}

static bool any_shape(struct guest *g)
{
	unsigned int nr, direct;

	for (nr = 1; nr <= NR_MAX; nr++) {
		CHECK(any_shape_of(g, nr, 0));
		for (direct = 1; direct < nr; direct += 7)
			CHECK(any_shape_of(g, nr, direct));
	}
	return true;
}

/* In order: one read for sixteen entries. Backwards: one for each, no more. */
static bool reads_bounded(struct guest *g)
{
	static const struct {
		unsigned int nr;
		enum guest_order order;
		unsigned int reads;
	} table[] = {
		{ 1, GUEST_FORWARD, 1 },
		{ 16, GUEST_FORWARD, 1 },
		{ 17, GUEST_FORWARD, 2 },
		{ 64, GUEST_FORWARD, 4 },
		{ 64, GUEST_BACKWARD, 64 },
	};
	struct guest_buf bufs[NR_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		struct guest_shape shape = { .order = table[i].order };

		make_bufs(bufs, table[i].nr, table[i].nr);
		g->reads = 0;
		CHECK(pass(g, bufs, table[i].nr, &shape));
		CHECK(g->reads <= table[i].reads);
		CHECK(table[i].order || g->reads == table[i].reads);
	}
	return true;
}

/* The largest table, used from its first and its last entry. */
static bool largest_table(struct guest *g)
{
	const u64 table = GUEST_RAM_IOVA + GUEST_RAM_SIZE - 32768 * 16;

	guest_poke_table(g, table, 0, 1, 1, VRING_DESC_F_NEXT, 32767);
	guest_poke_table(g, table, 32767, 2, 2, VRING_DESC_F_WRITE, 0);
	guest_poke_desc(g, 3, table, 32768 * 16, VRING_DESC_F_INDIRECT, 0);
	guest_poke_avail(g, g->next_avail, 3);
	guest_poke_avail_idx(g, g->next_avail + 1);
	CHECK_EQ(ring_fetch(&g->ring, &g->batch, 64), 1);
	CHECK_EQ(g->batch.chain[0].id, 3);
	CHECK_EQ(g->batch.chain[0].nr_out, 1);
	CHECK_EQ(g->batch.chain[0].nr_in, 1);
	CHECK_EQ(g->batch.chain[0].seg[0].addr, 1);
	CHECK_EQ(g->batch.chain[0].seg[1].addr, 2);
	CHECK_EQ(g->ring.fault, RING_OK);
	return true;
}

/* No room for the table's segments any more: the chain waits as a whole. */
static bool segments_short(struct guest *g)
{
	struct guest_shape shape = { .direct = 1 };
	struct guest_buf bufs[10];
	unsigned int i;
	int head[4];

	make_bufs(bufs, 10, 5);
	for (i = 0; i < 4; i++)
		head[i] = guest_add(g, bufs, 10, &shape);
	guest_publish(g);
	for (i = 0; i < 4; i++) {
		CHECK_EQ(ring_fetch(&g->ring, &g->batch, 64), 1);
		CHECK(guest_same_chain(&g->batch.chain[0], head[i], bufs, 10));
		g->batch.next = 1;
	}
	CHECK_EQ(g->ring.fault, RING_OK);
	return true;
}

const struct test indirect_tests[] = {
	{ "indirect_any_shape", .with = any_shape,
	  .config = { .num = NR_MAX, .index = 65000, .indirect = true, .logging = true } },
	{ "indirect_any_shape_packed", .with = any_shape,
	  .config = { .num = NR_MAX, .index = 65000, .packed = true, .indirect = true,
		      .logging = true } },
	{ "indirect_reads_bounded", .with = reads_bounded,
	  .config = { .num = NR_MAX, .indirect = true } },
	{ "indirect_largest_table", .with = largest_table,
	  .config = { .num = 4, .indirect = true } },
	{ "indirect_segments_short", .with = segments_short,
	  .config = { .num = 16, .indirect = true, .segs = 19 } },
	{ "indirect_segments_short_packed", .with = segments_short,
	  .config = { .num = 16, .packed = true, .indirect = true, .segs = 19 } },
	{ }
};
