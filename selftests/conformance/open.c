// SPDX-License-Identifier: GPL-2.0-only
/* Opening, owning, and what the device says of itself. */
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf.h"
#include "io.h"

CONFORM(open, single, 0,
	"vhost-vdpa: one opener at a time, a second one gets EBUSY")
{
	struct vhost_vdpa other;

	REFUSED(__vv_open(&other, options.node), EBUSY);
	vv_close(&d->vv);
	vv_open(&other, options.node);
	vv_close(&other);
}

CONFORM(open, resets, 0,
	"vhost-vdpa: open and release reset the device (status 0, indexes 0)")
{
	vv_set_status(&d->vv, S_READY);
	vv_set_vring_base(&d->vv, 0, 77);
	vv_close(&d->vv);
	vv_open(&d->vv, options.node);
	SAME(vv_get_status(&d->vv), 0);
	vv_set_owner(&d->vv);
	SAME(vv_get_vring_base(&d->vv, 0) & 0x7fff, 0);
}

CONFORM(open, release_unmaps, 0,
	"vhost-vdpa: release unmaps all memory of every address space")
{
	uint32_t asid;
	unsigned int i;

	dev_gmem(d, &d->mem, 0, 16 * GMEM_PAGE);
	for (i = 0; i < 2; i++) {
		for (asid = 0; asid < d->nas && asid < 8; asid++)
			vv_map(&d->vv, asid, d->mem.iova, d->mem.size,
			       d->mem.hva, VHOST_ACCESS_RW);
		vv_close(&d->vv);
		vv_open(&d->vv, options.node);
		vv_set_owner(&d->vv);
		vv_set_backend_features(&d->vv, d->backend);
	}
}

CONFORM(open, owner_once, 0,
	"vhost: a device has one owner, a second SET_OWNER gets EBUSY")
{
	REFUSED(__vv_set_owner(&d->vv), EBUSY);
}

CONFORM(open, iotlb_needs_owner, 0,
	"vhost: memory is mapped for the owner, without one nothing is")
{
	dev_gmem(d, &d->mem, 0, GMEM_PAGE);
	vv_close(&d->vv);
	vv_open(&d->vv, options.node);
	vv_set_backend_features(&d->vv, d->backend);
	REFUSED_SOMEHOW(__vv_map(&d->vv, 0, d->mem.iova, d->mem.size,
				 d->mem.hva, VHOST_ACCESS_RW));
}

CONFORM(open, identity, 0,
	"vhost-vdpa: a device has queues, at least one group and address space, a largest ring")
{
	CHECK(vv_get_device_id(&d->vv), "device id 0 is reserved");
	CHECK(d->nvqs, "no queue");
	CHECK(d->ngroups, "no group");
	CHECK(d->nas, "no address space");
	CHECK(d->ring_max >= 2, "rings of %u entries", d->ring_max);
	CHECK(d->range.first < d->range.last, "empty address range");
	CHECK(vv_get_config_size(&d->vv), "no config space");
}

CONFORM(open, vring_size, 0,
	"vhost-vdpa: GET_VRING_SIZE is a size that a ring of the device can have")
{
	uint32_t i, size;

	for (i = 0; i < d->nvqs; i++) {
		int ret = __vv_get_vring_size(&d->vv, i, &size);

		if (ret == -EOPNOTSUPP || ret == -ENOTTY)
			skip("no GET_VRING_SIZE");
		SAME(ret, 0);
		CHECK(size && size <= d->ring_max, "queue %u: %u", i, size);
	}
}

CONFORM(open, no_dirty_log, 0,
	"vhost-vdpa: SET_LOG_BASE and SET_LOG_FD are not known (ENOTTY)")
{
	uint64_t base = 0;
	int fd = -1;

	SAME(ioctl(d->vv.fd, VHOST_SET_LOG_BASE, &base), -1);
	SAME(errno, ENOTTY);
	SAME(ioctl(d->vv.fd, VHOST_SET_LOG_FD, &fd), -1);
	SAME(errno, ENOTTY);
}

CONFORM(open, unknown_request, 0,
	"ioctl: a request nobody knows is refused with ENOTTY")
{
	uint32_t arg[16] = { 0 };

	SAME(ioctl(d->vv.fd, _IOWR(VHOST_VIRTIO, 0xfe, arg), arg), -1);
	SAME(errno, ENOTTY);
}

CONFORM(open, bad_pointers, 0,
	"ioctl: an argument that cannot be read or written gets EFAULT, nothing else happens")
{
	static const unsigned long requests[] = {
		VHOST_VDPA_GET_DEVICE_ID, VHOST_VDPA_GET_STATUS,
		VHOST_VDPA_SET_STATUS, VHOST_VDPA_GET_CONFIG,
		VHOST_VDPA_SET_CONFIG, VHOST_GET_FEATURES, VHOST_SET_FEATURES,
		VHOST_VDPA_GET_VRING_NUM, VHOST_VDPA_GET_GROUP_NUM,
		VHOST_VDPA_GET_AS_NUM, VHOST_GET_BACKEND_FEATURES,
		VHOST_SET_BACKEND_FEATURES, VHOST_VDPA_GET_IOVA_RANGE,
		VHOST_VDPA_GET_CONFIG_SIZE, VHOST_VDPA_GET_VQS_COUNT,
		VHOST_SET_VRING_NUM, VHOST_GET_VRING_BASE,
		VHOST_VDPA_SET_VRING_ENABLE,
	};
	unsigned int i;

	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		int ret = ioctl(d->vv.fd, requests[i], 8);

		CHECK(ret == -1 && errno == EFAULT, "request 0x%lx: %d",
		      requests[i], ret ? errno : 0);
	}
	SAME(vv_get_status(&d->vv), 0);
}

/* Works under full load: this is how a crashed VMM leaves a device. */
CONFORM(open, killed_owner, NEED_NET | RINGS,
	"vhost-vdpa: a process killed at any time leaves a device that works for the next")
{
	unsigned int i;

	for (i = 0; i < 5; i++) {
		pid_t pid;
		int status;

		vv_close(&d->vv);
		pid = fork();
		CHECK(pid >= 0, "fork");
		if (!pid) {
			bool packed = d->packed;

			prctl(PR_SET_PDEATHSIG, SIGKILL);
			dev_open(d);
			d->packed = packed;
			dev_up(d, NULL);
			for (;;) {
				io_reap(dev_tx(d, 0));
				while (ring_room(dev_tx(d, 0)))
					io_add(d, 0, 1, IO_FRAME);
				ring_notify(dev_tx(d, 0));
			}
		}
		pause_us(10000 * slow_factor() + 777 * i);
		kill(pid, SIGKILL);
		CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status),
		      "the load ended by itself: %d", status);
		vv_open(&d->vv, options.node);
		SAME(vv_get_status(&d->vv), 0);
	}
	vv_set_owner(&d->vv);
	vv_set_backend_features(&d->vv, d->backend);
	dev_up(d, NULL);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}
