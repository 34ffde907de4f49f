// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control queue: what each command does to real frames, and what wrong
 * ones leave as it was.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "vdpatest.h"

#define PAIRS	2
#define LEN	100
#define MACS	64	/* what the device keeps of each kind */

static const unsigned char outside[ETH_ALEN] = { 2, 0, 0, 0, 0, 9 };
static const unsigned char unicast[ETH_ALEN] = { 2, 0, 0, 0, 1, 1 };
static const unsigned char multicast[ETH_ALEN] = { 1, 0, 0x5e, 0, 1, 1 };
static const unsigned char broadcast[ETH_ALEN] = { [0 ... 5] = 0xff };
static unsigned char frame[2048], got[FRAME_MAX];

/* What is not in the default profile, for devices that are to have it all. */
#define MORE	(FEATURE(NET_F_RSS) | FEATURE(NET_F_HASH_REPORT) |	\
		 FEATURE(NET_F_GUEST_ANNOUNCE) |			\
		 FEATURE(NET_F_NOTF_COAL) | FEATURE(NET_F_VQ_NOTF_COAL))

FIXTURE(ctrl) {
	struct vdev dev;
	struct vnet net;
	struct peer peer;
};

/* A device with all there is, its control queue shadowed as QEMU does it. */
FIXTURE_SETUP(ctrl)
{
	struct vnet_cfg cfg = { .ctrl_asid = 1 };

	SKIP_IF_NO_DEVICE();
	vnet_add_device(&self->dev, "vtctrl0", PAIRS, MORE);
	peer_open(&self->peer, self->dev.netdev, false);
	vnet_start(&self->net, self->dev.node, &cfg);
	vdev_wait_up(&self->dev);
	ASSERT_TRUE(WAIT_UNTIL(vdev_carrier(&self->dev), 500));
	vnet_rx_fill(&self->net, 0, -1, VNET_SLOT);
}

FIXTURE_TEARDOWN(ctrl)
{
	vnet_close(&self->net);
	peer_close(&self->peer);
	vdev_del(&self->dev);
}

#define CTRL(class, cmd, data) \
	vnet_ctrl(&self->net, VIRTIO_NET_CTRL_##class, VIRTIO_NET_CTRL_##cmd, \
		  data, sizeof(*(data)))
#define RX(cmd, on) ({							\
	const uint8_t __on = on;					\
									\
	CTRL(RX, RX_##cmd, &__on);					\
})
#define OK(ack)		EXPECT_EQ(ack, VIRTIO_NET_OK)
#define REFUSED(ack)	EXPECT_EQ(ack, VIRTIO_NET_ERR)

/* Put a tag behind the addresses of @frame. */
static void add_tag(uint16_t tci)
{
	const uint16_t tag[2] = { htons(ETH_P_8021Q), htons(tci) };

	memmove(frame + 16, frame + 12, LEN - 16);
	memcpy(frame + 12, tag, sizeof(tag));
}

/* The next frame of the guest, as it lies in its buffer. */
static const unsigned char *next_frame(struct vnet *n)
{
	struct vq *q = vnet_rxq(n, 0);
	uint32_t len;
	int head = vq_wait_used(q, &len, 2000);

	CHECK(len <= VNET_SLOT, "%u bytes", len);
	return n->slots[q->idx] + head * VNET_SLOT + n->hdr_len;
}

/*
 * Does the guest receive @frame? A second one follows, to an address that is
 * let in, so that there is something to wait for.
 */
static bool receives_frame(FIXTURE_DATA(ctrl) *self, const unsigned char *sure)
{
	static unsigned char second[LEN];
	const unsigned char *p;
	bool first = false;

	frame_make(second, LEN, sure, outside, 2);
	peer_send(&self->peer, NULL, frame, LEN);
	peer_send(&self->peer, NULL, second, LEN);
	do {
		p = next_frame(&self->net);
		first |= !memcmp(p, frame, LEN);
	} while (memcmp(p, second, LEN));
	vnet_rx_fill(&self->net, 0, -1, VNET_SLOT);
	return first;
}

