/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The thread sanitizer ignores fences, which suits us: it then judges the
 * acquire and release pairs alone, and a fence hides none that is missing.
 */
#ifndef RING_SHIM_BARRIER_H
#define RING_SHIM_BARRIER_H

/* What they pair with is for their callers to say. */
#define smp_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
/* see above */
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
/* see above */
#define smp_store_release(p, val)	__atomic_store_n(p, val, __ATOMIC_RELEASE)

#endif /* RING_SHIM_BARRIER_H */
