// SPDX-License-Identifier: GPL-2.0-only
/* The status, the features of the device and of the backend. */
#include "conf.h"
#include "io.h"

/* Does the device take this set, one way of refusing being as good as another? */
static bool accepts(struct dev *d, uint64_t features)
{
	vv_set_status(&d->vv, S_READY);
	if (__vv_set_features(&d->vv, features))
		return false;
	__vv_set_status(&d->vv, S_FEATURES);
	return vv_get_status(&d->vv) & VIRTIO_CONFIG_S_FEATURES_OK;
}

CONFORM(status, bits_only_grow, 0,
	"vhost-vdpa: SET_STATUS may not clear a bit (EINVAL, nothing changes)")
{
	vv_set_status(&d->vv, S_READY);
	SAME(vv_get_status(&d->vv), S_READY);
	REFUSED(__vv_set_status(&d->vv, VIRTIO_CONFIG_S_DRIVER), EINVAL);
	REFUSED(__vv_set_status(&d->vv, VIRTIO_CONFIG_S_ACKNOWLEDGE), EINVAL);
	SAME(vv_get_status(&d->vv), S_READY);
}

CONFORM(status, zero_resets, 0,
	"virtio: writing 0 to the status resets the device, from every state")
{
	static const uint8_t states[] = { 0, VIRTIO_CONFIG_S_ACKNOWLEDGE,
					  S_READY, S_READY |
					  VIRTIO_CONFIG_S_FAILED };
	unsigned int i;

	for (i = 0; i < sizeof(states); i++) {
		vv_set_status(&d->vv, states[i]);
		SAME(vv_get_status(&d->vv), states[i]);
		dev_reset(d);
	}
	dev_negotiate(d, NULL);
	dev_reset(d);
}

CONFORM(status, without_acknowledge, 0,
	"QEMU: its first start sets FEATURES_OK and DRIVER_OK alone, as other bits were reset")
{
	vv_set_features(&d->vv, d->offered & NEEDED);
	vv_set_status(&d->vv, VIRTIO_CONFIG_S_FEATURES_OK);
	SAME(vv_get_status(&d->vv), VIRTIO_CONFIG_S_FEATURES_OK);
	vv_set_status(&d->vv, VIRTIO_CONFIG_S_FEATURES_OK |
			      VIRTIO_CONFIG_S_DRIVER_OK);
	SAME(vv_get_status(&d->vv), VIRTIO_CONFIG_S_FEATURES_OK |
				    VIRTIO_CONFIG_S_DRIVER_OK);
}

CONFORM(status, same_again, NEED_NET,
	"virtio: writing the status it has changes nothing, a running queue included")
{
	dev_up(d, NULL);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	vv_set_status(&d->vv, S_RUNNING);
	SAME(vv_get_status(&d->vv), S_RUNNING);
	CHECK_OK(io_send(d, 0, 2, IO_FRAME));
	SAME(ring_base(dev_tx(d, 0)), 2);
}

CONFORM(features, needed, 0,
	"vDPA: a device offers VERSION_1 and ACCESS_PLATFORM")
{
	SAME(d->offered & NEEDED, NEEDED);
}

CONFORM(features, constant, 0,
	"virtio: what is offered does not change, not by a choice, not by a reset")
{
	CHECK(accepts(d, d->offered & NEEDED), "the smallest set");
	SAME(vv_get_features(&d->vv), d->offered);
	dev_reset(d);
	SAME(vv_get_features(&d->vv), d->offered);
}

CONFORM(features, smallest_set, 0,
	"virtio 2.2.2: the device accepts a valid subset of what it offers")
{
	CHECK(accepts(d, d->offered & NEEDED), "VERSION_1 and ACCESS_PLATFORM");
	dev_reset(d);
	CHECK(accepts(d, d->offered), "everything");
}

CONFORM(features, not_offered, 0,
	"virtio 2.2.2: a bit that is not offered is refused, by SET_FEATURES or FEATURES_OK")
{
	uint64_t bit = 1ull << 49;

	/* Of the transport's, from where none has a meaning yet. */
	while (d->offered & bit)
		bit >>= 1;
	CHECK(!accepts(d, (d->offered & NEEDED) | bit), "0x%llx is accepted",
	      (unsigned long long)bit);
	dev_reset(d);
	CHECK(accepts(d, d->offered & NEEDED), "not usable afterwards");
}