static bool receives(FIXTURE_DATA(ctrl) *self, const unsigned char *dst)
{
	frame_make(frame, LEN, dst, outside, 1);
	return receives_frame(self, self->dev.mac);
}

static bool receives_vlan(FIXTURE_DATA(ctrl) *self, uint16_t tci)
{
	frame_make(frame, LEN, self->dev.mac, outside, 1);
	add_tag(tci);
	return receives_frame(self, self->dev.mac);
}

/*
 * A device that nobody has told anything lets in everything: QEMU replays only
 * what differs from that.
 */
static void check_default_filter(FIXTURE_DATA(ctrl) *self,
				 struct __test_metadata *_metadata)
{
	EXPECT_TRUE(receives(self, unicast));
	EXPECT_TRUE(receives(self, multicast));
	EXPECT_TRUE(receives(self, broadcast));
	EXPECT_TRUE(receives_vlan(self, 7));
}

/* Nothing but the device's own address and broadcast. */
static void check_strict_filter(FIXTURE_DATA(ctrl) *self,
				struct __test_metadata *_metadata)
{
	EXPECT_FALSE(receives(self, unicast));
	EXPECT_FALSE(receives(self, multicast));
	EXPECT_TRUE(receives(self, broadcast));
	EXPECT_FALSE(receives_vlan(self, 7));
}

TEST_F(ctrl, promiscuous)
{
	check_default_filter(self, _metadata);
	OK(RX(PROMISC, 0));
	check_strict_filter(self, _metadata);
	OK(RX(PROMISC, 0));
	check_strict_filter(self, _metadata);
	OK(RX(PROMISC, 1));
	check_default_filter(self, _metadata);
}

TEST_F(ctrl, receive_modes)
{
	OK(RX(PROMISC, 0));
	OK(RX(ALLMULTI, 1));
	EXPECT_TRUE(receives(self, multicast));
	EXPECT_FALSE(receives(self, unicast));
	OK(RX(ALLMULTI, 0));
	EXPECT_FALSE(receives(self, multicast));

	OK(RX(ALLUNI, 1));
	EXPECT_TRUE(receives(self, unicast));
	EXPECT_FALSE(receives(self, multicast));
	OK(RX(ALLUNI, 0));

	OK(RX(NOBCAST, 1));
	EXPECT_FALSE(receives(self, broadcast));
	OK(RX(NOBCAST, 0));
	EXPECT_TRUE(receives(self, broadcast));

	OK(RX(ALLMULTI, 1));
	OK(RX(NOMULTI, 1));
	EXPECT_FALSE(receives(self, multicast));
	EXPECT_TRUE(receives(self, broadcast));
	OK(RX(NOMULTI, 0));
	EXPECT_TRUE(receives(self, multicast));

	OK(RX(NOUNI, 1));
	frame_make(frame, LEN, self->dev.mac, outside, 1);
	EXPECT_FALSE(receives_frame(self, broadcast));
	OK(RX(PROMISC, 1));
	EXPECT_TRUE(receives_frame(self, broadcast));
}

/* Both lists of a MAC table: bytes. */
static size_t make_table(unsigned char *buf, const unsigned char *first_uni,
			 uint32_t nr_uni, const unsigned char *first_multi,
			 uint32_t nr_multi)
{
	unsigned char *p = buf;
	uint32_t i;

	memcpy(p, &nr_uni, sizeof(nr_uni));
	p += sizeof(nr_uni);
	for (i = 0; i < nr_uni; i++, p += ETH_ALEN) {
		memcpy(p, first_uni, ETH_ALEN);
		p[4] += i;
	}
	memcpy(p, &nr_multi, sizeof(nr_multi));
	p += sizeof(nr_multi);
	for (i = 0; i < nr_multi; i++, p += ETH_ALEN) {
		memcpy(p, first_multi, ETH_ALEN);
		p[4] += i;
	}
	return p - buf;
}

static unsigned char table[2048];

