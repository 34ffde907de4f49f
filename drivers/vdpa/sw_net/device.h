/* SPDX-License-Identifier: GPL-2.0-only */
/* One vDPA network device and what it is made of. */
#ifndef SWNET_DEVICE_H
#define SWNET_DEVICE_H

#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/vdpa.h>
#include <linux/virtio_net.h>
#include <linux/workqueue.h>
#include <uapi/linux/virtio_net.h>

#include "ctrl.h"
#include "group.h"
#include "memory.h"
#include "vq.h"

#define SWNET_NAME		"vdpa_sw_net"
#define SWNET_PAIRS_MAX		128
#define SWNET_MTU_DEFAULT	1500
#define SWNET_FLOWS		1024	/* slots of the steering table */
#define SWNET_SPEED		10000	/* Mbit/s, as other software links say */

/* Frames wait this long for a ring that has no room. */
#define SWNET_RING_WAIT		msecs_to_jiffies(100)
/* Frames wait, and the carrier stays, this long for a device that is stopped. */
#define SWNET_HOLD		msecs_to_jiffies(1000)

/* Who wants the device, or one queue, to stand still; all must agree to go on. */
#define SWNET_SUSPEND_VMM	BIT(0)
#define SWNET_SUSPEND_ADMIN	BIT(1)

/**
 * struct swnet_config - the parts of the config space that change
 * @mac: what reset goes back to; provisioned, or written by the VMM
 * @current_mac: what the driver set by control command, else @mac
 * @mtu: provisioned
 * @link_up: link status the guest has been told
 * @announce: the guest is asked to announce itself
 * @announce_told: it has been told
 */
struct swnet_config {
	u8 mac[ETH_ALEN];
	u8 current_mac[ETH_ALEN];
	u16 mtu;
	bool link_up;
	bool announce;
	bool announce_told;
};

/**
 * struct swnet_dev - a device
 * @vdpa: what the vDPA core knows of it
 * @netdev: the host interface
 * @pairs: one worker each for the receive and transmit queue @max_pairs has
 * @vqs: all virtqueues, @nvqs of them
 * @nvqs: virtqueues
 * @max_pairs: queue pairs
 * @features: offered features
 * @pins: pinned pages of guest memory, in shared-memory mode
 *
 * @lock: guards everything below up to @guest_gso, the configuration of
 *	every queue, and the address spaces against change. Taken inside rtnl
 *	and mmap_lock, so neither may be taken under it.
 * @as: address spaces by ASID
 * @group_asid: which ASID each group uses
 * @config: config space
 * @config_generation: goes up when the device changes @config
 * @config_cb: the driver's config interrupt; called under @lock
 * @driver_features: negotiated features
 * @status: device status as the driver sees it
 * @suspended: SWNET_SUSPEND_* reasons
 *
 * @ctrl: what control commands have set
 *
 * @guest_gso: %NETIF_F_* the guest takes unsegmented; written under @lock,
 *	read anywhere
 * @mrg_rxbuf: frames may span several receive buffers; likewise
 * @hdr_len: bytes of the header before each frame; likewise
 * @flow: receive steering hints, no lock
 * @halting: all queues are being stopped; a hint, no lock
 *
 * @ctrl_work: the control queue was kicked
 * @config_work: the link state or a queue's health may have changed
 * @netdev_work: the host interface's features follow the guest's (takes rtnl)
 * @populate_work: memory was mapped and may be pinned before it is needed
 * @carrier_work: a stopped device did not come back, the carrier goes
 */
struct swnet_dev {
	struct vdpa_device vdpa;
	struct net_device *netdev;
	struct kthread_worker **pairs;
	struct swnet_vq *vqs;
	u16 nvqs;
	u16 max_pairs;
	u64 features;
	struct pincache *pins;

	struct mutex lock; /* control state, see above */
	struct swnet_as as[SWNET_NUM_AS];
	u8 group_asid[SWNET_NUM_GROUPS];
	struct swnet_config config;
	u32 config_generation;
	struct vdpa_callback config_cb;
	u64 driver_features;
	u8 status;
	unsigned int suspended;
	struct swnet_ctrl ctrl;

	netdev_features_t guest_gso;
	bool mrg_rxbuf;
	u8 hdr_len;
	u8 flow[SWNET_FLOWS];
	bool halting;

	struct work_struct ctrl_work;
	struct work_struct config_work;
	struct work_struct netdev_work;
	struct work_struct populate_work;
	struct delayed_work carrier_work;
};

static inline struct swnet_dev *to_swnet(struct vdpa_device *vdpa)
{
	return container_of(vdpa, struct swnet_dev, vdpa);
}

/* Control queue, config changes, and the host interface's slower side. */
extern struct workqueue_struct *swnet_wq;

/**
 * struct swnet_hdr - what goes before a frame
 * @net: the header that is always there
 * @hash_value: hash of the frame; from here on with HASH_REPORT only
 * @hash_report: what was hashed
 * @padding: zero
 */
struct swnet_hdr {
	struct virtio_net_hdr_mrg_rxbuf net;
	__le32 hash_value;
	__le16 hash_report;
	__le16 padding;
};

/**
 * struct swnet_provision - what an administrator asks of a new device
 * @features: to offer
 * @mac: default MAC address
 * @mtu: of the link
 * @max_pairs: queue pairs
 * @shm: shared-memory mode
 */
struct swnet_provision {
	u64 features;
	u8 mac[ETH_ALEN];
	u16 mtu;
	u16 max_pairs;
	bool shm;
};

struct swnet_dev *swnet_dev_create(struct device *parent, const char *name,
				   const struct swnet_provision *want);
int swnet_dev_register(struct swnet_dev *dev, struct vdpa_mgmt_dev *mdev);
void swnet_dev_unregister(struct swnet_dev *dev);
void swnet_dev_release(struct vdpa_device *vdpa);

void swnet_reset(struct swnet_dev *dev);
void swnet_set_status(struct swnet_dev *dev, u8 status);
int swnet_set_features(struct swnet_dev *dev, u64 features);
void swnet_suspend(struct swnet_dev *dev, unsigned int reason);
void swnet_resume(struct swnet_dev *dev, unsigned int reason);
int swnet_unmap(struct swnet_dev *dev, unsigned int asid, u64 iova, u64 last);

/* The device may run its queues. */
static inline bool swnet_is_live(const struct swnet_dev *dev)
{
	return dev->status & VIRTIO_CONFIG_S_DRIVER_OK && !dev->suspended;
}

#endif /* SWNET_DEVICE_H */
