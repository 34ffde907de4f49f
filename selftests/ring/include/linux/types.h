/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's fixed size types on top of the ones of the user API. */
#ifndef RING_SHIM_TYPES_H
#define RING_SHIM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include_next <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#ifndef U32_MAX
#define U32_MAX UINT32_MAX
#endif

#endif /* RING_SHIM_TYPES_H */