#define TABLE(size) \
	vnet_ctrl(&self->net, VIRTIO_NET_CTRL_MAC, \
		  VIRTIO_NET_CTRL_MAC_TABLE_SET, table, size)

TEST_F(ctrl, mac_table)
{
	const unsigned char third[ETH_ALEN] = { 2, 0, 0, 0, 3, 1 };
	const unsigned char beyond[ETH_ALEN] = { 2, 0, 0, 0, 4, 1 };

	OK(RX(PROMISC, 0));
	OK(TABLE(make_table(table, unicast, 3, multicast, 1)));
	EXPECT_TRUE(receives(self, unicast));
	EXPECT_TRUE(receives(self, third));
	EXPECT_FALSE(receives(self, beyond));
	EXPECT_TRUE(receives(self, multicast));
	EXPECT_FALSE(receives(self, (unsigned char[]){ 1, 0, 0x5e, 0, 2, 1 }));

	/* The next table replaces it, and one that is full still is exact. */
	OK(TABLE(make_table(table, third, 1, multicast, MACS)));
	OK(TABLE(make_table(table, third, 1, multicast, MACS)));
	EXPECT_FALSE(receives(self, unicast));
	EXPECT_TRUE(receives(self, third));
	EXPECT_TRUE(receives(self, (unsigned char[]){ 1, 0, 0x5e, 0, MACS, 1 }));
	EXPECT_FALSE(receives(self, (unsigned char[]){ 1, 0, 0x5e, 0, MACS + 1, 1 }));
	OK(TABLE(make_table(table, NULL, 0, NULL, 0)));
	check_strict_filter(self, _metadata);
}

/* More addresses than it keeps: all of that kind, and of that kind only. */
TEST_F(ctrl, mac_table_overflows)
{
	OK(RX(PROMISC, 0));
	OK(TABLE(make_table(table, outside, MACS + 1, NULL, 0)));
	EXPECT_TRUE(receives(self, unicast));
	EXPECT_FALSE(receives(self, multicast));
	OK(RX(NOUNI, 1));
	frame_make(frame, LEN, unicast, outside, 1);
	EXPECT_FALSE(receives_frame(self, broadcast));
	OK(RX(NOUNI, 0));

	OK(TABLE(make_table(table, outside, 1, multicast, 255)));
	EXPECT_FALSE(receives(self, unicast));
	EXPECT_TRUE(receives(self, (unsigned char[]){ 1, 0, 0, 0, 0, 77 }));
}

TEST_F(ctrl, mac_table_refused)
{
	const uint32_t huge[] = { 0x2aaaaaab, 0x80000000, 0xffffffff, 3 };
	size_t size, i;

	OK(RX(PROMISC, 0));
	OK(TABLE(make_table(table, unicast, 1, multicast, 1)));

	size = make_table(table, outside, 2, outside, 2);
	for (i = 1; i < size; i++)
		REFUSED(TABLE(i));
	REFUSED(TABLE(0));
	REFUSED(TABLE(size + 1));
	REFUSED(TABLE(size + ETH_ALEN));
	for (i = 0; i < ARRAY_SIZE(huge); i++) {
		size = make_table(table, outside, 2, outside, 2);
		memcpy(table, &huge[i], sizeof(huge[i]));
		REFUSED(TABLE(size));
		size = make_table(table, outside, 2, outside, 2);
		memcpy(table + 16, &huge[i], sizeof(huge[i]));
		REFUSED(TABLE(size));
	}

	EXPECT_TRUE(receives(self, unicast));
	EXPECT_TRUE(receives(self, multicast));
	EXPECT_FALSE(receives(self, outside));
	EXPECT_FALSE(vnet_needs_reset(&self->net));
}

TEST_F(ctrl, mac_address)
{
	OK(RX(PROMISC, 0));
	OK(CTRL(MAC, MAC_ADDR_SET, &unicast));
	frame_make(frame, LEN, self->dev.mac, outside, 1);
	EXPECT_FALSE(receives_frame(self, unicast));
	frame_make(frame, LEN, unicast, outside, 1);
	EXPECT_TRUE(receives_frame(self, broadcast));
	REFUSED(CTRL(MAC, MAC_ADDR_SET, &multicast));
	EXPECT_TRUE(receives_frame(self, broadcast));
}

