// SPDX-License-Identifier: GPL-2.0-only
/* The device touches what it was given, in the way it was allowed to. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf.h"
#include "frame.h"
#include "io.h"

#define CANARY	0xc3

static unsigned char got[FRAME_MAX];

/* All but the last @pages of guest memory is mapped; those are returned. */
static unsigned char *up_without(struct dev *d, unsigned int pages, bool rx)
{
	const struct setup s = { .unmapped = true, .rx_empty = rx };
	size_t most;
	unsigned char *tail;

	io_open_peer(d);
	dev_negotiate(d, &s);
	dev_rings(d);
	most = d->mem.size - pages * GMEM_PAGE;
	CHECK(d->mem.next <= most, "guest memory is too small");
	tail = (unsigned char *)d->mem.hva + most;
	memset(tail, CANARY, pages * GMEM_PAGE);
	vv_map(&d->vv, 0, d->mem.iova, most, d->mem.hva, VHOST_ACCESS_RW);
	dev_run(d);
	if (!rx)
		io_fill(d, 0);
	io_wait_peer();
	return tail;
}

static void map_page(struct dev *d, unsigned char *page, uint8_t perm)
{
	vv_map(&d->vv, 0, gmem_iova(&d->mem, page), GMEM_PAGE, page, perm);
}

static bool untouched(const unsigned char *p, size_t len)
{
	while (len--)
		if (*p++ != CANARY)
			return false;
	return true;
}

/* The device is told to receive into @p and then given a frame. */
static void receive_into(struct dev *d, unsigned char *p, uint32_t len)
{
	struct ring *rx = dev_rx(d, 0);
	unsigned int i;

	ring_add(rx, &(struct vq_seg){ .p = p, .len = len, .in = true }, 1);
	ring_publish(rx);
	ring_kick(rx);
	for (i = 0; i < 3; i++) {
		if (options.peer) {
			io_make(got, i, IO_FRAME);
			__peer_send(&d->peer, NULL, got, IO_FRAME);
		} else {
			io_add(d, 0, i, IO_FRAME);
			ring_publish(dev_tx(d, 0));
			ring_kick(dev_tx(d, 0));
		}
	}
	WAIT_UNTIL(ring_pending(rx) || (vv_get_status(&d->vv) &
					VIRTIO_CONFIG_S_NEEDS_RESET),
		   options.quiet_ms);
}

/* The device is told to send what is at @p: nobody may see it. */
static void check_not_sent(struct dev *d, unsigned char *p)
{
	struct ring *tx = dev_tx(d, 0);
	int len;

	memset(p, 0, HDR);
	io_make(p + HDR, 0x5ec2e7, IO_FRAME);
	ring_add(tx, &(struct vq_seg){ .p = p, .len = HDR + IO_FRAME }, 1);
	ring_publish(tx);
	ring_kick(tx);
	len = io_outside_recv(d, got, sizeof(got), options.quiet_ms);
	CHECK(len < 0, "the frame got out");
}

