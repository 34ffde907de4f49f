/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What fetching has to yield from ring memory that holds still: the rules once
 * more, slowly and in one piece, for the engine to be compared with.
 */
#ifndef RING_REFERENCE_H
#define RING_REFERENCE_H

#include "guest.h"

/* The buffers of the chain at @head, or why there is none. */
enum ring_fault reference_chain(const struct guest *g, u16 head,
				struct guest_buf *bufs, unsigned int *nr);

/*
 * ring_fetch(), judged: call it with @max and compare all that comes of it
 * with the reference.
 */
bool reference_fetch(struct guest *g, unsigned int max);

/* Does slot @at of a packed ring wait for the device? */
bool reference_slot_waits(const struct guest *g, u16 at);

#endif /* RING_REFERENCE_H */
