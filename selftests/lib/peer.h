/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world outside the guest: a packet socket on the host interface. What it
 * sends the guest receives; what the guest sends it receives.
 */
#ifndef VDPATEST_PEER_H
#define VDPATEST_PEER_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct peer - one packet socket
 * @fd: the socket
 * @vnet: every frame is preceded by a virtio_net_hdr (offloads)
 */
struct peer {
	int fd;
	bool vnet;
};

void peer_open(struct peer *p, const char *netdev, bool vnet);
void peer_close(struct peer *p);

/* @hdr only, and always, with @vnet. */
int __peer_send(struct peer *p, const struct virtio_net_hdr *hdr,
		const void *frame, size_t len);
#define peer_send(p, hdr, frame, len) \
	CHECK_OK(__peer_send(p, hdr, frame, len))

/*
 * Next frame of the ethertype that arrives within @ms (scaled): its length,
 * or -ETIMEDOUT. Other frames and our own are passed over.
 */
int __peer_recv(struct peer *p, uint16_t type, struct virtio_net_hdr *hdr,
		void *buf, size_t size, unsigned int ms);
#define peer_recv(p, type, hdr, buf, size, ms) \
	CHECK_OK(__peer_recv(p, type, hdr, buf, size, ms))

/* Throw away what is queued. */
void peer_drain(struct peer *p);

#endif /* VDPATEST_PEER_H */
