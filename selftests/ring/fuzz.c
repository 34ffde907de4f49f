// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bytes of the input are what a hostile driver and a clumsy, but legal
 * owner do. The memory is small and the driver's lies are mostly near the
 * truth, so that the interesting ones are met often.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "reference.h"

#define RAM_SIZE	1024
#define MAX_STEPS	400

/**
 * struct fuzz - one input being played
 * @g: the guest and the engine
 * @data: what is left of the input
 * @left: bytes of it
 * @undoable: completions that may be undone
 */
struct fuzz {
	struct guest g;
	const u8 *data;
	size_t left;
	unsigned int undoable;
};

static u8 byte(struct fuzz *f)
{
	if (!f->left)
		return 0;
	f->left--;
	return *f->data++;
}

static u16 word(struct fuzz *f)
{
	return byte(f) | byte(f) << 8;
}

static u64 quad(struct fuzz *f)
{
	return word(f) | (u64)word(f) << 16 | (u64)word(f) << 32 | (u64)word(f) << 48;
}

/* An index into the queue's table, once in a while just beyond it. */
static u16 index_near(struct fuzz *f)
{
	u8 b = byte(f);

	return b >= 250 ? f->g.num : b & (f->g.num - 1);
}

static u32 len_near(struct fuzz *f)
{
	static const u32 lens[] = { 0, 1, 64, 1500, 0x7fffffff, 0x80000000, 0xffffffff };
	u8 b = byte(f);

	return lens[b & 15 ? b % 4 : b % 7];
}

/* A slot that comes next, or nearly; mostly as an offer. */
static void poke_slot(struct fuzz *f, u64 addr, u32 len, u16 flags)
{
	u8 b = byte(f);
	u16 at = f->g.ring.next_avail + b % (f->g.num + 1);

	guest_poke_slot(&f->g, at, addr, len, word(f),
			flags | (b < 224 ? guest_avail_flags(&f->g, at) :
				 guest_used_flags(&f->g, at)));
}

static bool do_desc(struct fuzz *f)
{
	if (f->g.packed) {
		poke_slot(f, word(f), len_near(f),
			  byte(f) & (VRING_DESC_F_NEXT | VRING_DESC_F_WRITE));
		return true;
	}
	guest_poke_desc(&f->g, byte(f) & (f->g.num - 1), word(f), len_near(f),
			byte(f) & (VRING_DESC_F_NEXT | VRING_DESC_F_WRITE),
			index_near(f));
	return true;
}

static bool do_any_desc(struct fuzz *f)
{
	if (f->g.packed) {
		guest_poke_slot(&f->g, byte(f), quad(f), quad(f), word(f), word(f));
		return true;
	}
	guest_poke_desc(&f->g, byte(f) & (f->g.num - 1), quad(f), quad(f),
			word(f), word(f));
	return true;
}

static bool do_table_desc(struct fuzz *f)
{
	u8 i = byte(f) % (RAM_SIZE / 16);

	guest_poke_table(&f->g, GUEST_RAM_IOVA, i, word(f), len_near(f),
			 byte(f) & 15 ? byte(f) & 3 : byte(f), (i + byte(f) % 20) & 63);
	return true;
}

/* A descriptor that refers to a table, which may stick out of the memory. */
static bool do_refer(struct fuzz *f)
{
	u32 entries = byte(f) % 80;
	u64 addr = GUEST_RAM_IOVA + 16 * (byte(f) % 70);

	if (!(byte(f) & 31))
		addr = quad(f);
	if (f->g.packed) {
		poke_slot(f, addr, entries * 16 + !(byte(f) & 31),
			  VRING_DESC_F_INDIRECT | (byte(f) & 31 ? 0 : VRING_DESC_F_NEXT));
		return true;
	}
	guest_poke_desc(&f->g, byte(f) & (f->g.num - 1), addr,
			entries * 16 + !(byte(f) & 31),
			VRING_DESC_F_INDIRECT | (byte(f) & 31 ? 0 : VRING_DESC_F_NEXT),
			0);
	return true;
}

static bool do_avail(struct fuzz *f)
{
	if (f->g.packed) {
		poke_slot(f, 1, 1, 0);
		return true;
	}
	guest_poke_avail(&f->g, word(f), index_near(f));
	return true;
}

static bool do_avail_idx(struct fuzz *f)
{
	u8 b = byte(f);

	if (f->g.packed)
		return true;
	guest_poke_avail_idx(&f->g, b == 255 ? word(f) :
			     f->g.ring.used_published + b % (f->g.num + 2));
	return true;
}

