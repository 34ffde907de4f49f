// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that breaks the rules gets its queue stopped, NEEDS_RESET and one
 * line in the log. Its other queues and other devices go on, and a reset makes
 * it whole again.
 */
#include <sys/mman.h>

#include "vdpatest.h"

#define PAIRS	2
#define LOG_WINDOW_US	5000000	/* the log takes 10 lines of a kind in it */
#define LIMIT_MS	550

static const unsigned char outside[ETH_ALEN] = { 2, 0, 0, 0, 0, 9 };
static unsigned char frame[1514], got[2048];

/* When the last attack was, for all tests: each runs in its own process. */
static uint64_t *last_attack;

static void __attribute__((constructor)) share_last_attack(void)
{
	last_attack = mmap(NULL, GMEM_PAGE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* Else the kernel's rate limit would swallow the line that is looked for. */
static void wait_for_log_quota(void)
{
	while (now_us() < *last_attack + LIMIT_MS * 1000)
		pause_us(1000);
	*last_attack = now_us();
}

/* The guest's last page: unmapped for the device, or mapped for reading. */
static unsigned char *page;

FIXTURE(hostile) {
	struct vdev dev;
	struct vdev other_dev;
	struct vnet net;
	struct vnet other;
	struct peer peer;
	struct peer other_peer;
	struct klog log;
};

/* @attack posts to the queue and publishes; its answer is the queue's number. */
FIXTURE_VARIANT(hostile) {
	struct vq *(*attack)(struct vnet *n);
	bool indirect;
	bool packed;
	uint8_t page_perm;
	bool needs_frame;
};

static void set_desc(struct vring_desc *d, uint64_t addr, uint32_t len,
		     uint16_t flags, uint16_t next)
{
	d->addr = addr;
	d->len = len;
	d->flags = flags;
	d->next = next;
}

/* In a packed ring the next slots, of which the first has the flags last. */
static void set_slot(struct vring_packed_desc *d, uint64_t addr, uint32_t len,
		     uint16_t flags)
{
	d->addr = addr;
	d->len = len;
	d->id = 0;
	__atomic_store_n(&d->flags, flags, __ATOMIC_RELEASE);
}

/* Descriptor @i of what is posted next. */
static void set_ring(struct vq *q, unsigned int i, uint64_t addr, uint32_t len,
		     uint16_t flags, uint16_t next)
{
	uint16_t at = q->avail_idx + i;

	if (!q->layout.packed)
		set_desc(&q->desc[i], addr, len, flags, next);
	else
		set_slot(&q->slot[at % q->num], addr, len,
			 flags | (i ? vq_avail_flags(q, at) :
				  vq_used_flags(q, at + q->num)));
}

static uint64_t buffer(struct vnet *n, struct vq *q)
{
	return gmem_iova(&n->mem, n->slots[q->idx]);
}

static uint64_t page_iova(struct vnet *n)
{
	return gmem_iova(&n->mem, page);
}

static struct vq *post(struct vq *q, uint16_t head)
{
	uint16_t at = q->avail_idx;

	if (!q->layout.packed) {
		vq_offer(q, head);
		vq_publish(q);
	} else {
		q->slot[at % q->num].flags ^= vq_used_flags(q, at + q->num) ^
					      vq_avail_flags(q, at);
	}
	return q;
}

static struct vq *idx_ahead(struct vnet *n)
{
	struct vq *q = vnet_txq(n, 0);

	q->avail_idx += q->num + 1;
	vq_publish(q);
	return q;
}

static struct vq *idx_back(struct vnet *n)
{
	struct vq *q = vnet_txq(n, 0);

	frame_make(frame, 100, outside, outside, 1);
	vnet_tx(n, 0, NULL, frame, 100);
	q->avail_idx--;
	vq_publish(q);
	return q;
}

static struct vq *head_outside(struct vnet *n)
{
	struct vq *q = vnet_txq(n, 0);

	return post(q, q->num);
}

static struct vq *head_far_outside(struct vnet *n)
{
	return post(vnet_txq(n, 0), 0xffff);
}

static struct vq *next_outside(struct vnet *n)
{
	struct vq *q = vnet_txq(n, 0);

	set_ring(q, 0, buffer(n, q), 64, VRING_DESC_F_NEXT, q->num);
	return post(q, 0);
}

static struct vq *loop_of_one(struct vnet *n)
{
	struct vq *q = vnet_txq(n, 0);

	set_ring(q, 0, buffer(n, q), 64, VRING_DESC_F_NEXT, 0);
	return post(q, 0);
}

static struct vq *loop_of_all(struct vnet *n)
{
	struct vq *q = vnet_txq(n, 0);
	unsigned int i;

	for (i = 0; i < q->num; i++)
		set_ring(q, i, buffer(n, q), 1, VRING_DESC_F_NEXT,
			 (i + 1) % q->num);
	return post(q, 0);
}

static struct vq *unmapped(struct vnet *n)
{
	struct vq *q = vnet_txq(n, 0);

	set_ring(q, 0, page_iova(n), 100, 0, 0);
	return post(q, 0);
}

static struct vq *far_away(struct vnet *n)
{
	struct vq *q = vnet_txq(n, 0);

	set_ring(q, 0, 0xffff800000000000ull, 100, 0, 0);
	return post(q, 0);
}

/* Begins in mapped memory, ends outside. */
static struct vq *over_the_edge(struct vnet *n)
{
	struct vq *q = vnet_txq(n, 0);

	set_ring(q, 0, page_iova(n) - 50, 100, 0, 0);
	return post(q, 0);
}

static struct vq *address_wraps(struct vnet *n)
{
	struct vq *q = vnet_txq(n, 0);

	set_ring(q, 0, ~0ull - 10, 100, 0, 0);
	return post(q, 0);
}

static struct vq *length_wraps(struct vnet *n)
{
	struct vq *q = vnet_txq(n, 0);

	set_ring(q, 0, buffer(n, q), 0xffffffff, VRING_DESC_F_NEXT, 1);
	set_ring(q, 1, buffer(n, q), 0xffffffff, 0, 0);
	return post(q, 0);
}

static struct vq *readable_after_writable(struct vnet *n)
{
	struct vq *q = vnet_txq(n, 0);

	set_ring(q, 0, buffer(n, q), 64,
		 VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 1);
	set_ring(q, 1, buffer(n, q), 64, 0, 0);
	return post(q, 0);
}

static struct vq *indirect_not_negotiated(struct vnet *n)
{
	struct vq *q = vnet_txq(n, 0);

	set_ring(q, 0, buffer(n, q), 32, VRING_DESC_F_INDIRECT, 0);
	return post(q, 0);
}

static struct vring_desc *table(struct vnet *n)
{
	return (void *)n->slots[vnet_txq(n, 1)->idx];
}

/* A head that points to the table, said to be @len bytes long. */
static struct vq *post_table(struct vnet *n, uint32_t len, uint16_t flags)
{
	struct vq *q = vnet_txq(n, 0);

	set_ring(q, 0, gmem_iova(&n->mem, table(n)), len,
		 VRING_DESC_F_INDIRECT | flags, 1);
	return post(q, 0);
}

static struct vq *indirect_odd_length(struct vnet *n)
{
	set_desc(table(n), buffer(n, vnet_txq(n, 0)), 64, 0, 0);
	return post_table(n, 17, 0);
}

static struct vq *indirect_empty(struct vnet *n)
{
	return post_table(n, 0, 0);
}

static struct vq *indirect_huge(struct vnet *n)
{
	return post_table(n, 0xfffffff0, 0);
}

static struct vq *indirect_overlong(struct vnet *n)
{
	struct vq *q = vnet_txq(n, 0);
	unsigned int i;

	for (i = 0; i <= q->num; i++)
		set_desc(&table(n)[i], buffer(n, q), 1,
			 i < q->num ? VRING_DESC_F_NEXT : 0, i + 1);
	return post_table(n, (q->num + 1) * sizeof(struct vring_desc), 0);
}

static struct vq *indirect_loop(struct vnet *n)
{
	set_desc(table(n), buffer(n, vnet_txq(n, 0)), 64, VRING_DESC_F_NEXT, 0);
	return post_table(n, sizeof(struct vring_desc), 0);
}

static struct vq *indirect_nested(struct vnet *n)
{
	set_desc(table(n), gmem_iova(&n->mem, table(n)), 16,
		 VRING_DESC_F_INDIRECT, 0);
	return post_table(n, sizeof(struct vring_desc), 0);
}

static struct vq *indirect_next_outside(struct vnet *n)
{
	set_desc(table(n), buffer(n, vnet_txq(n, 0)), 64, VRING_DESC_F_NEXT, 1);
	return post_table(n, sizeof(struct vring_desc), 0);
}

static struct vq *indirect_and_next(struct vnet *n)
{
	struct vq *q = vnet_txq(n, 0);

	set_desc(table(n), buffer(n, q), 64, 0, 0);
	set_ring(q, 1, buffer(n, q), 64, 0, 0);
	return post_table(n, sizeof(struct vring_desc), VRING_DESC_F_NEXT);
}

static struct vq *indirect_unmapped(struct vnet *n)
{
	struct vq *q = vnet_txq(n, 0);

	set_ring(q, 0, page_iova(n), 16, VRING_DESC_F_INDIRECT, 0);
	return post(q, 0);
}

/* Packed rings have no table in a list. */
static struct vq *indirect_behind_next(struct vnet *n)
{
	struct vq *q = vnet_txq(n, 0);

	set_desc(table(n), buffer(n, q), 64, 0, 0);
	set_ring(q, 0, buffer(n, q), 64, VRING_DESC_F_NEXT, 1);
	set_ring(q, 1, gmem_iova(&n->mem, table(n)), 16, VRING_DESC_F_INDIRECT, 0);
	return post(q, 0);
}

/* The page is there, or mapped for reading only: nothing to receive into. */
static struct vq *rx_page(struct vnet *n)
{
	struct vq *q = vnet_rxq(n, 0);

	set_ring(q, 0, page_iova(n), VNET_SLOT, VRING_DESC_F_WRITE, 0);
	post(q, 0);
	return q;
}

static struct vq *rx_readable(struct vnet *n)
{
	struct vq *q = vnet_rxq(n, 0);

	set_ring(q, 0, buffer(n, q), VNET_SLOT, 0, 0);
	return post(q, 0);
}

static struct vq *rx_idx_ahead(struct vnet *n)
{
	struct vq *q = vnet_rxq(n, 0);

	q->avail_idx += q->num + 1;
	vq_publish(q);
	return q;
}

static struct vq *ctrl_unmapped(struct vnet *n)
{
	struct vq *q = &n->vq[n->nvqs];

	set_ring(q, 0, page_iova(n), 64, VRING_DESC_F_NEXT, 1);
	set_ring(q, 1, buffer(n, vnet_txq(n, 0)), 1, VRING_DESC_F_WRITE,
		 0);
	return post(q, 0);
}

#define ATTACK(name, ...) \
	FIXTURE_VARIANT_ADD(hostile, name) { .attack = name, ##__VA_ARGS__ }

ATTACK(idx_ahead);
ATTACK(idx_back);
ATTACK(head_outside);
ATTACK(head_far_outside);
ATTACK(next_outside);
ATTACK(loop_of_one);
ATTACK(loop_of_all);
ATTACK(unmapped);
ATTACK(far_away);
ATTACK(over_the_edge);
ATTACK(address_wraps);
ATTACK(length_wraps);
ATTACK(readable_after_writable);
ATTACK(indirect_not_negotiated);
ATTACK(indirect_odd_length, .indirect = true);
ATTACK(indirect_empty, .indirect = true);
ATTACK(indirect_huge, .indirect = true);
ATTACK(indirect_overlong, .indirect = true);
ATTACK(indirect_loop, .indirect = true);
ATTACK(indirect_nested, .indirect = true);
ATTACK(indirect_next_outside, .indirect = true);
ATTACK(indirect_and_next, .indirect = true);
ATTACK(indirect_unmapped, .indirect = true);
ATTACK(rx_readable, .needs_frame = true);
ATTACK(rx_idx_ahead, .needs_frame = true);
ATTACK(ctrl_unmapped);

#define PACKED(name, ...) \
	FIXTURE_VARIANT_ADD(hostile, packed_##name) \
		{ .attack = name, .packed = true, ##__VA_ARGS__ }

PACKED(loop_of_all);
PACKED(unmapped);
PACKED(address_wraps);
PACKED(length_wraps);
PACKED(readable_after_writable);
PACKED(indirect_not_negotiated);
PACKED(indirect_odd_length, .indirect = true);
PACKED(indirect_overlong, .indirect = true);
PACKED(indirect_and_next, .indirect = true);
PACKED(indirect_behind_next, .indirect = true);
PACKED(indirect_unmapped, .indirect = true);
PACKED(rx_readable, .needs_frame = true);
PACKED(ctrl_unmapped);

FIXTURE_VARIANT_ADD(hostile, rx_unmapped) {
	.attack = rx_page,
	.needs_frame = true,
};

FIXTURE_VARIANT_ADD(hostile, rx_read_only) {
	.attack = rx_page,
	.page_perm = VHOST_ACCESS_RO,
	.needs_frame = true,
};

FIXTURE_VARIANT_ADD(hostile, tx_write_only) {
	.attack = unmapped,
	.page_perm = VHOST_ACCESS_WO,
};

/* All guest memory but the last page, which the variant decides about. */
static void map_memory(struct vnet *n, uint8_t page_perm)
{
	struct gmem *m = &n->mem;

	page = (unsigned char *)m->hva + m->size - GMEM_PAGE;
	vv_map(&n->vv, 0, m->iova, m->size - GMEM_PAGE, m->hva,
	       VHOST_ACCESS_RW);
	if (page_perm)
		vv_map(&n->vv, 0, page_iova(n), GMEM_PAGE, page, page_perm);
}

FIXTURE_SETUP(hostile)
{
	struct vnet_cfg cfg = { .pairs = PAIRS }, one = { 0 };
	struct vnet *n = &self->net;

	SKIP_IF_NO_DEVICE();
	vnet_add_device(&self->dev, "vthostile0", PAIRS,
			(variant->indirect ? FEATURE(RING_F_INDIRECT_DESC) : 0) |
			(variant->packed ? FEATURE(F_RING_PACKED) : 0));
	vdev_add(&self->other_dev, "vthostile1", 1, "");
	peer_open(&self->peer, self->dev.netdev, false);
	peer_open(&self->other_peer, self->other_dev.netdev, false);

	vnet_open(n, self->dev.node, &cfg);
	vnet_negotiate(n);
	vnet_rings(n);
	map_memory(n, variant->page_perm);
	vnet_driver_ok(n);
	vnet_enable(n);
	vnet_start(&self->other, self->other_dev.node, &one);
	ASSERT_TRUE(WAIT_UNTIL(vdev_carrier(&self->dev), 500));
	klog_open(&self->log);
}

FIXTURE_TEARDOWN(hostile)
{
	vnet_close(&self->net);
	vnet_close(&self->other);
	peer_close(&self->peer);
	peer_close(&self->other_peer);
	vdev_del(&self->dev);
	vdev_del(&self->other_dev);
	klog_close(&self->log);
}

static void check_tx(struct vnet *n, struct peer *peer, unsigned int pair)
{
	int len;

	peer_drain(peer);
	frame_make(frame, 1000, outside, outside, 50 + pair);
	vnet_tx(n, pair, NULL, frame, 1000);
	len = peer_recv(peer, FRAME_TYPE, NULL, got, sizeof(got), 1000);
	CHECK(len == 1000 && frame_intact(got, len), "%d bytes", len);
}

/* Post, kick and, for a receive queue, send: the queue under attack. */
static struct vq *run_attack(FIXTURE_DATA(hostile) *self,
			     const FIXTURE_VARIANT(hostile) *variant)
{
	struct vq *q;

	wait_for_log_quota();
	q = variant->attack(&self->net);
	vq_kick(q);
	if (variant->needs_frame) {
		frame_make(frame, 500, self->dev.mac, outside, 1);
		peer_send(&self->peer, NULL, frame, 500);
	}
	return q;
}

TEST_F(hostile, queue_stops_and_the_rest_goes_on)
{
	struct vnet *n = &self->net;
	uint16_t used;
	struct vq *q;

	/* What the guest sends on pair 0 it is to receive on pair 0. */
	if (variant->needs_frame)
		check_tx(n, &self->peer, 0);
	q = run_attack(self, variant);
	ASSERT_TRUE(WAIT_UNTIL(vnet_needs_reset(n), 2000));

	check_tx(n, &self->peer, 1);
	check_tx(&self->other, &self->other_peer, 0);
	EXPECT_FALSE(vnet_needs_reset(&self->other));

	/* However often it kicks, the queue stays where it is. */
	used = vq_used_idx(q);
	vq_kick(q);
	EXPECT_FALSE(WAIT_UNTIL(vq_used_idx(q) != used, 20));
	EXPECT_EQ(klog_count(&self->log, self->dev.name), 1);
	EXPECT_EQ(klog_count(&self->log, self->other_dev.name), 0);

	vnet_restart(n);
	check_tx(n, &self->peer, 0);
	check_tx(n, &self->peer, 1);
	EXPECT_FALSE(vnet_needs_reset(n));
	EXPECT_EQ(klog_count(&self->log, self->dev.name), 0);
}

FIXTURE(hostile_ring) {
	struct vdev dev;
	struct vnet net;
	struct peer peer;
};

FIXTURE_SETUP(hostile_ring)
{
	struct vnet_cfg cfg = { 0 };

	SKIP_IF_NO_DEVICE();
	vdev_add(&self->dev, "vtring0", PAIRS, "");
	peer_open(&self->peer, self->dev.netdev, false);
	vnet_open(&self->net, self->dev.node, &cfg);
	vnet_negotiate(&self->net);
	vnet_rings(&self->net);
	wait_for_log_quota();
}

FIXTURE_TEARDOWN(hostile_ring)
{
	vnet_close(&self->net);
	peer_close(&self->peer);
	vdev_del(&self->dev);
}

/* Bring up, see it refuse, put right, see it work. */
static void check_refused(FIXTURE_DATA(hostile_ring) *self)
{
	struct vnet *n = &self->net;
	unsigned int i;

	vnet_driver_ok(n);
	for (i = 0; i < n->nvqs; i++)
		vv_set_vring_enable(&n->vv, i, 1);
	CHECK(WAIT_UNTIL(vnet_needs_reset(n), 1000), "it runs");
}

static void check_recovers(FIXTURE_DATA(hostile_ring) *self)
{
	vnet_restart(&self->net);
	check_tx(&self->net, &self->peer, 0);
}

TEST_F(hostile_ring, ring_is_not_mapped)
{
	check_refused(self);
	vnet_map(&self->net);
	check_recovers(self);
}

TEST_F(hostile_ring, used_ring_is_read_only)
{
	struct gmem *m = &self->net.mem;

	vv_map(&self->net.vv, 0, m->iova, m->size, m->hva, VHOST_ACCESS_RO);
	check_refused(self);
	vv_unmap(&self->net.vv, 0, m->iova, m->size);
	vnet_map(&self->net);
	check_recovers(self);
}

TEST_F(hostile_ring, ring_at_the_end_of_the_world)
{
	vnet_map(&self->net);
	/* A driver op that can fail refuses it, one that cannot never runs. */
	if (!__vv_set_vring_addr(&self->net.vv, 1, ~0ull - 255, ~0ull - 15,
				 ~0ull - 15))
		check_refused(self);
	check_recovers(self);
}

/* The ring goes away under a running queue. */
TEST_F(hostile_ring, ring_is_unmapped)
{
	struct gmem *m = &self->net.mem;

	vnet_map(&self->net);
	vnet_driver_ok(&self->net);
	vnet_enable(&self->net);
	check_tx(&self->net, &self->peer, 0);
	vv_unmap(&self->net.vv, 0, m->iova, m->size);
	EXPECT_TRUE(WAIT_UNTIL(vnet_needs_reset(&self->net), 1000));
	vnet_map(&self->net);
	check_recovers(self);
}

/* Ten a window, and one may have begun before @since. */
static int lines_allowed(uint64_t since)
{
	return 10 * (2 + (now_us() - since) / LOG_WINDOW_US);
}

/* Last, because it uses up what the log takes: the lines must be limited. */
TEST_F(hostile_ring, lines_are_limited)
{
	uint64_t since = now_us();
	uint64_t end = deadline(60000);
	struct klog log;
	int hits = 0;
	int lines;

	vnet_map(&self->net);
	klog_open(&log);
	while (hits <= lines_allowed(since) && now_us() < end) {
		vnet_restart(&self->net);
		vq_kick(head_outside(&self->net));
		ASSERT_TRUE(WAIT_UNTIL(vnet_needs_reset(&self->net), 1000));
		hits++;
	}
	TH_LOG("%d queues stopped in %u ms", hits,
	       (unsigned int)(now_us() - since) / 1000);
	ASSERT_GT(hits, lines_allowed(since));
	lines = klog_count(&log, self->dev.name);
	EXPECT_GE(lines, 1);
	EXPECT_LE(lines, lines_allowed(since));
	klog_close(&log);
}

TEST_HARNESS_MAIN
