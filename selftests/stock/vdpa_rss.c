// SPDX-License-Identifier: GPL-2.0-only
/* Receive-side scaling and hash reports, against published hashes. */
#include <arpa/inet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "vdpatest.h"

#define PAIRS	4
#define TYPES	0x3f
#define KEY	40
#define TABLE	128
#define ODD	2	/* the pair for frames without a hash */

static const unsigned char outside[ETH_ALEN] = { 2, 0, 0, 0, 0, 9 };
static unsigned char frame[512], got[2048];

/* The key and the flows that Microsoft published to verify hashes with. */
static const unsigned char key[KEY] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
	0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
	0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static const struct flow {
	int family;
	const char *src;
	const char *dst;
	uint16_t sport, dport;
	uint32_t ip, ports;
} flows[] = {
	{ AF_INET, "66.9.149.187", "161.142.100.80", 2794, 1766,
	  0x323e8fc2, 0x51ccc178 },
	{ AF_INET, "199.92.111.2", "65.69.140.83", 14230, 4739,
	  0xd718262a, 0xc626b0ea },
	{ AF_INET, "24.19.198.95", "12.22.207.184", 12898, 38024,
	  0xd2d0a5de, 0x5c2b394a },
	{ AF_INET, "38.27.205.30", "209.142.163.6", 48228, 2217,
	  0x82989176, 0xafc7327f },
	{ AF_INET, "153.39.163.191", "202.188.127.2", 44251, 1303,
	  0x5d1809c5, 0x10e828a2 },
	{ AF_INET6, "3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766,
	  0x2cc18cd5, 0x40207d3d },
	{ AF_INET6, "3ffe:501:8::260:97ff:fe40:efab", "ff02::1", 14230, 4739,
	  0x0f0c461c, 0xdde51bbf },
	{ AF_INET6, "3ffe:1900:4545:3:200:f8ff:fe21:67cf",
	  "fe80::200:f8ff:fe21:67cf", 44251, 38024, 0x4b61e985, 0x02d1feef },
};

FIXTURE(rss) {
	struct vdev dev;
	struct vnet net;
	struct peer peer;
};

FIXTURE_VARIANT(rss) {
	uint64_t without;
};

FIXTURE_VARIANT_ADD(rss, steering_and_reports) {
	.without = 0,
};

/* The control queue is the last one all the same. */
FIXTURE_VARIANT_ADD(rss, steering_without_mq) {
	.without = FEATURE(NET_F_HASH_REPORT) | FEATURE(NET_F_MQ),
};

FIXTURE_SETUP(rss)
{
	struct vnet_cfg cfg = {
		.features = ~variant->without,
		.pairs = PAIRS,
		.num = 64,
	};
	unsigned int i;

	SKIP_IF_NO_DEVICE();
	vnet_add_device(&self->dev, "vtrss0", PAIRS,
			FEATURE(NET_F_RSS) | FEATURE(NET_F_HASH_REPORT));
	peer_open(&self->peer, self->dev.netdev, false);
	vnet_start(&self->net, self->dev.node, &cfg);
	vdev_wait_up(&self->dev);
	ASSERT_TRUE(WAIT_UNTIL(vdev_carrier(&self->dev), 500));
	for (i = 0; i < PAIRS; i++)
		vnet_rx_fill(&self->net, i, -1, VNET_SLOT);
}

FIXTURE_TEARDOWN(rss)
{
	vnet_close(&self->net);
	peer_close(&self->peer);
	vdev_del(&self->dev);
}

/**
 * struct command - a command with a table of full size
 * @types: hash types
 * @mask: table size - 1
 * @odd: pair for frames without a hash
 * @table: pairs
 * @max_tx: pairs that transmit
 * @key_len: bytes of @key
 * @key: the key
 */
struct command {
	uint32_t types;
	uint16_t mask;
	uint16_t odd;
	uint16_t table[TABLE];
	uint16_t max_tx;
	uint8_t key_len;
	uint8_t key[KEY + 1];
} __attribute__((packed));

#define COMMAND_SIZE	(sizeof(struct command) - 1)