CONFORM(features, without_access_platform, 0,
	"virtio 6.1: who needs ACCESS_PLATFORM does not work without it")
{
	CHECK(!accepts(d, d->offered & F(F_VERSION_1)), "accepted");
	dev_reset(d);
	CHECK(accepts(d, d->offered & NEEDED), "not usable afterwards");
}

CONFORM(features, fixed_after_ok, 0,
	"vhost-vdpa: SET_FEATURES after FEATURES_OK gets EBUSY")
{
	dev_negotiate(d, NULL);
	REFUSED(__vv_set_features(&d->vv, d->features), EBUSY);
	REFUSED(__vv_set_features(&d->vv, 0), EBUSY);
	SAME(vv_get_status(&d->vv), S_FEATURES);
}

CONFORM(features, config_read_first, NEED_NET,
	"vDPA core: reading the config space before SET_FEATURES sets features 0: no harm done")
{
	uint8_t byte;

	vv_get_config(&d->vv, 0, &byte, 1);
	dev_up(d, NULL);
	vv_get_config(&d->vv, 0, &byte, 1);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	dev_reset(d);
	vv_get_config(&d->vv, 0, &byte, 1);
	dev_again(d);
	CHECK_OK(io_send(d, 0, 2, IO_FRAME));
}

/* QEMU asks for everything to see the groups, resets, and begins again. */
CONFORM(features, probe_then_again, NEED_NET,
	"QEMU: negotiating everything, reset, negotiating less leaves no trace")
{
	CHECK(accepts(d, d->offered), "everything");
	dev_reset(d);
	dev_up(d, NULL);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

CONFORM(backend, always, 0,
	"vhost-vdpa: IOTLB_MSG_V2, IOTLB_BATCH and IOTLB_ASID are always offered")
{
	const uint64_t always = VV_BACKEND(IOTLB_MSG_V2) |
				VV_BACKEND(IOTLB_BATCH) |
				VV_BACKEND(IOTLB_ASID);

	SAME(d->backend & always, always);
}

CONFORM(backend, unknown, 0,
	"vhost-vdpa: an unknown backend feature gets EOPNOTSUPP")
{
	REFUSED(__vv_set_backend_features(&d->vv, d->backend | 1ull << 63),
		EOPNOTSUPP);
	SAME(vv_get_backend_features(&d->vv) & VV_BACKEND_ALL, d->backend);
}

CONFORM(backend, not_offered, 0,
	"vhost-vdpa: SUSPEND, RESUME, DESC_ASID, IOTLB_PERSIST that are not offered get EOPNOTSUPP")
{
	static const uint64_t checked[] = {
		VV_BACKEND(SUSPEND), VV_BACKEND(RESUME), VV_BACKEND(DESC_ASID),
		VV_BACKEND(IOTLB_PERSIST),
	};
	uint64_t seen = 0;
	unsigned int i;

	for (i = 0; i < sizeof(checked) / sizeof(checked[0]); i++) {
		if (dev_has(d, checked[i]))
			continue;
		seen |= checked[i];
		REFUSED(__vv_set_backend_features(&d->vv, d->backend |
							  checked[i]),
			EOPNOTSUPP);
	}
	if (!seen)
		skip("all of them are offered");
}

CONFORM(backend, desc_asid_alone, NEED_DESC_ASID,
	"vhost-vdpa: DESC_ASID without IOTLB_ASID gets EINVAL")
{
	REFUSED(__vv_set_backend_features(&d->vv, VV_BACKEND(IOTLB_MSG_V2) |
						  VV_BACKEND(DESC_ASID)),
		EINVAL);
}

CONFORM(backend, what_qemu_takes, NEED_NET | NEED_SUSPEND,
	"vhost-vdpa: a userspace that takes less than is offered is served")
{
	vv_set_backend_features(&d->vv, VV_BACKEND_QEMU & d->backend);
	dev_up(d, NULL);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}
