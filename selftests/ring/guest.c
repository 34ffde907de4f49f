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
static void guest_wrote(struct ring *ring, u32 off, u32 len)
{
	struct guest *g = guest_of(ring);
	u32 first = offsetof(struct vring_used, ring);
	u32 last = first + g->num * sizeof(g->used->ring[0]);

	g->reports++;
	if (!len || off + len > ring_device_size(g->num))
		g->misreported = true;
	if (off >= first && off < last && g->used->idx != g->copy->idx)
		g->misreported = true;
	if (!g->misreported)
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
	ring->event_idx = config->event_idx;
	ring->indirect = config->indirect;
	ring_start(ring, config->index);
	g->batch.max_segs = config->segs ?: config->num;
	g->batch.segs = zalloc(g->batch.max_segs * sizeof(*g->batch.segs));
}

void guest_boot(struct guest *g, const struct guest_config *config)
{
	u16 i;

	memset(g, 0, sizeof(*g));
	g->num = config->num;
	g->event_idx = config->event_idx;
	g->logging = config->logging;
	g->rng.state = 1 + config->num;
	g->desc = zalloc(ring_desc_size(g->num));
	g->avail = zalloc(ring_driver_size(g->num));
	g->used = zalloc(ring_device_size(g->num));
	g->copy = zalloc(ring_device_size(g->num));
	g->ram_size = config->ram_size ?: GUEST_RAM_SIZE;
	g->ram = zalloc(g->ram_size);
	g->free = zalloc(g->num * sizeof(*g->free));
	g->chain_of = zalloc(g->num * sizeof(*g->chain_of));

	for (i = 0; i < g->num; i++)
		g->free[i] = g->num - 1 - i;
	g->nr_free = g->num;
	g->next_avail = config->index;
	g->kicked_avail = config->index;
	g->next_used = config->index;
	g->avail->idx = htole16(config->index);
	g->used->idx = htole16(config->index);
	g->copy->idx = g->used->idx;
	guest_start_engine(g, config);
}

void guest_exit(struct guest *g)
{
	free(g->desc);
	free(g->avail);
	free(g->used);
	free(g->copy);
	free(g->ram);
	free(g->free);
	free(g->chain_of);
	free(g->batch.segs);
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

static u64 guest_fill_table(struct guest *g, const struct guest_buf *bufs,
			    unsigned int nr, const struct guest_shape *shape)
{
	u32 size = (nr + shape->spare) * sizeof(struct vring_desc);
	u16 entry[RING_NUM_MAX];
	unsigned int pos;
	u64 table;

	if (g->ram_next + size + 1 > g->ram_size)
		g->ram_next = 0;
	table = GUEST_RAM_IOVA + g->ram_next;
	g->ram_next += size + 1;	/* odd on purpose */
	memset(g->ram + (table - GUEST_RAM_IOVA), 0xff, size);

	guest_arrange(g, entry, nr, shape->order);
	for (pos = 0; pos < nr; pos++)
		guest_poke_table(g, table, entry[pos], bufs[pos].addr, bufs[pos].len,
				 (bufs[pos].in ? VRING_DESC_F_WRITE : 0) |
				 (pos + 1 < nr ? VRING_DESC_F_NEXT : 0),
				 pos + 1 < nr ? entry[pos + 1] : 0xffff);
	return table;
}

unsigned int guest_descs(const struct guest_shape *shape, unsigned int nr)
{
	return shape->direct < nr ? shape->direct + 1 : nr;
}

int guest_add(struct guest *g, const struct guest_buf *bufs, unsigned int nr,
	      const struct guest_shape *shape)
{
	unsigned int nr_descs = guest_descs(shape, nr);
	const u16 *slot;
	unsigned int pos;

	if (nr_descs > g->nr_free)
		return -1;
	slot = g->free + (g->nr_free - nr_descs);
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
	g->nr_free -= nr_descs;
	g->chain_of[slot[0]] = nr_descs;
	guest_poke_avail(g, g->next_avail++, slot[0]);
	return slot[0];
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
	CHECK_EQ(chain->slots, 1);
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

	CHECK((u16)(r->next_avail - r->used) <= (u16)(r->avail_seen - r->used));
	CHECK((u16)(r->avail_seen - r->used_published) <= g->num);
	CHECK(g->batch.nr <= RING_BATCH && g->batch.next <= g->batch.nr);
	CHECK(g->batch.nr_segs <= g->batch.max_segs);
	for (i = 0; i < g->batch.nr; i++) {
		const struct ring_chain *c = &g->batch.chain[i];
		u64 sum = 0;

		CHECK(c->id < g->num && c->seg == seg);
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

	return le16toh(__atomic_load_n(event, __ATOMIC_RELAXED));
}

bool guest_no_kick(const struct guest *g)
{
	struct vring_used *used = guest_view(g);

	return le16toh(__atomic_load_n(&used->flags, __ATOMIC_RELAXED)) &
	       VRING_USED_F_NO_NOTIFY;
}

bool guest_publish(struct guest *g)
{
	u16 added = g->next_avail - g->kicked_avail;
	u16 to_event;

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
	while (left--) {
		g->free[g->nr_free++] = i;
		i = le16toh(g->desc[i].next);
	}
}

bool guest_take(struct guest *g, u32 *id, u32 *len)
{
	const struct vring_used *used = guest_view(g);
	const vring_used_elem_t *elem = &used->ring[g->next_used & (g->num - 1)];

	if (guest_used_idx(g) == g->next_used)
		return false;
	*id = le32toh(elem->id);
	*len = le32toh(elem->len);
	g->next_used++;
	if (*id < g->num)
		guest_free_chain(g, *id);
	return true;
}

void guest_set_event(struct guest *g, u16 index)
{
	__atomic_store_n(&g->avail->ring[g->num], htole16(index), __ATOMIC_RELAXED);
}

void guest_set_no_call(struct guest *g, bool no_call)
{
	__atomic_store_n(&g->avail->flags,
			 htole16(no_call ? VRING_AVAIL_F_NO_INTERRUPT : 0),
			 __ATOMIC_RELAXED);
}

bool guest_enable_call(struct guest *g)
{
	if (g->event_idx)
		guest_set_event(g, g->next_used);
	else
		guest_set_no_call(g, false);
	/* The wish before the look at the idx. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return guest_used_idx(g) != g->next_used;
}