static void make_command(struct command *c, uint32_t types)
{
	unsigned int i;

	memset(c, 0, sizeof(*c));
	c->types = types;
	c->mask = TABLE - 1;
	c->odd = ODD;
	for (i = 0; i < TABLE; i++)
		c->table[i] = (i / 3) % PAIRS;
	c->max_tx = PAIRS;
	c->key_len = KEY;
	memcpy(c->key, key, KEY);
}

static int send_command(struct vnet *n, const void *c, size_t size)
{
	return vnet_ctrl(n, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_RSS_CONFIG,
			 c, size);
}

static int set_types(struct vnet *n, uint32_t types)
{
	struct command c;

	make_command(&c, types);
	return send_command(n, &c, COMMAND_SIZE);
}

/* A frame of a flow; @fragment: the first piece, @options: IPv6 has some. */
static size_t make_flow(const struct flow *f, uint8_t proto, bool fragment,
			bool options, const unsigned char *dst)
{
	struct ethhdr *eth = (void *)frame;
	unsigned char *p = (void *)(eth + 1);
	struct ipv6hdr *ip6 = (void *)p;
	struct iphdr *ip = (void *)p;
	uint16_t *ports;

	memset(frame, 0, sizeof(frame));
	memcpy(eth->h_dest, dst, ETH_ALEN);
	memcpy(eth->h_source, outside, ETH_ALEN);
	if (f->family == AF_INET) {
		eth->h_proto = htons(ETH_P_IP);
		ip->version = 4;
		ip->ihl = 5;
		ip->tot_len = htons(20 + 40);
		ip->frag_off = fragment ? htons(0x2000) : 0;
		ip->ttl = 64;
		ip->protocol = proto;
		inet_pton(AF_INET, f->src, &ip->saddr);
		inet_pton(AF_INET, f->dst, &ip->daddr);
		p += sizeof(*ip);
	} else {
		eth->h_proto = htons(ETH_P_IPV6);
		ip6->version = 6;
		ip6->payload_len = htons(48);
		ip6->hop_limit = 64;
		ip6->nexthdr = proto;
		inet_pton(AF_INET6, f->src, &ip6->saddr);
		inet_pton(AF_INET6, f->dst, &ip6->daddr);
		p += sizeof(*ip6);
		if (fragment || options) {
			ip6->nexthdr = fragment ? 44 : 0;
			p[0] = proto;
			p[2] = fragment ? 0 : 1;
			p[3] = fragment ? 1 : 4;
			p += 8;
		}
	}
	ports = (void *)p;
	ports[0] = htons(f->sport);
	ports[1] = htons(f->dport);
	p[12] = 5 << 4;
	return 120;
}

/* Send @frame; it is to arrive on @pair with this report. */
static bool arrives(FIXTURE_DATA(rss) *self, unsigned int pair, size_t len,
		    uint16_t report, uint32_t hash)
{
	const struct ethhdr *eth = (void *)frame;
	struct vnet *n = &self->net;
	int ret;

	peer_send(&self->peer, NULL, frame, len);
	ret = __vnet_rx(n, pair, ntohs(eth->h_proto), NULL, got, sizeof(got),
			1000);
	vnet_rx_fill(n, pair, -1, VNET_SLOT);
	if (ret != (int)len || memcmp(got, frame, len)) {
		printf("# nothing on pair %u: %d\n", pair, ret);
		return false;
	}
	if (n->hdr_len == VNET_HDR)
		return true;
	if (n->hash.report != report || n->hash.value != hash ||
	    n->hash.padding) {
		printf("# report %u hash %#x instead of %u, %#x\n",
		       n->hash.report, n->hash.value, report, hash);
		return false;
	}
	return true;
}

static unsigned int table_pair(uint32_t hash)
{
	struct command c;

	make_command(&c, TYPES);
	return c.table[hash % TABLE];
}

static bool arrives_by_hash(FIXTURE_DATA(rss) *self, size_t len,
			    uint16_t report, uint32_t hash)
{
	return arrives(self, table_pair(hash), len, report, hash);
}

