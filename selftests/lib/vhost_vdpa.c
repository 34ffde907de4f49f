// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vhost_vdpa.h"

static int vv_ioctl(struct vhost_vdpa *v, unsigned long req, void *arg)
{
	int ret = ioctl(v->fd, req, arg);

	return ret < 0 ? -errno : ret;
}

/* The many calls that take or return one {index, value} pair. */
static int set_state(struct vhost_vdpa *v, unsigned long req, uint32_t idx,
		     uint32_t num)
{
	struct vhost_vring_state s = { .index = idx, .num = num };

	return vv_ioctl(v, req, &s);
}

static int get_state(struct vhost_vdpa *v, unsigned long req, uint32_t idx,
		     uint32_t *num)
{
	struct vhost_vring_state s = { .index = idx };
	int ret = vv_ioctl(v, req, &s);

	*num = s.num;
	return ret;
}

static int set_file(struct vhost_vdpa *v, unsigned long req, uint32_t idx,
		    int fd)
{
	struct vhost_vring_file f = { .index = idx, .fd = fd };

	return vv_ioctl(v, req, &f);
}

int __vv_open(struct vhost_vdpa *v, const char *node)
{
	v->backend = 0;
	v->fd = open(node, O_RDWR | O_CLOEXEC);
	return v->fd < 0 ? -errno : 0;
}

void vv_close(struct vhost_vdpa *v)
{
	if (v->fd >= 0)
		close(v->fd);
	v->fd = -1;
}

int __vv_set_owner(struct vhost_vdpa *v)
{
	return vv_ioctl(v, VHOST_SET_OWNER, NULL);
}

int __vv_get_device_id(struct vhost_vdpa *v, uint32_t *id)
{
	return vv_ioctl(v, VHOST_VDPA_GET_DEVICE_ID, id);
}

int __vv_get_status(struct vhost_vdpa *v, uint8_t *status)
{
	return vv_ioctl(v, VHOST_VDPA_GET_STATUS, status);
}

int __vv_set_status(struct vhost_vdpa *v, uint8_t status)
{
	return vv_ioctl(v, VHOST_VDPA_SET_STATUS, &status);
}

int __vv_get_features(struct vhost_vdpa *v, uint64_t *features)
{
	return vv_ioctl(v, VHOST_GET_FEATURES, features);
}

int __vv_set_features(struct vhost_vdpa *v, uint64_t features)
{
	return vv_ioctl(v, VHOST_SET_FEATURES, &features);
}

int __vv_get_backend_features(struct vhost_vdpa *v, uint64_t *features)
{
	return vv_ioctl(v, VHOST_GET_BACKEND_FEATURES, features);
}

int __vv_set_backend_features(struct vhost_vdpa *v, uint64_t features)
{
	int ret = vv_ioctl(v, VHOST_SET_BACKEND_FEATURES, &features);

	if (!ret)
		v->backend = features;
	return ret;
}

int __vv_suspend(struct vhost_vdpa *v)
{
	return vv_ioctl(v, VHOST_VDPA_SUSPEND, NULL);
}

int __vv_resume(struct vhost_vdpa *v)
{
	return vv_ioctl(v, VHOST_VDPA_RESUME, NULL);
}

int __vv_get_config_size(struct vhost_vdpa *v, uint32_t *size)
{
	return vv_ioctl(v, VHOST_VDPA_GET_CONFIG_SIZE, size);
}

/* The kernel takes any length; the buffer follows a header of two words. */
static int config_call(struct vhost_vdpa *v, unsigned long req, uint32_t off,
		       void *buf, uint32_t len)
{
	struct vhost_vdpa_config *c = calloc(1, sizeof(*c) + len);
	int ret;

	if (!c)
		return -ENOMEM;
	c->off = off;
	c->len = len;
	memcpy(c->buf, buf, len);
	ret = vv_ioctl(v, req, c);
	memcpy(buf, c->buf, len);
	free(c);
	return ret;
}

int __vv_get_config(struct vhost_vdpa *v, uint32_t off, void *buf, uint32_t len)
{
	return config_call(v, VHOST_VDPA_GET_CONFIG, off, buf, len);
}

int __vv_set_config(struct vhost_vdpa *v, uint32_t off, const void *buf,
		    uint32_t len)
{
	return config_call(v, VHOST_VDPA_SET_CONFIG, off, (void *)buf, len);
}

int __vv_set_config_call(struct vhost_vdpa *v, int fd)
{
	return vv_ioctl(v, VHOST_VDPA_SET_CONFIG_CALL, &fd);
}

int __vv_get_vqs_count(struct vhost_vdpa *v, uint32_t *count)
{
	return vv_ioctl(v, VHOST_VDPA_GET_VQS_COUNT, count);
}

int __vv_get_group_num(struct vhost_vdpa *v, uint32_t *count)
{
	return vv_ioctl(v, VHOST_VDPA_GET_GROUP_NUM, count);
}

