/* SPDX-License-Identifier: GPL-2.0-only */
/* The device side of a virtqueue, for the VDUSE device of the suite. */
#ifndef CONF_VDUSE_RING_H
#define CONF_VDUSE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHAIN_MAX	256

/**
 * struct chain - one chain, as the driver made it available
 * @id: its name in the used ring
 * @count: descriptors it takes in the ring
 * @n: buffers
 * @seg: the buffers
 */
struct chain {
	uint16_t id;
	uint16_t count;
	unsigned int n;
	struct {
		uint64_t addr;
		uint32_t len;
		bool write;
	} seg[CHAIN_MAX];
};

/**
 * struct queue - one virtqueue
 * @num: entries
 * @packed: layout
 * @indirect: tables were negotiated
 * @area: guest addresses of descriptors, driver and device area
 * @avail: next entry to look at; split: free running
 * @avail_wrap: packed: in which lap
 * @used: next entry to mark used
 * @used_wrap: packed: in which lap
 */
struct queue {
	uint32_t num;
	bool packed;
	bool indirect;
	uint64_t area[3];
	uint16_t avail;
	bool avail_wrap;
	uint16_t used;
	bool used_wrap;
};

/*
 * Where guest memory is: @len bytes in one piece, writable or readable, or
 * NULL. Valid until the next control message.
 */
void *guest(uint64_t iova, size_t len, bool write);

/* 1 if there is a chain, 0 if not, -1 if the ring is broken. */
int queue_fetch(struct queue *q, struct chain *c);
/* The chain is used; -1 if the ring cannot be written. */
int queue_complete(struct queue *q, const struct chain *c, uint32_t len);
bool queue_wants_call(const struct queue *q);

#endif /* CONF_VDUSE_RING_H */
