// SPDX-License-Identifier: GPL-2.0-only
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"

static struct guest *guest_of(struct ring *ring)
{
	return (struct guest *)((char *)ring - offsetof(struct guest, ring));
}

static int guest_read_ram(struct ring *ring, u64 addr, void *dst, u32 len)
{
	struct guest *g = guest_of(ring);
	const u8 *src;
	u32 i;

	g->reads++;
	if (addr + len < addr)
		abort();	/* the engine promised */
	if (addr < GUEST_RAM_IOVA || addr + len > GUEST_RAM_IOVA + g->ram_size)
		return -EFAULT;
	src = g->ram + (addr - GUEST_RAM_IOVA);
	for (i = 0; i < len; i++)	/* a guest may be writing to it */
		((u8 *)dst)[i] = __atomic_load_n(&src[i], __ATOMIC_RELAXED);
	return 0;
}

/*
 * A used entry has to be reported while the idx still hides it, and every
 * report comes after the store: what is copied here is all that arrives.
 */
static bool guest_report_early(const struct guest *g, enum ring_area area, u32 off)
{
	u32 first = offsetof(struct vring_used, ring);
	u32 last = first + g->num * sizeof(g->used->ring[0]);
	u16 at = g->next_used;

	if (!g->packed)
		return off < first || off >= last || g->used->idx == g->copy->idx;
	/* The next slot reveals those behind it, so it comes last. */
	return area != RING_DESC || off / sizeof(*g->slot) == (at & (g->num - 1)) ||
	       g->slot_copy[at & (g->num - 1)].flags == g->slot[at & (g->num - 1)].flags ||
	       (le16toh(g->slot[at & (g->num - 1)].flags) & 0x8080) != guest_used_flags(g, at);
}

static void guest_wrote(struct ring *ring, enum ring_area area, u32 off, u32 len)
{
	struct guest *g = guest_of(ring);
	u32 size = area == RING_DESC ? ring_desc_size(g->num) :
				       ring_device_size(g->num, g->packed);

	g->reports++;
	if (area == RING_DRIVER || (area == RING_DESC && !g->packed))
		g->misreported = true;
	if (!len || off + len > size || !guest_report_early(g, area, off))
		g->misreported = true;
	if (g->misreported)
		return;
	if (area == RING_DESC)
		memcpy((u8 *)g->slot_copy + off, (u8 *)g->slot + off, len);
	else
		memcpy((u8 *)g->copy + off, (u8 *)g->used + off, len);
}

static const struct ring_owner_ops plain_ops = {
	.read = guest_read_ram,
};

static const struct ring_owner_ops logging_ops = {
	.read = guest_read_ram,
	.wrote = guest_wrote,
};

/* The smallest aligned allocation: the sanitizer guards each byte behind. */
static void *zalloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		abort();
	return p;
}

static void guest_start_engine(struct guest *g, const struct guest_config *config)
{
	struct ring *ring = &g->ring;

	ring->areas.desc = g->desc;
	ring->areas.driver = g->avail;
	ring->areas.device = g->used;
	ring->ops = config->logging ? &logging_ops : &plain_ops;
	ring->num = config->num;
	ring->packed = config->packed;
	ring->in_order = config->in_order;
	ring->event_idx = config->event_idx;
	ring->indirect = config->indirect;
	if (config->packed || config->in_order)
		ring->done = zalloc(config->num * sizeof(*ring->done));
	ring_start(ring, guest_state(g, config->index));
	g->batch.max_segs = config->segs ?: config->num;
	g->batch.segs = zalloc(g->batch.max_segs * sizeof(*g->batch.segs));
}

void guest_boot(struct guest *g, const struct guest_config *config)
{
	u16 i;

	memset(g, 0, sizeof(*g));
	g->num = config->num;
	g->event_idx = config->event_idx;
	g->packed = config->packed;
	g->in_order = config->in_order;
	g->logging = config->logging;
	g->rng.state = 1 + config->num;
	g->desc = zalloc(ring_desc_size(g->num));
	g->avail = zalloc(ring_driver_size(g->num, g->packed));
	g->used = zalloc(ring_device_size(g->num, g->packed));
	g->copy = zalloc(ring_device_size(g->num, g->packed));
	g->slot_copy = zalloc(ring_desc_size(g->num));
	g->slot_flags = zalloc(g->num * sizeof(*g->slot_flags));
	g->out = zalloc(g->num * sizeof(*g->out));
	g->ram_size = config->ram_size ?: GUEST_RAM_SIZE;
	g->ram = zalloc(g->ram_size);
	g->free = zalloc(g->num * sizeof(*g->free));
	g->chain_of = zalloc(g->num * sizeof(*g->chain_of));

	for (i = 0; i < g->num; i++)
		g->free[i] = g->num - 1 - i;
	g->nr_free = g->num;
	g->nr_ids = g->num;
	g->next_avail = config->index;
	g->kicked_avail = config->index;
	g->next_used = config->index;
	if (g->packed) {
		for (i = 0; i < g->num; i++)
			guest_poke_slot(g, config->index + i, 0, 0, 0,
					guest_used_flags(g, config->index + i + g->num));
	} else {
		g->avail->idx = htole16(config->index);
		g->used->idx = htole16(config->index);
		g->copy->idx = g->used->idx;
	}
	guest_start_engine(g, config);
}

