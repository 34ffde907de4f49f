// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who wakes whom: calls to the driver and kicks to the device.
 */
#include "guest.h"

/* Serve all that waits; was a call asked for? The driver takes it back. */
static bool serve(struct guest *g)
{
	u32 id, len;
	bool call;

	while (ring_fetch(&g->ring, &g->batch, RING_BATCH))
		while (g->batch.next < g->batch.nr)
			ring_complete(&g->ring, &g->batch.chain[g->batch.next++], 0);
	call = ring_publish(&g->ring);
	while (guest_take(g, &id, &len))
		;
	return call;
}

/* Let @n chains go through the device; was a call asked for? */
static bool pass(struct guest *g, unsigned int n)
{
	while (n--)
		guest_add_one(g, n);
	guest_publish(g);
	return serve(g);
}

/* A call is due if the entry at used_event is among those published. */
static bool call_for_event(bool packed, u16 index, int n, int distance)
{
	struct guest_config config = { .num = 8, .index = index, .packed = packed,
				       .event_idx = true, .logging = true };
	struct guest g;
	bool call;

	guest_boot(&g, &config);
	guest_set_no_call(&g, n & 1);	/* has to be ignored */
	pass(&g, 1);
	guest_set_event(&g, index + 1 + distance);
	call = pass(&g, n);
	guest_exit(&g);
	if (packed)	/* a slot comes round after two laps */
		distance &= 2 * 8 - 1;
	if (call != (distance >= 0 && distance < n))
		return test_fail(__FILE__, __LINE__, "index %u, %d entries, event %+d: %s",
				 index, n, distance, call ? "call" : "no call");
	return true;
}

static bool call_events(void)
{
	static const u16 index[] = { 0, 1, 6, 7, 8, 32760, 65525, 65530, 65534, 65535 };
	size_t i;
	int n, d;

	for (i = 0; i < ARRAY_SIZE(index); i++) {
		for (n = 1; n <= 8; n++) {
			for (d = -12; d <= 12; d++) {
				CHECK(call_for_event(false, index[i], n, d));
				CHECK(call_for_event(true, index[i], n, d));
			}
			CHECK(call_for_event(false, index[i], n, 32767));
			CHECK(call_for_event(false, index[i], n, -32768));
		}
	}
	return true;
}

/* One event, published past in steps: the step that passes it calls. */
static bool call_once(struct guest *g)
{
	unsigned int i;

	pass(g, 1);
	guest_set_event(g, (u16)(65534 + 1 + 3));
	for (i = 0; i < 10; i++)
		CHECK_EQ(pass(g, 1), i == 3);
	return true;
}

/* Nobody knows what was signalled in a previous life. */
static bool call_first(struct guest *g)
{
	guest_set_event(g, 30000);
	CHECK(pass(g, 1));
	CHECK(!pass(g, 1));
	ring_start(&g->ring, ring_index(&g->ring));
	CHECK(!ring_publish(&g->ring));
	CHECK(pass(g, 1));
	CHECK(!pass(g, 1));
	return true;
}

/* Without event index it is the flag alone. */
static bool call_flag(struct guest *g)
{
	guest_set_event(g, 30000);
	guest_set_no_call(g, true);
	CHECK(!pass(g, 1));
	CHECK(!pass(g, 3));
	guest_set_no_call(g, false);
	CHECK(pass(g, 1));
	CHECK(pass(g, 2));
	CHECK(!ring_publish(&g->ring));
	return true;
}

static bool publish_nothing(struct guest *g)
{
	pass(g, 1);
	g->reports = 0;
	guest_set_event(g, g->next_used);
	CHECK(!ring_publish(&g->ring));
	CHECK_EQ(g->reports, 0);
	return true;
}

/* Nothing waits: the next publish kicks, and only that one. */
static bool kick_event(struct guest *g)
{
	unsigned int i;

	for (i = 0; i < 70000; i++) {
		CHECK(!ring_enable_notify(&g->ring));
		CHECK(!ring_has_avail(&g->ring));
		CHECK_EQ(guest_avail_event(g), g->next_avail);
		CHECK(!guest_no_kick(g));
		guest_add_one(g, 0);
		CHECK(guest_publish(g));
		guest_add_one(g, 0);
		CHECK(!guest_publish(g));
		CHECK(ring_has_avail(&g->ring));
		CHECK(ring_enable_notify(&g->ring));
		ring_disable_notify(&g->ring);
		serve(g);
	}
	return true;
}

static bool kick_flag(struct guest *g)
{
	CHECK(!ring_enable_notify(&g->ring));
	CHECK(!guest_no_kick(g));
	guest_add_one(g, 0);
	CHECK(guest_publish(g));
	guest_add_one(g, 0);
	CHECK(guest_publish(g));
	CHECK(ring_enable_notify(&g->ring));

	ring_disable_notify(&g->ring);
	CHECK(guest_no_kick(g));
	guest_add_one(g, 0);
	CHECK(!guest_publish(g));
	g->reports = 0;
	ring_disable_notify(&g->ring);
	CHECK_EQ(g->reports, 0);

	/* The flag outlives the engine's knowledge of it. */
	ring_start(&g->ring, ring_index(&g->ring));
	CHECK(ring_enable_notify(&g->ring));
	CHECK(!guest_no_kick(g));
	ring_disable_notify(&g->ring);
	CHECK(guest_no_kick(g));

	/* A new ring knows nothing of the old one's flag. */
	if (g->packed) {
		g->device_event->flags = 0;
		g->event_copy->flags = 0;
	} else {
		g->used->flags = 0;
		g->copy->flags = 0;
	}
	ring_start(&g->ring, ring_index(&g->ring));
	ring_disable_notify(&g->ring);
	CHECK(guest_no_kick(g));
	return true;
}

