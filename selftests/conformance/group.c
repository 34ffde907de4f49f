// SPDX-License-Identifier: GPL-2.0-only
/* Which queue is in which group, and which group in which address space. */
#include "conf.h"
#include "io.h"

CONFORM(group, of_every_queue, 0,
	"vhost-vdpa: GET_VRING_GROUP is a group of the device, from FEATURES_OK on the right one")
{
	uint32_t i, group;
	int ret;

	dev_negotiate(d, NULL);
	for (i = 0; i < d->nvqs; i++) {
		ret = __vv_get_vring_group(&d->vv, i, &group);
		if (ret == -EOPNOTSUPP)
			skip("no GET_VRING_GROUP");
		SAME(ret, 0);
		CHECK(group < d->ngroups, "queue %u: group %u", i, group);
	}
}

CONFORM(group, descriptors, NEED_DESC_ASID,
	"vhost-vdpa: GET_VRING_DESC_GROUP is a group of the device")
{
	uint32_t i;

	dev_negotiate(d, NULL);
	for (i = 0; i < d->nvqs; i++)
		CHECK(vv_get_vring_desc_group(&d->vv, i) < d->ngroups,
		      "queue %u", i);
}

CONFORM(group, control_queue_apart, NEED_CVQ | NEED_GROUPS,
	"QEMU: the control queue can be shadowed alone if no data queue is in its group")
{
	unsigned int i;
	uint32_t ctrl;

	dev_negotiate(d, NULL);
	ctrl = vv_get_vring_group(&d->vv, d->cvq);
	for (i = 0; i < d->cvq; i++)
		CHECK(vv_get_vring_group(&d->vv, i) != ctrl,
		      "queue %u is in group %u as well", i, ctrl);
}

CONFORM(group, control_queue_moves, NEED_CVQ | NEED_GROUPS | NEED_MQ,
	"virtio-net 5.1.2: the control queue is number 2 without MQ, and its group follows")
{
	const struct setup mq = { .pairs = 2 };
	uint32_t ctrl;

	dev_negotiate(d, NULL);
	ctrl = vv_get_vring_group(&d->vv, 2);
	dev_reset(d);
	dev_negotiate(d, &mq);
	SAME(vv_get_vring_group(&d->vv, 2 * d->max_pairs), ctrl);
	CHECK(vv_get_vring_group(&d->vv, 2) != ctrl, "a data queue");
}

CONFORM(group, asid_out_of_range, 0,
	"vhost-vdpa: SET_GROUP_ASID with a group or an address space that is not there is refused")
{
	uint32_t bad = d->ngroups;

	REFUSED_SOMEHOW(__vv_set_group_asid(&d->vv, bad, 0));
	REFUSED_SOMEHOW(__vv_set_group_asid(&d->vv, 0xffffffff, 0));
	REFUSED(__vv_set_group_asid(&d->vv, 0, d->nas), EINVAL);
	REFUSED(__vv_set_group_asid(&d->vv, 0, 0xffffffff), EINVAL);
}

CONFORM(group, data_elsewhere, NEED_NET | NEED_GROUPS | RINGS,
	"vhost-vdpa: a group works in the address space it was given, and nowhere else")
{
	const struct setup s = { .asid = 1, .drop = F(NET_F_CTRL_VQ) };

	dev_up(d, &s);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

CONFORM(group, every_asid, NEED_NET | NEED_GROUPS,
	"vhost-vdpa: every address space that GET_AS_NUM counts is one")
{
	struct setup s = { .drop = F(NET_F_CTRL_VQ) };

	for (s.asid = 0; s.asid < d->nas && s.asid < 8; s.asid++) {
		dev_up(d, &s);
		CHECK_OK(io_send(d, 0, 1, IO_FRAME));
		dev_unmap(d);
		dev_reset(d);
	}
}

CONFORM(group, rings_elsewhere, NEED_NET | NEED_DESC_ASID | NEED_GROUPS | RINGS,
	"vhost-vdpa: the descriptor group is the three areas of a ring, not its buffers")
{
	const struct setup s = { .own_rings = true, .ring_asid = 1,
				 .drop = F(NET_F_CTRL_VQ) };
	unsigned int i;

	dev_up(d, &s);
	for (i = 1; i <= 10; i++)
		CHECK_OK(io_send(d, 0, i, IO_FRAME));
}

CONFORM(group, reset_brings_back, NEED_NET | NEED_GROUPS | RINGS,
	"vDPA: a reset puts every group back into address space 0")
{
	struct setup s = { .asid = 1, .drop = F(NET_F_CTRL_VQ) };

	dev_up(d, &s);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
	dev_unmap(d);
	dev_reset(d);
	s.asid = 0;
	dev_up(d, &s);
	CHECK_OK(io_send(d, 0, 2, IO_FRAME));
}

/* Kernels from 7.2 on refuse it before the parent is asked. */
CONFORM(group, fixed_while_running, NEED_NET | NEED_GROUPS | RINGS,
	"vhost-vdpa: SET_GROUP_ASID of a running device gets EBUSY and changes nothing")
{
	dev_up(d, NULL);
	REFUSED(__vv_set_group_asid(&d->vv, vv_get_vring_group(&d->vv, 1), 1),
		EBUSY);
	CHECK_OK(io_send(d, 0, 1, IO_FRAME));
}

CONFORM(group, moves_while_suspended,
	NEED_NET | NEED_GROUPS | NEED_DESC_ASID | NEED_SUSPEND | NEED_RESUME | RINGS,
	"vDPA: suspended, rings move to another address space and back, no buffer is lost")
{
	const struct setup s = { .own_rings = true, .ring_asid = 1,
				 .drop = F(NET_F_CTRL_VQ) };
	uint32_t group, asid = 1;
	unsigned int i;

	if (d->nas < 3)
		skip("%u address spaces", d->nas);
	dev_up(d, &s);
	group = vv_get_vring_desc_group(&d->vv, 1);
	vv_map(&d->vv, 2, d->ring_mem.iova, d->ring_mem.size, d->ring_mem.hva,
	       VHOST_ACCESS_RW);
	for (i = 1; i <= 6; i++) {
		int ret;

		CHECK_OK(io_send(d, 0, i, IO_FRAME));
		vv_suspend(&d->vv);
		asid = 3 - asid;
		ret = __vv_set_group_asid(&d->vv, group, asid);
		if (ret == -EBUSY)
			skip("this kernel allows it only before DRIVER_OK");
		SAME(ret, 0);
		vv_resume(&d->vv);
	}
	CHECK_OK(io_send(d, 0, i, IO_FRAME));
}
