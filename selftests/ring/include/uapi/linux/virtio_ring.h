/* SPDX-License-Identifier: GPL-2.0-only */
/* In userspace the user API is simply what <linux/> holds. */
#include <linux/virtio_ring.h>
