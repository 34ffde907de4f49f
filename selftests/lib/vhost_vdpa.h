/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every call of /dev/vhost-vdpa-N. __vv_foo() returns 0 (or the value asked
 * for) or a negative errno; vv_foo() asserts.
 */
#ifndef VDPATEST_VHOST_VDPA_H
#define VDPATEST_VHOST_VDPA_H

#include <stddef.h>
#include <stdint.h>

#include "check.h"
#include "uapi_compat.h"

#define VV_BACKEND(name)	(1ull << VHOST_BACKEND_F_##name)

/* What QEMU acknowledges, and the rest of what this library can use. */
#define VV_BACKEND_QEMU	(VV_BACKEND(IOTLB_MSG_V2) | VV_BACKEND(IOTLB_BATCH) | \
			 VV_BACKEND(IOTLB_ASID) | VV_BACKEND(SUSPEND))
#define VV_BACKEND_ALL	(VV_BACKEND_QEMU | VV_BACKEND(RESUME) |		\
			 VV_BACKEND(ENABLE_AFTER_DRIVER_OK) |		\
			 VV_BACKEND(DESC_ASID) | VV_BACKEND(IOTLB_PERSIST))

/**
 * struct vhost_vdpa - an open character device
 * @fd: -1 while closed
 * @backend: backend features acknowledged
 */
struct vhost_vdpa {
	int fd;
	uint64_t backend;
};

int __vv_open(struct vhost_vdpa *v, const char *node);
void vv_close(struct vhost_vdpa *v);
int __vv_set_owner(struct vhost_vdpa *v);

int __vv_get_device_id(struct vhost_vdpa *v, uint32_t *id);
int __vv_get_status(struct vhost_vdpa *v, uint8_t *status);
int __vv_set_status(struct vhost_vdpa *v, uint8_t status);
int __vv_get_features(struct vhost_vdpa *v, uint64_t *features);
int __vv_set_features(struct vhost_vdpa *v, uint64_t features);
int __vv_get_backend_features(struct vhost_vdpa *v, uint64_t *features);
int __vv_set_backend_features(struct vhost_vdpa *v, uint64_t features);
int __vv_suspend(struct vhost_vdpa *v);
int __vv_resume(struct vhost_vdpa *v);

int __vv_get_config_size(struct vhost_vdpa *v, uint32_t *size);
int __vv_get_config(struct vhost_vdpa *v, uint32_t off, void *buf, uint32_t len);
int __vv_set_config(struct vhost_vdpa *v, uint32_t off, const void *buf,
		    uint32_t len);
int __vv_set_config_call(struct vhost_vdpa *v, int fd);

int __vv_get_vqs_count(struct vhost_vdpa *v, uint32_t *count);
int __vv_get_group_num(struct vhost_vdpa *v, uint32_t *count);
int __vv_get_as_num(struct vhost_vdpa *v, uint32_t *count);
int __vv_get_iova_range(struct vhost_vdpa *v,
			struct vhost_vdpa_iova_range *range);

/* The largest ring of the device, and of one queue. */
int __vv_get_vring_max(struct vhost_vdpa *v, uint16_t *num);
int __vv_get_vring_size(struct vhost_vdpa *v, uint32_t idx, uint32_t *num);
int __vv_set_vring_num(struct vhost_vdpa *v, uint32_t idx, uint32_t num);
int __vv_set_vring_base(struct vhost_vdpa *v, uint32_t idx, uint32_t base);
int __vv_get_vring_base(struct vhost_vdpa *v, uint32_t idx, uint32_t *base);
int __vv_set_vring_addr(struct vhost_vdpa *v, uint32_t idx, uint64_t desc,
			uint64_t avail, uint64_t used);
int __vv_set_vring_kick(struct vhost_vdpa *v, uint32_t idx, int fd);
int __vv_set_vring_call(struct vhost_vdpa *v, uint32_t idx, int fd);
int __vv_set_vring_enable(struct vhost_vdpa *v, uint32_t idx, uint32_t on);

int __vv_get_vring_group(struct vhost_vdpa *v, uint32_t idx, uint32_t *group);
int __vv_get_vring_desc_group(struct vhost_vdpa *v, uint32_t idx,
			      uint32_t *group);
int __vv_set_group_asid(struct vhost_vdpa *v, uint32_t group, uint32_t asid);