void guest_exit(struct guest *g)
{
	free(g->desc);
	free(g->avail);
	free(g->used);
	free(g->copy);
	free(g->slot_copy);
	free(g->slot_flags);
	free(g->out);
	free(g->ring.done);
	free(g->ram);
	free(g->free);
	free(g->chain_of);
	free(g->batch.segs);
}

u16 guest_state(const struct guest *g, u16 index)
{
	if (!g->packed)
		return index;
	return index % g->num | (index / g->num % 2 ? 0x8000 : 0);
}

/* What the driver sees of the device area. */
static struct vring_used *guest_view(const struct guest *g)
{
	return g->logging ? g->copy : g->used;
}

static void store_desc(struct vring_desc *d, u64 addr, u32 len, u16 flags, u16 next)
{
	d->addr = htole64(addr);
	d->len = htole32(len);
	d->flags = htole16(flags);
	d->next = htole16(next);
}

void guest_poke_desc(struct guest *g, u16 i, u64 addr, u32 len, u16 flags, u16 next)
{
	store_desc(&g->desc[i], addr, len, flags, next);
}

void guest_poke_table(struct guest *g, u64 table, u16 i, u64 addr, u32 len,
		      u16 flags, u16 next)
{
	struct vring_desc d;

	store_desc(&d, addr, len, flags, next);
	memcpy(g->ram + (table - GUEST_RAM_IOVA) + i * sizeof(d), &d, sizeof(d));
}

void guest_poke_avail(struct guest *g, u16 index, u16 head)
{
	g->avail->ring[index & (g->num - 1)] = htole16(head);
}

void guest_poke_avail_idx(struct guest *g, u16 idx)
{
	__atomic_store_n(&g->avail->idx, htole16(idx), __ATOMIC_RELEASE);
}

/* Which entry of the table holds the buffer that comes at position @pos. */
static void guest_arrange(struct guest *g, u16 *entry, unsigned int nr,
			  enum guest_order order)
{
	unsigned int pos;

	for (pos = 0; pos < nr; pos++)
		entry[pos] = pos && order == GUEST_BACKWARD ? nr - pos : pos;
	if (order != GUEST_SHUFFLED)
		return;
	for (pos = nr - 1; pos > 1; pos--) {	/* the first entry is fixed */
		u32 other = 1 + rng_below(&g->rng, pos);
		u16 tmp = entry[pos];

		entry[pos] = entry[other];
		entry[other] = tmp;
	}
}

u64 guest_alloc_table(struct guest *g, u32 size)
{
	u64 table;

	if (g->ram_next + size + 1 > g->ram_size)
		g->ram_next = 0;
	table = GUEST_RAM_IOVA + g->ram_next;
	g->ram_next += size + 1;	/* odd on purpose */
	memset(g->ram + (table - GUEST_RAM_IOVA), 0xff, size);
	return table;
}

static u64 guest_fill_table(struct guest *g, const struct guest_buf *bufs,
			    unsigned int nr, const struct guest_shape *shape)
{
	u64 table = guest_alloc_table(g, (nr + shape->spare) * sizeof(struct vring_desc));
	u16 entry[RING_NUM_MAX];
	unsigned int pos;

	guest_arrange(g, entry, nr, shape->order);
	for (pos = 0; pos < nr; pos++)
		guest_poke_table(g, table, entry[pos], bufs[pos].addr, bufs[pos].len,
				 (bufs[pos].in ? VRING_DESC_F_WRITE : 0) |
				 (pos + 1 < nr ? VRING_DESC_F_NEXT : 0),
				 pos + 1 < nr ? entry[pos + 1] : 0xffff);
	return table;
}

unsigned int guest_descs(const struct guest *g, const struct guest_shape *shape,
			 unsigned int nr)
{
	if (shape->direct >= nr)
		return nr;
	return g->packed ? 1 : shape->direct + 1;
}

