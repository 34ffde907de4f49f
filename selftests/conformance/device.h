/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device under test and the virtio-net driver that uses it, of any parent:
 * nothing is assumed that the device does not say itself.
 */
#ifndef CONF_DEVICE_H
#define CONF_DEVICE_H

#include <linux/virtio_config.h>
#include <linux/virtio_net.h>

#include "gmem.h"
#include "peer.h"
#include "ring.h"
#include "vhost_vdpa.h"

#define PAIRS_MAX	4
#define HDR		sizeof(struct virtio_net_hdr_v1)

#define F(name)		(1ull << VIRTIO_##name)
/* Of the transport; the first two every vhost-vdpa device has to have. */
#define NEEDED		(F(F_VERSION_1) | F(F_ACCESS_PLATFORM))

#define S_READY		(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)
#define S_FEATURES	(S_READY | VIRTIO_CONFIG_S_FEATURES_OK)
#define S_RUNNING	(S_FEATURES | VIRTIO_CONFIG_S_DRIVER_OK)

/**
 * struct setup - how to bring a device up; all zeroes is the usual way
 * @add: features wanted besides the usual ones
 * @drop: usual ones not wanted
 * @pairs: queue pairs, 0 means 1
 * @base: index to start data rings at, 0 means that of an unused ring
 * @rx_empty: leave the receive rings without buffers
 * @unmapped: map nothing
 * @asid: address space of the data queues
 * @ring_asid: of their rings, if @own_rings
 * @own_rings: the rings have memory of their own
 */
struct setup {
	uint64_t add;
	uint64_t drop;
	unsigned int pairs;
	uint32_t base;
	bool rx_empty;
	bool unmapped;
	uint32_t asid;
	uint32_t ring_asid;
	bool own_rings;
};

/**
 * struct dev - one device
 * @vv: the open character device
 * @offered: device features
 * @backend: backend features offered, all of them acknowledged
 * @nvqs: queues
 * @ngroups: groups
 * @nas: address spaces
 * @max_pairs: queue pairs
 * @ring_max: largest ring
 * @range: guest addresses the device can reach
 * @packed: layout to use
 * @setup: as brought up
 * @features: negotiated
 * @mem: guest memory
 * @ring_mem: guest memory of rings, if apart
 * @ring: data rings, then the control queue
 * @nrings: data rings
 * @cvq: number of the control queue, 0 without
 * @ctrl: its commands
 * @peer: the world outside
 */
struct dev {
	struct vhost_vdpa vv;
	uint64_t offered;
	uint64_t backend;
	uint32_t nvqs;
	uint32_t ngroups;
	uint32_t nas;
	uint32_t max_pairs;
	uint16_t ring_max;
	struct vhost_vdpa_iova_range range;
	bool packed;
	struct setup setup;
	uint64_t features;
	struct gmem mem;
	struct gmem ring_mem;
	struct ring ring[2 * PAIRS_MAX + 1];
	unsigned int nrings;
	unsigned int cvq;
	unsigned char *ctrl;
	struct peer peer;
};

/* Open and ask, but negotiate nothing. */
void dev_open(struct dev *d);
void dev_close(struct dev *d);

/* The way up, step by step ... */
void dev_negotiate(struct dev *d, const struct setup *s);
void dev_rings(struct dev *d);
void dev_map(struct dev *d);
void dev_unmap(struct dev *d);
void dev_enable(struct dev *d);
void dev_driver_ok(struct dev *d);
/* ... DRIVER_OK and enabled queues, in the order the device can ... */
void dev_run(struct dev *d);
/* ... all of it, and once more after a reset. */
void dev_up(struct dev *d, const struct setup *s);
void dev_again(struct dev *d);
/* The same, but the rings go on where GET_VRING_BASE says they stand. */
void dev_continue(struct dev *d);
void dev_reset(struct dev *d);

/* Tell the device where a ring is now. */
void dev_set_ring(struct dev *d, struct ring *r, uint32_t base);

struct ring *dev_rx(struct dev *d, unsigned int pair);
struct ring *dev_tx(struct dev *d, unsigned int pair);
bool dev_has(const struct dev *d, uint64_t backend);

/* A memory region at an address the device reaches. */
void dev_gmem(struct dev *d, struct gmem *m, unsigned int which, size_t size);

#endif /* CONF_DEVICE_H */
