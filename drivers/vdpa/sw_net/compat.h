/* SPDX-License-Identifier: GPL-2.0-only */
/* The only place that knows which kernel it is built for. */
#ifndef SWNET_COMPAT_H
#define SWNET_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/vdpa.h>

#ifdef HAVE_VDPA_MAP_OPS
/* The DMA device became one arm of a union, and parents may bring map ops. */
#define swnet_vdpa_alloc(type, member, parent, ops, groups, spaces, name, va) \
	vdpa_alloc_device(type, member, parent, ops, NULL, groups, spaces, \
			  name, va)
#define swnet_vdpa_set_dma_dev(vdpa, dev)	((vdpa)->vmap.dma_dev = (dev))
#else
#define swnet_vdpa_alloc(type, member, parent, ops, groups, spaces, name, va) \
	vdpa_alloc_device(type, member, parent, ops, groups, spaces, name, va)
#define swnet_vdpa_set_dma_dev(vdpa, dev)	((vdpa)->dma_dev = (dev))
#endif

#ifdef HAVE_HRTIMER_SETUP
#define swnet_hrtimer_setup	hrtimer_setup
#else
static inline void
swnet_hrtimer_setup(struct hrtimer *timer,
		    enum hrtimer_restart (*function)(struct hrtimer *),
		    clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

/* Older kernels start the worker in kthread_create_worker() already. */
#ifndef kthread_run_worker
#define kthread_run_worker kthread_create_worker
#endif

#endif /* SWNET_COMPAT_H */