static bool flow_arrives(FIXTURE_DATA(rss) *self, const struct flow *f,
			 uint8_t proto, uint16_t report)
{
	size_t len = make_flow(f, proto, false, false, self->dev.mac);
	bool ip = report == VIRTIO_NET_HASH_REPORT_IPv4 ||
		  report == VIRTIO_NET_HASH_REPORT_IPv6;

	return arrives_by_hash(self, len, report, ip ? f->ip : f->ports);
}

TEST_F(rss, published_hashes)
{
	unsigned int i;

	ASSERT_EQ(set_types(&self->net, TYPES), VIRTIO_NET_OK);
	for (i = 0; i < ARRAY_SIZE(flows); i++) {
		uint16_t ip = flows[i].family == AF_INET ?
			      VIRTIO_NET_HASH_REPORT_IPv4 :
			      VIRTIO_NET_HASH_REPORT_IPv6;

		EXPECT_TRUE(flow_arrives(self, &flows[i], IPPROTO_TCP, ip + 1));
		EXPECT_TRUE(flow_arrives(self, &flows[i], IPPROTO_UDP, ip + 2));
		EXPECT_TRUE(flow_arrives(self, &flows[i], 132, ip));
	}
}

/* Each type by itself: what is not enabled falls back, to nothing at last. */
TEST_F(rss, hash_types)
{
	unsigned int i, bit;

	for (i = 0; i < ARRAY_SIZE(flows); i += 5)
		for (bit = 0; bit < 6; bit++) {
			uint16_t ip = flows[i].family == AF_INET ? 1 : 4;
			uint32_t types = 1u << bit;
			size_t len;

			ASSERT_EQ(set_types(&self->net, types), VIRTIO_NET_OK);
			if (types & 1u << (ip - 1)) {
				EXPECT_TRUE(flow_arrives(self, &flows[i],
							 IPPROTO_TCP, ip));
				continue;
			}
			if (types & 1u << ip) {
				EXPECT_TRUE(flow_arrives(self, &flows[i],
							 IPPROTO_TCP, ip + 1));
				continue;
			}
			len = make_flow(&flows[i], IPPROTO_TCP, false, false,
					self->dev.mac);
			EXPECT_TRUE(arrives(self, ODD, len, 0, 0));
		}
}

TEST_F(rss, frames_without_a_hash)
{
	size_t len = make_flow(&flows[0], IPPROTO_TCP, false, false,
			       self->dev.mac);

	ASSERT_EQ(set_types(&self->net, 0), VIRTIO_NET_OK);
	EXPECT_TRUE(arrives(self, ODD, len, 0, 0));
	ASSERT_EQ(set_types(&self->net, TYPES), VIRTIO_NET_OK);
	frame_make(frame, 200, self->dev.mac, outside, 1);
	EXPECT_TRUE(arrives(self, ODD, 200, 0, 0));
}

/* Ports of a fragment are not looked at, and options are skipped. */
TEST_F(rss, fragments_and_options)
{
	size_t len;

	ASSERT_EQ(set_types(&self->net, TYPES), VIRTIO_NET_OK);
	len = make_flow(&flows[0], IPPROTO_TCP, true, false, self->dev.mac);
	EXPECT_TRUE(arrives_by_hash(self, len, VIRTIO_NET_HASH_REPORT_IPv4,
				    flows[0].ip));
	len = make_flow(&flows[5], IPPROTO_UDP, true, false, self->dev.mac);
	EXPECT_TRUE(arrives_by_hash(self, len, VIRTIO_NET_HASH_REPORT_IPv6,
				    flows[5].ip));
	len = make_flow(&flows[5], IPPROTO_UDP, false, true, self->dev.mac);
	EXPECT_TRUE(arrives_by_hash(self, len, VIRTIO_NET_HASH_REPORT_UDPv6,
				    flows[5].ports));
}

