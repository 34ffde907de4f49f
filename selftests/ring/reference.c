// SPDX-License-Identifier: GPL-2.0-only
#include <endian.h>
#include <string.h>

#include "reference.h"

#define DESC_SIZE	sizeof(struct vring_desc)

/* Where a chain is at: an entry of the queue's table or of one in memory. */
struct place {
	u64 table;
	u64 entries;
	u64 entry;
	bool indirect;
};

static struct vring_desc desc_at(const struct guest *g, const struct place *at)
{
	const u8 *table = at->indirect ? g->ram + (at->table - GUEST_RAM_IOVA) :
					 (u8 *)g->desc;
	struct vring_desc d;

	memcpy(&d, table + at->entry * DESC_SIZE, DESC_SIZE);
	d.addr = le64toh(d.addr);
	d.len = le32toh(d.len);
	d.flags = le16toh(d.flags);
	d.next = le16toh(d.next);
	return d;
}

static bool in_ram(const struct guest *g, u64 addr, u64 len)
{
	return addr >= GUEST_RAM_IOVA && len <= g->ram_size &&
	       addr - GUEST_RAM_IOVA <= g->ram_size - len;
}

static enum ring_fault enter_table(const struct guest *g, struct place *at,
				   const struct vring_desc *d)
{
	if (at->indirect || !g->ring.indirect || d->flags & VRING_DESC_F_NEXT)
		return RING_BAD_INDIRECT;
	if (d->len == 0 || d->len % DESC_SIZE || d->len / DESC_SIZE > 32768)
		return RING_BAD_INDIRECT;
	if (d->addr > UINT64_MAX - d->len)
		return RING_BAD_INDIRECT;
	*at = (struct place){
		.table = d->addr,
		.entries = d->len / DESC_SIZE,
		.indirect = true,
	};
	return RING_OK;
}

/*
 * Tables are read in pieces of up to 16 entries. A piece that is not mapped
 * as a whole is a fault, even if the part of it that matters is.
 */
static bool readable(const struct guest *g, const struct place *at, u64 *piece,
		     u64 *piece_nr)
{
	if (!at->indirect || (at->entry >= *piece && at->entry < *piece + *piece_nr))
		return true;
	*piece = at->entry;
	*piece_nr = at->entries - at->entry < 16 ? at->entries - at->entry : 16;
	return in_ram(g, at->table + *piece * DESC_SIZE, *piece_nr * DESC_SIZE);
}

enum ring_fault reference_chain(const struct guest *g, u16 head,
				struct guest_buf *bufs, unsigned int *nr)
{
	struct place at = { .entries = g->num, .entry = head };
	u64 bytes = 0, piece = 0, piece_nr = 0;
	struct vring_desc d;
	enum ring_fault fault;

	*nr = 0;
	if (head >= g->num)
		return RING_BAD_HEAD;
	for (;;) {
		if (!readable(g, &at, &piece, &piece_nr))
			return RING_UNMAPPED_INDIRECT;
		d = desc_at(g, &at);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			fault = enter_table(g, &at, &d);
			if (fault)
				return fault;
			continue;
		}
		if (*nr == g->num)
			return RING_LOOP;
		if (*nr && bufs[*nr - 1].in && !(d.flags & VRING_DESC_F_WRITE))
			return RING_BAD_ORDER;
		bufs[(*nr)++] = (struct guest_buf){ d.addr, d.len,
						    d.flags & VRING_DESC_F_WRITE };
		bytes += d.len;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return bytes >> 32 ? RING_BAD_LEN : RING_OK;
		if (d.next >= at.entries)
			return RING_BAD_NEXT;
		at.entry = d.next;
	}
}

static struct vring_packed_desc slot_at(const struct guest *g, u16 at)
{
	struct vring_packed_desc d = g->slot[at % g->num];

	d.addr = le64toh(d.addr);
	d.len = le32toh(d.len);
	d.id = le16toh(d.id);
	d.flags = le16toh(d.flags);
	return d;
}

bool reference_slot_waits(const struct guest *g, u16 at)
{
	u16 both = guest_used_flags(g, 0);

	return (u16)(at - g->ring.used_published) < g->num &&
	       (slot_at(g, at).flags & both) == guest_avail_flags(g, at);
}

static enum ring_fault add_buf(const struct guest *g, struct guest_buf *bufs,
			       unsigned int *nr, u64 addr, u32 len, bool in)
{
	if (*nr == g->num)
		return RING_LOOP;
	if (*nr && bufs[*nr - 1].in && !in)
		return RING_BAD_ORDER;
	bufs[(*nr)++] = (struct guest_buf){ addr, len, in };
	return RING_OK;
}

static enum ring_fault slot_table(const struct guest *g, u64 addr, u32 len, u16 flags,
				  struct guest_buf *bufs, unsigned int *nr)
{
	struct vring_desc ref = { .addr = addr, .len = len, .flags = flags };
	u64 piece = 0, piece_nr = 0;
	struct place at = {};
	enum ring_fault fault = enter_table(g, &at, &ref);

