// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <string.h>

#include "frame.h"

#define MAGIC	0x76647061u

struct ours {
	struct ethhdr eth;
	uint32_t magic;
	uint32_t seq;
} __attribute__((packed));

/* Neighbouring frames and neighbouring offsets differ. */
static uint8_t pattern(uint32_t seq, size_t at)
{
	return (uint8_t)((seq * 2654435761u) >> 16) + (uint8_t)(at * 7) +
	       (uint8_t)(at >> 8);
}

static void fill(uint8_t *p, size_t from, size_t to, uint32_t seq)
{
	size_t i;

	for (i = from; i < to; i++)
		p[i] = pattern(seq, i);
}

static bool filled(const uint8_t *p, size_t from, size_t to, uint32_t seq)
{
	size_t i;

	for (i = from; i < to; i++)
		if (p[i] != pattern(seq, i))
			return false;
	return true;
}

void frame_make(void *buf, size_t len, const unsigned char *dst,
		const unsigned char *src, uint32_t seq)
{
	struct ours *f = buf;

	memcpy(f->eth.h_dest, dst, ETH_ALEN);
	memcpy(f->eth.h_source, src, ETH_ALEN);
	f->eth.h_proto = htons(FRAME_TYPE);
	f->magic = htonl(MAGIC);
	f->seq = htonl(seq);
	fill(buf, sizeof(*f), len, seq);
}

bool frame_ours(const void *buf, size_t len, uint32_t *seq)
{
	const struct ours *f = buf;

	if (len < sizeof(*f) || f->eth.h_proto != htons(FRAME_TYPE) ||
	    f->magic != htonl(MAGIC))
		return false;
	if (seq)
		*seq = ntohl(f->seq);
	return true;
}

bool frame_intact(const void *buf, size_t len)
{
	uint32_t seq;

	return frame_ours(buf, len, &seq) &&
	       filled(buf, sizeof(struct ours), len, seq);
}

static uint32_t sum16(const void *data, size_t len, uint32_t sum)
{
	const uint16_t *p = data;

	for (; len > 1; len -= 2)
		sum += *p++;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

size_t frame_make_tcp(void *buf, const unsigned char *dst,
		      const unsigned char *src, size_t payload, uint32_t seq)
{
	struct ethhdr *eth = buf;
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);
	uint16_t tail[2];

	memset(buf, 0, FRAME_TCP_HDR);
	memcpy(eth->h_dest, dst, ETH_ALEN);
	memcpy(eth->h_source, src, ETH_ALEN);
	eth->h_proto = htons(ETH_P_IP);
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = htons(20 + 20 + payload);
	ip->ttl = 64;
	ip->protocol = 6;
	ip->saddr = htonl(0xc0000201);
	ip->daddr = htonl(0xc0000202);
	ip->check = ~sum16(ip, sizeof(*ip), 0);
	tcp->source = htons(1000);
	tcp->dest = htons(2000);
	tcp->seq = htonl(seq);
	tcp->doff = 5;
	tcp->ack = 1;
	tcp->window = htons(1024);
	tail[0] = htons(6);
	tail[1] = htons(20 + payload);
	tcp->check = sum16(tail, sizeof(tail), sum16(&ip->saddr, 8, 0));
	fill(buf, FRAME_TCP_HDR, FRAME_TCP_HDR + payload, seq);
	return FRAME_TCP_HDR + payload;
}

bool frame_tcp_intact(const void *buf, size_t len, size_t payload, uint32_t seq)
{
	const struct ethhdr *eth = buf;
	const struct iphdr *ip = (const void *)(eth + 1);
	const struct tcphdr *tcp = (const void *)(ip + 1);

	return len == FRAME_TCP_HDR + payload &&
	       eth->h_proto == htons(ETH_P_IP) && ip->protocol == 6 &&
	       ip->tot_len == htons(20 + 20 + payload) &&
	       tcp->seq == htonl(seq) &&
	       filled(buf, FRAME_TCP_HDR, len, seq);
}
