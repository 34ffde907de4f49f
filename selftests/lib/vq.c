// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "check.h"
#include "vq.h"

/* Where the event index fields live: behind the last entry of either ring. */
static uint16_t *used_event(const struct vq *q)
{
	return &q->avail->ring[q->num];
}

static uint16_t *avail_event(const struct vq *q)
{
	return (uint16_t *)&q->used->ring[q->num];
}

static size_t avail_size(unsigned int num)
{
	return sizeof(struct vring_avail) + (num + 1) * sizeof(uint16_t);
}

static size_t used_size(unsigned int num)
{
	return sizeof(struct vring_used) + num * sizeof(struct vring_used_elem) +
	       sizeof(uint16_t);
}

static size_t driver_size(const struct vq *q)
{
	return q->layout.packed ? sizeof(*q->driver_event) : avail_size(q->num);
}

static size_t device_size(const struct vq *q)
{
	return q->layout.packed ? sizeof(*q->device_event) : used_size(q->num);
}

/*
 * Each area begins a page: tests map and protect them one by one. A split
 * ring's are large enough for a packed one, should it become one.
 */
static void alloc_areas(struct vq *q)
{
	q->desc = gmem_alloc(q->ring_mem, q->num * sizeof(*q->desc), GMEM_PAGE);
	q->avail = gmem_alloc(q->ring_mem, avail_size(q->num), GMEM_PAGE);
	q->used = gmem_alloc(q->ring_mem, used_size(q->num), GMEM_PAGE);
}

void vq_init(struct vq *q, struct gmem *ring_mem, struct gmem *mem,
	     unsigned int idx, unsigned int num, struct vq_layout layout,
	     uint16_t base)
{
	CHECK(num && num <= VQ_MAX, "ring of %u entries", num);
	memset(q, 0, sizeof(*q));
	q->idx = idx;
	q->num = num;
	q->ring_mem = ring_mem;
	q->mem = mem;
	alloc_areas(q);
	q->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK(q->kick >= 0 && q->call >= 0, "eventfd");
	vq_restart(q, layout, base);
}

void vq_close(struct vq *q)
{
	close(q->kick);
	close(q->call);
}

static void restart_split(struct vq *q, uint16_t base)
{
	q->avail->idx = base;
	q->used->idx = base;
	*used_event(q) = base;
}

/* As if the laps before had been there. */
static void restart_packed(struct vq *q, uint16_t base)
{
	unsigned int i;

	for (i = 0; i < q->num; i++)
		q->slot[(uint16_t)(base + i) % q->num].flags =
			vq_used_flags(q, base + i + q->num);
}

void vq_restart(struct vq *q, struct vq_layout layout, uint16_t base)
{
	unsigned int i;

	q->layout = layout;
	memset(q->avail, 0, avail_size(q->num));
	memset(q->used, 0, used_size(q->num));
	memset(q->chain_len, 0, sizeof(q->chain_len));
	for (i = 0; i < q->num; i++)
		q->next[i] = (i + 1) % q->num;
	q->free = 0;
	q->nfree = q->num;
	q->avail_idx = base;
	q->shown_idx = base;
	q->kicked_idx = base;
	q->last_used = base;
	q->batch = -1;
	q->first_out = 0;
	q->last_out = 0;
	if (layout.packed)
		restart_packed(q, base);
	else
		restart_split(q, base);
	vq_calls(q);
}

static bool wrap_counter(const struct vq *q, uint16_t at)
{
	return at / q->num % 2 == 0;
}

uint16_t vq_avail_flags(const struct vq *q, uint16_t at)
{
	return 1 << (wrap_counter(q, at) ? VRING_PACKED_DESC_F_AVAIL :
					   VRING_PACKED_DESC_F_USED);
}

uint16_t vq_used_flags(const struct vq *q, uint16_t at)
{
	return wrap_counter(q, at) ? 1 << VRING_PACKED_DESC_F_AVAIL |
				     1 << VRING_PACKED_DESC_F_USED : 0;
}

/* A slot with its wrap counter, as event suppression and states have it. */
static uint16_t slot_and_wrap(const struct vq *q, uint16_t at)
{
	return at % q->num |
	       wrap_counter(q, at) << VRING_PACKED_EVENT_F_WRAP_CTR;
}

uint32_t vq_state(const struct vq *q, uint16_t index)
{
	uint32_t half = slot_and_wrap(q, index);

	return q->layout.packed ? half << 16 | half : index;
}

void vq_relocate(struct vq *q)
{
	struct vq old = *q;

	alloc_areas(q);
	memcpy(q->desc, old.desc, q->num * sizeof(*q->desc));
	memcpy(q->avail, old.avail, driver_size(q));
	memcpy(q->used, old.used, device_size(q));
	/* A device that still looks there is to notice. */
	memset(old.desc, 0xff, q->num * sizeof(*q->desc));
	memset(old.avail, 0xff, driver_size(q));
	memset(old.used, 0xff, device_size(q));
}

