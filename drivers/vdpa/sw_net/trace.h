/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every step of a device's life, for whoever wants to know where a blackout
 * goes: trace-cmd record -e vdpa_sw_net. Nothing here is on the data path.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vdpa_sw_net

#if !defined(SWNET_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define SWNET_TRACE_H

#include <linux/tracepoint.h>

#include "device.h"

TRACE_EVENT(swnet_status,
	TP_PROTO(const struct swnet_dev *dev, u8 status),
	TP_ARGS(dev, status),
	TP_STRUCT__entry(
		__string(dev, dev_name(&dev->vdpa.dev))
		__field(u8, status)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->status = status;
	),
	TP_printk("dev=%s status=%#x", __get_str(dev), __entry->status)
);

TRACE_EVENT(swnet_features,
	TP_PROTO(const struct swnet_dev *dev, u64 features),
	TP_ARGS(dev, features),
	TP_STRUCT__entry(
		__string(dev, dev_name(&dev->vdpa.dev))
		__field(u64, features)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->features = features;
	),
	TP_printk("dev=%s features=%#llx", __get_str(dev), __entry->features)
);

DECLARE_EVENT_CLASS(swnet_reasons,
	TP_PROTO(const struct swnet_dev *dev, unsigned int reasons),
	TP_ARGS(dev, reasons),
	TP_STRUCT__entry(
		__string(dev, dev_name(&dev->vdpa.dev))
		__field(unsigned int, reasons)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->reasons = reasons;
	),
	TP_printk("dev=%s reasons=%#x", __get_str(dev), __entry->reasons)
);

DEFINE_EVENT(swnet_reasons, swnet_suspend,
	TP_PROTO(const struct swnet_dev *dev, unsigned int reasons),
	TP_ARGS(dev, reasons));
DEFINE_EVENT(swnet_reasons, swnet_suspended,
	TP_PROTO(const struct swnet_dev *dev, unsigned int reasons),
	TP_ARGS(dev, reasons));
DEFINE_EVENT(swnet_reasons, swnet_resume,
	TP_PROTO(const struct swnet_dev *dev, unsigned int reasons),
	TP_ARGS(dev, reasons));

DECLARE_EVENT_CLASS(swnet_memory,
	TP_PROTO(const struct swnet_dev *dev, unsigned int asid, u64 iova,
		 u64 size, int err),
	TP_ARGS(dev, asid, iova, size, err),
	TP_STRUCT__entry(
		__string(dev, dev_name(&dev->vdpa.dev))
		__field(unsigned int, asid)
		__field(u64, iova)
		__field(u64, size)
		__field(int, err)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->asid = asid;
		__entry->iova = iova;
		__entry->size = size;
		__entry->err = err;
	),
	TP_printk("dev=%s asid=%u iova=%#llx size=%#llx err=%d", __get_str(dev),
		  __entry->asid, __entry->iova, __entry->size, __entry->err)
);

DEFINE_EVENT(swnet_memory, swnet_map,
	TP_PROTO(const struct swnet_dev *dev, unsigned int asid, u64 iova,
		 u64 size, int err),
	TP_ARGS(dev, asid, iova, size, err));
DEFINE_EVENT(swnet_memory, swnet_unmap,
	TP_PROTO(const struct swnet_dev *dev, unsigned int asid, u64 iova,
		 u64 size, int err),
	TP_ARGS(dev, asid, iova, size, err));

DECLARE_EVENT_CLASS(swnet_queue,
	TP_PROTO(const struct swnet_dev *dev, u16 queue, unsigned int value),
	TP_ARGS(dev, queue, value),
	TP_STRUCT__entry(
		__string(dev, dev_name(&dev->vdpa.dev))
		__field(u16, queue)
		__field(unsigned int, value)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->queue = queue;
		__entry->value = value;
	),
	TP_printk("dev=%s queue=%u value=%u", __get_str(dev), __entry->queue,
		  __entry->value)
);

/* value: whether the driver enabled it */
DEFINE_EVENT(swnet_queue, swnet_vq_ready,
	TP_PROTO(const struct swnet_dev *dev, u16 queue, unsigned int value),
	TP_ARGS(dev, queue, value));
/* value: index it starts at */
DEFINE_EVENT(swnet_queue, swnet_vq_start,
	TP_PROTO(const struct swnet_dev *dev, u16 queue, unsigned int value),
	TP_ARGS(dev, queue, value));
/* value: index it stopped at */
DEFINE_EVENT(swnet_queue, swnet_vq_stop,
	TP_PROTO(const struct swnet_dev *dev, u16 queue, unsigned int value),
	TP_ARGS(dev, queue, value));
/* value: bytes of the first frame since the queue started */
DEFINE_EVENT(swnet_queue, swnet_first_frame,
	TP_PROTO(const struct swnet_dev *dev, u16 queue, unsigned int value),
	TP_ARGS(dev, queue, value));

TRACE_EVENT(swnet_vq_broken,
	TP_PROTO(const struct swnet_dev *dev, u16 queue, const char *why),
	TP_ARGS(dev, queue, why),
	TP_STRUCT__entry(
		__string(dev, dev_name(&dev->vdpa.dev))
		__field(u16, queue)
		__string(why, why)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->queue = queue;
		__assign_str(why);
	),
	TP_printk("dev=%s queue=%u why=%s", __get_str(dev), __entry->queue,
		  __get_str(why))
);

TRACE_EVENT(swnet_group_asid,
	TP_PROTO(const struct swnet_dev *dev, unsigned int group,
		 unsigned int asid),
	TP_ARGS(dev, group, asid),
	TP_STRUCT__entry(
		__string(dev, dev_name(&dev->vdpa.dev))
		__field(unsigned int, group)
		__field(unsigned int, asid)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->group = group;
		__entry->asid = asid;
	),
	TP_printk("dev=%s group=%u asid=%u", __get_str(dev), __entry->group,
		  __entry->asid)
);

TRACE_EVENT(swnet_ctrl,
	TP_PROTO(const struct swnet_dev *dev, u8 class, u8 cmd, u8 ack),
	TP_ARGS(dev, class, cmd, ack),
	TP_STRUCT__entry(
		__string(dev, dev_name(&dev->vdpa.dev))
		__field(u8, class)
		__field(u8, cmd)
		__field(u8, ack)
	),
	TP_fast_assign(
		__assign_str(dev);
		__entry->class = class;
		__entry->cmd = cmd;
		__entry->ack = ack;
	),
	TP_printk("dev=%s class=%u cmd=%u ack=%u", __get_str(dev),
		  __entry->class, __entry->cmd, __entry->ack)
);

#endif /* SWNET_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

#include <trace/define_trace.h>
