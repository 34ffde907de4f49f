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

/* Each area begins a page: tests map and protect them one by one. */
static void alloc_areas(struct vq *q)
{
	q->desc = gmem_alloc(q->ring_mem, q->num * sizeof(*q->desc), GMEM_PAGE);
	q->avail = gmem_alloc(q->ring_mem, avail_size(q->num), GMEM_PAGE);
	q->used = gmem_alloc(q->ring_mem, used_size(q->num), GMEM_PAGE);
}

void vq_init(struct vq *q, struct gmem *ring_mem, struct gmem *mem,
	     unsigned int idx, unsigned int num, uint16_t base)
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
	vq_restart(q, base);
}

void vq_close(struct vq *q)
{
	close(q->kick);
	close(q->call);
}

void vq_restart(struct vq *q, uint16_t base)
{
	unsigned int i;

	memset(q->avail, 0, avail_size(q->num));
	memset(q->used, 0, used_size(q->num));
	memset(q->chain_len, 0, sizeof(q->chain_len));
	for (i = 0; i < q->num; i++)
		q->next[i] = i + 1;
	q->free = 0;
	q->nfree = q->num;
	q->avail_idx = base;
	q->kicked_idx = base;
	q->last_used = base;
	q->avail->idx = base;
	q->used->idx = base;
	*used_event(q) = base;
	vq_calls(q);
}

void vq_relocate(struct vq *q)
{
	struct vq old = *q;

	alloc_areas(q);
	memcpy(q->desc, old.desc, q->num * sizeof(*q->desc));
	memcpy(q->avail, old.avail, avail_size(q->num));
	memcpy(q->used, old.used, used_size(q->num));
	/* A device that still looks there is to notice. */
	memset(old.desc, 0xff, q->num * sizeof(*q->desc));
	memset(old.avail, 0xff, avail_size(q->num));
	memset(old.used, 0xff, used_size(q->num));
}

int __vq_add(struct vq *q, const struct vq_seg *seg, unsigned int n)
{
	uint16_t head = q->free, at = head;
	unsigned int i;

	if (!n || n > q->nfree)
		return -ENOSPC;
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
	q->nfree -= n;
	q->chain_len[head] = n;
	vq_offer(q, head);
	return head;
}

void vq_offer(struct vq *q, uint16_t head)
{
	q->avail->ring[q->avail_idx % q->num] = head;
	q->avail_idx++;
}

void vq_publish(struct vq *q)
{
	__atomic_store_n(&q->avail->idx, q->avail_idx, __ATOMIC_RELEASE);
}

void vq_kick(struct vq *q)
{
	uint64_t one = 1;

	CHECK(write(q->kick, &one, sizeof(one)) == sizeof(one), "eventfd write");
}

void vq_notify(struct vq *q)
{
	uint16_t old = q->kicked_idx;
	bool wanted;

	vq_publish(q);
	/* Against the device's "ask for kicks, then look at the ring". */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	q->kicked_idx = q->avail_idx;
	if (q->event_idx)
		wanted = vring_need_event(__atomic_load_n(avail_event(q),
							  __ATOMIC_RELAXED),
					  q->avail_idx, old);
	else
		wanted = !(__atomic_load_n(&q->used->flags, __ATOMIC_RELAXED) &
			   VRING_USED_F_NO_NOTIFY);
	if (wanted)
		vq_kick(q);
}

uint16_t vq_used_idx(const struct vq *q)
{
	return __atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE);
}

static void free_chain(struct vq *q, uint16_t head)
{
	unsigned int n = q->chain_len[head];
	uint16_t last = head;

	q->chain_len[head] = 0;
	q->nfree += n;
	while (--n)
		last = q->next[last];
	q->next[last] = q->free;
	q->free = head;
}

int __vq_get_used(struct vq *q, uint32_t *len)
{
	const struct vring_used_elem *e;

	if (vq_used_idx(q) == q->last_used)
		return -EAGAIN;
	e = &q->used->ring[q->last_used % q->num];
	CHECK(e->id < q->num && q->chain_len[e->id],
	      "queue %u: device returned chain %u, which is not out", q->idx,
	      e->id);
	free_chain(q, e->id);
	if (len)
		*len = e->len;
	q->last_used++;
	/* Ask to be called for the next one. */
	__atomic_store_n(used_event(q), q->last_used, __ATOMIC_SEQ_CST);
	return e->id;
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
