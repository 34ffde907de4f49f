/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device side of a virtqueue, whatever its layout.
 *
 * Pure C: the engine knows the ring memory it was given and nothing of the
 * kernel's services, so that userspace tests compile the very same file.
 * Whoever owns the queue serialises all calls on it.
 *
 * The driver is not trusted: it may change any byte of its memory at any
 * time. What the engine hands out was read once and checked; what it cannot
 * check is whether an address means anything, that is the translation's job.
 *
 * Names in double quotes are sections of the virtio specification.
 */
#ifndef SWNET_RING_H
#define SWNET_RING_H

#include <linux/types.h>

#define RING_BATCH	64	/* chains fetched and completed at a time */
#define RING_NUM_MAX	1024	/* entries of the largest queue we offer */
#define RING_INDEX_LAP	0x8000	/* see ring_index() */

/**
 * enum ring_fault - why a ring stopped; always the guest driver's fault
 * @RING_OK: it did not
 * @RING_BAD_AVAIL_IDX: avail idx went back, or so far ahead that more chains
 *	than the queue has entries would be in flight
 *	("The Virtqueue Available Ring")
 * @RING_BAD_HEAD: avail entry beyond the descriptor table
 * @RING_BAD_NEXT: next beyond the table it is in
 *	("The Virtqueue Descriptor Table")
 * @RING_LOOP: more buffers in a chain than the queue has entries, be they in
 *	the queue's table, in an indirect one or in both; in a packed ring also
 *	a chain that runs into what the driver has not got back
 * @RING_BAD_INDIRECT: indirect table without the feature, empty, not a
 *	multiple of a descriptor, of more than 32768 entries, beyond the end of
 *	the address space, nested (split), together with next, or behind
 *	next (packed)
 *	("Indirect Descriptors")
 * @RING_UNMAPPED_INDIRECT: the indirect table cannot be read; it has to be
 *	mapped as a whole, for entries next to those in use are read as well
 * @RING_BAD_ORDER: readable descriptor after a writable one
 *	("Message Framing")
 * @RING_BAD_LEN: a chain of 4 GiB or more
 */
enum ring_fault {
	RING_OK,
	RING_BAD_AVAIL_IDX,
	RING_BAD_HEAD,
	RING_BAD_NEXT,
	RING_LOOP,
	RING_BAD_INDIRECT,
	RING_UNMAPPED_INDIRECT,
	RING_BAD_ORDER,
	RING_BAD_LEN,
};

/**
 * struct ring_seg - one guest buffer of a chain
 * @addr: guest address (IOVA) as the driver wrote it, not yet translated;
 *	@addr + @len may even wrap
 * @len: bytes, possibly none
 */
struct ring_seg {
	u64 addr;
	u32 len;
};

/**
 * struct ring_chain - one fetched descriptor chain
 * @id: head index (split) or buffer id (packed): what completion echoes
 * @slots: ring slots the chain took: its descriptors in a packed ring's table,
 *	1 in a split one, where only the head is in the avail ring
 * @nr_out: device-readable segments, first in @seg
 * @nr_in: device-writable segments, behind the readable ones
 * @len_out: bytes of the readable segments
 * @len_in: bytes of the writable segments; with @len_out less than 4 GiB
 * @seg: the segments, inside the batch's storage
 */
struct ring_chain {
	u16 id;
	u16 slots;
	u16 nr_out;
	u16 nr_in;
	u32 len_out;
	u32 len_in;
	const struct ring_seg *seg;
};

/**
 * struct ring_batch - chains fetched but not all worked on yet
 * @nr: chains in @chain
 * @next: first chain nobody has taken; the owner advances it
 * @nr_segs: segments in use
 * @max_segs: size of @segs, at least the size of the queue: then any legal
 *	chain fits an empty batch
 * @segs: storage provided by the owner
 * @chain: the chains, oldest first
 */
struct ring_batch {
	unsigned int nr;
	unsigned int next;
	unsigned int nr_segs;
	unsigned int max_segs;
	struct ring_seg *segs;
	struct ring_chain chain[RING_BATCH];
};

/**
 * struct ring_done - a completed chain whose used entry is not written yet
 * @len: bytes written to it
 * @id: of the chain
 * @slots: of the chain
 * @silent: nothing could be written: in order, the entry of a later chain may
 *	speak for it
 */
struct ring_done {
	u32 len;
	u16 id;
	u16 slots;
	bool silent;
};

