/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver side of a packed virtqueue. Its books are kept outside guest
 * memory; the ring itself is open, for cases that spoil it.
 */
#ifndef CONF_PACKED_H
#define CONF_PACKED_H

#include <linux/virtio_ring.h>
#include <stdbool.h>

#include "gmem.h"
#include "vq.h"

#define PACKED_START	0x80008000u	/* GET_VRING_BASE of an unused ring */

/**
 * struct packed_pos - a place in the ring, and in which lap
 * @at: descriptor
 * @wrap: wrap counter, begins true
 */
struct packed_pos {
	uint16_t at;
	bool wrap;
};

/**
 * struct packed - one queue
 * @num: entries
 * @mem: where the buffers are
 * @desc: descriptor ring
 * @driver: what the device may call for
 * @device: what the driver is to kick for
 * @avail: next descriptor to fill
 * @used: next descriptor that the device will mark used
 * @held: first descriptor of what is added and not yet shown
 * @held_flags: its flags, written last
 * @holding: there is something held
 * @kicked: place of the last notify decision
 * @nfree: free descriptors
 * @chain_len: descriptors of the chain with that id, 0 if none is out
 */
struct packed {
	unsigned int num;
	struct gmem *mem;
	struct vring_packed_desc *desc;
	struct vring_packed_desc_event *driver;
	struct vring_packed_desc_event *device;
	struct packed_pos avail;
	struct packed_pos used;
	struct packed_pos held;
	uint16_t held_flags;
	bool holding;
	struct packed_pos kicked;
	unsigned int nfree;
	uint16_t chain_len[VQ_MAX];
};

void packed_init(struct packed *q, struct gmem *ring_mem, struct gmem *mem,
		 unsigned int num, uint32_t base);
/* Forget what is out, begin again at @base in the same memory. */
void packed_restart(struct packed *q, uint32_t base);

/* Id that the next chain gets, and the chain: not yet visible. */
uint16_t packed_next_id(const struct packed *q);
int packed_add(struct packed *q, const struct vq_seg *seg, unsigned int n);
/* One descriptor with flags of one's own besides the wrap bits. */
void packed_put(struct packed *q, uint64_t addr, uint32_t len, uint16_t id,
		uint16_t flags);

/* Show everything added; true if the device wants to be kicked for it. */
bool packed_publish(struct packed *q);

/* One used chain: its id or -EAGAIN. */
int packed_get_used(struct packed *q, uint32_t *len);

/* Used chains not yet taken, and GET_VRING_BASE of a device that stands. */
unsigned int packed_pending(const struct packed *q);
uint32_t packed_base(const struct packed *q);

#endif /* CONF_PACKED_H */
