/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver side of a virtqueue, split or packed. The orderly part (vq_add and so on)
 * keeps its books outside guest memory; the ring itself is open, so that a
 * test can write into it whatever a hostile guest might.
 */
#ifndef VDPATEST_VQ_H
#define VDPATEST_VQ_H

#include <linux/virtio_ring.h>
#include <stdbool.h>

#include "gmem.h"

#define VQ_MAX	1024

/**
 * struct vq_seg - one buffer of a chain
 * @p: in guest memory
 * @len: bytes
 * @in: the device writes it
 */
struct vq_seg {
	void *p;
	uint32_t len;
	bool in;
};

/**
 * struct vq_layout - what was negotiated about rings
 * @packed: VIRTIO_F_RING_PACKED
 * @in_order: VIRTIO_F_IN_ORDER
 * @event_idx: VIRTIO_F_EVENT_IDX
 */
struct vq_layout {
	bool packed;
	bool in_order;
	bool event_idx;
};

/**
 * struct vq - one queue
 * @idx: number of the queue in its device
 * @num: entries
 * @ring_mem: where the ring is
 * @mem: where the buffers are
 * @layout: of the rings, and what else was negotiated
 * @desc: descriptor area, split
 * @slot: descriptor area, packed
 * @avail: driver area, split
 * @driver_event: driver area, packed
 * @used: device area, split
 * @device_event: device area, packed
 * @avail_idx: next avail entry, published or not; in a packed ring entries are
 *	slots, and counted on beyond its end
 * @shown_idx: avail_idx as published
 * @kicked_idx: the same at the last notify decision
 * @last_used: next used entry to look at
 * @nfree: free descriptors
 * @free: head of the list of free descriptors, linked by @next; in a packed
 *	ring, of free buffer ids
 * @next: links of that list, and of each chain
 * @chain_len: descriptors of the chain that begins there, 0 if none is out
 * @slot_flags: of slots that are not published
 * @batch: in order, chains before the one of this id are used as well; or -1
 * @batch_len: its length
 * @order: the chains that are out, oldest first, from @first_out on
 * @first_out: see there
 * @last_out: see there
 * @kick: eventfd to the device
 * @call: eventfd from the device
 */
struct vq {
	unsigned int idx;
	unsigned int num;
	struct gmem *ring_mem;
	struct gmem *mem;
	struct vq_layout layout;
	union {
		struct vring_desc *desc;
		struct vring_packed_desc *slot;
	};
	union {
		struct vring_avail *avail;
		struct vring_packed_desc_event *driver_event;
	};
	union {
		struct vring_used *used;
		struct vring_packed_desc_event *device_event;
	};
	uint16_t avail_idx;
	uint16_t shown_idx;
	uint16_t kicked_idx;
	uint16_t last_used;
	unsigned int nfree;
	uint16_t free;
	uint16_t next[VQ_MAX];
	uint16_t chain_len[VQ_MAX];
	uint16_t slot_flags[VQ_MAX];
	int batch;
	uint32_t batch_len;
	uint16_t order[VQ_MAX];
	unsigned int first_out;
	unsigned int last_out;
	int kick;
	int call;
};

/* Ring memory from @ring_mem, eventfds, everything at index @base. */
void vq_init(struct vq *q, struct gmem *ring_mem, struct gmem *mem,
	     unsigned int idx, unsigned int num, struct vq_layout layout,
	     uint16_t base);
void vq_close(struct vq *q);

/* Forget all that is out and start again at @base, in the same memory. */
void vq_restart(struct vq *q, struct vq_layout layout, uint16_t base);

/* An index of the queue as VHOST_SET_VRING_BASE has it. */
uint32_t vq_state(const struct vq *q, uint16_t index);

/* Copy the ring to fresh memory, for a device told of the new addresses. */
void vq_relocate(struct vq *q);

/* Chain the segments and make them available, not yet visible: the head. */
int __vq_add(struct vq *q, const struct vq_seg *seg, unsigned int n);
#define vq_add(q, seg, n)	CHECK_OK(__vq_add(q, seg, n))

/* Put a raw head into the avail ring, whatever it names (split). */
void vq_offer(struct vq *q, uint16_t head);

/* Flags that make a slot an offer, or used, in its lap (packed). */
uint16_t vq_avail_flags(const struct vq *q, uint16_t at);
uint16_t vq_used_flags(const struct vq *q, uint16_t at);

/* Show all added chains to the device; notify it only if it asked for that. */
void vq_publish(struct vq *q);
void vq_notify(struct vq *q);
void vq_kick(struct vq *q);

/* The device's used index, as it is in memory, or follows from used slots. */
uint16_t vq_used_idx(const struct vq *q);

/* Ask not to be called for what is used next; it ends with vq_unmute(). */
void vq_mute(struct vq *q);
void vq_unmute(struct vq *q);

/* Take one used chain: its head, or -EAGAIN. */
int __vq_get_used(struct vq *q, uint32_t *len);

/* The same, waiting up to @ms (scaled): -ETIMEDOUT. */
int __vq_wait_used(struct vq *q, uint32_t *len, unsigned int ms);
#define vq_wait_used(q, len, ms)	CHECK_OK(__vq_wait_used(q, len, ms))

/* How often the device called since the last look. */
uint64_t vq_calls(struct vq *q);
/* Wait for a call, up to @ms (scaled). */
bool vq_wait_call(struct vq *q, unsigned int ms);

#endif /* VDPATEST_VQ_H */
