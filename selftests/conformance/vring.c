// SPDX-License-Identifier: GPL-2.0-only
/* What each queue call takes and refuses, and when queues run. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf.h"
#include "io.h"

CONFORM(vring, index_out_of_range, 0,
	"vhost-vdpa: every queue call with an index behind the last queue gets ENOBUFS")
{
	const uint32_t bad[] = { d->nvqs, d->nvqs + 1, 0xffff, 0xffffffff };
	struct vhost_vdpa *vv = &d->vv;
	uint32_t num;
	int i;

	for (i = 0; i < 4; i++) {
		REFUSED(__vv_set_vring_num(vv, bad[i], 64), ENOBUFS);
		REFUSED(__vv_set_vring_base(vv, bad[i], 0), ENOBUFS);
		REFUSED(__vv_get_vring_base(vv, bad[i], &num), ENOBUFS);
		REFUSED(__vv_set_vring_addr(vv, bad[i], 0, 0, 0), ENOBUFS);
		REFUSED(__vv_set_vring_enable(vv, bad[i], 1), ENOBUFS);
		REFUSED(__vv_set_vring_kick(vv, bad[i], -1), ENOBUFS);
		REFUSED(__vv_set_vring_call(vv, bad[i], -1), ENOBUFS);
		REFUSED(__vv_get_vring_size(vv, bad[i], &num), ENOBUFS);
		REFUSED(__vv_get_vring_group(vv, bad[i], &num), ENOBUFS);
		REFUSED(__vv_get_vring_desc_group(vv, bad[i], &num), ENOBUFS);
	}
}

CONFORM(vring, num_refused, 0,
	"vhost-vdpa: SET_VRING_NUM takes powers of two up to GET_VRING_NUM, else EINVAL")
{
	REFUSED(__vv_set_vring_num(&d->vv, 0, 0), EINVAL);
	REFUSED(__vv_set_vring_num(&d->vv, 0, 3), EINVAL);
	REFUSED(__vv_set_vring_num(&d->vv, 0, 0x10000), EINVAL);
	REFUSED(__vv_set_vring_num(&d->vv, 0, 0xffffffff), EINVAL);
	SAME(__vv_set_vring_num(&d->vv, 0, 2), 0);
}

/* Kernels before 2026 leave it to the parent, whose op returns nothing. */
CONFORM(vring, num_over_max, 0,
	"vhost-vdpa: a ring larger than GET_VRING_NUM gets EINVAL")
{
	if (d->ring_max >= 0x8000)
		skip("rings may have any size");
	REFUSED(__vv_set_vring_num(&d->vv, 0, 2u * d->ring_max), EINVAL);
}

CONFORM(vring, base_is_kept, RINGS,
	"vhost-vdpa: GET_VRING_BASE before DRIVER_OK is what SET_VRING_BASE wrote")
{
	uint32_t i;

	dev_negotiate(d, NULL);
	for (i = 0; i < d->nvqs; i++)
		vv_set_vring_base(&d->vv, i, (i + 7) *
				  (d->packed ? 0x10001u : 1));
	for (i = 0; i < d->nvqs; i++)
		SAME(vv_get_vring_base(&d->vv, i) & 0xffff, i + 7);
	dev_reset(d);
	for (i = 0; i < d->nvqs; i++)
		SAME(vv_get_vring_base(&d->vv, i) & 0x7fff, 0);
}

CONFORM(vring, base_wrap_counters, NEED_NET | RINGS,
	"vhost-vdpa: a packed base has both wrap counters, a split one 16 bits")
{
	dev_negotiate(d, NULL);
	if (d->packed) {
		vv_set_vring_base(&d->vv, 0, 0x80038003);
		SAME(vv_get_vring_base(&d->vv, 0), 0x80038003);
		vv_set_vring_base(&d->vv, 0, 0x00030003);
		SAME(vv_get_vring_base(&d->vv, 0), 0x00030003);
	} else {
		vv_set_vring_base(&d->vv, 0, 0xffff);
		SAME(vv_get_vring_base(&d->vv, 0), 0xffff);
		REFUSED(__vv_set_vring_base(&d->vv, 0, 0x10000), EINVAL);
	}
}

CONFORM(vring, misaligned, 0,
	"vhost: SET_VRING_ADDR with a misaligned driver or device area gets EINVAL")
{
	const uint64_t a = GMEM_IOVA;

	REFUSED(__vv_set_vring_addr(&d->vv, 0, a, a + 1, a), EINVAL);
	REFUSED(__vv_set_vring_addr(&d->vv, 0, a, a, a + 2), EINVAL);
}

