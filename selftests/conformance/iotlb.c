// SPDX-License-Identifier: GPL-2.0-only
/* Mapping memory. */
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "conf.h"
#include "io.h"

#define PAGES	16

static void need_memory(struct dev *d)
{
	dev_gmem(d, &d->mem, 0, PAGES * GMEM_PAGE);
}

static int map_at(struct dev *d, uint32_t asid, uint64_t iova, uint64_t size)
{
	return __vv_map(&d->vv, asid, iova, size, d->mem.hva, VHOST_ACCESS_RW);
}

static int map_all(struct dev *d, uint32_t asid)
{
	return map_at(d, asid, d->mem.iova, d->mem.size);
}

CONFORM(iotlb, zero_size, 0,
	"vhost-vdpa: a map of no bytes is refused")
{
	need_memory(d);
	REFUSED_SOMEHOW(map_at(d, 0, d->mem.iova, 0));
	SAME(map_all(d, 0), 0);
}

CONFORM(iotlb, wrap_around, 0,
	"vhost-vdpa: a map that wraps around, or is outside the device's range, is refused")
{
	need_memory(d);
	REFUSED_SOMEHOW(map_at(d, 0, -GMEM_PAGE, 2 * GMEM_PAGE));
	REFUSED_SOMEHOW(map_at(d, 0, GMEM_PAGE, ~0ull));
	REFUSED_SOMEHOW(__vv_map(&d->vv, 0, d->mem.iova, 2 * GMEM_PAGE,
				 (void *)-GMEM_PAGE, VHOST_ACCESS_RW));
	if (d->range.first)
		REFUSED_SOMEHOW(map_at(d, 0, 0, GMEM_PAGE));
	if (d->range.last != UINT64_MAX)
		REFUSED_SOMEHOW(map_at(d, 0, d->range.last + 1, GMEM_PAGE));
	SAME(map_all(d, 0), 0);
}

CONFORM(iotlb, page_count_overflows, 0,
	"vhost-vdpa: a map whose length in pages overflows is refused")
{
	need_memory(d);
	REFUSED_SOMEHOW(map_at(d, 0, 0xfff, ~0ull - 0xfff));
	REFUSED_SOMEHOW(map_at(d, 0, 1, ~0ull - 1));
	SAME(map_all(d, 0), 0);
}

CONFORM(iotlb, overlap, 0,
	"vhost-vdpa: a map that overlaps another is refused, by a page at either end as well")
{
	const uint64_t iova = GMEM_IOVA + (1 << 20);

	need_memory(d);
	SAME(map_at(d, 0, iova, 4 * GMEM_PAGE), 0);
	REFUSED_SOMEHOW(map_at(d, 0, iova, 4 * GMEM_PAGE));
	REFUSED_SOMEHOW(map_at(d, 0, iova + GMEM_PAGE, GMEM_PAGE));
	REFUSED_SOMEHOW(map_at(d, 0, iova - GMEM_PAGE, 2 * GMEM_PAGE));
	REFUSED_SOMEHOW(map_at(d, 0, iova + 3 * GMEM_PAGE, 2 * GMEM_PAGE));
	SAME(map_at(d, 0, iova - GMEM_PAGE, GMEM_PAGE), 0);
	SAME(map_at(d, 0, iova + 4 * GMEM_PAGE, GMEM_PAGE), 0);
}

