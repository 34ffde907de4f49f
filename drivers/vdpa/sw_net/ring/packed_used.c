// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packed virtqueues: giving descriptors back to the driver, and the event
 * suppression structures, in which each side says what it wants to hear of.
 */
#include <linux/compiler.h>
#include <linux/stddef.h>
#include <asm/barrier.h>
#include <asm/byteorder.h>

#include "packed.h"

static void wrote(struct ring *ring, enum ring_area area, const void *base,
		  const void *from, u32 len)
{
	if (ring->ops->wrote)
		ring->ops->wrote(ring, area, from - base, len);
}

static void wrote_desc(struct ring *ring, const struct vring_packed_desc *d)
{
	wrote(ring, RING_DESC, ring->areas.desc, d, sizeof(*d));
}

/* "Used" is both flags like the wrap counter; the length means nothing without "write". */
static __le16 used_flags(const struct ring *ring, u16 at, u32 len)
{
	return cpu_to_le16((packed_wrap(ring, at) ? PACKED_AVAIL | PACKED_USED : 0) |
			   (len ? VRING_DESC_F_WRITE : 0));
}

/*
 * One descriptor for each batch, in the slot of the batch's first. The driver
 * looks at them one after the other, so the flags of the first, stored last,
 * reveal them all.
 */
static void write_used(struct ring *ring)
{
	struct vring_packed_desc *head = packed_desc(ring, ring->used_published);
	u16 at = ring->used_published, slots;
	__le16 head_flags = 0;
	unsigned int i;

	for (i = 0; i < ring->nr_done; i++, at += slots) {
		struct vring_packed_desc *d = packed_desc(ring, at);
		const struct ring_done *done;

		i = ring_batch_end(ring, i, &slots);
		done = &ring->done[i];
		WRITE_ONCE(d->id, cpu_to_le16(done->id));
		WRITE_ONCE(d->len, cpu_to_le32(done->len));
		if (d == head) {
			head_flags = used_flags(ring, at, done->len);
			continue;
		}
		WRITE_ONCE(d->flags, used_flags(ring, at, done->len));
		wrote_desc(ring, d);
	}
	/* All of that, and the buffers it speaks of, before the flags. */
	smp_store_release(&head->flags, head_flags);
	wrote_desc(ring, head);
	ring->nr_done = 0;
	ring->used_published = at;
}

/* Where a slot and its wrap counter, as the driver gives them, are from @old on. */
static u16 distance(const struct ring *ring, u16 old, u16 slot_wrap)
{
	u16 at = (slot_wrap & ~PACKED_WRAP) + (slot_wrap & PACKED_WRAP ? 0 : ring->num);

	return (at - old) & (2 * ring->num - 1);
}

/* Does the driver want to hear of the slots up to @new? */
static bool call_wanted(struct ring *ring, u16 new)
{
	struct vring_packed_desc_event *event = ring->areas.driver;
	u16 old = ring->signalled_used;
	bool first = !ring->signalled_valid;
	u16 flags;

	ring->signalled_used = new;
	ring->signalled_valid = true;
	/* The driver stores the slot before the flags that speak of it. */
	flags = le16_to_cpu(smp_load_acquire(&event->flags)) & 3;
	if (flags == VRING_PACKED_EVENT_FLAG_DISABLE)
		return false;
	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !ring->event_idx || first)
		return true;
	return distance(ring, old, le16_to_cpu(READ_ONCE(event->off_wrap))) <
	       (u16)(new - old);
}

bool packed_publish(struct ring *ring)
{
	if (!ring->nr_done)
		return false;
	write_used(ring);
	/*
	 * The driver writes what it wants to hear of, then looks at the slot:
	 * either it sees what we wrote or we see its wish.
	 */
	smp_mb();
	return call_wanted(ring, ring->used_published);
}

static void set_event_flags(struct ring *ring, u16 flags)
{
	struct vring_packed_desc_event *event = ring->areas.device;

	/* The slot, if they speak of one, before the flags. */
	smp_store_release(&event->flags, cpu_to_le16(flags));
	wrote(ring, RING_DEVICE, event, &event->flags, sizeof(event->flags));
	ring->kicks_off = flags == VRING_PACKED_EVENT_FLAG_DISABLE;
}

static void set_event_slot(struct ring *ring, u16 at)
{
	struct vring_packed_desc_event *event = ring->areas.device;

	WRITE_ONCE(event->off_wrap,
		   cpu_to_le16((at & (ring->num - 1)) |
			       (packed_wrap(ring, at) ? PACKED_WRAP : 0)));
	wrote(ring, RING_DEVICE, event, &event->off_wrap, sizeof(event->off_wrap));
	set_event_flags(ring, VRING_PACKED_EVENT_FLAG_DESC);
}

/* As packed.c does, without a look at what the driver has not got back. */
static bool is_waiting(const struct ring *ring, u16 at)
{
	if ((u16)(at - ring->used_published) >= ring->num)
		return false;
	return packed_is_avail(ring, at,
			       le16_to_cpu(READ_ONCE(packed_desc(ring, at)->flags)));
}

bool packed_enable_notify_for(struct ring *ring, u16 want)
{
	u16 at = ring->next_avail + want - 1;

	if (ring->event_idx)
		set_event_slot(ring, at);
	else
		set_event_flags(ring, VRING_PACKED_EVENT_FLAG_ENABLE);

	/*
	 * The driver stores the descriptor, then looks whether to kick: either
	 * it sees what we just wrote or we see its descriptor.
	 */
	smp_mb();
	return is_waiting(ring, at);
}

/*
 * With event index, too: a slot that was passed comes round much sooner than
 * an index of a split ring.
 */
void packed_disable_notify(struct ring *ring)
{
	if (!ring->kicks_off)
		set_event_flags(ring, VRING_PACKED_EVENT_FLAG_DISABLE);
}

bool packed_has_avail(const struct ring *ring)
{
	return is_waiting(ring, ring->next_avail);
}
