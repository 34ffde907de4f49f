// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random but honest: a driver and an owner that do anything they may, in any
 * order, against a model that knows what has to come out. The model counts in
 * 64 bits and from zero, so that wrapping is the engine's problem alone.
 */
#include <stdlib.h>

#include "guest.h"

#define OFFER_BUFS	40

struct offer {
	int head;
	unsigned int slots;
	unsigned int nr;
	u32 len_in;
	struct guest_buf bufs[OFFER_BUFS];
};

struct completion {
	u32 id;
	u32 len;
	unsigned int slots;
};

/**
 * struct model - what has to happen
 * @g: the guest and the engine
 * @base: where both sides started
 * @rng: all decisions come from here
 * @indirect: the guest uses indirect tables
 * @offers: the chains in flight, by their number modulo the queue size
 * @offered: chains added by the driver
 * @available: of those, published
 * @fetched: of those, fetched and not given back
 * @done: completions, by their number modulo the queue size
 * @completed: chains completed
 * @published: of those, published
 * @taken: of those, taken by the driver
 * @in_order: how many of the last completions may be undone
 * @slots: the same five counts in ring slots: chains, if the ring is split
 * @event: used slot the driver wants to hear of
 * @no_call: the flag for the same
 * @first: nothing was signalled in this life
 * @kick_at: slot the device wants to hear of
 * @kick_set: it said so
 * @no_kick: the flag for the same
 */
struct model {
	struct guest g;
	u16 base;
	struct rng rng;
	bool indirect;
	struct offer *offers;
	u64 offered;
	u64 available;
	u64 fetched;
	struct completion *done;
	u64 completed;
	u64 published;
	u64 taken;
	unsigned int in_order;
	struct {
		u64 offered;
		u64 available;
		u64 fetched;
		u64 completed;
		u64 published;
	} slots;
	u64 event;
	bool no_call;
	bool first;
	u64 kick_at;
	bool kick_set;
	bool no_kick;
};

static u64 min(u64 a, u64 b)
{
	return a < b ? a : b;
}

/* After so many slots an event comes round again. */
static u64 event_period(const struct model *m)
{
	return m->g.packed ? 2 * m->g.num : 65536;
}

static bool event_passed(const struct model *m, u64 event, u64 from, u64 to)
{
	return (event - from) % event_period(m) < to - from;
}

static struct offer *offer(struct model *m, u64 nr)
{
	return &m->offers[nr & (m->g.num - 1)];
}

static void random_bufs(struct model *m, struct offer *o)
{
	unsigned int i, nr_out = rng_below(&m->rng, o->nr + 1);

	o->len_in = 0;
	for (i = 0; i < o->nr; i++) {
		struct guest_buf *b = &o->bufs[i];

		b->addr = rng_next(&m->rng);
		b->len = rng_once_in(&m->rng, 8) ? 0 : rng_below(&m->rng, 1 << 24);
		b->in = i >= nr_out;
		o->len_in += b->in ? b->len : 0;
	}
}

/* The driver adds a chain, if its descriptors suffice. */
static bool do_add(struct model *m)
{
	struct offer o;
	struct guest_shape shape = {};
	u32 limit = min(m->g.num, m->indirect ? OFFER_BUFS : 8);

	if (m->offered - m->taken == m->g.num)
		return true;
	o.nr = rng_once_in(&m->rng, 3) ? 1 + rng_below(&m->rng, limit) :
					 1 + rng_below(&m->rng, min(limit, 3));
	random_bufs(m, &o);
	shape.direct = o.nr;
	if (m->indirect && rng_once_in(&m->rng, 2)) {
		shape.direct = rng_below(&m->rng, min(o.nr, 4));
		shape.order = rng_below(&m->rng, GUEST_ORDERS);
		shape.spare = rng_below(&m->rng, 20);
		shape.write_flag = rng_once_in(&m->rng, 2);
	}
	o.head = guest_add(&m->g, o.bufs, o.nr, &shape);
	if (o.head < 0) {
		CHECK(guest_descs(&m->g, &shape, o.nr) > m->g.nr_free);
		return true;
	}
	o.slots = m->g.packed ? guest_descs(&m->g, &shape, o.nr) : 1;
	m->slots.offered += o.slots;
	*offer(m, m->offered++) = o;
	return true;
}

