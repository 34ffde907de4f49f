/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All a C test needs: the kernel's own kselftest harness, from the kernel
 * source that the Makefile found, and this library.
 */
#ifndef VDPATEST_H
#define VDPATEST_H

#include <errno.h>

#include "kselftest_harness.h"

/* A backstop only: waits are bounded one by one, and stretched with $VM_SLOW. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 180

#include "check.h"
#include "frame.h"
#include "gmem.h"
#include "klog.h"
#include "peer.h"
#include "vdev.h"
#include "vhost_vdpa.h"
#include "vnet.h"
#include "vq.h"

#define SKIP_IF_NO_DEVICE() do {					\
	if (!vdev_available())						\
		SKIP(return, "%s or vhost_vdpa is not loaded",		\
		     vdev_mgmtdev());					\
} while (0)

#endif /* VDPATEST_H */