/* Two wait, four are wanted: the kick comes with the fourth. */
static bool kick_for_several(struct guest *g)
{
	unsigned int lap;

	for (lap = 0; lap < 20; lap++) {
		guest_add_one(g, 0);
		guest_add_one(g, 1);
		guest_publish(g);
		CHECK_EQ(ring_fetch(&g->ring, &g->batch, 64), 2);
		ring_rewind(&g->ring, &g->batch);
		CHECK(ring_enable_notify(&g->ring));
		CHECK(ring_enable_notify_for(&g->ring, 2));
		CHECK(!ring_enable_notify_for(&g->ring, 4));
		CHECK(ring_has_avail(&g->ring));

		guest_add_one(g, 2);
		CHECK_EQ(guest_publish(g), !g->event_idx);
		CHECK(!ring_enable_notify_for(&g->ring, 4));
		guest_add_one(g, 3);
		CHECK(guest_publish(g));
		CHECK(ring_enable_notify_for(&g->ring, 4));
		CHECK_EQ(ring_fetch(&g->ring, &g->batch, 64), 4);
		serve(g);
		pass(g, lap % 3);
	}
	return true;
}

/* What is waited for is counted from the next chain, and the ring full. */
static bool kick_for_full(struct guest *g)
{
	unsigned int i;

	for (i = 0; i < 8; i++) {
		CHECK(!ring_enable_notify_for(&g->ring, 8));
		guest_add_one(g, i);
		CHECK_EQ(guest_publish(g), i == 7);
	}
	CHECK(ring_enable_notify_for(&g->ring, 8));
	return true;
}

/* A device that looks all the time is never kicked. */
static bool no_kick_while_polling(struct guest *g)
{
	unsigned int i;

	ring_enable_notify(&g->ring);
	pass(g, 1);
	for (i = 0; i < 65000; i++) {
		ring_disable_notify(&g->ring);
		guest_add_one(g, 0);
		CHECK(!guest_publish(g));
		serve(g);
	}
	return true;
}

const struct test notify_tests[] = {
	{ "call_events", call_events },
	{ "call_once", .with = call_once,
	  .config = { .num = 4, .index = 65534, .event_idx = true } },
	{ "call_once_packed", .with = call_once,
	  .config = { .num = 4, .index = 65534, .packed = true, .event_idx = true } },
	{ "call_first_packed", .with = call_first,
	  .config = { .num = 4, .packed = true, .event_idx = true } },
	{ "call_flag_packed", .with = call_flag,
	  .config = { .num = 4, .packed = true, .logging = true } },
	{ "publish_nothing_packed", .with = publish_nothing,
	  .config = { .num = 4, .packed = true, .event_idx = true, .logging = true } },
	{ "kick_event_packed", .with = kick_event,
	  .config = { .num = 8, .index = 100, .packed = true, .event_idx = true,
		      .logging = true } },
	{ "kick_flag_packed", .with = kick_flag,
	  .config = { .num = 8, .packed = true, .logging = true } },
	{ "kick_for_several_packed_by_event", .with = kick_for_several,
	  .config = { .num = 8, .index = 65500, .packed = true, .event_idx = true } },
	{ "kick_for_several_packed_by_flag", .with = kick_for_several,
	  .config = { .num = 8, .packed = true, .logging = true } },
	{ "kick_for_full_packed", .with = kick_for_full,
	  .config = { .num = 8, .index = 65533, .packed = true, .event_idx = true } },
	{ "no_kick_while_polling_packed_by_event", .with = no_kick_while_polling,
	  .config = { .num = 2, .index = 7, .packed = true, .event_idx = true,
		      .logging = true } },
	{ "no_kick_while_polling_packed_by_flag", .with = no_kick_while_polling,
	  .config = { .num = 2, .index = 7, .packed = true, .logging = true } },
	{ "call_first", .with = call_first,
	  .config = { .num = 4, .event_idx = true } },
	{ "call_flag", .with = call_flag,
	  .config = { .num = 4, .logging = true } },
	{ "publish_nothing", .with = publish_nothing,
	  .config = { .num = 4, .event_idx = true, .logging = true } },
	{ "kick_event", .with = kick_event,
	  .config = { .num = 8, .index = 100, .event_idx = true, .logging = true } },
	{ "kick_flag", .with = kick_flag,
	  .config = { .num = 8, .logging = true } },
	{ "kick_for_several_by_event", .with = kick_for_several,
	  .config = { .num = 8, .index = 65500, .event_idx = true } },
	{ "kick_for_several_by_flag", .with = kick_for_several,
	  .config = { .num = 8, .logging = true } },
	{ "kick_for_full", .with = kick_for_full,
	  .config = { .num = 8, .index = 65533, .event_idx = true } },
	{ "no_kick_while_polling_by_event", .with = no_kick_while_polling,
	  .config = { .num = 2, .index = 7, .event_idx = true, .logging = true } },
	{ "no_kick_while_polling_by_flag", .with = no_kick_while_polling,
	  .config = { .num = 2, .index = 7, .logging = true } },
	{ }
};