/* The parts of a virtqueue in memory. */
enum ring_area {
	RING_DESC,
	RING_DRIVER,
	RING_DEVICE,
};

/**
 * struct ring_areas - where they are
 * @desc: descriptor area, kernel address; written in a packed ring only
 * @driver: driver area (avail ring or event suppression), kernel address
 * @device: device area (used ring or event suppression), kernel address
 *
 * Each is contiguous for the engine, as long as ring_desc_size() and its
 * siblings say, and aligned as "Split Virtqueues" asks: 16, 2 and 4 bytes. The
 * owner refuses others, for the loads and stores here rely on it.
 */
struct ring_areas {
	void *desc;
	void *driver;
	void *device;
};

struct ring;

/**
 * struct ring_owner_ops - what the engine needs of its owner
 * @read: copy @len bytes at guest address @addr, in the address space of the
 *	descriptors, to @dst; 0 or a negative errno. Neither alignment nor
 *	that the range lies in one page is promised, only that it does not
 *	wrap
 * @wrote: optional; bytes [@off, @off + @len) of an area were just stored.
 *	Used entries are reported before the idx or flags that reveal them,
 *	every other field right after its store
 */
struct ring_owner_ops {
	int (*read)(struct ring *ring, u64 addr, void *dst, u32 len);
	void (*wrote)(struct ring *ring, enum ring_area area, u32 off, u32 len);
};

/**
 * struct ring - engine state of one queue
 * @areas: ring memory; all NULL while the queue is not mapped
 * @ops: the owner's services; may be switched between two calls
 * @num: entries, a power of two up to %RING_NUM_MAX, whatever the layout
 * @packed: VIRTIO_F_RING_PACKED was negotiated
 * @in_order: VIRTIO_F_IN_ORDER was negotiated: the owner completes chains in
 *	the order in which they were fetched
 * @event_idx: VIRTIO_F_EVENT_IDX was negotiated
 * @indirect: VIRTIO_F_INDIRECT_DESC was negotiated
 * @kicks_off: the driver was told not to kick (split: without @event_idx)
 * @deferred: used entries are written when they are published: a packed ring's
 *	take the place of descriptors that may have to be fetched again, and in
 *	order not each chain gets one
 * @done: with @packed or @in_order, the owner's storage for @num entries:
 *	completed chains that are not published
 * @nr_done: how many
 * @fault: first fault met; a faulty ring fetches nothing any more
 * @next_avail: next avail entry, or slot, to fetch
 * @avail_seen: last avail idx read and validated (saves reading it per chain);
 *	nothing in a packed ring
 * @used: slots of completed chains, published or not
 * @used_published: of those, what the driver can see
 * @signalled_used: @used_published at the last call decision
 * @signalled_valid: @signalled_used means something (not after a restart)
 *
 * In ring order, @used_published <= @used <= @next_avail <= @avail_seen <=
 * @used_published + @num. A hostile driver cannot break it.
 */
struct ring {
	struct ring_areas areas;
	const struct ring_owner_ops *ops;
	u16 num;
	bool packed;
	bool in_order;
	bool event_idx;
	bool indirect;
	bool kicks_off;
	bool deferred;
	enum ring_fault fault;
	u16 next_avail;
	u16 avail_seen;
	u16 used;
	u16 used_published;
	u16 signalled_used;
	bool signalled_valid;
	u16 nr_done;
	struct ring_done *done;
};

/**
 * ring_desc_size - size of the descriptor area
 * @num: entries of the queue
 *
 * Return: bytes.
 */
u32 ring_desc_size(u16 num);

/**
 * ring_driver_size - size of the driver area, used_event included
 * @num: entries of the queue
 * @packed: its layout
 *
 * Return: bytes.
 */
u32 ring_driver_size(u16 num, bool packed);

/**
 * ring_device_size - size of the device area, avail_event included
 * @num: entries of the queue
 * @packed: its layout
 *
 * Return: bytes.
 */
u32 ring_device_size(u16 num, bool packed);

/**
 * ring_start - begin to serve a queue
 * @ring: the queue; areas, ops, num and feature flags set by the owner before
 * @index: the virtqueue state, see ring_index(); 0 for a new ring
 *
 * Clears the fault. Touches no ring memory: what a previous life left in the
 * notification fields stays until ring_enable_notify(), which a rescan ends
 * with anyway. The first publish always asks for a call.
 */
void ring_start(struct ring *ring, u16 index);