static void split_guest_add(struct guest *g, const struct guest_buf *bufs, unsigned int nr,
			    const struct guest_shape *shape, const u16 *slot)
{
	unsigned int pos, nr_descs = guest_descs(g, shape, nr);

	for (pos = 0; pos < nr_descs; pos++) {
		bool last = pos + 1 == nr_descs;
		u16 next = last ? 0xffff : slot[pos + 1];

		if (pos == shape->direct) {
			u64 table = guest_fill_table(g, bufs + pos, nr - pos, shape);

			guest_poke_desc(g, slot[pos], table,
					(nr - pos + shape->spare) * sizeof(*g->desc),
					VRING_DESC_F_INDIRECT |
					(shape->write_flag ? VRING_DESC_F_WRITE : 0),
					next);
			continue;
		}
		guest_poke_desc(g, slot[pos], bufs[pos].addr, bufs[pos].len,
				(bufs[pos].in ? VRING_DESC_F_WRITE : 0) |
				(last ? 0 : VRING_DESC_F_NEXT), next);
	}
	guest_poke_avail(g, g->next_avail++, slot[0]);
}

int guest_add(struct guest *g, const struct guest_buf *bufs, unsigned int nr,
	      const struct guest_shape *shape)
{
	unsigned int i, nr_descs = guest_descs(g, shape, nr);
	struct guest_out *out = &g->out[g->nr_added & (g->num - 1)];

	if (nr_descs > g->nr_free)
		return -1;
	*out = (struct guest_out){};
	for (i = 0; i < nr; i++)
		out->len_in += bufs[i].in ? bufs[i].len : 0;
	if (g->packed) {
		out->id = g->free[--g->nr_ids];
		packed_guest_add(g, bufs, nr, shape, out->id);
	} else {
		const u16 *slot = g->free + (g->nr_free - nr_descs);

		out->id = slot[0];
		split_guest_add(g, bufs, nr, shape, slot);
	}
	g->nr_free -= nr_descs;
	g->chain_of[out->id] = nr_descs;
	g->nr_added++;
	return out->id;
}

int guest_add_direct(struct guest *g, const struct guest_buf *bufs, unsigned int nr)
{
	return guest_add(g, bufs, nr, &(struct guest_shape){ .direct = nr });
}

int guest_add_one(struct guest *g, u64 addr)
{
	return guest_add_direct(g, &(struct guest_buf){ .addr = addr, .len = 64 }, 1);
}

bool guest_same_chain(const struct ring_chain *chain, int head,
		      const struct guest_buf *bufs, unsigned int nr)
{
	u64 len_out = 0, len_in = 0;
	unsigned int i, nr_in = 0;

	CHECK_EQ(chain->id, head);
	CHECK_EQ(chain->nr_out + chain->nr_in, nr);
	for (i = 0; i < nr; i++) {
		CHECK_EQ(chain->seg[i].addr, bufs[i].addr);
		CHECK_EQ(chain->seg[i].len, bufs[i].len);
		CHECK_EQ(i >= chain->nr_out, bufs[i].in);
		nr_in += bufs[i].in;
		*(bufs[i].in ? &len_in : &len_out) += bufs[i].len;
	}
	CHECK_EQ(chain->nr_in, nr_in);
	CHECK_EQ(chain->len_out, len_out);
	CHECK_EQ(chain->len_in, len_in);
	return true;
}

bool guest_is_consistent(const struct guest *g)
{
	const struct ring *r = &g->ring;
	const struct ring_seg *seg = g->batch.segs;
	unsigned int i, j;

	CHECK((u16)(r->used - r->used_published) <= (u16)(r->next_avail - r->used_published));
	CHECK((u16)(r->next_avail - r->used_published) <= g->num);
	if (!g->packed) {
		CHECK((u16)(r->next_avail - r->used) <= (u16)(r->avail_seen - r->used));
		CHECK((u16)(r->avail_seen - r->used_published) <= g->num);
	}
	CHECK(r->nr_done <= (u16)(r->used - r->used_published));
	CHECK(g->batch.nr <= RING_BATCH && g->batch.next <= g->batch.nr);
	CHECK(g->batch.nr_segs <= g->batch.max_segs);
	for (i = 0; i < g->batch.nr; i++) {
		const struct ring_chain *c = &g->batch.chain[i];
		u64 sum = 0;

		CHECK((g->packed || c->id < g->num) && c->seg == seg);
		CHECK(c->slots >= 1 && c->slots <= (g->packed ? c->nr_out + c->nr_in : 1));
		CHECK(c->nr_out + c->nr_in >= 1 && c->nr_out + c->nr_in <= g->num);
		for (j = 0; j < c->nr_out + c->nr_in; j++)
			sum += seg[j].len;
		CHECK_EQ(sum, (u64)c->len_out + c->len_in);
		seg += c->nr_out + c->nr_in;
	}
	CHECK_EQ(seg - g->batch.segs, g->batch.nr_segs);
	CHECK(!g->misreported);
	return true;
}