/* Another key, shorter than the longest: the rest of it is zero. */
TEST_F(rss, short_key)
{
	struct command c;
	size_t len;

	make_command(&c, TYPES);
	memset(c.key, 0, KEY);
	c.key[8] = 0x80;
	c.key_len = 16;
	c.table[0] = 3;
	ASSERT_EQ(send_command(&self->net, &c, COMMAND_SIZE - KEY + 16),
		  VIRTIO_NET_OK);
	/* No addresses, and a port whose first bit meets that of the key. */
	len = make_flow(&flows[0], IPPROTO_TCP, false, false, self->dev.mac);
	memset(frame + 26, 0, 12);
	frame[34] = 0x80;
	EXPECT_TRUE(arrives(self, 3, len, VIRTIO_NET_HASH_REPORT_TCPv4,
			    0x80000000));
}

static bool steering_is_ours(FIXTURE_DATA(rss) *self)
{
	return flow_arrives(self, &flows[0], IPPROTO_TCP,
			    VIRTIO_NET_HASH_REPORT_TCPv4);
}

TEST_F(rss, refused)
{
	struct vnet *n = &self->net;
	struct command c;
	size_t i;

#define REFUSED(size) do {						\
	EXPECT_EQ(send_command(n, &c, size), VIRTIO_NET_ERR);		\
	make_command(&c, 0);						\
} while (0)

	ASSERT_EQ(set_types(n, TYPES), VIRTIO_NET_OK);
	make_command(&c, 0);
	for (i = 0; i < COMMAND_SIZE; i++)
		REFUSED(i);
	c.types = 0x40;
	REFUSED(COMMAND_SIZE);
	c.types = 0x80000000;
	REFUSED(COMMAND_SIZE);
	c.mask = 0xffff;
	REFUSED(COMMAND_SIZE);
	c.mask = 2;
	REFUSED(COMMAND_SIZE);
	c.mask = 2 * TABLE - 1;
	REFUSED(COMMAND_SIZE);
	c.odd = PAIRS;
	REFUSED(COMMAND_SIZE);
	for (i = 0; i < TABLE; i++) {
		c.table[i] = PAIRS;
		REFUSED(COMMAND_SIZE);
	}
	c.table[0] = 0x8000;
	REFUSED(COMMAND_SIZE);
	c.max_tx = 0;
	REFUSED(COMMAND_SIZE);
	c.max_tx = PAIRS + 1;
	REFUSED(COMMAND_SIZE);
	c.key_len = KEY + 1;
	REFUSED(COMMAND_SIZE + 1);
	c.key_len = 255;
	REFUSED(COMMAND_SIZE);
	c.types = TYPES;
	c.key_len = 0;
	REFUSED(COMMAND_SIZE - KEY);
	EXPECT_TRUE(steering_is_ours(self));
	EXPECT_FALSE(vnet_needs_reset(n));
}

/* Linux sends a byte too many. */
TEST_F(rss, byte_behind_the_key)
{
	struct command c;

	make_command(&c, TYPES);
	ASSERT_EQ(send_command(&self->net, &c, COMMAND_SIZE + 1), VIRTIO_NET_OK);
	EXPECT_TRUE(steering_is_ours(self));
}

static int set_pairs(struct vnet *n, uint16_t pairs)
{
	return vnet_ctrl(n, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET,
			 &pairs, sizeof(pairs));
}