/* Whatever is in the slots, all of them are offers of this lap, or the next. */
static bool all_slots_avail(struct fuzz *f)
{
	u16 lap = byte(f) & 3 ? 0 : f->g.num;
	u16 i, at;

	for (i = 0; i < f->g.num; i++) {
		struct vring_packed_desc *d;

		at = f->g.ring.next_avail + i;
		d = &f->g.slot[at % f->g.num];
		guest_poke_slot(&f->g, at, le64toh(d->addr), le32toh(d->len), le16toh(d->id),
				(le16toh(d->flags) & 7) | guest_avail_flags(&f->g, at + lap));
	}
	return true;
}

static bool do_all_avail(struct fuzz *f)
{
	if (f->g.packed)
		return all_slots_avail(f);
	guest_poke_avail_idx(&f->g, f->g.ring.used_published + f->g.num);
	return true;
}

static bool do_events(struct fuzz *f)
{
	guest_set_event(&f->g, word(f));
	guest_set_no_call(&f->g, byte(f) & 1);
	if (f->g.packed && byte(f) & 1)
		guest_set_event_flags(&f->g, word(f));
	return true;
}

static bool do_fetch(struct fuzz *f)
{
	f->undoable = 0;
	return reference_fetch(&f->g, byte(f) % 70);
}

static bool do_complete(struct fuzz *f)
{
	struct ring_batch *batch = &f->g.batch;
	u8 n = byte(f);

	while (n-- && batch->next < batch->nr) {
		ring_complete(&f->g.ring, &batch->chain[batch->next++], n);
		f->undoable++;
	}
	return true;
}

static bool do_uncomplete(struct fuzz *f)
{
	unsigned int n = byte(f) % (f->undoable + 1);

	ring_uncomplete(&f->g.ring, &f->g.batch, n);
	f->undoable -= n;
	return true;
}

static bool do_publish(struct fuzz *f)
{
	u16 used = f->g.ring.used, at = f->g.ring.used_published;

	ring_publish(&f->g.ring);
	f->undoable = 0;
	if (f->g.packed) {
		CHECK_EQ(f->g.ring.used_published, used);
		CHECK(used == at || (le16toh(f->g.slot[at % f->g.num].flags) & 0x8080) ==
				    guest_used_flags(&f->g, at));
		CHECK(!f->g.logging || !memcmp(&f->g.slot[at % f->g.num],
					       &f->g.slot_copy[at % f->g.num], 16));
		return true;
	}
	CHECK_EQ(le16toh(f->g.used->idx), used);
	CHECK(!f->g.logging || f->g.copy->idx == f->g.used->idx);
	return true;
}

static bool do_notify(struct fuzz *f)
{
	u16 want = 1 + byte(f) % f->g.num;
	bool waits = f->g.packed ?
		     reference_slot_waits(&f->g, f->g.ring.next_avail + want - 1) :
		     (u16)(le16toh(f->g.avail->idx) - f->g.ring.next_avail) >= want;

	CHECK_EQ(ring_enable_notify_for(&f->g.ring, want), !f->g.ring.fault && waits);
	if (byte(f) & 1)
		ring_disable_notify(&f->g.ring);
	return true;
}

static bool do_rewind(struct fuzz *f)
{
	ring_rewind(&f->g.ring, &f->g.batch);
	f->undoable = 0;
	return true;
}

static bool do_restart(struct fuzz *f)
{
	if (!f->g.ring.fault && byte(f) & 7)
		return true;
	do_rewind(f);
	do_publish(f);
	CHECK_EQ(guest_state(&f->g, f->g.ring.next_avail), ring_index(&f->g.ring));
	ring_start(&f->g.ring, ring_index(&f->g.ring));
	return true;
}

static bool (*const steps[])(struct fuzz *f) = {
	do_desc, do_desc, do_any_desc, do_table_desc, do_table_desc, do_refer,
	do_avail, do_avail_idx, do_all_avail, do_events, do_fetch, do_fetch,
	do_complete, do_complete, do_uncomplete, do_publish, do_publish,
	do_notify, do_rewind, do_restart,
};

static bool step(struct fuzz *f)
{
	return steps[byte(f) % ARRAY_SIZE(steps)](f) && guest_is_consistent(&f->g);
}

static void boot(struct fuzz *f)
{
	u8 flags = byte(f);
	struct guest_config config = {
		.num = 1 << (flags & 7),
		.index = word(f),
		.event_idx = flags & 8,
		.indirect = flags & 0x30,	/* mostly */
		.logging = flags & 0x40,
		.ram_size = RAM_SIZE,
	};

	config.packed = flags & 0x80;
	config.segs = byte(f);
	config.in_order = config.segs & 0x40;
	config.segs = config.num + (config.segs & 63);
	guest_boot(&f->g, &config);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { .data = data, .left = size };
	unsigned int n;

	boot(&f);
	for (n = 0; n < MAX_STEPS && f.left; n++)
		if (!step(&f))
			abort();
	guest_exit(&f.g);
	return 0;
}
