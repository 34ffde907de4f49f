// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"
#include "peer.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

#define RCVBUF	(8 << 20)

static void set_option(int fd, int level, int name, int val)
{
	CHECK(!setsockopt(fd, level, name, &val, sizeof(val)),
	      "socket option %d: %s", name, strerror(errno));
}

void peer_open(struct peer *p, const char *netdev, bool vnet)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(netdev),
	};

	p->vnet = vnet;
	p->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	CHECK(p->fd >= 0, "packet socket: %s", strerror(errno));
	set_option(p->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	set_option(p->fd, SOL_SOCKET, SO_RCVBUFFORCE, RCVBUF);
	if (vnet)
		set_option(p->fd, SOL_PACKET, PACKET_VNET_HDR, 1);
	CHECK(!bind(p->fd, (void *)&addr, sizeof(addr)), "bind to %s: %s",
	      netdev, strerror(errno));
}

void peer_close(struct peer *p)
{
	close(p->fd);
	p->fd = -1;
}

int __peer_send(struct peer *p, const struct virtio_net_hdr *hdr,
		const void *frame, size_t len)
{
	struct iovec iov[2] = {
		{ (void *)hdr, sizeof(*hdr) },
		{ (void *)frame, len },
	};

	if (writev(p->fd, p->vnet ? iov : iov + 1, p->vnet ? 2 : 1) < 0)
		return -errno;
	return 0;
}

static int recv_once(struct peer *p, uint16_t type, struct virtio_net_hdr *hdr,
		     void *buf, size_t size)
{
	struct virtio_net_hdr none;
	struct iovec iov[2] = {
		{ hdr ? hdr : &none, sizeof(none) },
		{ buf, size },
	};
	struct msghdr msg = {
		.msg_iov = p->vnet ? iov : iov + 1,
		.msg_iovlen = p->vnet ? 2 : 1,
	};
	const struct ethhdr *eth = buf;
	ssize_t len = recvmsg(p->fd, &msg, MSG_DONTWAIT);

	if (len < 0)
		return -errno;
	len -= p->vnet ? sizeof(none) : 0;
	if (len < (ssize_t)sizeof(*eth) || eth->h_proto != htons(type))
		return 0;
	return (int)len;
}

int __peer_recv(struct peer *p, uint16_t type, struct virtio_net_hdr *hdr,
		void *buf, size_t size, unsigned int ms)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };
	uint64_t end = deadline(ms), now;
	int len;

	while ((now = now_us()) < end) {
		poll(&pfd, 1, (int)((end - now) / 1000) + 1);
		len = recv_once(p, type, hdr, buf, size);
		if (len > 0)
			return len;
		if (len < 0 && len != -EAGAIN && len != -ENETDOWN)
			return len;
	}
	return -ETIMEDOUT;
}

void peer_drain(struct peer *p)
{
	char byte;

	while (recv(p->fd, &byte, sizeof(byte), MSG_DONTWAIT | MSG_TRUNC) >= 0)
		;
}