static void add_slots(struct vq *q, const struct vq_seg *seg, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct vring_packed_desc *d = &q->slot[q->avail_idx % q->num];

		d->addr = gmem_iova(q->mem, seg[i].p);
		d->len = seg[i].len;
		d->id = q->free;
		q->slot_flags[q->avail_idx % q->num] =
			(seg[i].in ? VRING_DESC_F_WRITE : 0) |
			(i + 1 < n ? VRING_DESC_F_NEXT : 0) |
			vq_avail_flags(q, q->avail_idx);
		q->avail_idx++;
	}
	q->free = q->next[q->free];
}

static void add_descs(struct vq *q, const struct vq_seg *seg, unsigned int n)
{
	uint16_t at = q->free;
	unsigned int i;

	vq_offer(q, at);
	for (i = 0; i < n; i++) {
		struct vring_desc *d = &q->desc[at];

		d->addr = gmem_iova(q->mem, seg[i].p);
		d->len = seg[i].len;
		d->flags = seg[i].in ? VRING_DESC_F_WRITE : 0;
		if (i + 1 < n) {
			d->flags |= VRING_DESC_F_NEXT;
			d->next = q->next[at];
		}
		at = q->next[at];
	}
	q->free = at;
}

int __vq_add(struct vq *q, const struct vq_seg *seg, unsigned int n)
{
	uint16_t head = q->free;

	if (!n || n > q->nfree)
		return -ENOSPC;
	if (q->layout.packed)
		add_slots(q, seg, n);
	else
		add_descs(q, seg, n);
	q->nfree -= n;
	q->chain_len[head] = n;
	q->order[q->last_out++ % q->num] = head;
	return head;
}

void vq_offer(struct vq *q, uint16_t head)
{
	q->avail->ring[q->avail_idx % q->num] = head;
	q->avail_idx++;
}

/* From the last slot to the first: nothing shows too early. */
static void publish_slots(struct vq *q)
{
	uint16_t at = q->avail_idx;

	while (at-- != q->shown_idx)
		__atomic_store_n(&q->slot[at % q->num].flags,
				 q->slot_flags[at % q->num], __ATOMIC_RELEASE);
	q->shown_idx = q->avail_idx;
}

void vq_publish(struct vq *q)
{
	if (q->layout.packed) {
		publish_slots(q);
		return;
	}
	__atomic_store_n(&q->avail->idx, q->avail_idx, __ATOMIC_RELEASE);
}

void vq_kick(struct vq *q)
{
	uint64_t one = 1;

	CHECK(write(q->kick, &one, sizeof(one)) == sizeof(one), "eventfd write");
}

static bool slot_kick_wanted(const struct vq *q, uint16_t old)
{
	uint16_t flags, event, at;

	flags = __atomic_load_n(&q->device_event->flags, __ATOMIC_ACQUIRE);
	if (flags != VRING_PACKED_EVENT_FLAG_DESC)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	event = __atomic_load_n(&q->device_event->off_wrap, __ATOMIC_RELAXED);
	for (at = old; at != q->avail_idx; at++)
		if (event == slot_and_wrap(q, at))
			return true;
	return false;
}

void vq_notify(struct vq *q)
{
	uint16_t old = q->kicked_idx;
	bool wanted;

	vq_publish(q);
	/* Against the device's "ask for kicks, then look at the ring". */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	q->kicked_idx = q->avail_idx;
	if (q->layout.packed)
		wanted = slot_kick_wanted(q, old);
	else if (q->layout.event_idx)
		wanted = vring_need_event(__atomic_load_n(avail_event(q),
							  __ATOMIC_RELAXED),
					  q->avail_idx, old);
	else
		wanted = !(__atomic_load_n(&q->used->flags, __ATOMIC_RELAXED) &
			   VRING_USED_F_NO_NOTIFY);
	if (wanted)
		vq_kick(q);
}

/* Is slot @at used? Then under which id. */
static bool slot_used(const struct vq *q, uint16_t at, uint32_t *id, uint32_t *len)
{
	const struct vring_packed_desc *d = &q->slot[at % q->num];
	uint16_t flags = __atomic_load_n(&d->flags, __ATOMIC_ACQUIRE);

	if ((flags & (1 << VRING_PACKED_DESC_F_AVAIL | 1 << VRING_PACKED_DESC_F_USED)) !=
	    vq_used_flags(q, at))
		return false;
	*id = d->id;
	*len = flags & VRING_DESC_F_WRITE ? d->len : 0;
	return true;
}