static bool do_make_available(struct model *m)
{
	u64 from = m->slots.available;
	bool kick = guest_publish(&m->g);

	m->available = m->offered;
	m->slots.available = m->slots.offered;
	if (!m->g.event_idx || (m->g.packed && m->no_kick))
		CHECK_EQ(kick, !m->no_kick);
	else if (m->kick_set)
		CHECK_EQ(kick, event_passed(m, m->kick_at, from, m->slots.available));
	return true;
}

static bool do_add_several(struct model *m)
{
	unsigned int n = rng_below(&m->rng, rng_once_in(&m->rng, 4) ? 100 : 5);

	while (n--)
		CHECK(do_add(m));
	return rng_once_in(&m->rng, 5) || do_make_available(m);
}

static bool do_take(struct model *m)
{
	u64 n = rng_below(&m->rng, 2 * m->g.num);
	u32 id, len;

	while (n-- && guest_take(&m->g, &id, &len)) {
		struct completion *c = &m->done[m->taken & (m->g.num - 1)];

		CHECK(m->taken < m->published);
		CHECK_EQ(id, c->id);
		CHECK_EQ(len, c->len);
		m->taken++;
	}
	CHECK(n + 1 == 0 || m->taken == m->published);
	return true;
}

static bool do_ask_for_call(struct model *m)
{
	m->event = m->slots.published + rng_below(&m->rng, 12) - 2;
	guest_set_event(&m->g, m->base + m->event);
	m->no_call = rng_once_in(&m->rng, 2);
	guest_set_no_call(&m->g, m->no_call);
	return true;
}

/* What is left of the batch is as if never fetched. */
static void model_rewind(struct model *m)
{
	unsigned int n = m->g.batch.nr - m->g.batch.next;

	while (n--)
		m->slots.fetched -= offer(m, --m->fetched)->slots;
	m->in_order = 0;
}

static unsigned int expected_fetch(struct model *m, unsigned int max)
{
	unsigned int n = 0, segs = 0;

	max = min(min(max, RING_BATCH), m->available - m->fetched);
	while (n < max) {
		segs += offer(m, m->fetched + n)->nr;
		if (segs > m->g.batch.max_segs)
			break;
		n++;
	}
	return n;
}

static bool do_fetch(struct model *m)
{
	unsigned int max = 1 + rng_below(&m->rng, rng_once_in(&m->rng, 2) ? 80 : 4);
	struct ring_batch *batch = &m->g.batch;
	unsigned int i;

	model_rewind(m);
	CHECK_EQ(ring_fetch(&m->g.ring, batch, max), expected_fetch(m, max));
	CHECK_EQ(m->g.ring.fault, RING_OK);
	CHECK_EQ(batch->next, 0);
	for (i = 0; i < batch->nr; i++) {
		struct offer *o = offer(m, m->fetched + i);

		CHECK(guest_same_chain(&batch->chain[i], o->head, o->bufs, o->nr));
		CHECK_EQ(batch->chain[i].slots, o->slots);
		m->slots.fetched += o->slots;
	}
	m->fetched += batch->nr;
	return true;
}

static void complete(struct model *m, unsigned int i)
{
	struct ring_chain *chain = &m->g.batch.chain[i];
	u32 len = rng_below(&m->rng, chain->len_in + 1);

	m->done[m->completed++ & (m->g.num - 1)] =
		(struct completion){ chain->id, len, chain->slots };
	m->slots.completed += chain->slots;
	ring_complete(&m->g.ring, chain, len);
}

static bool do_complete(struct model *m)
{
	struct ring_batch *batch = &m->g.batch;
	unsigned int n = rng_below(&m->rng, batch->nr - batch->next + 1);
	unsigned int i;

	if (!m->g.in_order && rng_once_in(&m->rng, 3)) {
		for (i = n; i--; )
			complete(m, batch->next + i);
		m->in_order = 0;
	} else {
		for (i = 0; i < n; i++)
			complete(m, batch->next + i);
		m->in_order += n;
	}
	batch->next += n;
	CHECK_EQ(ring_unpublished(&m->g.ring), m->slots.completed - m->slots.published);
	return true;
}

static bool do_uncomplete(struct model *m)
{
	unsigned int n = rng_below(&m->rng, m->in_order + 1);

	ring_uncomplete(&m->g.ring, &m->g.batch, n);
	m->in_order -= n;
	while (n--)
		m->slots.completed -= m->done[--m->completed & (m->g.num - 1)].slots;
	return true;
}

