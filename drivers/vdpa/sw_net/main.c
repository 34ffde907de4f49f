// SPDX-License-Identifier: GPL-2.0-only
/* vdpa_sw_net: a vDPA parent whose data path is software. */
#include <linux/module.h>
#include <linux/workqueue.h>

#include "device.h"
#include "mgmt.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

struct workqueue_struct *swnet_wq;

static int __init swnet_init(void)
{
	int err;

	/* Control commands are waited for by a driver that polls: no delay. */
	swnet_wq = alloc_workqueue(SWNET_NAME, WQ_UNBOUND | WQ_HIGHPRI, 0);
	if (!swnet_wq)
		return -ENOMEM;
	err = mgmt_register();
	if (err)
		destroy_workqueue(swnet_wq);
	return err;
}

static void __exit swnet_exit(void)
{
	mgmt_unregister();
	destroy_workqueue(swnet_wq);
}

module_init(swnet_init);
module_exit(swnet_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The vdpa-migrate authors");
MODULE_DESCRIPTION("vDPA network device in software, with everything live migration needs");
MODULE_VERSION("0.1");