/* Follow what is used from chain to chain; in order an entry may skip some. */
static uint16_t used_slots(const struct vq *q)
{
	unsigned int out = q->first_out;
	uint16_t at = q->last_used;
	int batch = q->batch;
	uint32_t id, len;

	while (out != q->last_out && (batch >= 0 || slot_used(q, at, &id, &len))) {
		if (batch < 0)
			batch = id;
		if (q->layout.in_order)
			id = q->order[out % q->num];
		if (id >= q->num)
			break;
		at += q->chain_len[id];
		out++;
		if ((int)id == batch)
			batch = -1;
	}
	return at;
}

uint16_t vq_used_idx(const struct vq *q)
{
	if (q->layout.packed)
		return used_slots(q);
	return __atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE);
}

static void free_chain(struct vq *q, uint16_t head)
{
	unsigned int n = q->chain_len[head];
	uint16_t last = head;

	q->chain_len[head] = 0;
	q->nfree += n;
	/* In order the list is a circle, and what is free is where it was. */
	if (q->layout.in_order)
		return;
	while (!q->layout.packed && --n)
		last = q->next[last];
	q->next[last] = q->free;
	q->free = head;
}

static bool next_used(const struct vq *q, uint32_t *id, uint32_t *len)
{
	const struct vring_used_elem *e = &q->used->ring[q->last_used % q->num];

	if (q->layout.packed)
		return slot_used(q, q->last_used, id, len);
	if (vq_used_idx(q) == q->last_used)
		return false;
	*id = e->id;
	*len = e->len;
	return true;
}

/* An entry speaks for all chains up to the one it names. */
static bool next_in_order(struct vq *q, uint32_t *id, uint32_t *len)
{
	if (q->batch < 0) {
		if (!next_used(q, id, len))
			return false;
		CHECK(*id < q->num, "queue %u: device returned chain %u", q->idx, *id);
		q->batch = *id;
		q->batch_len = *len;
	}
	CHECK(q->first_out != q->last_out, "queue %u: chain %d is not out", q->idx,
	      q->batch);
	*id = q->order[q->first_out % q->num];
	*len = 0;
	if ((int)*id == q->batch) {
		*len = q->batch_len;
		q->batch = -1;
	}
	return true;
}

/* Ask to be called for slot @at (packed). */
static void call_for(struct vq *q, uint16_t at)
{
	__atomic_store_n(&q->driver_event->off_wrap, slot_and_wrap(q, at),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&q->driver_event->flags, VRING_PACKED_EVENT_FLAG_DESC,
			 __ATOMIC_SEQ_CST);
}

/* Ask to be called for the next one. */
static void ask_for_call(struct vq *q)
{
	if (!q->layout.packed)
		__atomic_store_n(used_event(q), q->last_used, __ATOMIC_SEQ_CST);
	else if (q->layout.event_idx)
		call_for(q, q->last_used);
}

void vq_mute(struct vq *q)
{
	if (q->layout.packed && q->layout.event_idx)
		call_for(q, q->last_used + q->num / 2);
	else if (q->layout.packed)
		q->driver_event->flags = VRING_PACKED_EVENT_FLAG_DISABLE;
	else if (q->layout.event_idx)
		*used_event(q) = q->last_used + q->num / 2;
	else
		q->avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
}

void vq_unmute(struct vq *q)
{
	if (q->layout.event_idx)
		ask_for_call(q);
	else if (q->layout.packed)
		q->driver_event->flags = VRING_PACKED_EVENT_FLAG_ENABLE;
	else
		q->avail->flags = 0;
}

int __vq_get_used(struct vq *q, uint32_t *len)
{
	uint32_t id, bytes;

	if (!(q->layout.in_order ? next_in_order(q, &id, &bytes) :
				   next_used(q, &id, &bytes)))
		return -EAGAIN;
	CHECK(id < q->num && q->chain_len[id],
	      "queue %u: device returned chain %u, which is not out", q->idx, id);
	q->last_used += q->layout.packed ? q->chain_len[id] : 1;
	q->first_out++;
	free_chain(q, id);
	if (len)
		*len = bytes;
	ask_for_call(q);
	return id;
}

int __vq_wait_used(struct vq *q, uint32_t *len, unsigned int ms)
{
	uint64_t end = deadline(ms);
	int ret;

	while ((ret = __vq_get_used(q, len)) == -EAGAIN) {
		if (now_us() >= end)
			return -ETIMEDOUT;
		pause_us(50);
	}
	return ret;
}

uint64_t vq_calls(struct vq *q)
{
	uint64_t n = 0;

	if (read(q->call, &n, sizeof(n)) != sizeof(n))
		return 0;
	return n;
}

bool vq_wait_call(struct vq *q, unsigned int ms)
{
	struct pollfd p = { .fd = q->call, .events = POLLIN };

	return poll(&p, 1, ms * slow_factor()) == 1;
}
