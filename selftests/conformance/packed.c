// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "check.h"
#include "packed.h"

#define BIT_AVAIL	(1u << VRING_PACKED_DESC_F_AVAIL)
#define BIT_USED	(1u << VRING_PACKED_DESC_F_USED)

static struct packed_pos pos_of(uint16_t encoded)
{
	return (struct packed_pos){ encoded & 0x7fff, encoded >> 15 };
}

static uint16_t pos_encode(struct packed_pos p)
{
	return p.at | (p.wrap ? 1u << 15 : 0);
}

static void pos_advance(const struct packed *q, struct packed_pos *p,
			unsigned int n)
{
	p->at += n;
	if (p->at >= q->num) {
		p->at -= q->num;
		p->wrap = !p->wrap;
	}
}

/* A descriptor is available if AVAIL is the lap's bit and USED is not. */
static uint16_t available(struct packed_pos p)
{
	return p.wrap ? BIT_AVAIL : BIT_USED;
}

static bool is_used(const struct packed *q, struct packed_pos p)
{
	uint16_t flags = __atomic_load_n(&q->desc[p.at].flags,
					 __ATOMIC_ACQUIRE);

	return !!(flags & BIT_AVAIL) == p.wrap && !!(flags & BIT_USED) == p.wrap;
}

void packed_init(struct packed *q, struct gmem *ring_mem, struct gmem *mem,
		 unsigned int num, uint32_t base)
{
	memset(q, 0, sizeof(*q));
	q->num = num;
	q->mem = mem;
	q->desc = gmem_alloc(ring_mem, num * sizeof(*q->desc), GMEM_PAGE);
	q->driver = gmem_alloc(ring_mem, sizeof(*q->driver), GMEM_PAGE);
	q->device = gmem_alloc(ring_mem, sizeof(*q->device), GMEM_PAGE);
	packed_restart(q, base);
}

/* As if the ring had been used up to @base: nothing is available. */
void packed_restart(struct packed *q, uint32_t base)
{
	unsigned int i;

	q->avail = pos_of(base & 0xffff);
	q->used = pos_of(base >> 16);
	CHECK(q->avail.at == q->used.at && q->avail.wrap == q->used.wrap &&
	      q->avail.at < q->num, "a ring cannot begin at 0x%x", base);
	for (i = 0; i < q->num; i++) {
		bool bit = i < q->avail.at ? q->avail.wrap : !q->avail.wrap;

		memset(&q->desc[i], 0, sizeof(*q->desc));
		q->desc[i].flags = bit ? BIT_AVAIL | BIT_USED : 0;
	}
	memset(q->driver, 0, sizeof(*q->driver));
	memset(q->device, 0, sizeof(*q->device));
	memset(q->chain_len, 0, sizeof(q->chain_len));
	q->kicked = q->avail;
	q->holding = false;
	q->nfree = q->num;
}

uint16_t packed_next_id(const struct packed *q)
{
	uint16_t id = 0;

	while (id < q->num && q->chain_len[id])
		id++;
	return id;
}

/* The first descriptor's flags wait until everything behind it is written. */
void packed_put(struct packed *q, uint64_t addr, uint32_t len, uint16_t id,
		uint16_t flags)
{
	struct vring_packed_desc *desc = &q->desc[q->avail.at];

	desc->addr = addr;
	desc->len = len;
	desc->id = id;
	flags |= available(q->avail);
	if (q->holding) {
		desc->flags = flags;
	} else {
		q->held = q->avail;
		q->held_flags = flags;
		q->holding = true;
	}
	pos_advance(q, &q->avail, 1);
}

int packed_add(struct packed *q, const struct vq_seg *seg, unsigned int n)
{
	uint16_t id = packed_next_id(q);
	unsigned int i;

	if (!n || n > q->nfree)
		return -ENOSPC;
	for (i = 0; i < n; i++)
		packed_put(q, gmem_iova(q->mem, seg[i].p), seg[i].len, id,
			   (seg[i].in ? VRING_DESC_F_WRITE : 0) |
			   (i + 1 < n ? VRING_DESC_F_NEXT : 0));
	q->nfree -= n;
	q->chain_len[id] = n;
	return id;
}

/* Is the place that the device named among those from @from to @to? */
static bool wanted_between(const struct packed *q, struct packed_pos from,
			   struct packed_pos to, uint16_t off_wrap)
{
	struct packed_pos event = pos_of(off_wrap);
	int want = event.at, new = to.at, old = from.at;

	/* All in the numbers of the driver's present lap. */
	if (event.wrap != to.wrap)
		want -= (int)q->num;
	if (from.wrap != to.wrap)
		old -= (int)q->num;
	return want >= old && want < new;
}

bool packed_publish(struct packed *q)
{
	struct packed_pos from = q->kicked;
	uint16_t flags;

	if (q->holding)
		__atomic_store_n(&q->desc[q->held.at].flags, q->held_flags,
				 __ATOMIC_RELEASE);
	q->holding = false;
	/* Against the device's "ask for kicks, then look at the ring". */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	q->kicked = q->avail;
	flags = __atomic_load_n(&q->device->flags, __ATOMIC_ACQUIRE) & 3;
	if (flags == VRING_PACKED_EVENT_FLAG_DESC)
		return wanted_between(q, from, q->avail, q->device->off_wrap);
	return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
}

int packed_get_used(struct packed *q, uint32_t *len)
{
	const struct vring_packed_desc *desc = &q->desc[q->used.at];
	uint16_t id, n;

	if (!is_used(q, q->used))
		return -EAGAIN;
	id = desc->id;
	CHECK(id < q->num && q->chain_len[id],
	      "device returned chain %u, which is not out", id);
	if (len)
		*len = desc->len;
	n = q->chain_len[id];
	q->chain_len[id] = 0;
	q->nfree += n;
	pos_advance(q, &q->used, n);
	return id;
}

/* Looks ahead, by the lengths of the chains that were returned. */
static unsigned int scan(const struct packed *q, struct packed_pos *p)
{
	unsigned int n = 0;

	*p = q->used;
	while (n < q->num && is_used(q, *p)) {
		uint16_t id = q->desc[p->at].id;

		if (id >= q->num || !q->chain_len[id])
			break;
		pos_advance(q, p, q->chain_len[id]);
		n++;
	}
	return n;
}

unsigned int packed_pending(const struct packed *q)
{
	struct packed_pos p;

	return scan(q, &p);
}

uint32_t packed_base(const struct packed *q)
{
	struct packed_pos p;

	scan(q, &p);
	return pos_encode(p) * 0x10001u;
}
