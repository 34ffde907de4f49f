/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtio-net driver on /dev/vhost-vdpa-N, in the order QEMU does things. The
 * steps can be taken one by one, or all at once by vnet_start().
 */
#ifndef VDPATEST_VNET_H
#define VDPATEST_VNET_H

#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

#include "frame.h"
#include "gmem.h"
#include "vdev.h"
#include "vhost_vdpa.h"
#include "vq.h"

#define VNET_PAIRS_MAX	64
#define VNET_VQS_MAX	(2 * VNET_PAIRS_MAX + 1)
#define VNET_SLOT	2048	/* bytes of one transmit or receive buffer */
#define VNET_BIG	(FRAME_MAX + 64)
#define VNET_BIG_MAX	8
#define VNET_HDR	sizeof(struct virtio_net_hdr_mrg_rxbuf)
#define VNET_HDR_HASH	(VNET_HDR + sizeof(struct vnet_hash))

/* The groups of the software parent. */
#define GROUP_DATA	0
#define GROUP_CTRL	1
#define GROUP_DESC	2

#define FEATURE(name)	(1ull << VIRTIO_##name)
#define STATUS_READY	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)

/**
 * struct vnet_hash - the end of the header with HASH_REPORT
 * @value: hash
 * @report: what was hashed, VIRTIO_NET_HASH_REPORT_*
 * @padding: zero
 */
struct vnet_hash {
	uint32_t value;
	uint16_t report;
	uint16_t padding;
};

/**
 * struct vnet_cfg - what to bring up
 * @features: those to use of the offered ones; 0 means all
 * @pairs: queue pairs, 0 means 1
 * @num: entries per ring, 0 means 256
 * @kind: guest memory
 * @base: ring index to start at
 * @desc_asid: address space of the data queues' rings; unless 0 they get
 *	memory of their own, at the guest addresses that buffers have in 0
 * @ctrl_asid: the same for the control queue, rings and commands
 */
struct vnet_cfg {
	uint64_t features;
	unsigned int pairs;
	unsigned int num;
	enum gmem_kind kind;
	uint16_t base;
	uint32_t desc_asid;
	uint32_t ctrl_asid;
};

/**
 * struct vnet - one driver
 * @cfg: as given, zeroes replaced
 * @mem: guest memory, buffers at least
 * @desc_mem: where the data queues' rings are, if not there
 * @ctrl_mem: where the control queue is, if not there
 * @features: negotiated
 * @hdr_len: bytes before each frame
 * @hash: of the last frame received, with HASH_REPORT
 * @max_pairs: the device's
 * @cvq: number of the control queue, 0 without one
 * @nvqs: data queues in use
 * @vq: data queues; [@nvqs] is the control queue
 * @slots: per queue, one buffer per ring entry
 * @big: one buffer for a frame with segmentation offload, for each of the
 *	first queue pairs
 * @ctrl: control command and answer
 */
struct vnet {
	struct vhost_vdpa vv;
	struct vnet_cfg cfg;
	struct gmem mem;
	struct gmem desc_mem;
	struct gmem ctrl_mem;
	uint64_t features;
	uint32_t hdr_len;
	struct vnet_hash hash;
	unsigned int max_pairs;
	unsigned int cvq;
	unsigned int nvqs;
	struct vq vq[VNET_VQS_MAX];
	unsigned char *slots[VNET_VQS_MAX];
	unsigned char *big[VNET_BIG_MAX];
	unsigned char *ctrl;
};

/* As vdev_add(), with features that are not in the default profile. */
void vnet_add_device(struct vdev *dev, const char *name, unsigned int nr,
		     uint64_t more);

/* The steps: device and guest memory ... */
void vnet_open(struct vnet *n, const char *node, const struct vnet_cfg *cfg);
void vnet_close(struct vnet *n);
/* ... status and features up to FEATURES_OK ... */
void vnet_negotiate(struct vnet *n);
/* ... ring sizes, indexes, addresses, eventfds ... */
void vnet_rings(struct vnet *n);
/* ... address spaces of the groups, guest memory into them in batches ... */
void vnet_map(struct vnet *n);
void vnet_unmap(struct vnet *n);
/* ... and DRIVER_OK, control queue, queue pairs, data queues. */
void vnet_driver_ok(struct vnet *n);
void vnet_enable(struct vnet *n);

void vnet_start(struct vnet *n, const char *node, const struct vnet_cfg *cfg);
/* Reset and bring up again: memory stays mapped, all rings start over. */
void vnet_restart(struct vnet *n);
void vnet_reset(struct vnet *n);
/* Is the status as it was set, or did the device ask for a reset? */
bool vnet_needs_reset(struct vnet *n);

struct vq *vnet_rxq(struct vnet *n, unsigned int pair);
struct vq *vnet_txq(struct vnet *n, unsigned int pair);

/* Post one frame (header of zeroes if @hdr is NULL), not yet visible. */
void vnet_tx_add(struct vnet *n, unsigned int pair,
		 const struct virtio_net_hdr *hdr, const void *frame, size_t len);
/* Post, notify, wait until the device is done with it. */
int __vnet_tx(struct vnet *n, unsigned int pair,
	      const struct virtio_net_hdr *hdr, const void *frame, size_t len);
#define vnet_tx(n, pair, hdr, frame, len) \
	CHECK_OK(__vnet_tx(n, pair, hdr, frame, len))

/* Post receive buffers of @size bytes, @count or as many as there is room. */
void vnet_rx_fill(struct vnet *n, unsigned int pair, unsigned int count,
		  uint32_t size);

/*
 * Next frame of the ethertype within @ms (scaled), put together from its
 * buffers: its length without header, or -ETIMEDOUT.
 */
int __vnet_rx(struct vnet *n, unsigned int pair, uint16_t type,
	      struct virtio_net_hdr_mrg_rxbuf *hdr, void *buf, size_t size,
	      unsigned int ms);
#define vnet_rx(n, pair, type, hdr, buf, size, ms) \
	CHECK_OK(__vnet_rx(n, pair, type, hdr, buf, size, ms))

/* One control command: VIRTIO_NET_OK, VIRTIO_NET_ERR or -ETIMEDOUT. */
int vnet_ctrl(struct vnet *n, uint8_t class, uint8_t cmd, const void *data,
	      size_t len);
/* The same with room for a result behind the answer. */
int vnet_ctrl_reply(struct vnet *n, uint8_t class, uint8_t cmd,
		    const void *data, size_t len, void *reply, size_t reply_len);

#endif /* VDPATEST_VNET_H */
