/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Relaxed atomics rather than volatile: the thread sanitizer knows them, so a
 * load that lacks its _ONCE shows up as a race.
 */
#ifndef RING_SHIM_COMPILER_H
#define RING_SHIM_COMPILER_H

#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, val)	__atomic_store_n(&(x), (val), __ATOMIC_RELAXED)

#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define noinline		__attribute__((__noinline__))
#define __printf(a, b)	__attribute__((__format__(__printf__, a, b)))

#endif /* RING_SHIM_COMPILER_H */