u16 guest_avail_event(const struct guest *g)
{
	struct vring_used *used = guest_view(g);
	u16 *event = (u16 *)&used->ring[g->num];

	if (g->packed)
		return packed_guest_avail_event(g);
	return le16toh(__atomic_load_n(event, __ATOMIC_RELAXED));
}

bool guest_no_kick(const struct guest *g)
{
	struct vring_used *used = guest_view(g);

	if (g->packed)
		return packed_guest_no_kick(g);
	return le16toh(__atomic_load_n(&used->flags, __ATOMIC_RELAXED)) &
	       VRING_USED_F_NO_NOTIFY;
}

bool guest_publish(struct guest *g)
{
	u16 added = g->next_avail - g->kicked_avail;
	u16 to_event;

	if (g->packed)
		return packed_guest_publish(g);
	guest_poke_avail_idx(g, g->next_avail);
	g->kicked_avail = g->next_avail;
	/* The idx before the device's wish. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!g->event_idx)
		return !guest_no_kick(g);
	/* A kick is due if the entry at avail_event is one of those added. */
	to_event = guest_avail_event(g) - (u16)(g->next_avail - added);
	return to_event < added;
}

static u16 guest_used_idx(const struct guest *g)
{
	return le16toh(__atomic_load_n(&guest_view(g)->idx, __ATOMIC_ACQUIRE));
}

/* Which descriptors were the chain's is for the driver to remember. */
static void guest_free_chain(struct guest *g, u16 head)
{
	u16 left = g->chain_of[head];
	u16 i = head;

	g->chain_of[head] = 0;
	if (g->packed) {
		g->free[g->nr_ids++] = head;
		g->nr_free += left;
		return;
	}
	while (left--) {
		g->free[g->nr_free++] = i;
		i = le16toh(g->desc[i].next);
	}
}

/* Look at the next used entry, without taking it. */
static bool guest_used(const struct guest *g, u32 *id, u32 *len)
{
	const struct vring_used *used = guest_view(g);
	const vring_used_elem_t *elem = &used->ring[g->next_used & (g->num - 1)];

	if (g->packed)
		return packed_guest_used(g, id, len);
	if (guest_used_idx(g) == g->next_used)
		return false;
	*id = le32toh(elem->id);
	*len = le32toh(elem->len);
	return true;
}

/* An entry speaks for all chains up to the one it names. */
static bool guest_used_in_order(struct guest *g, u32 *id, u32 *len)
{
	const struct guest_out *out = &g->out[g->nr_taken & (g->num - 1)];

	if (!g->in_batch) {
		if (!guest_used(g, id, len))
			return false;
		g->in_batch = true;
		g->batch_id = *id;
		g->batch_len = *len;
	}
	*id = out->id;
	*len = out->len_in;
	if (out->id == g->batch_id) {
		*len = g->batch_len;
		g->in_batch = false;
	}
	g->nr_taken++;
	return true;
}

bool guest_take(struct guest *g, u32 *id, u32 *len)
{
	if (!(g->in_order ? guest_used_in_order(g, id, len) : guest_used(g, id, len)))
		return false;
	g->next_used += g->packed && *id < g->num ? g->chain_of[*id] : 1;
	if (*id < g->num)
		guest_free_chain(g, *id);
	return true;
}

void guest_set_event(struct guest *g, u16 index)
{
	if (g->packed) {
		packed_guest_set_event(g, index);
		return;
	}
	__atomic_store_n(&g->avail->ring[g->num], htole16(index), __ATOMIC_RELAXED);
}

void guest_set_no_call(struct guest *g, bool no_call)
{
	if (g->packed) {
		packed_guest_set_no_call(g, no_call);
		return;
	}
	__atomic_store_n(&g->avail->flags,
			 htole16(no_call ? VRING_AVAIL_F_NO_INTERRUPT : 0),
			 __ATOMIC_RELAXED);
}

bool guest_enable_call(struct guest *g)
{
	u32 id, len;

	if (g->event_idx)
		guest_set_event(g, g->next_used);
	else
		guest_set_no_call(g, false);
	/* The wish before the look at the idx. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return guest_used(g, &id, &len);
}