TEST_F(ctrl, vlans)
{
	const uint16_t first = 1, seven = 7, last = 4095, none = 4096;
	uint16_t id;

	OK(RX(PROMISC, 0));
	EXPECT_FALSE(receives_vlan(self, seven));
	/* A priority only: that is no VLAN. */
	EXPECT_TRUE(receives_vlan(self, 5 << 13));

	OK(CTRL(VLAN, VLAN_ADD, &seven));
	OK(CTRL(VLAN, VLAN_ADD, &seven));
	OK(CTRL(VLAN, VLAN_ADD, &last));
	EXPECT_TRUE(receives_vlan(self, seven));
	EXPECT_TRUE(receives_vlan(self, 3 << 13 | seven));
	EXPECT_TRUE(receives_vlan(self, last));
	EXPECT_FALSE(receives_vlan(self, first));
	REFUSED(CTRL(VLAN, VLAN_ADD, &none));
	REFUSED(CTRL(VLAN, VLAN_DEL, &none));

	OK(CTRL(VLAN, VLAN_DEL, &seven));
	OK(CTRL(VLAN, VLAN_DEL, &seven));
	EXPECT_FALSE(receives_vlan(self, seven));
	EXPECT_TRUE(receives_vlan(self, last));
	for (id = 0; id < 4096; id += 2)
		ASSERT_EQ(CTRL(VLAN, VLAN_ADD, &id), VIRTIO_NET_OK);
	EXPECT_TRUE(receives_vlan(self, 1234));
}

/* Without the feature tagged frames are like any other. */
TEST_F(ctrl, vlans_not_negotiated)
{
	const uint16_t seven = 7;

	self->net.cfg.features = ~FEATURE(NET_F_CTRL_VLAN);
	vnet_restart(&self->net);
	vnet_rx_fill(&self->net, 0, -1, VNET_SLOT);
	OK(RX(PROMISC, 0));
	EXPECT_TRUE(receives_vlan(self, seven));
	REFUSED(CTRL(VLAN, VLAN_ADD, &seven));
	EXPECT_FALSE(receives(self, unicast));
}

#define CMD(class, cmd, size) \
	VIRTIO_NET_CTRL_##class, VIRTIO_NET_CTRL_##cmd, size

/* Commands of one size, and data that the device accepts. */
static const struct {
	uint8_t class, cmd;
	size_t size;
	unsigned char data[16];
} commands[] = {
	{ CMD(RX, RX_PROMISC, 1), { 1 } },
	{ CMD(RX, RX_ALLMULTI, 1), { 1 } },
	{ CMD(RX, RX_ALLUNI, 1), { 1 } },
	{ CMD(RX, RX_NOMULTI, 1), { 0 } },
	{ CMD(RX, RX_NOUNI, 1), { 0 } },
	{ CMD(RX, RX_NOBCAST, 1), { 0 } },
	{ CMD(MAC, MAC_TABLE_SET, 8), { 0 } },
	{ CMD(MAC, MAC_ADDR_SET, 6), { 2, 0, 0, 0, 0, 1 } },
	{ CMD(VLAN, VLAN_ADD, 2), { 1 } },
	{ CMD(VLAN, VLAN_DEL, 2), { 1 } },
	{ CMD(ANNOUNCE, ANNOUNCE_ACK, 0) },
	{ CMD(MQ, MQ_VQ_PAIRS_SET, 2), { 1 } },
	{ CMD(GUEST_OFFLOADS, GUEST_OFFLOADS_SET, 8) },
	{ CMD(NOTF_COAL, NOTF_COAL_TX_SET, 8), { 1 } },
	{ CMD(NOTF_COAL, NOTF_COAL_RX_SET, 8), { 1 } },
	{ CMD(NOTF_COAL, NOTF_COAL_VQ_SET, 12), { 0 } },
};

