// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include "conf.h"
#include "ring.h"

uint32_t ring_start_base(bool packed)
{
	return packed ? PACKED_START : 0;
}

/* The split ring also carries the eventfds and the numbers of a packed one. */
void ring_init(struct ring *r, bool packed, struct gmem *ring_mem,
	       struct gmem *mem, unsigned int idx, unsigned int num,
	       uint32_t base)
{
	r->packed = packed;
	r->mem = ring_mem;
	vq_init(&r->split, ring_mem, mem, idx, num, (struct vq_layout){ 0 },
		packed ? 0 : base);
	if (packed)
		packed_init(&r->pk, ring_mem, mem, num, base);
	r->slots = gmem_alloc(mem, num * SLOT, GMEM_PAGE);
}

void ring_restart(struct ring *r, uint32_t base)
{
	vq_restart(&r->split, r->split.layout, r->packed ? 0 : base);
	if (r->packed)
		packed_restart(&r->pk, base);
}

void ring_close(struct ring *r)
{
	if (r->split.num)
		vq_close(&r->split);
}

struct ring_areas ring_areas(const struct ring *r)
{
	const struct gmem *m = r->mem;

	if (r->packed)
		return (struct ring_areas){
			gmem_iova(m, r->pk.desc),
			gmem_iova(m, r->pk.driver),
			gmem_iova(m, r->pk.device),
		};
	return (struct ring_areas){
		gmem_iova(m, r->split.desc),
		gmem_iova(m, r->split.avail),
		gmem_iova(m, r->split.used),
	};
}

void ring_event_idx(struct ring *r, bool on)
{
	r->split.layout.event_idx = on;
}

unsigned char *ring_slot(struct ring *r, int id)
{
	return r->slots + (unsigned int)id * SLOT;
}

unsigned char *ring_next_slot(struct ring *r)
{
	return ring_slot(r, r->packed ? packed_next_id(&r->pk) : r->split.free);
}

unsigned int ring_room(const struct ring *r)
{
	return r->packed ? r->pk.nfree : r->split.nfree;
}

int ring_add(struct ring *r, const struct vq_seg *seg, unsigned int n)
{
	int id = r->packed ? packed_add(&r->pk, seg, n) :
			     __vq_add(&r->split, seg, n);

	CHECK(id >= 0, "queue %u: no room for %u", r->split.idx, n);
	return id;
}

void ring_publish(struct ring *r)
{
	if (r->packed)
		packed_publish(&r->pk);
	else
		vq_publish(&r->split);
}

void ring_notify(struct ring *r)
{
	if (!r->packed)
		vq_notify(&r->split);
	else if (packed_publish(&r->pk))
		vq_kick(&r->split);
}

void ring_kick(struct ring *r)
{
	vq_kick(&r->split);
}

int ring_get_used(struct ring *r, uint32_t *len)
{
	return r->packed ? packed_get_used(&r->pk, len) :
			   __vq_get_used(&r->split, len);
}

int ring_wait_used(struct ring *r, uint32_t *len)
{
	uint64_t end = deadline(options.wait_ms);
	int id;

	while ((id = ring_get_used(r, len)) == -EAGAIN) {
		if (now_us() >= end)
			return -ETIMEDOUT;
		pause_us(50);
	}
	return id;
}

unsigned int ring_pending(const struct ring *r)
{
	if (r->packed)
		return packed_pending(&r->pk);
	return (uint16_t)(vq_used_idx(&r->split) - r->split.last_used);
}

uint32_t ring_base(const struct ring *r)
{
	return r->packed ? packed_base(&r->pk) : vq_used_idx(&r->split);
}

void ring_want_calls(struct ring *r, bool on)
{
	uint16_t *split = &r->split.avail->flags;

	__atomic_store_n(split, on ? 0 : VRING_AVAIL_F_NO_INTERRUPT,
			 __ATOMIC_SEQ_CST);
	if (r->packed)
		__atomic_store_n(&r->pk.driver->flags,
				 on ? VRING_PACKED_EVENT_FLAG_ENABLE :
				      VRING_PACKED_EVENT_FLAG_DISABLE,
				 __ATOMIC_SEQ_CST);
}

uint64_t ring_calls(struct ring *r)
{
	return vq_calls(&r->split);
}