int __vv_get_as_num(struct vhost_vdpa *v, uint32_t *count)
{
	return vv_ioctl(v, VHOST_VDPA_GET_AS_NUM, count);
}

int __vv_get_iova_range(struct vhost_vdpa *v,
			struct vhost_vdpa_iova_range *range)
{
	return vv_ioctl(v, VHOST_VDPA_GET_IOVA_RANGE, range);
}

int __vv_get_vring_max(struct vhost_vdpa *v, uint16_t *num)
{
	return vv_ioctl(v, VHOST_VDPA_GET_VRING_NUM, num);
}

int __vv_get_vring_size(struct vhost_vdpa *v, uint32_t idx, uint32_t *num)
{
	return get_state(v, VHOST_VDPA_GET_VRING_SIZE, idx, num);
}

int __vv_set_vring_num(struct vhost_vdpa *v, uint32_t idx, uint32_t num)
{
	return set_state(v, VHOST_SET_VRING_NUM, idx, num);
}

int __vv_set_vring_base(struct vhost_vdpa *v, uint32_t idx, uint32_t base)
{
	return set_state(v, VHOST_SET_VRING_BASE, idx, base);
}

int __vv_get_vring_base(struct vhost_vdpa *v, uint32_t idx, uint32_t *base)
{
	return get_state(v, VHOST_GET_VRING_BASE, idx, base);
}

int __vv_set_vring_addr(struct vhost_vdpa *v, uint32_t idx, uint64_t desc,
			uint64_t avail, uint64_t used)
{
	struct vhost_vring_addr a = {
		.index = idx,
		.desc_user_addr = desc,
		.avail_user_addr = avail,
		.used_user_addr = used,
	};

	return vv_ioctl(v, VHOST_SET_VRING_ADDR, &a);
}

int __vv_set_vring_kick(struct vhost_vdpa *v, uint32_t idx, int fd)
{
	return set_file(v, VHOST_SET_VRING_KICK, idx, fd);
}

int __vv_set_vring_call(struct vhost_vdpa *v, uint32_t idx, int fd)
{
	return set_file(v, VHOST_SET_VRING_CALL, idx, fd);
}

int __vv_set_vring_enable(struct vhost_vdpa *v, uint32_t idx, uint32_t on)
{
	return set_state(v, VHOST_VDPA_SET_VRING_ENABLE, idx, on);
}

int __vv_get_vring_group(struct vhost_vdpa *v, uint32_t idx, uint32_t *group)
{
	return get_state(v, VHOST_VDPA_GET_VRING_GROUP, idx, group);
}

int __vv_get_vring_desc_group(struct vhost_vdpa *v, uint32_t idx,
			      uint32_t *group)
{
	return get_state(v, VHOST_VDPA_GET_VRING_DESC_GROUP, idx, group);
}

int __vv_set_group_asid(struct vhost_vdpa *v, uint32_t group, uint32_t asid)
{
	return set_state(v, VHOST_VDPA_SET_GROUP_ASID, group, asid);
}

static int iotlb_send(struct vhost_vdpa *v, uint32_t asid,
		      const struct vhost_iotlb_msg *iotlb)
{
	struct vhost_msg_v2 msg;

	/* Written as a whole: padding would otherwise carry stack bytes. */
	memset(&msg, 0, sizeof(msg));
	msg.type = VHOST_IOTLB_MSG_V2;
	msg.asid = asid;
	msg.iotlb = *iotlb;
	return write(v->fd, &msg, sizeof(msg)) < 0 ? -errno : 0;
}

int __vv_map(struct vhost_vdpa *v, uint32_t asid, uint64_t iova, uint64_t size,
	     const void *addr, uint8_t perm)
{
	struct vhost_iotlb_msg iotlb = {
		.iova = iova,
		.size = size,
		.uaddr = (uintptr_t)addr,
		.perm = perm,
		.type = VHOST_IOTLB_UPDATE,
	};

	return iotlb_send(v, asid, &iotlb);
}

int __vv_unmap(struct vhost_vdpa *v, uint32_t asid, uint64_t iova, uint64_t size)
{
	struct vhost_iotlb_msg iotlb = {
		.iova = iova,
		.size = size,
		.type = VHOST_IOTLB_INVALIDATE,
	};

	return iotlb_send(v, asid, &iotlb);
}

int __vv_batch_begin(struct vhost_vdpa *v, uint32_t asid)
{
	struct vhost_iotlb_msg iotlb = { .type = VHOST_IOTLB_BATCH_BEGIN };

	return iotlb_send(v, asid, &iotlb);
}

int __vv_batch_end(struct vhost_vdpa *v, uint32_t asid)
{
	struct vhost_iotlb_msg iotlb = { .type = VHOST_IOTLB_BATCH_END };

	return iotlb_send(v, asid, &iotlb);
}