TEST_F(ctrl, sizes)
{
	struct vnet *n = &self->net;
	unsigned int i;
	size_t size;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		for (size = 0; size <= sizeof(commands[i].data); size++) {
			int ack = vnet_ctrl(n, commands[i].class,
					    commands[i].cmd, commands[i].data,
					    size);

			EXPECT_EQ(ack, size == commands[i].size ? VIRTIO_NET_OK :
								  VIRTIO_NET_ERR) {
				TH_LOG("class %u command %u, %zu bytes",
				       commands[i].class, commands[i].cmd, size);
			}
		}
	}
	EXPECT_FALSE(vnet_needs_reset(n));
}

/* Every bit of the receive modes' byte but the lowest means nothing. */
TEST_F(ctrl, values)
{
	uint8_t cmd, value;

	for (cmd = VIRTIO_NET_CTRL_RX_PROMISC;
	     cmd <= VIRTIO_NET_CTRL_RX_NOBCAST; cmd++)
		for (value = 2; value; value = value < 128 ? value * 2 : 0)
			REFUSED(vnet_ctrl(&self->net, VIRTIO_NET_CTRL_RX, cmd,
					  &value, sizeof(value)));
	value = 1;
	REFUSED(vnet_ctrl(&self->net, VIRTIO_NET_CTRL_RX,
			  VIRTIO_NET_CTRL_RX_NOBCAST + 1, &value, 1));
	check_default_filter(self, _metadata);
}

/* A driver that negotiated nothing of it gets no command through. */
TEST_F(ctrl, not_negotiated)
{
	unsigned int i;

	self->net.cfg.features = FEATURE(F_VERSION_1) |
				 FEATURE(F_ACCESS_PLATFORM) |
				 FEATURE(NET_F_MRG_RXBUF) |
				 FEATURE(NET_F_CTRL_VQ);
	vnet_restart(&self->net);
	vnet_rx_fill(&self->net, 0, -1, VNET_SLOT);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		REFUSED(vnet_ctrl(&self->net, commands[i].class,
				  commands[i].cmd, commands[i].data,
				  commands[i].size));
	check_default_filter(self, _metadata);
}

TEST_F(ctrl, reset_forgets)
{
	const uint16_t seven = 7;
	unsigned char mac[ETH_ALEN];

	OK(RX(PROMISC, 0));
	OK(RX(NOBCAST, 1));
	OK(RX(ALLUNI, 1));
	OK(CTRL(MAC, MAC_ADDR_SET, &unicast));
	OK(CTRL(VLAN, VLAN_ADD, &seven));
	OK(TABLE(make_table(table, unicast, 1, multicast, 255)));
	vnet_restart(&self->net);
	vnet_rx_fill(&self->net, 0, -1, VNET_SLOT);

	vv_get_config(&self->net.vv, 0, mac, sizeof(mac));
	EXPECT_EQ(memcmp(mac, self->dev.mac, sizeof(mac)), 0);
	check_default_filter(self, _metadata);
	OK(RX(PROMISC, 0));
	check_strict_filter(self, _metadata);
}

/* A suspend keeps it all, as the device itself does not change. */
TEST_F(ctrl, suspend_remembers)
{
	const uint16_t seven = 7;

	OK(RX(PROMISC, 0));
	OK(CTRL(VLAN, VLAN_ADD, &seven));
	OK(TABLE(make_table(table, unicast, 1, NULL, 0)));
	vv_suspend(&self->net.vv);
	vv_resume(&self->net.vv);
	EXPECT_TRUE(receives(self, unicast));
	EXPECT_FALSE(receives(self, multicast));
	EXPECT_TRUE(receives_vlan(self, seven));
	EXPECT_FALSE(receives_vlan(self, 8));
}