/* Whatever the case did to the rings, the device is whole again. */
static void check_recovers(struct dev *d)
{
	d->setup.unmapped = false;
	dev_reset(d);
	vv_unmap(&d->vv, 0, d->mem.iova, d->mem.size);
	dev_map(d);
	dev_again(d);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

CONFORM(memory, read_only_is_not_written, NEED_NET | NEED_FRAMES | RINGS,
	"vhost-vdpa: memory mapped with VHOST_ACCESS_RO is not written")
{
	unsigned char *page = up_without(d, 1, true);

	map_page(d, page, VHOST_ACCESS_RO);
	receive_into(d, page, SLOT);
	CHECK(untouched(page, GMEM_PAGE), "it was written");
	check_recovers(d);
}

CONFORM(memory, write_only_is_not_read, NEED_NET | NEED_FRAMES | RINGS,
	"vhost-vdpa: memory mapped with VHOST_ACCESS_WO is not read")
{
	unsigned char *page = up_without(d, 1, false);

	map_page(d, page, VHOST_ACCESS_WO);
	check_not_sent(d, page);
	check_recovers(d);
}

CONFORM(memory, unmapped_is_not_written, NEED_NET | NEED_FRAMES | RINGS,
	"vhost-vdpa: memory that was never mapped is not written")
{
	unsigned char *page = up_without(d, 1, true);

	receive_into(d, page, SLOT);
	CHECK(untouched(page, GMEM_PAGE), "it was written");
	check_recovers(d);
}

CONFORM(memory, unmapped_is_not_read, NEED_NET | NEED_FRAMES | RINGS,
	"vhost-vdpa: memory that was never mapped is not read")
{
	unsigned char *page = up_without(d, 1, false);

	check_not_sent(d, page);
	check_recovers(d);
}

CONFORM(memory, invalidated_is_not_written, NEED_NET | NEED_FRAMES | RINGS,
	"vhost-vdpa: memory is out of reach when INVALIDATE returns: not written")
{
	unsigned char *page = up_without(d, 1, true);

	map_page(d, page, VHOST_ACCESS_RW);
	receive_into(d, page, SLOT);
	HAPPENS(!untouched(page, GMEM_PAGE), "not received while mapped");
	HAPPENS(ring_get_used(dev_rx(d, 0), NULL) >= 0, "not used");
	vv_unmap(&d->vv, 0, gmem_iova(&d->mem, page), GMEM_PAGE);
	memset(page, CANARY, GMEM_PAGE);
	receive_into(d, page, SLOT);
	CHECK(untouched(page, GMEM_PAGE), "it was written");
	check_recovers(d);
}

CONFORM(memory, invalidated_is_not_read, NEED_NET | NEED_FRAMES | RINGS,
	"vhost-vdpa: memory is out of reach when INVALIDATE returns: not read")
{
	unsigned char *page = up_without(d, 1, false);
	struct ring *tx = dev_tx(d, 0);

	map_page(d, page, VHOST_ACCESS_RW);
	memset(page, 0, HDR + 64);
	ring_add(tx, &(struct vq_seg){ .p = page, .len = HDR + 64 }, 1);
	ring_notify(tx);
	CHECK_OK(ring_wait_used(tx, NULL));
	vv_unmap(&d->vv, 0, gmem_iova(&d->mem, page), GMEM_PAGE);
	check_not_sent(d, page);
	check_recovers(d);
}

CONFORM(memory, half_mapped_buffer, NEED_NET | NEED_FRAMES | RINGS,
	"vhost-vdpa: of a buffer that ends in unmapped memory that part is not written")
{
	unsigned char *page = up_without(d, 1, true);

	receive_into(d, page - 300, SLOT);
	CHECK(untouched(page, GMEM_PAGE), "it was written");
	check_recovers(d);
}

CONFORM(memory, readable_is_not_written, NEED_NET | NEED_FRAMES | RINGS,
	"virtio 2.7.5: a buffer for the device to read is not written, whatever its queue")
{
	unsigned char *page = up_without(d, 1, true);
	struct ring *rx = dev_rx(d, 0);

	map_page(d, page, VHOST_ACCESS_RW);
	ring_add(rx, &(struct vq_seg){ .p = page, .len = SLOT }, 1);
	ring_publish(rx);
	ring_kick(rx);
	receive_into(d, page + SLOT, SLOT);
	CHECK(untouched(page, SLOT), "it was written");
	check_recovers(d);
}

CONFORM(memory, neighbours, NEED_NET | NEED_FRAMES | RINGS,
	"virtio 2.7.8: a received frame changes its buffer up to the used length, nothing else")
{
	unsigned char *page = up_without(d, 2, true);
	uint32_t len;

	map_page(d, page, VHOST_ACCESS_RW);
	map_page(d, page + GMEM_PAGE, VHOST_ACCESS_RW);
	/* Across the pages' boundary. */
	receive_into(d, page + GMEM_PAGE - 333, SLOT);
	CHECK_OK(ring_wait_used(dev_rx(d, 0), &len));
	CHECK(len >= HDR + 60 && len <= SLOT, "used length %u", len);
	CHECK(untouched(page, GMEM_PAGE - 333), "before the buffer");
	CHECK(untouched(page + GMEM_PAGE - 333 + len, GMEM_PAGE + 333 - len),
	      "behind the used length");
}

CONFORM(memory, used_ring_read_only, NEED_NET | RINGS,
	"vhost-vdpa: a device area mapped for reading only is not written")
{
	const struct setup s = { .unmapped = true };
	struct ring *tx;
	unsigned int i;

	dev_negotiate(d, &s);
	dev_rings(d);
	vv_map(&d->vv, 0, d->mem.iova, d->mem.size, d->mem.hva, VHOST_ACCESS_RO);
	if (!dev_has(d, VV_BACKEND(ENABLE_AFTER_DRIVER_OK)))
		dev_enable(d);
	__vv_set_status(&d->vv, S_RUNNING);
	dev_enable(d);
	tx = dev_tx(d, 0);
	for (i = 0; i < 3; i++)
		io_add(d, 0, i, IO_FRAME);
	ring_publish(tx);
	ring_kick(tx);
	NEVER(ring_pending(tx), "it was written");
	check_recovers(d);
}

/* Seals, and files opened for reading, are to hold against devices too. */
CONFORM(memory, read_only_file, NEED_NET | NEED_FRAMES | RINGS,
	"vhost-vdpa: memory that the process may not write its device does not write")
{
	unsigned char *page = up_without(d, 1, true), *ro;
	int fd;
	char path[64];

	fd = memfd_create("sealed", MFD_CLOEXEC);
	CHECK(fd >= 0 && !ftruncate(fd, GMEM_PAGE), "memfd");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ro = mmap(NULL, GMEM_PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(ro != MAP_FAILED, "mmap");
	if (!__vv_map(&d->vv, 0, gmem_iova(&d->mem, page), GMEM_PAGE, ro,
		      VHOST_ACCESS_RW))
		receive_into(d, page, SLOT);
	CHECK(!ro[0] && !memcmp(ro, ro + 1, GMEM_PAGE - 1), "it was written");
	vv_unmap(&d->vv, 0, gmem_iova(&d->mem, page), GMEM_PAGE);
	close(fd);
}
