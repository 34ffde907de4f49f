/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vDPA device as an administrator sees it: added and deleted with iproute2,
 * bound to a vDPA bus driver, found again in sysfs.
 *
 * $VDPA_MGMTDEV names the management device (default vdpasw_net).
 */
#ifndef VDPATEST_VDEV_H
#define VDPATEST_VDEV_H

#include <linux/if_ether.h>
#include <net/if.h>

#include "check.h"

/**
 * struct vdev - one device
 * @name: vDPA device name
 * @netdev: its host network interface
 * @node: character device path, once bound to vhost_vdpa
 * @mac: address given when it was added
 */
struct vdev {
	char name[IFNAMSIZ];
	char netdev[IFNAMSIZ];
	char node[64];
	unsigned char mac[ETH_ALEN];
};

const char *vdev_mgmtdev(void);

/* Do its devices take shared memory only? */
bool vdev_is_shm(void);

/* Is there a management device to test at all? */
bool vdev_available(void);

/*
 * Add @name for vhost-vdpa with @nr queue pairs, host interface up; @more are
 * further words for `vdpa dev add` or "". A left-over of that name goes first.
 */
void vdev_add(struct vdev *d, const char *name, unsigned int nr,
	      const char *more);
void vdev_del(struct vdev *d);

/* Counter or state of the host interface: /sys/class/net/IF/WHAT. */
long long vdev_net(const struct vdev *d, const char *what);
bool vdev_carrier(const struct vdev *d);

/* Until the link is up, and what is sent no longer gets lost in the kernel. */
void vdev_wait_up(const struct vdev *d);

/* Counter of a queue, by name, as `vdpa dev vstats show` has it. */
long long vdev_stat(const struct vdev *d, unsigned int queue, const char *name);

#endif /* VDPATEST_VDEV_H */