/* Frames that wait when the filter closes are not the guest's any more. */
TEST_F(ctrl, acknowledged_is_done)
{
	unsigned int i;

	for (i = 0; i < 20; i++) {
		uint16_t used;

		OK(RX(PROMISC, 1));
		EXPECT_TRUE(receives(self, unicast));
		OK(RX(PROMISC, 0));
		used = vq_used_idx(vnet_rxq(&self->net, 0));
		frame_make(frame, LEN, unicast, outside, i);
		peer_send(&self->peer, NULL, frame, LEN);
		EXPECT_FALSE(receives(self, unicast));
		EXPECT_EQ((uint16_t)(vq_used_idx(vnet_rxq(&self->net, 0)) - used),
			  1);
	}
}

/* Until a TCP frame of @payload bytes arrives in pieces, or in one. */
static bool arrives(FIXTURE_DATA(ctrl) *self, struct peer *p, bool whole)
{
	const struct virtio_net_hdr hdr = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = FRAME_TCP_HDR,
		.gso_size = 1000,
		.csum_start = 34,
		.csum_offset = 16,
	};
	struct virtio_net_hdr_mrg_rxbuf seen;
	size_t size;
	int len;

	size = frame_make_tcp(frame, self->dev.mac, outside, 1800, 1);
	peer_send(p, &hdr, frame, size);
	do {
		len = __vnet_rx(&self->net, 0, ETH_P_IP, &seen, got,
				sizeof(got), 200);
		vnet_rx_fill(&self->net, 0, -1, VNET_SLOT);
		if (len == (whole ? (int)size : FRAME_TCP_HDR + 1000))
			return whole == !!(seen.hdr.flags &
					   VIRTIO_NET_HDR_F_NEEDS_CSUM);
	} while (len > 0);
	return false;
}

TEST_F(ctrl, guest_offloads)
{
	const uint64_t guest = FEATURE(NET_F_GUEST_CSUM) |
			       FEATURE(NET_F_GUEST_TSO4) |
			       FEATURE(NET_F_GUEST_TSO6) |
			       FEATURE(NET_F_GUEST_ECN);
	uint64_t now = self->net.features & guest, bit;
	struct peer p;

	peer_open(&p, self->dev.netdev, true);
	EXPECT_TRUE(WAIT_UNTIL(arrives(self, &p, true), 2000));
	OK(CTRL(GUEST_OFFLOADS, GUEST_OFFLOADS_SET, &now));
	EXPECT_TRUE(arrives(self, &p, true));

	for (bit = 1; bit; bit <<= 1) {
		uint64_t wrong = bit | now;

		if (!(guest & bit))
			REFUSED(CTRL(GUEST_OFFLOADS, GUEST_OFFLOADS_SET, &wrong));
	}
	EXPECT_TRUE(arrives(self, &p, true));

	/* The host interface is told a little later. */
	now = 0;
	OK(CTRL(GUEST_OFFLOADS, GUEST_OFFLOADS_SET, &now));
	EXPECT_TRUE(WAIT_UNTIL(arrives(self, &p, false), 2000));
	now = guest;
	OK(CTRL(GUEST_OFFLOADS, GUEST_OFFLOADS_SET, &now));
	EXPECT_TRUE(WAIT_UNTIL(arrives(self, &p, true), 2000));

	now = 0;
	OK(CTRL(GUEST_OFFLOADS, GUEST_OFFLOADS_SET, &now));
	vnet_restart(&self->net);
	vnet_rx_fill(&self->net, 0, -1, VNET_SLOT);
	EXPECT_TRUE(WAIT_UNTIL(arrives(self, &p, true), 2000));
	peer_close(&p);
}

static bool announce_is_set(struct vnet *n)
{
	uint16_t status;

	vv_get_config(&n->vv, offsetof(struct virtio_net_config, status),
		      &status, sizeof(status));
	return status & VIRTIO_NET_S_ANNOUNCE;
}

