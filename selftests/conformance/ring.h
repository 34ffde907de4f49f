/* SPDX-License-Identifier: GPL-2.0-only */
/* The driver side of a virtqueue of either layout, with a buffer per entry. */
#ifndef CONF_RING_H
#define CONF_RING_H

#include "packed.h"
#include "vq.h"

#define SLOT	2048u

/**
 * struct ring - one queue
 * @packed: which of the two it is
 * @split: the split ring; number, size and eventfds of both kinds
 * @pk: the packed ring
 * @mem: where the rings are
 * @slots: SLOT bytes for each entry
 */
struct ring {
	bool packed;
	struct vq split;
	struct packed pk;
	struct gmem *mem;
	unsigned char *slots;
};

/* Three areas, as SET_VRING_ADDR wants them: guest addresses. */
struct ring_areas {
	uint64_t desc, driver, device;
};

/* Index at which a ring starts that nobody used. */
uint32_t ring_start_base(bool packed);

/* @base as GET_VRING_BASE gave it. */
void ring_init(struct ring *r, bool packed, struct gmem *ring_mem,
	       struct gmem *mem, unsigned int idx, unsigned int num,
	       uint32_t base);
void ring_restart(struct ring *r, uint32_t base);
void ring_close(struct ring *r);
struct ring_areas ring_areas(const struct ring *r);
void ring_event_idx(struct ring *r, bool on);

/* The buffer of the chain that is added next. */
unsigned char *ring_next_slot(struct ring *r);
unsigned char *ring_slot(struct ring *r, int id);
unsigned int ring_room(const struct ring *r);

int ring_add(struct ring *r, const struct vq_seg *seg, unsigned int n);
/* Show what was added, without a word to the device, or as it asked for. */
void ring_publish(struct ring *r);
void ring_notify(struct ring *r);
void ring_kick(struct ring *r);

int ring_get_used(struct ring *r, uint32_t *len);
int ring_wait_used(struct ring *r, uint32_t *len);

/* Used and not yet taken; index of a device that stands still. */
unsigned int ring_pending(const struct ring *r);
uint32_t ring_base(const struct ring *r);

/* Ask not to be called, or to be called for every chain. */
void ring_want_calls(struct ring *r, bool on);
uint64_t ring_calls(struct ring *r);

#endif /* CONF_RING_H */
