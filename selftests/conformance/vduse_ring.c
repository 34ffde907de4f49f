// SPDX-License-Identifier: GPL-2.0-only
#include <linux/virtio_ring.h>
#include <string.h>

#include "vduse_ring.h"

#define AVAIL	(1u << VRING_PACKED_DESC_F_AVAIL)
#define USED	(1u << VRING_PACKED_DESC_F_USED)

/* Both layouts have address, length and flags; each field is read once. */
static int add_seg(struct chain *c, uint64_t addr, uint32_t len, uint16_t flags)
{
	bool write = flags & VRING_DESC_F_WRITE;

	if (c->n == CHAIN_MAX || (c->n && c->seg[c->n - 1].write && !write))
		return -1;
	c->seg[c->n].addr = addr;
	c->seg[c->n].len = len;
	c->seg[c->n].write = write;
	c->n++;
	return 0;
}

static int add_split_table(struct chain *c, uint64_t addr, uint32_t n)
{
	uint32_t i, at = 0;

	for (i = 0; i < n; i++) {
		const struct vring_desc *p = guest(addr + at * sizeof(*p),
						   sizeof(*p), false);
		struct vring_desc desc;

		if (!p)
			return -1;
		memcpy(&desc, p, sizeof(desc));
		if (desc.flags & VRING_DESC_F_INDIRECT ||
		    add_seg(c, desc.addr, desc.len, desc.flags))
			return -1;
		if (!(desc.flags & VRING_DESC_F_NEXT))
			return 0;
		at = desc.next;
		if (at >= n)
			return -1;
	}
	return -1;
}

/* Packed tables have no links. */
static int add_packed_table(struct chain *c, uint64_t addr, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		const struct vring_packed_desc *p;
		struct vring_packed_desc desc;

		p = guest(addr + i * sizeof(*p), sizeof(*p), false);
		if (!p)
			return -1;
		memcpy(&desc, p, sizeof(desc));
		if (add_seg(c, desc.addr, desc.len, desc.flags))
			return -1;
	}
	return 0;
}

static int add_table(struct queue *q, struct chain *c, uint64_t addr,
		     uint32_t len, uint16_t flags)
{
	uint32_t n = len / sizeof(struct vring_desc);

	if (!q->indirect || flags & VRING_DESC_F_NEXT || c->n || !n ||
	    len % sizeof(struct vring_desc) || n > q->num)
		return -1;
	return q->packed ? add_packed_table(c, addr, n) :
			   add_split_table(c, addr, n);
}

static int add_desc(struct queue *q, struct chain *c, uint64_t addr,
		    uint32_t len, uint16_t flags)
{
	if (flags & VRING_DESC_F_INDIRECT)
		return add_table(q, c, addr, len, flags);
	return add_seg(c, addr, len, flags);
}

static int fetch_split(struct queue *q, struct chain *c)
{
	struct vring_avail *avail = guest(q->area[1], 4 + 2 * q->num, false);
	struct vring_desc *ring = guest(q->area[0], 16 * q->num, false);
	uint16_t ahead, at;

	if (!avail || !ring)
		return -1;
	ahead = __atomic_load_n(&avail->idx, __ATOMIC_ACQUIRE) - q->avail;
	if (!ahead || ahead > q->num)
		return ahead ? -1 : 0;
	at = avail->ring[q->avail % q->num];
	c->id = at;
	for (c->count = 1; c->count <= q->num; c->count++) {
		struct vring_desc desc;

		if (at >= q->num)
			return -1;
		memcpy(&desc, &ring[at], sizeof(desc));
		if (add_desc(q, c, desc.addr, desc.len, desc.flags))
			return -1;
		if (!(desc.flags & VRING_DESC_F_NEXT)) {
			q->avail++;
			return 1;
		}
		at = desc.next;
	}
	return -1;
}

static void advance(const struct queue *q, uint16_t *at, bool *wrap, uint16_t n)
{
	*at += n;
	if (*at >= q->num) {
		*at -= q->num;
		*wrap = !*wrap;
	}
}

static int fetch_packed(struct queue *q, struct chain *c)
{
	struct vring_packed_desc *ring = guest(q->area[0], 16 * q->num, false);
	uint16_t at = q->avail, flags;
	bool wrap = q->avail_wrap;

	if (!ring)
		return -1;
	flags = __atomic_load_n(&ring[at].flags, __ATOMIC_ACQUIRE);
	if (!!(flags & AVAIL) != wrap || !!(flags & USED) == wrap)
		return 0;
	for (c->count = 1; c->count <= q->num; c->count++) {
		struct vring_packed_desc desc;

		memcpy(&desc, &ring[at], sizeof(desc));
		advance(q, &at, &wrap, 1);
		if (add_desc(q, c, desc.addr, desc.len, desc.flags))
			return -1;
		if (!(desc.flags & VRING_DESC_F_NEXT)) {
			c->id = desc.id;
			q->avail = at;
			q->avail_wrap = wrap;
			return 1;
		}
	}
	return -1;
}

int queue_fetch(struct queue *q, struct chain *c)
{
	c->n = 0;
	return q->packed ? fetch_packed(q, c) : fetch_split(q, c);
}

static int complete_packed(struct queue *q, const struct chain *c, uint32_t len)
{
	struct vring_packed_desc *ring = guest(q->area[0], 16 * q->num, true);

	if (!ring)
		return -1;
	ring[q->used].id = c->id;
	ring[q->used].len = len;
	__atomic_store_n(&ring[q->used].flags, q->used_wrap ? AVAIL | USED : 0,
			 __ATOMIC_RELEASE);
	advance(q, &q->used, &q->used_wrap, c->count);
	return 0;
}

int queue_complete(struct queue *q, const struct chain *c, uint32_t len)
{
	struct vring_used *used;

	if (q->packed)
		return complete_packed(q, c, len);
	used = guest(q->area[2], 4 + 8 * q->num, true);
	if (!used)
		return -1;
	used->ring[q->used % q->num].id = c->id;
	used->ring[q->used % q->num].len = len;
	q->used++;
	__atomic_store_n(&used->idx, q->used, __ATOMIC_RELEASE);
	return 0;
}

bool queue_wants_call(const struct queue *q)
{
	const struct vring_packed_desc_event *event;
	const struct vring_avail *avail;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (q->packed) {
		event = guest(q->area[1], sizeof(*event), false);
		return event && (event->flags & 3) !=
				VRING_PACKED_EVENT_FLAG_DISABLE;
	}
	avail = guest(q->area[1], sizeof(*avail), false);
	return avail && !(avail->flags & VRING_AVAIL_F_NO_INTERRUPT);
}