/* The VMM of a guest that arrived sets the bit; the guest is told, and done. */
TEST_F(ctrl, announce)
{
	const uint16_t wanted = VIRTIO_NET_S_ANNOUNCE;
	const uint32_t at = offsetof(struct virtio_net_config, status);
	struct vnet *n = &self->net;
	uint64_t told = 0;
	int fd = eventfd(0, EFD_NONBLOCK);

	CHECK_OK(__vv_set_config_call(&n->vv, fd));
	vv_set_config(&n->vv, at, &wanted, sizeof(wanted));
	EXPECT_TRUE(announce_is_set(n));
	EXPECT_TRUE(WAIT_UNTIL(read(fd, &told, sizeof(told)) > 0, 1000));
	OK(vnet_ctrl(n, VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK,
		     NULL, 0));
	EXPECT_FALSE(announce_is_set(n));

	vv_set_config(&n->vv, at, &wanted, sizeof(wanted));
	EXPECT_TRUE(announce_is_set(n));
	vnet_restart(n);
	EXPECT_FALSE(announce_is_set(n));
	close(fd);
}

/* A command in @n readable pieces of @piece bytes, the rest in the last. */
static int in_pieces(struct vnet *n, const unsigned char *cmd, size_t len,
		     size_t piece, unsigned int empty)
{
	struct vq *q = &n->vq[n->nvqs];
	unsigned char *buf = n->ctrl;
	struct vq_seg seg[64];
	unsigned int nr = 0;
	size_t at;

	memcpy(buf, cmd, len);
	buf[len] = 0xff;
	for (at = 0; at < len; at += piece) {
		seg[nr++] = (struct vq_seg){
			.p = buf + at,
			.len = len - at < piece ? len - at : piece,
		};
		if (nr == empty)
			seg[nr++] = (struct vq_seg){ .p = buf, .len = 0 };
	}
	seg[nr++] = (struct vq_seg){ .p = buf, .len = 0, .in = true };
	seg[nr++] = (struct vq_seg){ .p = buf + len, .len = 1, .in = true };
	vq_add(q, seg, nr);
	vq_notify(q);
	vq_wait_used(q, NULL, 2000);
	return buf[len];
}

TEST_F(ctrl, in_any_pieces)
{
	unsigned char cmd[2 + 40] = { VIRTIO_NET_CTRL_MAC,
				      VIRTIO_NET_CTRL_MAC_TABLE_SET };
	size_t len = 2 + make_table(cmd + 2, unicast, 2, multicast, 1);
	size_t piece;

	OK(RX(PROMISC, 0));
	for (piece = 1; piece <= 7; piece++) {
		OK(TABLE(make_table(table, NULL, 0, NULL, 0)));
		EXPECT_FALSE(receives(self, unicast));
		OK(in_pieces(&self->net, cmd, len, piece, piece));
		EXPECT_TRUE(receives(self, unicast));
		EXPECT_TRUE(receives(self, multicast));
	}
	REFUSED(in_pieces(&self->net, cmd, 1, 1, 0));
	EXPECT_TRUE(receives(self, unicast));
}

/* A command as long as the guest has memory: refused, whatever it says. */
TEST_F(ctrl, too_long)
{
	const uint32_t most = (65536 - 8) / ETH_ALEN;
	struct vnet *n = &self->net;
	struct vq *q = &n->vq[n->nvqs];
	struct virtio_net_ctrl_hdr *hdr = (void *)n->ctrl;
	unsigned char *list = gmem_alloc(q->mem, 1 << 17, GMEM_PAGE);
	unsigned char *ack = n->ctrl + 64;
	struct vq_seg seg[] = {
		{ .p = hdr, .len = sizeof(*hdr) },
		{ .p = list, .len = 8 + most * ETH_ALEN },
		{ .p = ack, .len = 1, .in = true },
	};

	OK(RX(PROMISC, 0));
	hdr->class = VIRTIO_NET_CTRL_MAC;
	hdr->cmd = VIRTIO_NET_CTRL_MAC_TABLE_SET;
	memcpy(list, &most, sizeof(most));
	vq_add(q, seg, 3);
	vq_notify(q);
	vq_wait_used(q, NULL, 2000);
	OK(*ack);
	EXPECT_TRUE(receives(self, unicast));

	seg[1].len += ETH_ALEN;
	memset(list, 0, 4);
	vq_add(q, seg, 3);
	vq_notify(q);
	vq_wait_used(q, NULL, 2000);
	REFUSED(*ack);
	EXPECT_TRUE(receives(self, unicast));
}