/* IOTLB messages, version 2; @perm is VHOST_ACCESS_RO, _WO or _RW. */
int __vv_map(struct vhost_vdpa *v, uint32_t asid, uint64_t iova, uint64_t size,
	     const void *addr, uint8_t perm);
int __vv_unmap(struct vhost_vdpa *v, uint32_t asid, uint64_t iova,
	       uint64_t size);
int __vv_batch_begin(struct vhost_vdpa *v, uint32_t asid);
int __vv_batch_end(struct vhost_vdpa *v, uint32_t asid);

#define vv_open(v, node)		CHECK_OK(__vv_open(v, node))
#define vv_set_owner(v)			CHECK_OK(__vv_set_owner(v))
#define vv_set_status(v, s)		CHECK_OK(__vv_set_status(v, s))
#define vv_set_features(v, f)		CHECK_OK(__vv_set_features(v, f))
#define vv_set_backend_features(v, f)	CHECK_OK(__vv_set_backend_features(v, f))
#define vv_suspend(v)			CHECK_OK(__vv_suspend(v))
#define vv_resume(v)			CHECK_OK(__vv_resume(v))
#define vv_get_config(v, o, b, l)	CHECK_OK(__vv_get_config(v, o, b, l))
#define vv_set_config(v, o, b, l)	CHECK_OK(__vv_set_config(v, o, b, l))
#define vv_set_vring_num(v, i, n)	CHECK_OK(__vv_set_vring_num(v, i, n))
#define vv_set_vring_base(v, i, b)	CHECK_OK(__vv_set_vring_base(v, i, b))
#define vv_set_vring_addr(v, i, d, a, u) \
	CHECK_OK(__vv_set_vring_addr(v, i, d, a, u))
#define vv_set_vring_kick(v, i, fd)	CHECK_OK(__vv_set_vring_kick(v, i, fd))
#define vv_set_vring_call(v, i, fd)	CHECK_OK(__vv_set_vring_call(v, i, fd))
#define vv_set_vring_enable(v, i, on)	CHECK_OK(__vv_set_vring_enable(v, i, on))
#define vv_set_group_asid(v, g, a)	CHECK_OK(__vv_set_group_asid(v, g, a))
#define vv_map(v, as, iova, size, addr, perm) \
	CHECK_OK(__vv_map(v, as, iova, size, addr, perm))
#define vv_unmap(v, as, iova, size)	CHECK_OK(__vv_unmap(v, as, iova, size))
#define vv_batch_begin(v, as)		CHECK_OK(__vv_batch_begin(v, as))
#define vv_batch_end(v, as)		CHECK_OK(__vv_batch_end(v, as))

/* Getters return the value; a failure is asserted. */
#define VV_GET(type, call) ({						\
	type __vv_val = 0;						\
									\
	CHECK_OK(call);							\
	__vv_val;							\
})
#define vv_get_device_id(v)						\
	VV_GET(uint32_t, __vv_get_device_id(v, &__vv_val))
#define vv_get_status(v)						\
	VV_GET(uint8_t, __vv_get_status(v, &__vv_val))
#define vv_get_features(v)						\
	VV_GET(uint64_t, __vv_get_features(v, &__vv_val))
#define vv_get_backend_features(v)					\
	VV_GET(uint64_t, __vv_get_backend_features(v, &__vv_val))
#define vv_get_config_size(v)						\
	VV_GET(uint32_t, __vv_get_config_size(v, &__vv_val))
#define vv_get_vqs_count(v)						\
	VV_GET(uint32_t, __vv_get_vqs_count(v, &__vv_val))
#define vv_get_group_num(v)						\
	VV_GET(uint32_t, __vv_get_group_num(v, &__vv_val))
#define vv_get_as_num(v)						\
	VV_GET(uint32_t, __vv_get_as_num(v, &__vv_val))
#define vv_get_vring_max(v)						\
	VV_GET(uint16_t, __vv_get_vring_max(v, &__vv_val))
#define vv_get_vring_size(v, i)						\
	VV_GET(uint32_t, __vv_get_vring_size(v, i, &__vv_val))
#define vv_get_vring_base(v, i)						\
	VV_GET(uint32_t, __vv_get_vring_base(v, i, &__vv_val))
#define vv_get_vring_group(v, i)					\
	VV_GET(uint32_t, __vv_get_vring_group(v, i, &__vv_val))
#define vv_get_vring_desc_group(v, i)					\
	VV_GET(uint32_t, __vv_get_vring_desc_group(v, i, &__vv_val))

#endif /* VDPATEST_VHOST_VDPA_H */