/**
 * ring_fetch - take chains the driver made available
 * @ring: the queue
 * @batch: chains go here; what it still held is given back first, see
 *	ring_rewind(), and is fetched again
 * @max: chains wanted, at most %RING_BATCH count
 *
 * The other end of "Supplying Buffers to The Device". Stops early when the
 * batch has no room for another chain's segments. Every guest field is read
 * once and checked. Chains before a faulty one are still delivered.
 *
 * Return: how many; 0 when there is none or the ring is at fault
 * (ring->fault says which).
 */
unsigned int ring_fetch(struct ring *ring, struct ring_batch *batch,
			unsigned int max);

/**
 * ring_rewind - give back what was fetched and not worked on
 * @ring: the queue
 * @batch: empty afterwards
 *
 * The chains from batch->next on are as if never fetched. Those before must
 * have been completed, or are given back too by setting batch->next first.
 */
void ring_rewind(struct ring *ring, struct ring_batch *batch);

/**
 * ring_complete - a chain is done with, which the driver does not see yet
 * @ring: the queue
 * @chain: a fetched chain
 * @written: bytes stored to its writable segments, from their start on
 *	("The Virtqueue Used Ring")
 */
void ring_complete(struct ring *ring, const struct ring_chain *chain,
		   u32 written);

/**
 * ring_batch_end - which completed chains one used entry speaks for
 * @ring: the queue
 * @i: the first, in @ring->done
 * @slots: set to those of all of them
 *
 * For the layouts. "In-order use of descriptors": the entry is the last
 * chain's, and those it skips count as used to their last byte.
 *
 * Return: the last.
 */
unsigned int ring_batch_end(const struct ring *ring, unsigned int i, u16 *slots);

/**
 * ring_unpublished - count slots that are completed but not published
 * @ring: the queue
 *
 * Return: how many, at least one for each chain.
 */
u16 ring_unpublished(const struct ring *ring);

/**
 * ring_uncomplete - forget completed chains
 * @ring: the queue
 * @batch: where they are: the last completed is the one before batch->next
 * @n: how many, none of them published
 *
 * For a frame that failed half way. batch->next goes back, too: the chains can
 * be completed again or given back.
 */
void ring_uncomplete(struct ring *ring, struct ring_batch *batch, unsigned int n);

/**
 * ring_publish - show the driver all completed chains
 * @ring: the queue
 *
 * See "Used Buffer Notification Suppression".
 *
 * Return: true if the driver wants a call for them. A publish of nothing asks
 * for none.
 */
bool ring_publish(struct ring *ring);

/**
 * ring_enable_notify - ask the driver for a kick
 * @ring: the queue
 *
 * See "Available Buffer Notification Suppression". A ring at fault answers
 * false, it has nothing to wait for.
 *
 * Return: true if chains are available already: then no kick may come and the
 * owner has to look again.
 */
bool ring_enable_notify(struct ring *ring);

/**
 * ring_enable_notify_for - ask for a kick once several slots are available
 * @ring: the queue
 * @want: how many, 1 to ring->num, counted from the next one to fetch; in a
 *	split ring each chain takes one
 *
 * For the owner who looked, found fewer chains than it needs and gave them
 * back: ring_enable_notify() would tell it to look again for ever. Without
 * event index kicks come for fewer too; the owner looks and asks again.
 *
 * Return: true if @want slots are available already.
 */
bool ring_enable_notify_for(struct ring *ring, u16 want);

/**
 * ring_disable_notify - ask the driver not to kick
 * @ring: the queue
 *
 * A hint: kicks may come all the same. In a split ring with event index there
 * is nothing to write, for an avail_event that has been passed asks for no kick
 * until the index has gone round.
 */
void ring_disable_notify(struct ring *ring);

/**
 * ring_has_avail - does at least one chain wait?
 * @ring: the queue
 *
 * Reads the avail idx unless chains are known to wait, or the next slot.
 *
 * Return: true if so, never at fault.
 */
bool ring_has_avail(struct ring *ring);

/**
 * ring_index - the virtqueue state to migrate
 * @ring: the queue; everything fetched must be published or given back
 *
 * Return: the index of the next chain to fetch, and of the next used entry. Of
 * a packed ring, the slot of both, with %RING_INDEX_LAP when their wrap counters
 * are 0: as in a split ring, a new one begins at 0.
 */
u16 ring_index(const struct ring *ring);

/**
 * ring_fault_name - a short name for a log line
 * @fault: any value
 *
 * Return: never NULL.
 */
const char *ring_fault_name(enum ring_fault fault);

#endif /* SWNET_RING_H */