static bool stop_scribbling;

static void *scribble(void *arg)
{
	uint32_t value = 1;

	while (!__atomic_load_n(&stop_scribbling, __ATOMIC_RELAXED)) {
		__atomic_store_n((uint32_t *)arg, value, __ATOMIC_RELAXED);
		value = value * 1664525 + 1013904223;
	}
	return NULL;
}

/* The guest changes a command while it is read: any answer, and no harm. */
TEST_F(ctrl, changes_while_read)
{
	struct vnet *n = &self->net;
	unsigned int i, refused = 0;
	pthread_t thread;

	/* The data lies 64 bytes into the page. */
	ASSERT_EQ(pthread_create(&thread, NULL, scribble, n->ctrl + 64), 0);
	for (i = 0; i < 500; i++) {
		size_t size = make_table(table, unicast, i % 8, multicast, i % 5);
		int ack = TABLE(size);

		ASSERT_TRUE(ack == VIRTIO_NET_OK || ack == VIRTIO_NET_ERR);
		refused += ack == VIRTIO_NET_ERR;
	}
	__atomic_store_n(&stop_scribbling, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	TH_LOG("%u of %u refused", refused, i);
	EXPECT_FALSE(vnet_needs_reset(n));
	OK(RX(PROMISC, 1));
	check_default_filter(self, _metadata);
}

/* No room for the answer: the guest cannot be told, so nothing is done. */
TEST_F(ctrl, no_room_for_answer)
{
	struct vnet *n = &self->net;
	struct vq *q = &n->vq[n->nvqs];
	struct vq_seg seg = { .p = n->ctrl, .len = 2 + ETH_ALEN };
	unsigned char mac[ETH_ALEN];

	n->ctrl[0] = VIRTIO_NET_CTRL_MAC;
	n->ctrl[1] = VIRTIO_NET_CTRL_MAC_ADDR_SET;
	memcpy(n->ctrl + 2, unicast, ETH_ALEN);
	vq_add(q, &seg, 1);
	vq_notify(q);
	EXPECT_TRUE(WAIT_UNTIL(vnet_needs_reset(n), 2000));
	vv_get_config(&n->vv, 0, mac, sizeof(mac));
	EXPECT_EQ(memcmp(mac, self->dev.mac, sizeof(mac)), 0);
}

/* What QEMU's shadow virtqueues cannot take is not offered unasked. */
TEST(default_profile)
{
	const uint64_t qemu = 0xf20000000cdfffafull |
			      FEATURE(RING_F_EVENT_IDX) |
			      FEATURE(F_VERSION_1) | FEATURE(F_ACCESS_PLATFORM);
	const uint64_t wanted = FEATURE(NET_F_CTRL_RX) |
				FEATURE(NET_F_CTRL_RX_EXTRA) |
				FEATURE(NET_F_CTRL_VLAN) |
				FEATURE(NET_F_CTRL_MAC_ADDR) |
				FEATURE(NET_F_CTRL_GUEST_OFFLOADS) |
				FEATURE(NET_F_MQ);
	struct virtio_net_config config;
	struct vhost_vdpa vv;
	struct vdev dev;

	SKIP_IF_NO_DEVICE();
	vdev_add(&dev, "vtctrl1", PAIRS, "");
	vv_open(&vv, dev.node);
	EXPECT_EQ(vv_get_features(&vv) & ~qemu, 0);
	EXPECT_EQ(vv_get_features(&vv) & wanted, wanted);
	vv_get_config(&vv, 0, &config, sizeof(config));
	EXPECT_EQ(config.rss_max_key_size, 0);
	EXPECT_EQ(config.rss_max_indirection_table_length, 0);
	EXPECT_EQ(config.supported_hash_types, 0);
	vv_close(&vv);
	vdev_del(&dev);
}

TEST_HARNESS_MAIN
