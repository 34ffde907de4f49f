/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver side: a guest with one queue and some memory for indirect tables,
 * written from the specification, sharing nothing with the engine but the
 * ring's bytes. All of a guest's memory is allocated to the byte, so that the
 * address sanitizer sees the engine reach beyond.
 */
#ifndef RING_GUEST_H
#define RING_GUEST_H

#include <linux/types.h>
#include <linux/virtio_ring.h>

#include "ring.h"
#include "test.h"

#define GUEST_RAM_IOVA	0x40000000ULL
#define GUEST_RAM_SIZE	(1024 * 1024)

/**
 * struct guest_buf - a buffer as the driver offers it
 * @addr: any number, nobody looks behind it
 * @len: bytes
 * @in: the device writes to it
 */
struct guest_buf {
	u64 addr;
	u32 len;
	bool in;
};

/* How the entries of an indirect table follow each other (split). */
enum guest_order {
	GUEST_FORWARD,
	GUEST_BACKWARD,		/* from the first entry to the last, then down */
	GUEST_SHUFFLED,
	GUEST_ORDERS,
};

/**
 * struct guest_shape - how a chain is laid out
 * @direct: buffers in the queue's own table; the rest goes to an indirect one.
 *	In a packed ring all go there unless this is all
 * @order: of the indirect table
 * @spare: entries the indirect table has and nothing points to (split)
 * @write_flag: set it on the descriptor that refers to the table
 */
struct guest_shape {
	unsigned int direct;
	enum guest_order order;
	unsigned int spare;
	bool write_flag;
};

/**
 * struct guest_out - a chain the device has not given back
 * @id: its name
 * @len_in: bytes of its writable buffers
 */
struct guest_out {
	u16 id;
	u32 len_in;
};

/**
 * struct guest - a driver, its memory, and the engine that serves it
 * @ring: the engine
 * @batch: the engine's batch, storage for @num segments
 * @num: queue size
 * @event_idx: VIRTIO_F_EVENT_IDX
 * @packed: VIRTIO_F_RING_PACKED
 * @in_order: VIRTIO_F_IN_ORDER
 * @desc: descriptor area, split
 * @slot: descriptor area, packed
 * @avail: driver area, split
 * @used: device area, split
 * @driver_event: driver area, packed
 * @device_event: device area, packed
 * @copy: the device area as a migration would copy it: only what was reported
 *	as written. With @logging it is all the driver looks at
 * @event_copy: the same, packed
 * @slot_copy: the same for the descriptor area, which a packed ring's device
 *	writes, too
 * @slot_flags: of descriptors that are not visible yet (packed)
 * @logging: the engine reports what it writes
 * @misreported: a report that was wrong, or came at the wrong time
 * @reports: how many there were
 * @ram: indirect tables
 * @ram_size: bytes of it
 * @ram_next: where the next one goes
 * @reads: how often the engine read @ram
 * @rng: for the shuffling
 * @next_avail: avail idx or slot, published or not
 * @kicked_avail: avail idx or slot published last
 * @next_used: used entries taken, or slots
 * @nr_free: descriptors on the free list, or slots that are free
 * @free: the list; of a packed ring, one of free buffer ids
 * @nr_ids: how many those are (packed)
 * @chain_of: for each head in flight the descriptors of its chain, 0 if none
 * @out: chains in flight, by their number modulo the queue size
 * @nr_added: number of the next chain to add
 * @nr_taken: number of the next one to take, in order
 * @in_batch: the last used entry speaks for chains that were not taken (in order)
 * @batch_id: the last of them
 * @batch_len: its length
 */
struct guest {
	struct ring ring;
	struct ring_batch batch;
	u16 num;
	bool event_idx;
	bool packed;
	bool in_order;
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
	union {
		struct vring_used *copy;
		struct vring_packed_desc_event *event_copy;
	};
	struct vring_packed_desc *slot_copy;
	u16 *slot_flags;
	bool logging;
	bool misreported;
	unsigned int reports;
	u8 *ram;
	u32 ram_size;
	u32 ram_next;
	unsigned int reads;
	struct rng rng;
	u16 next_avail;
	u16 kicked_avail;
	u16 next_used;
	u16 nr_free;
	u16 *free;
	u16 nr_ids;
	u16 *chain_of;
	struct guest_out *out;
	unsigned int nr_added;
	unsigned int nr_taken;
	bool in_batch;
	u16 batch_id;
	u32 batch_len;
};

/**
 * struct guest_config - what to boot
 * @num: queue size
 * @index: where both sides start; in a packed ring, counted in slots since its
 *	first
 * @packed: VIRTIO_F_RING_PACKED
 * @in_order: VIRTIO_F_IN_ORDER
 * @event_idx: VIRTIO_F_EVENT_IDX
 * @indirect: VIRTIO_F_INDIRECT_DESC
 * @logging: have the engine report what it writes
 * @segs: storage of the batch, 0 for as many as the queue has entries
 * @ram_size: bytes of memory, 0 for GUEST_RAM_SIZE
 */
