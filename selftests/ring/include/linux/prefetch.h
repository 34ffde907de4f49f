/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RING_SHIM_PREFETCH_H
#define RING_SHIM_PREFETCH_H

#define prefetch(p)	__builtin_prefetch(p)

#endif /* RING_SHIM_PREFETCH_H */
