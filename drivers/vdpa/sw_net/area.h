/* SPDX-License-Identifier: GPL-2.0-only */
/* Ring memory: made addressable once, when the queue starts. */
#ifndef SWNET_AREA_H
#define SWNET_AREA_H

#include <linux/types.h>

struct swnet_as;
struct swnet_vq;
struct vq_area;

int vq_area_map(struct swnet_vq *vq, struct vq_area *area, struct swnet_as *as,
		u64 iova, u32 size, u8 perm);
void vq_area_unmap(struct vq_area *area, bool dirty);
bool vq_area_is_truncated(const struct vq_area *area);
bool vq_area_overlaps(const struct vq_area *area, u64 iova, u64 last);

#endif /* SWNET_AREA_H */