struct guest_config {
	u16 num;
	u16 index;
	bool packed;
	bool in_order;
	bool event_idx;
	bool indirect;
	bool logging;
	unsigned int segs;
	u32 ram_size;
};

/**
 * struct test - one line of the report
 * @name: unique, no blanks
 * @run: true if it passed; the reason it did not went to test_fail()
 * @with: instead of @run, the same with a guest booted as @config says
 * @config: see @with
 */
struct test {
	const char *name;
	bool (*run)(void);
	bool (*with)(struct guest *g);
	struct guest_config config;
};

extern const struct test honest_tests[];
extern const struct test notify_tests[];
extern const struct test indirect_tests[];
extern const struct test hostile_tests[];
extern const struct test packed_tests[];
extern const struct test random_tests[];
extern const struct test thread_tests[];

void guest_boot(struct guest *g, const struct guest_config *config);
void guest_exit(struct guest *g);

/* A place in the ring, counted from its first entry on, as the device's state. */
u16 guest_state(const struct guest *g, u16 index);

/* How many descriptors of the queue's table a chain takes. */
unsigned int guest_descs(const struct guest *g, const struct guest_shape *shape,
			 unsigned int nr);

/* Make a chain available, not yet visible. Its head, or -1: no room. */
int guest_add(struct guest *g, const struct guest_buf *bufs, unsigned int nr,
	      const struct guest_shape *shape);

/* Same, all @nr buffers in the queue's own table. */
int guest_add_direct(struct guest *g, const struct guest_buf *bufs,
		     unsigned int nr);

/* One chain of one readable buffer at @addr. */
int guest_add_one(struct guest *g, u64 addr);

/* Publish what was added; true if the device asked for a kick. */
bool guest_publish(struct guest *g);

/* Take a used entry, and its descriptors back. */
bool guest_take(struct guest *g, u32 *id, u32 *len);

/* Ask for a call for used entry @index; the flag where there are no events. */
void guest_set_event(struct guest *g, u16 index);
void guest_set_no_call(struct guest *g, bool no_call);

/* Ask for a call for the next entry; true if it is there already. */
bool guest_enable_call(struct guest *g);

/*
 * Is @chain what the driver offered as @bufs under @head? Readable buffers
 * come first in @bufs, as the driver has to lay them out.
 */
bool guest_same_chain(const struct ring_chain *chain, int head,
		      const struct guest_buf *bufs, unsigned int nr);

/*
 * Whatever the driver did: do the engine's indexes keep their order, and is
 * the batch what it says?
 */
bool guest_is_consistent(const struct guest *g);

/* What the device asks of the driver. */
u16 guest_avail_event(const struct guest *g);
bool guest_no_kick(const struct guest *g);

/* Bytes of the ring, written behind the driver's own back. */
void guest_poke_desc(struct guest *g, u16 i, u64 addr, u32 len, u16 flags,
		     u16 next);
void guest_poke_table(struct guest *g, u64 table, u16 i, u64 addr, u32 len,
		      u16 flags, u16 next);
void guest_poke_avail(struct guest *g, u16 index, u16 head);
void guest_poke_avail_idx(struct guest *g, u16 idx);

/* The same of a packed ring: slot @at, counted on beyond the end of the ring. */
void guest_poke_slot(struct guest *g, u16 at, u64 addr, u32 len, u16 id, u16 flags);
void guest_poke_packed_table(struct guest *g, u64 table, u16 i, u64 addr, u32 len,
			     u16 flags);

/* The flags that make a slot available, or used, in its lap. */
u16 guest_avail_flags(const struct guest *g, u16 at);
u16 guest_used_flags(const struct guest *g, u16 at);

/* Ask to be called, whatever the value. */
void guest_set_event_flags(struct guest *g, u16 flags);

/* What guest.c calls for a packed ring. */
void packed_guest_add(struct guest *g, const struct guest_buf *bufs, unsigned int nr,
		      const struct guest_shape *shape, u16 id);
bool packed_guest_publish(struct guest *g);
bool packed_guest_used(const struct guest *g, u32 *id, u32 *len);
void packed_guest_set_event(struct guest *g, u16 at);
void packed_guest_set_no_call(struct guest *g, bool no_call);
u16 packed_guest_avail_event(const struct guest *g);
bool packed_guest_no_kick(const struct guest *g);

/* Room for an indirect table: its address. */
u64 guest_alloc_table(struct guest *g, u32 size);

#endif /* RING_GUEST_H */