CONFORM(iotlb, overlap_keeps_the_first, NEED_NET | RINGS,
	"vhost-vdpa: what an overlapping map refused leaves is the map that was there, in use")
{
	dev_up(d, NULL);
	REFUSED_SOMEHOW(__vv_map(&d->vv, 0, d->mem.iova, d->mem.size,
				 d->mem.hva, VHOST_ACCESS_RO));
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

CONFORM(iotlb, wrong_asid, 0,
	"vhost-vdpa: messages for an address space behind those of GET_AS_NUM are refused")
{
	const uint32_t bad[] = { d->nas, d->nas + 1, 0xffff, 0xffffffff };
	unsigned int i;

	need_memory(d);
	for (i = 0; i < 4; i++) {
		REFUSED_SOMEHOW(map_all(d, bad[i]));
		REFUSED_SOMEHOW(__vv_unmap(&d->vv, bad[i], d->mem.iova,
					   d->mem.size));
		REFUSED_SOMEHOW(__vv_batch_begin(&d->vv, bad[i]));
	}
	SAME(map_all(d, d->nas - 1), 0);
	SAME(map_all(d, 0), d->nas == 1 ? -EFAULT : 0);
}

CONFORM(iotlb, asid_needs_ack, 0,
	"vhost: the asid of a message counts only if IOTLB_ASID was acknowledged")
{
	need_memory(d);
	vv_set_backend_features(&d->vv, VV_BACKEND(IOTLB_MSG_V2) |
					VV_BACKEND(IOTLB_BATCH));
	SAME(map_all(d, 0xffff), 0);
	REFUSED_SOMEHOW(map_all(d, 0));
}

CONFORM(iotlb, unmap_nothing, 0,
	"vhost-vdpa: an invalidate succeeds, whether or not anything was there")
{
	need_memory(d);
	SAME(map_all(d, 0), 0);
	SAME(__vv_unmap(&d->vv, 0, d->mem.iova, d->mem.size), 0);
	SAME(__vv_unmap(&d->vv, 0, d->mem.iova, d->mem.size), 0);
	SAME(__vv_unmap(&d->vv, 0, 0x7000, GMEM_PAGE), 0);
	SAME(map_all(d, 0), 0);
}

CONFORM(iotlb, spaces_apart, NEED_GROUPS,
	"vhost-vdpa: the same guest address in another address space is another place")
{
	need_memory(d);
	SAME(map_all(d, 0), 0);
	SAME(map_all(d, 1), 0);
	SAME(__vv_unmap(&d->vv, 0, d->mem.iova, d->mem.size), 0);
	REFUSED_SOMEHOW(map_all(d, 1));
	SAME(map_all(d, 0), 0);
}

CONFORM(iotlb, batch_of_another_space, NEED_GROUPS,
	"vhost-vdpa: a batch is for one address space, messages for another meanwhile are refused")
{
	need_memory(d);
	vv_batch_begin(&d->vv, 0);
	REFUSED_SOMEHOW(map_all(d, 1));
	REFUSED_SOMEHOW(__vv_batch_begin(&d->vv, 1));
	REFUSED_SOMEHOW(__vv_unmap(&d->vv, 1, d->mem.iova, d->mem.size));
	SAME(map_all(d, 0), 0);
	SAME(__vv_batch_end(&d->vv, 0), 0);
	SAME(map_all(d, 1), 0);
}

CONFORM(iotlb, batch_odd_ends, NEED_NET,
	"vhost-vdpa: an end without a begin, two begins, an empty batch do no harm")
{
	need_memory(d);
	SAME(map_all(d, 0), 0);
	SAME(__vv_batch_end(&d->vv, 0), 0);
	SAME(__vv_batch_begin(&d->vv, 0), 0);
	SAME(__vv_batch_begin(&d->vv, 0), 0);
	SAME(__vv_batch_end(&d->vv, 0), 0);
	SAME(__vv_batch_begin(&d->vv, 0), 0);
	SAME(__vv_batch_end(&d->vv, 0), 0);
	SAME(__vv_unmap(&d->vv, 0, d->mem.iova, d->mem.size), 0);
	gmem_free(&d->mem);
	dev_up(d, NULL);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

/* As QEMU's memory listener does it while the guest runs. */
CONFORM(iotlb, changes_while_running, NEED_NET | RINGS,
	"vhost-vdpa: other memory can be mapped and unmapped, in batches too, while queues run")
{
	struct gmem other;
	unsigned int i;

	dev_gmem(d, &other, 3, PAGES * GMEM_PAGE);
	dev_up(d, NULL);
	for (i = 0; i < 20; i++) {
		if (i % 2)
			vv_batch_begin(&d->vv, 0);
		vv_map(&d->vv, 0, other.iova, other.size, other.hva,
		       VHOST_ACCESS_RW);
		if (i % 2)
			vv_batch_end(&d->vv, 0);
		CHECK_OK(io_send(d, 0, i, IO_FRAME));
		vv_unmap(&d->vv, 0, other.iova, other.size);
		CHECK_OK(io_send(d, 0, i, IO_FRAME));
	}
	gmem_free(&other);
}

CONFORM(iotlb, piecewise, NEED_NET | RINGS,
	"vhost-vdpa: memory mapped page by page is as good as in one piece")
{
	const struct setup s = { .unmapped = true };
	uint64_t off;

	dev_negotiate(d, &s);
	dev_rings(d);
	vv_batch_begin(&d->vv, 0);
	for (off = 0; off < d->mem.size; off += GMEM_PAGE)
		vv_map(&d->vv, 0, d->mem.iova + off, GMEM_PAGE,
		       (char *)d->mem.hva + off, VHOST_ACCESS_RW);
	vv_batch_end(&d->vv, 0);
	dev_run(d);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

CONFORM(iotlb, nothing_behind_it, 0,
	"vhost-vdpa: a map of memory that is not there is refused and leaves nothing behind")
{
	char *hole;

	need_memory(d);
	hole = (char *)d->mem.hva + d->mem.size / 2;
	SAME(munmap(hole, d->mem.size / 2), 0);
	REFUSED_SOMEHOW(__vv_map(&d->vv, 0, d->mem.iova, GMEM_PAGE, hole,
				 VHOST_ACCESS_RW));
	REFUSED_SOMEHOW(map_all(d, 0));
	SAME(map_at(d, 0, d->mem.iova, d->mem.size / 2), 0);
}

CONFORM(iotlb, memory_goes, NEED_NET | RINGS,
	"vhost-vdpa: memory that the process gives up while mapped harms nobody")
{
	struct gmem other;
	unsigned int i;

	dev_gmem(d, &other, 3, PAGES * GMEM_PAGE);
	dev_up(d, NULL);
	vv_map(&d->vv, 0, other.iova, other.size, other.hva, VHOST_ACCESS_RW);
	SAME(munmap(other.hva, other.size), 0);
	other.hva = NULL;
	close(other.memfd);
	for (i = 0; i < 4; i++)
		CHECK_OK(io_send(d, 0, i, IO_FRAME));
	vv_unmap(&d->vv, 0, other.iova, other.size);
	CHECK_OK(io_send(d, 0, 5, IO_FRAME));
}

CONFORM(iotlb, memlock, 0,
	"vhost-vdpa: RLIMIT_MEMLOCK limits what is pinned, root too; refusals leave nothing")
{
	struct rlimit few, old;

	need_memory(d);
	SAME(getrlimit(RLIMIT_MEMLOCK, &old), 0);
	few = old;
	few.rlim_cur = 4 * GMEM_PAGE;
	SAME(setrlimit(RLIMIT_MEMLOCK, &few), 0);
	/* A parent that works with user addresses pins nothing. */
	if (!map_all(d, 0))
		skip("the parent pins nothing");
	SAME(map_at(d, 0, d->mem.iova, 2 * GMEM_PAGE), 0);
	SAME(__vv_unmap(&d->vv, 0, d->mem.iova, 2 * GMEM_PAGE), 0);
	SAME(setrlimit(RLIMIT_MEMLOCK, &old), 0);
	SAME(map_all(d, 0), 0);
}

CONFORM(iotlb, memlock_is_given_back, 0,
	"vhost-vdpa: what is unmapped, or mapped in vain, no longer counts for RLIMIT_MEMLOCK")
{
	struct rlimit lim;
	unsigned int i;

	need_memory(d);
	SAME(getrlimit(RLIMIT_MEMLOCK, &lim), 0);
	lim.rlim_cur = (PAGES + 4) * GMEM_PAGE;
	SAME(setrlimit(RLIMIT_MEMLOCK, &lim), 0);
	for (i = 0; i < 8; i++) {
		SAME(map_all(d, 0), 0);
		REFUSED_SOMEHOW(map_all(d, 0));
		SAME(__vv_unmap(&d->vv, 0, d->mem.iova, d->mem.size), 0);
	}
}

CONFORM(iotlb, bad_messages, 0,
	"vhost: a message that is short or of an unknown type is refused")
{
	struct vhost_msg_v2 msg;

	need_memory(d);
	memset(&msg, 0, sizeof(msg));
	msg.type = VHOST_IOTLB_MSG_V2;
	msg.iotlb.type = VHOST_IOTLB_UPDATE;
	msg.iotlb.iova = d->mem.iova;
	msg.iotlb.size = d->mem.size;
	msg.iotlb.uaddr = (uintptr_t)d->mem.hva;
	msg.iotlb.perm = VHOST_ACCESS_RW;
	SAME(write(d->vv.fd, &msg, 1), -1);
	SAME(write(d->vv.fd, &msg, 12), -1);
	SAME(write(d->vv.fd, &msg, offsetof(struct vhost_msg_v2, iotlb) +
		   sizeof(msg.iotlb) - 1), -1);
	msg.type = 99;
	SAME(write(d->vv.fd, &msg, sizeof(msg)), -1);
	msg.type = VHOST_IOTLB_MSG_V2;
	msg.iotlb.type = VHOST_IOTLB_MISS;
	SAME(write(d->vv.fd, &msg, sizeof(msg)), -1);
	msg.iotlb.type = 200;
	SAME(write(d->vv.fd, &msg, sizeof(msg)), -1);
	SAME(map_all(d, 0), 0);
}

CONFORM(iotlb, many, 0,
	"vhost-vdpa: a thousand maps, unmapped in one message, leave room for them again")
{
	const unsigned int n = 1000;
	unsigned int i, round;

	need_memory(d);
	for (round = 0; round < 2; round++) {
		vv_batch_begin(&d->vv, 0);
		for (i = 0; i < n; i++)
			SAME(map_at(d, 0, GMEM_IOVA + i * 2 * GMEM_PAGE,
				    GMEM_PAGE), 0);
		vv_batch_end(&d->vv, 0);
		SAME(__vv_unmap(&d->vv, 0, GMEM_IOVA, n * 2 * GMEM_PAGE), 0);
	}
}