static bool do_rewind(struct model *m)
{
	model_rewind(m);
	ring_rewind(&m->g.ring, &m->g.batch);
	CHECK_EQ(ring_has_avail(&m->g.ring), m->fetched < m->available);
	return true;
}

static bool do_publish(struct model *m)
{
	u64 from = m->slots.published;
	bool call = ring_publish(&m->g.ring);

	m->published = m->completed;
	m->slots.published = m->slots.completed;
	m->in_order = 0;
	CHECK(!m->g.misreported);
	if (m->slots.published == from) {
		CHECK(!call);
		return true;
	}
	if (!m->g.event_idx)
		CHECK_EQ(call, !m->no_call);
	else
		CHECK_EQ(call, m->first ||
			 event_passed(m, m->event, from, m->slots.published));
	m->first = false;
	return true;
}

static bool do_enable_notify(struct model *m)
{
	unsigned int want = 1 + rng_below(&m->rng, min(m->g.num, 5));

	CHECK_EQ(ring_enable_notify_for(&m->g.ring, want),
		 m->slots.available - m->slots.fetched >= want);
	m->kick_at = m->slots.fetched + want - 1;
	m->kick_set = true;
	m->no_kick = false;
	CHECK_EQ(ring_has_avail(&m->g.ring), m->fetched < m->available);
	return true;
}

static bool do_disable_notify(struct model *m)
{
	ring_disable_notify(&m->g.ring);
	m->no_kick = true;
	return true;
}

/* Stop, and go on where the state says. */
static bool do_migrate(struct model *m)
{
	if (!rng_once_in(&m->rng, 10))
		return true;
	CHECK(do_rewind(m));
	CHECK(do_publish(m));
	CHECK_EQ(ring_index(&m->g.ring), guest_state(&m->g, m->base + m->slots.published));
	ring_start(&m->g.ring, ring_index(&m->g.ring));
	m->first = true;
	return true;
}

static bool (*const steps[])(struct model *m) = {
	do_add_several, do_add_several, do_make_available, do_take, do_take,
	do_ask_for_call, do_fetch, do_fetch, do_complete, do_complete,
	do_complete, do_uncomplete, do_rewind, do_publish, do_publish,
	do_enable_notify, do_disable_notify, do_migrate,
};

static bool live(struct model *m, unsigned int nr_steps)
{
	while (nr_steps--)
		if (!steps[rng_below(&m->rng, ARRAY_SIZE(steps))](m))
			return false;
	return true;
}

static bool random_life(u64 seed, u64 *chains)
{
	struct model m = { .rng.state = seed * 2654435761u + 1, .first = true };
	struct guest_config config = {
		.num = 1 << rng_below(&m.rng, 11),
		.index = m.base = rng_next(&m.rng),
		.packed = rng_once_in(&m.rng, 2),
		.in_order = rng_once_in(&m.rng, 3),
		.event_idx = rng_once_in(&m.rng, 2),
		.indirect = m.indirect = rng_once_in(&m.rng, 2),
		.logging = rng_once_in(&m.rng, 2),
	};
	bool ok;

	config.segs = config.num + rng_below(&m.rng, 200);
	m.offers = calloc(config.num, sizeof(*m.offers));
	m.done = calloc(config.num, sizeof(*m.done));
	if (!m.offers || !m.done)
		abort();
	guest_boot(&m.g, &config);
	if (config.event_idx)
		guest_set_event(&m.g, m.base);
	ok = live(&m, 2500);
	guest_exit(&m.g);
	*chains += m.taken;
	free(m.offers);
	free(m.done);
	if (!ok)
		test_fail(__FILE__, __LINE__, "with seed %llu: RING_SEED=%llu runs it alone",
			  (unsigned long long)seed, (unsigned long long)seed);
	return ok;
}

static bool random_lives(void)
{
	const char *only = getenv("RING_SEED");
	u64 seed, chains = 0, nr = 300 * test_scale;

	if (only)
		return random_life(strtoull(only, NULL, 0), &chains);
	printf("# seeds 1 to %llu\n", (unsigned long long)nr);
	for (seed = 1; seed <= nr; seed++)
		if (!random_life(seed, &chains))
			return false;
	printf("# %llu chains\n", (unsigned long long)chains);
	return true;
}

const struct test random_tests[] = {
	{ "random_lives", random_lives },
	{ }
};
