// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver of a packed ring. Slots are counted on beyond the end of the
 * ring; the wrap counter is 1 in the first lap, and in every other.
 */
#include <endian.h>
#include <string.h>

#include "guest.h"

#define AVAIL	(1 << VRING_PACKED_DESC_F_AVAIL)
#define USED	(1 << VRING_PACKED_DESC_F_USED)
#define WRAP	(1 << VRING_PACKED_EVENT_F_WRAP_CTR)

static bool wrap_counter(const struct guest *g, u16 at)
{
	return at / g->num % 2 == 0;
}

u16 guest_avail_flags(const struct guest *g, u16 at)
{
	return wrap_counter(g, at) ? AVAIL : USED;
}

u16 guest_used_flags(const struct guest *g, u16 at)
{
	return wrap_counter(g, at) ? AVAIL | USED : 0;
}

static void store(struct vring_packed_desc *d, u64 addr, u32 len, u16 id)
{
	d->addr = htole64(addr);
	d->len = htole32(len);
	d->id = htole16(id);
}

/* All but the flags; the copy is what the device's reports replace. */
static void store_slot(struct guest *g, u16 at, u64 addr, u32 len, u16 id)
{
	store(&g->slot[at % g->num], addr, len, id);
	if (g->logging)
		store(&g->slot_copy[at % g->num], addr, len, id);
}

static void store_flags(struct guest *g, u16 at, u16 flags)
{
	__atomic_store_n(&g->slot[at % g->num].flags, htole16(flags), __ATOMIC_RELEASE);
	if (g->logging)
		g->slot_copy[at % g->num].flags = htole16(flags);
}

void guest_poke_slot(struct guest *g, u16 at, u64 addr, u32 len, u16 id, u16 flags)
{
	store_slot(g, at, addr, len, id);
	store_flags(g, at, flags);
}

void guest_poke_packed_table(struct guest *g, u64 table, u16 i, u64 addr, u32 len,
			     u16 flags)
{
	struct vring_packed_desc d = { .flags = htole16(flags) };

	store(&d, addr, len, 0xdead);	/* has to be ignored */
	memcpy(g->ram + (table - GUEST_RAM_IOVA) + i * sizeof(d), &d, sizeof(d));
}

/* Not visible yet: packed_guest_publish() is what stores the flags. */
static void add_slot(struct guest *g, u64 addr, u32 len, u16 id, u16 flags)
{
	u16 at = g->next_avail++;

	store_slot(g, at, addr, len, id);
	g->slot_flags[at % g->num] = flags | guest_avail_flags(g, at);
}

static u16 write_flag(const struct guest_buf *buf)
{
	return buf->in ? VRING_DESC_F_WRITE : 0;
}

void packed_guest_add(struct guest *g, const struct guest_buf *bufs, unsigned int nr,
		      const struct guest_shape *shape, u16 id)
{
	unsigned int i;
	u64 table;

	if (shape->direct >= nr) {
		for (i = 0; i < nr; i++)	/* only the last id counts */
			add_slot(g, bufs[i].addr, bufs[i].len, i + 1 < nr ? ~id : id,
				 write_flag(&bufs[i]) | (i + 1 < nr ? VRING_DESC_F_NEXT : 0));
		return;
	}
	table = guest_alloc_table(g, nr * sizeof(*g->slot));
	for (i = 0; i < nr; i++)	/* all flags but one have to be ignored */
		guest_poke_packed_table(g, table, i, bufs[i].addr, bufs[i].len,
					write_flag(&bufs[i]) |
					(shape->write_flag ? 0xffff & ~VRING_DESC_F_WRITE : 0));
	add_slot(g, table, nr * sizeof(*g->slot), id,
		 VRING_DESC_F_INDIRECT | (shape->write_flag ? VRING_DESC_F_WRITE : 0));
}

/* From the last slot to the first, so that nothing shows too early. */
bool packed_guest_publish(struct guest *g)
{
	const struct vring_packed_desc_event *event = g->logging ? g->event_copy :
								   g->device_event;
	u16 old = g->kicked_avail, at = g->next_avail;
	u16 flags;

	while (at-- != old)
		store_flags(g, at, g->slot_flags[at % g->num]);
	g->kicked_avail = g->next_avail;
	/* The slots before the device's wish. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	flags = le16toh(__atomic_load_n(&event->flags, __ATOMIC_ACQUIRE));
	if (flags != VRING_PACKED_EVENT_FLAG_DESC)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	at = packed_guest_avail_event(g) - old;
	return at % (2 * g->num) < (u16)(g->next_avail - old);
}

bool packed_guest_used(const struct guest *g, u32 *id, u32 *len)
{
	const struct vring_packed_desc *d = (g->logging ? g->slot_copy : g->slot) +
					    g->next_used % g->num;
	u16 flags = le16toh(__atomic_load_n(&d->flags, __ATOMIC_ACQUIRE));

	if ((flags & (AVAIL | USED)) != guest_used_flags(g, g->next_used))
		return false;
	*id = le16toh(d->id);
	*len = flags & VRING_DESC_F_WRITE ? le32toh(d->len) : 0;
	return true;
}

void guest_set_event_flags(struct guest *g, u16 flags)
{
	__atomic_store_n(&g->driver_event->flags, htole16(flags), __ATOMIC_RELEASE);
}

void packed_guest_set_event(struct guest *g, u16 at)
{
	u16 off_wrap = at % g->num | (wrap_counter(g, at) ? WRAP : 0);

	__atomic_store_n(&g->driver_event->off_wrap, htole16(off_wrap), __ATOMIC_RELAXED);
	guest_set_event_flags(g, VRING_PACKED_EVENT_FLAG_DESC);
}

/* With event index it is the event that counts. */
void packed_guest_set_no_call(struct guest *g, bool no_call)
{
	if (!g->event_idx)
		guest_set_event_flags(g, no_call ? VRING_PACKED_EVENT_FLAG_DISABLE :
						   VRING_PACKED_EVENT_FLAG_ENABLE);
}

/* As a slot that comes next, rather than one that was. */
u16 packed_guest_avail_event(const struct guest *g)
{
	const struct vring_packed_desc_event *event = g->logging ? g->event_copy :
								   g->device_event;
	u16 off_wrap = le16toh(__atomic_load_n(&event->off_wrap, __ATOMIC_RELAXED));
	u16 at = (off_wrap & ~WRAP) + (off_wrap & WRAP ? 0 : g->num);

	return g->next_avail + (u16)(at - g->next_avail) % (2 * g->num);
}

bool packed_guest_no_kick(const struct guest *g)
{
	const struct vring_packed_desc_event *event = g->logging ? g->event_copy :
								   g->device_event;

	return le16toh(__atomic_load_n(&event->flags, __ATOMIC_ACQUIRE)) ==
	       VRING_PACKED_EVENT_FLAG_DISABLE;
}