	for (; !fault && at.entry < at.entries; at.entry++) {
		struct vring_desc d;

		if (!readable(g, &at, &piece, &piece_nr))
			return RING_UNMAPPED_INDIRECT;
		d = desc_at(g, &at);
		/* Flags are the last field here, where split rings have next. */
		fault = add_buf(g, bufs, nr, d.addr, d.len, d.next & VRING_DESC_F_WRITE);
	}
	return fault;
}

/* The chain at @at, which is an offer; where it ends, and under which name. */
static enum ring_fault slot_chain(const struct guest *g, u16 *at, u16 *id,
				  struct guest_buf *bufs, unsigned int *nr)
{
	u16 first = *at, end = g->ring.used_published + g->num;
	struct vring_packed_desc d;
	enum ring_fault fault;
	u64 bytes = 0;
	unsigned int i;

	*nr = 0;
	for (;;) {
		if (*at == end)
			return RING_LOOP;
		d = slot_at(g, (*at)++);
		*id = d.id;
		if (d.flags & VRING_DESC_F_INDIRECT)
			fault = (u16)(*at - first) > 1 ? RING_BAD_INDIRECT :
				slot_table(g, d.addr, d.len, d.flags, bufs, nr);
		else
			fault = add_buf(g, bufs, nr, d.addr, d.len,
					d.flags & VRING_DESC_F_WRITE);
		if (fault)
			return fault;
		if (!(d.flags & VRING_DESC_F_NEXT) || d.flags & VRING_DESC_F_INDIRECT)
			break;
	}
	for (i = 0; i < *nr; i++)
		bytes += bufs[i].len;
	return bytes >> 32 ? RING_BAD_LEN : RING_OK;
}

static bool fetch_slots(struct guest *g, unsigned int max)
{
	u16 at = g->ring.next_avail;
	enum ring_fault fault = g->ring.fault;
	struct guest_buf bufs[RING_NUM_MAX];
	unsigned int i, left, nr, segs = 0;

	for (left = g->batch.nr; left > g->batch.next; left--)
		at -= g->batch.chain[left - 1].slots;
	ring_fetch(&g->ring, &g->batch, max);
	for (i = 0; !fault && i < max && reference_slot_waits(g, at); i++) {
		u16 id, next = at;
		enum ring_fault bad = slot_chain(g, &next, &id, bufs, &nr);

		if (bad == RING_BAD_ORDER)
			nr++;
		if (segs + nr > g->batch.max_segs)
			break;
		fault = bad;
		if (bad)
			break;
		CHECK(i < g->batch.nr);
		CHECK(guest_same_chain(&g->batch.chain[i], id, bufs, nr));
		CHECK_EQ(g->batch.chain[i].slots, (u16)(next - at));
		at = next;
		segs += nr;
	}
	CHECK_EQ(g->batch.nr, i);
	CHECK_EQ(g->ring.fault, fault);
	CHECK_EQ(g->ring.next_avail, at);
	return true;
}

/* How many chains there are to look at, and whether the idx is in order. */
static u16 reference_avail(const struct guest *g, u16 from, unsigned int max,
			   enum ring_fault *fault)
{
	u16 known = g->ring.avail_seen - from;
	u16 idx = le16toh(g->avail->idx);
	u16 i;

	if (known >= max)
		return max;
	for (i = g->ring.avail_seen; i != (u16)(g->ring.used_published + g->num); i++)
		if (i == idx)
			break;
	if (i != idx) {
		*fault = RING_BAD_AVAIL_IDX;
		return known;
	}
	known = idx - from;
	return known < max ? known : max;
}

bool reference_fetch(struct guest *g, unsigned int max)
{
	u16 from = g->ring.next_avail - (g->batch.nr - g->batch.next);
	enum ring_fault fault = g->ring.fault;
	struct guest_buf bufs[RING_NUM_MAX];
	unsigned int i, nr, segs = 0;
	u16 n = 0;

	if (g->packed)
		return fetch_slots(g, max < RING_BATCH ? max : RING_BATCH);
	max = max < RING_BATCH ? max : RING_BATCH;
	if (!fault)
		n = reference_avail(g, from, max, &fault);
	ring_fetch(&g->ring, &g->batch, max);
	for (i = 0; i < n; i++) {
		u16 head = le16toh(g->avail->ring[(u16)(from + i) & (g->num - 1)]);
		enum ring_fault bad = reference_chain(g, head, bufs, &nr);

		if (bad == RING_BAD_ORDER)
			nr++;	/* the batch is full before that is noticed */
		if (segs + nr > g->batch.max_segs)
			break;
		if (bad) {
			fault = bad;
			break;
		}
		CHECK(i < g->batch.nr);
		CHECK(guest_same_chain(&g->batch.chain[i], head, bufs, nr));
		segs += nr;
	}
	CHECK_EQ(g->batch.nr, i);
	CHECK_EQ(g->ring.fault, fault);
	CHECK_EQ(g->ring.next_avail, (u16)(from + i));
	return true;
}
