/* SPDX-License-Identifier: GPL-2.0-only */
/* The device as the vDPA bus sees it. */
#ifndef SWNET_OPS_H
#define SWNET_OPS_H

#include <linux/vdpa.h>

extern const struct vdpa_config_ops swnet_vdpa_ops;

#endif /* SWNET_OPS_H */