/* The last command wins, whichever way it steers; reports go on. */
TEST_F(rss, last_command_wins)
{
	unsigned int pair = (table_pair(flows[0].ports) + 1) % PAIRS;
	struct vnet *n = &self->net;
	size_t len;

	ASSERT_EQ(set_types(n, TYPES), VIRTIO_NET_OK);
	ASSERT_EQ(set_types(n, TYPES), VIRTIO_NET_OK);
	EXPECT_TRUE(steering_is_ours(self));
	if (variant->without & FEATURE(NET_F_MQ)) {
		EXPECT_EQ(set_pairs(n, 1), VIRTIO_NET_ERR);
		EXPECT_TRUE(steering_is_ours(self));
		return;
	}

	ASSERT_EQ(set_pairs(n, PAIRS), VIRTIO_NET_OK);
	len = make_flow(&flows[0], IPPROTO_TCP, false, false, outside);
	vnet_tx(n, pair, NULL, frame, len);
	EXPECT_EQ(peer_recv(&self->peer, ETH_P_IP, NULL, got, sizeof(got),
			    1000), (int)len);
	EXPECT_EQ(memcmp(got, frame, len), 0);
	make_flow(&flows[0], IPPROTO_TCP, false, false, self->dev.mac);
	EXPECT_TRUE(arrives(self, pair, len, VIRTIO_NET_HASH_REPORT_TCPv4,
			    flows[0].ports));

	ASSERT_EQ(set_pairs(n, 1), VIRTIO_NET_OK);
	EXPECT_TRUE(arrives(self, 0, len, VIRTIO_NET_HASH_REPORT_TCPv4,
			    flows[0].ports));
	ASSERT_EQ(set_types(n, TYPES), VIRTIO_NET_OK);
	EXPECT_TRUE(steering_is_ours(self));
}

TEST_F(rss, reports_only)
{
	struct {
		uint32_t types;
		uint16_t reserved[4];
		uint8_t key_len;
		uint8_t key[KEY];
	} __attribute__((packed)) c = { .types = TYPES, .key_len = KEY };
	struct vnet *n = &self->net;
	size_t len, size;

	memcpy(c.key, key, KEY);
#define HASH_CONFIG(size) \
	vnet_ctrl(n, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_HASH_CONFIG, \
		  &c, size)
	if (variant->without & FEATURE(NET_F_HASH_REPORT)) {
		EXPECT_EQ(HASH_CONFIG(sizeof(c)), VIRTIO_NET_ERR);
		return;
	}
	len = make_flow(&flows[0], IPPROTO_TCP, false, false, self->dev.mac);
	if (!(variant->without & FEATURE(NET_F_MQ)))
		ASSERT_EQ(set_pairs(n, 1), VIRTIO_NET_OK);
	EXPECT_TRUE(arrives(self, 0, len, 0, 0));
	for (size = 0; size < sizeof(c); size++)
		EXPECT_EQ(HASH_CONFIG(size), VIRTIO_NET_ERR);
	EXPECT_TRUE(arrives(self, 0, len, 0, 0));
	ASSERT_EQ(HASH_CONFIG(sizeof(c)), VIRTIO_NET_OK);
	EXPECT_TRUE(arrives(self, 0, len, VIRTIO_NET_HASH_REPORT_TCPv4,
			    flows[0].ports));
	c.types = 0;
	ASSERT_EQ(HASH_CONFIG(sizeof(c)), VIRTIO_NET_OK);
	EXPECT_TRUE(arrives(self, 0, len, 0, 0));
}

TEST_F(rss, reset_forgets)
{
	struct vnet *n = &self->net;
	size_t len;

	ASSERT_EQ(set_types(n, TYPES), VIRTIO_NET_OK);
	vnet_close(n);
	vnet_start(n, self->dev.node,
		   &(struct vnet_cfg){ .features = ~variant->without });
	vnet_rx_fill(n, 0, -1, VNET_SLOT);
	len = make_flow(&flows[0], IPPROTO_TCP, false, false, self->dev.mac);
	EXPECT_TRUE(arrives(self, 0, len, 0, 0));
}

TEST_F(rss, config_space)
{
	struct virtio_net_config config;

	vv_get_config(&self->net.vv, 0, &config, sizeof(config));
	EXPECT_EQ(config.rss_max_key_size, KEY);
	EXPECT_EQ(config.rss_max_indirection_table_length, TABLE);
	EXPECT_EQ(config.supported_hash_types, TYPES);
}

/* Both directions have the longer header. */
TEST_F(rss, transmit)
{
	frame_make(frame, 300, outside, self->dev.mac, 1);
	vnet_tx(&self->net, 1, NULL, frame, 300);
	EXPECT_EQ(peer_recv(&self->peer, FRAME_TYPE, NULL, got, sizeof(got),
			    1000), 300);
	EXPECT_TRUE(frame_intact(got, 300));
}

TEST_HARNESS_MAIN
