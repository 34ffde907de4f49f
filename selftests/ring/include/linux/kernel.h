/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RING_SHIM_KERNEL_H
#define RING_SHIM_KERNEL_H

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#endif /* RING_SHIM_KERNEL_H */
