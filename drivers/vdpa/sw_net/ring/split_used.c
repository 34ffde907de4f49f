// SPDX-License-Identifier: GPL-2.0-only
/*
 * Split virtqueues, the device area: all that the device ever writes to a
 * ring, and the notifications, which both sides switch by fields next to the
 * indexes.
 */
#include <linux/compiler.h>
#include <linux/stddef.h>
#include <asm/barrier.h>
#include <asm/byteorder.h>
#include <uapi/linux/virtio_ring.h>

#include "ring.h"
#include "split.h"

/* In order: one entry for each batch, in the place of the batch's first. */
static void write_batches(struct ring *ring)
{
	u16 at = ring->used_published, slots;
	unsigned int i;

	for (i = 0; i < ring->nr_done; i++) {
		i = ring_batch_end(ring, i, &slots);
		split_write_used(ring, at, ring->done[i].id, ring->done[i].len);
		at += slots;
	}
	ring->nr_done = 0;
}

static void wrote(struct ring *ring, u32 off, u32 len)
{
	if (ring->ops->wrote)
		ring->ops->wrote(ring, RING_DEVICE, off, len);
}

/* Report the used entries from @from up to @to, in two parts if they wrap. */
static void wrote_entries(struct ring *ring, u16 from, u16 to)
{
	const u32 size = sizeof(struct split_used_elem);
	u32 first = from & (ring->num - 1);
	u32 nr = (u16)(to - from);
	u32 tail = ring->num - first;

	if (!ring->ops->wrote)
		return;
	if (nr <= tail) {
		wrote(ring, sizeof(struct split_used) + first * size, nr * size);
		return;
	}
	wrote(ring, sizeof(struct split_used) + first * size, tail * size);
	wrote(ring, sizeof(struct split_used), (nr - tail) * size);
}

/* Does the driver want to hear of the used entries up to @new? */
static bool call_wanted(struct ring *ring, u16 new)
{
	struct split_avail *avail = split_avail(ring);
	u16 old = ring->signalled_used;
	bool first = !ring->signalled_valid;
	u16 event;

	ring->signalled_used = new;
	ring->signalled_valid = true;
	if (!ring->event_idx)
		return !(le16_to_cpu(READ_ONCE(avail->flags)) &
			 VRING_AVAIL_F_NO_INTERRUPT);
	event = le16_to_cpu(READ_ONCE(avail->ring[ring->num]));
	return first || vring_need_event(event, new, old);
}

bool split_publish(struct ring *ring)
{
	struct split_used *used = split_used(ring);
	u16 old = ring->used_published;
	u16 new = ring->used;

	if (new == old)
		return false;
	if (ring->deferred)
		write_batches(ring);
	wrote_entries(ring, old, new);
	/* Used entries, and the buffers they speak of, before the idx. */
	smp_store_release(&used->idx, cpu_to_le16(new));
	ring->used_published = new;
	wrote(ring, offsetof(struct split_used, idx), sizeof(used->idx));

	/*
	 * The driver writes what it wants to hear of, then looks at the idx:
	 * either it sees ours or we see its wish. Pairs with the full barrier
	 * in between over there.
	 */
	smp_mb();
	return call_wanted(ring, new);
}

/* Store the field that tells the driver when to kick. */
static void set_avail_event(struct ring *ring, u16 index)
{
	__le16 *event = (__le16 *)&split_used(ring)->ring[ring->num];

	WRITE_ONCE(*event, cpu_to_le16(index));
	wrote(ring, ring_device_size(ring->num, false) - sizeof(*event), sizeof(*event));
}

static void set_used_flags(struct ring *ring, u16 flags)
{
	struct split_used *used = split_used(ring);

	WRITE_ONCE(used->flags, cpu_to_le16(flags));
	wrote(ring, offsetof(struct split_used, flags), sizeof(used->flags));
	ring->kicks_off = flags & VRING_USED_F_NO_NOTIFY;
}

static u16 waiting(struct ring *ring)
{
	return le16_to_cpu(READ_ONCE(split_avail(ring)->idx)) - ring->next_avail;
}

bool split_enable_notify_for(struct ring *ring, u16 want)
{
	if (ring->event_idx)
		set_avail_event(ring, ring->next_avail + want - 1);
	else
		set_used_flags(ring, 0);

	/*
	 * The driver stores the idx, then looks whether to kick: either it
	 * sees what we just wrote or we see its idx.
	 */
	smp_mb();
	return waiting(ring) >= want;
}

void split_disable_notify(struct ring *ring)
{
	if (!ring->event_idx && !ring->kicks_off)
		set_used_flags(ring, VRING_USED_F_NO_NOTIFY);
}

/* An idx that is out of bounds counts: fetching is what finds the fault. */
bool split_has_avail(struct ring *ring)
{
	return ring->avail_seen != ring->next_avail || waiting(ring);
}
