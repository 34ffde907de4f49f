/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RING_SHIM_STDDEF_H
#define RING_SHIM_STDDEF_H

#include <stddef.h>
#include_next <linux/stddef.h>

#endif /* RING_SHIM_STDDEF_H */