CONFORM(vring, bad_fd, 0,
	"vhost: a kick or call fd that is no eventfd is refused, -1 takes it away")
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	REFUSED(__vv_set_vring_kick(&d->vv, 0, fd), EINVAL);
	REFUSED(__vv_set_vring_call(&d->vv, 0, fd), EINVAL);
	REFUSED(__vv_set_config_call(&d->vv, fd), EINVAL);
	close(fd);
	REFUSED(__vv_set_vring_kick(&d->vv, 0, fd), EBADF);
	REFUSED(__vv_set_vring_call(&d->vv, 0, fd), EBADF);
	REFUSED(__vv_set_config_call(&d->vv, fd), EBADF);
	SAME(__vv_set_vring_kick(&d->vv, 0, -1), 0);
	SAME(__vv_set_vring_call(&d->vv, 0, -1), 0);
	SAME(__vv_set_config_call(&d->vv, -1), 0);
}

CONFORM(vring, fixed_while_running, NEED_NET | RINGS,
	"vhost-vdpa: SET_VRING_ADDR and SET_VRING_BASE of a running device get EINVAL")
{
	struct ring_areas a;

	dev_up(d, NULL);
	a = ring_areas(dev_tx(d, 0));
	REFUSED(__vv_set_vring_base(&d->vv, 1, d->setup.base), EINVAL);
	REFUSED(__vv_set_vring_addr(&d->vv, 1, a.desc, a.driver, a.device),
		EINVAL);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

CONFORM(vring, enable_before_driver_ok, NEED_NET | RINGS,
	"virtio: queues enabled before DRIVER_OK run from DRIVER_OK on, not earlier")
{
	struct ring *tx;

	dev_negotiate(d, NULL);
	dev_rings(d);
	dev_map(d);
	dev_enable(d);
	tx = dev_tx(d, 0);
	io_add(d, 0, 1, IO_FRAME);
	ring_publish(tx);
	ring_kick(tx);
	NEVER(ring_pending(tx), "before DRIVER_OK");
	dev_driver_ok(d);
	ring_kick(tx);
	HAPPENS(ring_pending(tx), "not after DRIVER_OK");
}

CONFORM(vring, driver_ok_scans, NEED_NET | RINGS,
	"vDPA: DRIVER_OK looks at every ready ring, a kick before it may be the only one")
{
	struct ring *tx;

	dev_negotiate(d, NULL);
	dev_rings(d);
	dev_map(d);
	dev_enable(d);
	tx = dev_tx(d, 0);
	io_add(d, 0, 1, IO_FRAME);
	ring_publish(tx);
	ring_kick(tx);
	dev_driver_ok(d);
	HAPPENS(ring_pending(tx), "the buffer was not looked at");
}

CONFORM(vring, enable_after_driver_ok, NEED_NET | NEED_LATE | RINGS,
	"vhost-vdpa: with ENABLE_AFTER_DRIVER_OK a queue runs when it is enabled, not before")
{
	struct ring *tx;

	dev_negotiate(d, NULL);
	dev_rings(d);
	dev_map(d);
	dev_driver_ok(d);
	tx = dev_tx(d, 0);
	io_add(d, 0, 1, IO_FRAME);
	ring_publish(tx);
	ring_kick(tx);
	NEVER(ring_pending(tx), "a queue that is not enabled");
	dev_enable(d);
	ring_kick(tx);
	HAPPENS(ring_pending(tx), "an enabled queue");
}

CONFORM(vring, late_enable_scans, NEED_NET | NEED_LATE | RINGS,
	"vDPA: enabling a queue looks at its ring, the kick came before")
{
	struct ring *tx;

	dev_negotiate(d, NULL);
	dev_rings(d);
	dev_map(d);
	dev_driver_ok(d);
	tx = dev_tx(d, 0);
	io_add(d, 0, 1, IO_FRAME);
	ring_publish(tx);
	ring_kick(tx);
	dev_enable(d);
	HAPPENS(ring_pending(tx), "the buffer was not looked at");
}

CONFORM(vring, enable_again, NEED_NET | RINGS,
	"vDPA: enabling an enabled queue changes nothing, its indexes least of all")
{
	unsigned int i;

	dev_up(d, NULL);
	for (i = 1; i <= 3; i++) {
		CHECK_OK(io_send(d, 0, i, IO_FRAME));
		dev_enable(d);
	}
	SAME(vv_get_vring_base(&d->vv, 1), ring_base(dev_tx(d, 0)));
}

CONFORM(vring, disabled_stands, NEED_NET | NEED_LATE | RINGS,
	"vhost-vdpa: a disabled queue stands still, enabled again it goes on where it was")
{
	struct ring *tx;

	dev_up(d, NULL);
	tx = dev_tx(d, 0);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	vv_set_vring_enable(&d->vv, 1, 0);
	io_add(d, 0, 2, IO_FRAME);
	ring_publish(tx);
	ring_kick(tx);
	NEVER(ring_pending(tx), "a disabled queue works");
	SAME(vv_get_vring_base(&d->vv, 1), ring_base(tx));
	vv_set_vring_enable(&d->vv, 1, 1);
	ring_kick(tx);
	HAPPENS(ring_pending(tx), "it does not go on");
}

CONFORM(vring, kick_in_every_state, NEED_NET | RINGS,
	"vDPA: a kick does no harm in any state, an fd already signalled included")
{
	struct ring *tx;

	dev_negotiate(d, NULL);
	dev_rings(d);
	tx = dev_tx(d, 0);
	ring_kick(tx);
	vv_set_vring_kick(&d->vv, 1, tx->split.kick);
	dev_map(d);
	dev_run(d);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	dev_reset(d);
	ring_kick(tx);
	vv_set_vring_kick(&d->vv, 1, tx->split.kick);
	ring_kick(tx);
	dev_again(d);
	CHECK_OK(io_send(d, 0, 2, IO_FRAME));
}

/* The doorbell page is for the queues there are, whole, and to be written. */
static void *doorbell(struct dev *d, uint32_t idx, size_t size, int prot)
{
	return mmap(NULL, size, prot, MAP_SHARED, d->vv.fd,
		    (off_t)idx * GMEM_PAGE);
}

CONFORM(vring, doorbell, 0,
	"vhost-vdpa: mmap() gives the doorbell page of a queue, of no other number")
{
	const uint32_t bad[] = { d->nvqs, d->nvqs + 1, 0xffff, 0x10000 };
	unsigned int i;

	for (i = 0; i < 4; i++)
		CHECK(doorbell(d, bad[i], GMEM_PAGE, PROT_WRITE) == MAP_FAILED,
		      "page %u", bad[i]);
	CHECK(doorbell(d, 0, GMEM_PAGE, PROT_READ) == MAP_FAILED, "for reading");
	CHECK(doorbell(d, 0, 2 * GMEM_PAGE, PROT_WRITE) == MAP_FAILED, "two");
}

/* Of all ops this one comes without any lock, in any context. */
CONFORM(vring, kicks_beside_everything, NEED_NET | RINGS,
	"vDPA: kicks come at any time, beside resets, suspends and unmaps")
{
	uint64_t one = 1;
	unsigned int i;
	pid_t pid;

	dev_up(d, NULL);
	pid = fork();
	CHECK(pid >= 0, "fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* Else the device would not be closed when its owner closes it. */
		vv_close(&d->vv);
		for (i = 0;; i++)
			if (write(d->ring[i % 2].split.kick, &one, 8) < 0)
				pause_us(1);
	}
	for (i = 0; i < 30; i++) {
		dev_again(d);
		if (dev_has(d, VV_BACKEND(SUSPEND)))
			vv_suspend(&d->vv);
		if (dev_has(d, VV_BACKEND(RESUME)))
			vv_resume(&d->vv);
		dev_reset(d);
		dev_unmap(d);
		dev_map(d);
	}
	vv_close(&d->vv);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	vv_open(&d->vv, options.node);
	vv_set_owner(&d->vv);
	vv_set_backend_features(&d->vv, d->backend);
	dev_up(d, NULL);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

CONFORM(vring, smallest_ring, NEED_NET,
	"virtio: a ring of 2 entries is a ring")
{
	struct ring *tx;

	dev_negotiate(d, NULL);
	dev_rings(d);
	dev_map(d);
	tx = dev_tx(d, 0);
	ring_close(tx);
	ring_init(tx, d->packed, &d->mem, &d->mem, 1, 2, d->setup.base);
	if (__vv_set_vring_num(&d->vv, 1, 2))
		skip("rings have a minimum");
	dev_set_ring(d, tx, d->setup.base);
	vv_set_vring_kick(&d->vv, 1, tx->split.kick);
	vv_set_vring_call(&d->vv, 1, tx->split.call);
	dev_run(d);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	CHECK_OK(io_send(d, 0, 2, IO_FRAME));
	CHECK_OK(io_send(d, 0, 3, IO_FRAME));
}
