// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device under full load that is stopped, moved and started again, over and
 * over: to rings in another address space and back, or to a second device that
 * goes on with the same rings. Numbered frames both ways tell what was lost,
 * came twice or out of order.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "vdpatest.h"

#define PAIRS		2
#define SHADOW_ASID	1
#define SHADOW_SIZE	(1u << 20)
#define FRAME_LEN	400
/*
 * Frames that are on their way, per flow. All of them fit a ring, for the device
 * drops what a guest that is slow for 100 ms has no room for.
 */
#define WINDOW		100
#define SEEN		4096	/* far more than that */
#define FLOW_SHIFT	28
#define ONE_MAC		"mac 52:54:00:00:00:77"

/* Each flow is a queue pair of the guest, and a sender outside. */
struct flow {
	uint32_t sent;
	uint32_t received;
	uint32_t reordered;
	uint32_t duplicated;
	uint32_t corrupted;
	uint32_t last[2];
	uint32_t seen[SEEN];
};

struct place {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
};

/*
 * @first: number of the first flow: what a killed process left behind in queues
 *	of the host is not ours
 * @guest_lock: the rings of @net, and @net->vv
 * @send_lock: the outside sender, and where @peer sends
 */
struct load {
	struct vnet net;
	struct gmem shadow;
	struct place place[2][2 * PAIRS];
	uint32_t asid;
	struct peer peer[2];
	unsigned int at;
	unsigned char mac[ETH_ALEN];
	unsigned int first;
	pthread_mutex_t guest_lock;
	pthread_mutex_t send_lock;
	pthread_t thread[3];
	bool sending;
	bool running;
	struct flow to_guest[PAIRS];
	struct flow from_guest[PAIRS];
};

static unsigned int flows(const struct load *l)
{
	return l->net.cfg.pairs;
}

static bool is_set(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static uint32_t count(const uint32_t *n)
{
	return __atomic_load_n(n, __ATOMIC_ACQUIRE);
}

static bool window_is_full(const struct flow *f)
{
	return f->sent - count(&f->received) >= WINDOW;
}

/* The next frame of a flow, which is not counted as sent yet. */
static void next_frame(const struct load *l, const struct flow *f,
		       unsigned int nr, unsigned char *frame)
{
	unsigned char other[ETH_ALEN] = { 2, 0, 0, 0, 1, nr };
	bool inbound = f == &l->to_guest[nr];

	frame_make(frame, FRAME_LEN, inbound ? l->mac : other,
		   inbound ? other : l->mac, (l->first + nr) << FLOW_SHIFT | f->sent);
}

/* In order means: on the queue, or the interface, it came through. */
static void take_frame(const struct load *l, struct flow *flow,
		       unsigned int way, const unsigned char *frame, size_t len)
{
	uint32_t seq, nr;

	if (!frame_ours(frame, len, &seq) ||
	    (seq >> FLOW_SHIFT) - l->first >= flows(l))
		return;
	flow += (seq >> FLOW_SHIFT) - l->first;
	nr = (seq & ((1u << FLOW_SHIFT) - 1)) + 1;
	flow->corrupted += len != FRAME_LEN || !frame_intact(frame, len);
	if (flow->seen[nr % SEEN] == nr) {
		flow->duplicated++;
		return;
	}
	flow->seen[nr % SEEN] = nr;
	flow->reordered += nr < flow->last[way];
	flow->last[way] = nr;
	__atomic_add_fetch(&flow->received, 1, __ATOMIC_RELEASE);
}

static void guest_transmit(struct load *l, unsigned int pair)
{
	struct vq *q = vnet_txq(&l->net, pair);
	struct flow *f = &l->from_guest[pair];
	unsigned char frame[FRAME_LEN];

	while (__vq_get_used(q, NULL) >= 0)
		;
	while (is_set(&l->sending) && q->nfree && !window_is_full(f)) {
		next_frame(l, f, pair, frame);
		vnet_tx_add(&l->net, pair, NULL, frame, sizeof(frame));
		f->sent++;
	}
	vq_notify(q);
}

static void guest_receive(struct load *l, unsigned int pair)
{
	struct vq *q = vnet_rxq(&l->net, pair);
	uint32_t len;
	int head;

	while ((head = __vq_get_used(q, &len)) >= 0)
		take_frame(l, l->to_guest, pair,
			   l->net.slots[q->idx] + head * VNET_SLOT + VNET_HDR,
			   len - VNET_HDR);
	vnet_rx_fill(&l->net, pair, ~0u, VNET_SLOT);
}

static void *guest_thread(void *arg)
{
	struct load *l = arg;
	unsigned int i;

	while (is_set(&l->running)) {
		pthread_mutex_lock(&l->guest_lock);
		for (i = 0; i < flows(l); i++) {
			guest_transmit(l, i);
			guest_receive(l, i);
		}
		pthread_mutex_unlock(&l->guest_lock);
		sched_yield();
	}
	return NULL;
}

static bool send_one(struct load *l, unsigned int nr)
{
	struct flow *f = &l->to_guest[nr];
	unsigned char frame[FRAME_LEN];

	if (window_is_full(f))
		return false;
	next_frame(l, f, nr, frame);
	if (send(l->peer[l->at].fd, frame, sizeof(frame), MSG_DONTWAIT) < 0)
		return false;
	__atomic_add_fetch(&f->sent, 1, __ATOMIC_RELEASE);
	return true;
}

static void *send_thread(void *arg)
{
	struct load *l = arg;
	unsigned int i, n;
	bool sent;

	while (is_set(&l->running)) {
		sent = false;
		pthread_mutex_lock(&l->send_lock);
		for (n = 0; is_set(&l->sending) && n < 16; n++)
			for (i = 0; i < flows(l); i++)
				sent |= send_one(l, i);
		pthread_mutex_unlock(&l->send_lock);
		if (!sent)
			pause_us(100);
	}
	return NULL;
}

static void *receive_thread(void *arg)
{
	unsigned char frame[2048];
	struct load *l = arg;
	bool any;
	int i, len;

	while (is_set(&l->running)) {
		any = false;
		for (i = 0; i < 2; i++) {
			while (l->peer[i].fd >= 0 &&
			       (len = recv(l->peer[i].fd, frame, sizeof(frame),
					   MSG_DONTWAIT)) > 0) {
				take_frame(l, l->from_guest, i, frame, len);
				any = true;
			}
		}
		if (!any)
			pause_us(100);
	}
	return NULL;
}

/* Where each data queue's ring is now, and where it may go. */
static void find_places(struct load *l)
{
	unsigned int i;

	gmem_init(&l->shadow, l->net.cfg.kind, GMEM_IOVA, SHADOW_SIZE);
	for (i = 0; i < l->net.nvqs; i++) {
		const struct vq *q = &l->net.vq[i];
		unsigned int half = q->num * sizeof(struct vring_used_elem) + 64;

		l->place[0][i] = (struct place){ q->desc, q->avail, q->used };
		l->place[1][i].desc = gmem_alloc(&l->shadow,
						 q->num * sizeof(*q->desc), GMEM_PAGE);
		l->place[1][i].avail = gmem_alloc(&l->shadow, half, GMEM_PAGE);
		l->place[1][i].used = gmem_alloc(&l->shadow, half, GMEM_PAGE);
	}
}

static void map_shadow(struct load *l, struct vhost_vdpa *vv)
{
	vv_map(vv, SHADOW_ASID, l->shadow.iova, l->shadow.size, l->shadow.hva,
	       VHOST_ACCESS_RW);
}

static void load_start(struct load *l, const struct vdev *dev, unsigned int pairs)
{
	struct vnet_cfg cfg = { .pairs = pairs };
	unsigned int i;

	memcpy(l->mac, dev->mac, sizeof(l->mac));
	pthread_mutex_init(&l->guest_lock, NULL);
	pthread_mutex_init(&l->send_lock, NULL);
	l->peer[1].fd = -1;
	peer_open(&l->peer[0], dev->netdev, false);
	vnet_start(&l->net, dev->node, &cfg);
	/* Or the interface's own first frames find no buffers, and ours are dropped. */
	for (i = 0; i < pairs; i++)
		vnet_rx_fill(&l->net, i, ~0u, VNET_SLOT);
	find_places(l);
	map_shadow(l, &l->net.vv);
	/* A child may be killed, and would leave the command with the device open. */
	if (!l->first)
		vdev_wait_up(dev);
	l->sending = true;
	l->running = true;
	CHECK(!pthread_create(&l->thread[0], NULL, guest_thread, l) &&
	      !pthread_create(&l->thread[1], NULL, send_thread, l) &&
	      !pthread_create(&l->thread[2], NULL, receive_thread, l), "thread");
}

static void load_stop(struct load *l)
{
	int i;

	if (!l->running)
		return;
	__atomic_store_n(&l->running, false, __ATOMIC_RELEASE);
	for (i = 0; i < 3; i++)
		pthread_join(l->thread[i], NULL);
}

static bool all_arrived(const struct load *l, const struct flow *f)
{
	unsigned int i;

	for (i = 0; i < flows(l); i++)
		if (count(&f[i].received) != count(&f[i].sent))
			return false;
	return true;
}

/* Nothing more is sent: what is on its way has to arrive, each frame once. */
static void load_judge(struct __test_metadata *_metadata, struct load *l)
{
	const struct flow *f;
	unsigned int i;

	__atomic_store_n(&l->sending, false, __ATOMIC_RELEASE);
	EXPECT_TRUE(WAIT_UNTIL(all_arrived(l, l->from_guest), 5000));
	EXPECT_TRUE(WAIT_UNTIL(all_arrived(l, l->to_guest), 5000));
	load_stop(l);
	for (i = 0; i < 2 * flows(l); i++) {
		f = i % 2 ? &l->to_guest[i / 2] : &l->from_guest[i / 2];
		TH_LOG("flow %u %s guest: %u sent, %u received", i / 2,
		       i % 2 ? "to" : "from", f->sent, f->received);
		EXPECT_GT(f->received, 0);
		EXPECT_EQ(f->received, f->sent);
		EXPECT_EQ(f->duplicated, 0);
		EXPECT_EQ(f->reordered, 0);
		EXPECT_EQ(f->corrupted, 0);
	}
}

/* Chains in the ring that the device has not taken: what it is caught with. */
static unsigned int work_left(const struct load *l)
{
	unsigned int i, n = 0;

	for (i = 0; i < l->net.nvqs; i++)
		n += (uint16_t)(l->net.vq[i].avail_idx - vq_used_idx(&l->net.vq[i]));
	return n;
}

/* The rings as they are to another place; who still uses the old one is lost. */
static void copy_rings(struct load *l)
{
	unsigned int i;

	for (i = 0; i < l->net.nvqs; i++) {
		struct vq *q = &l->net.vq[i];
		const struct place *to = &l->place[!l->asid][i];
		size_t desc = q->num * sizeof(*q->desc);
		size_t half = q->num * sizeof(struct vring_used_elem) + 6;

		memcpy(to->desc, q->desc, desc);
		memcpy(to->avail, q->avail, 2 * (q->num + 3));
		memcpy(to->used, q->used, half);
		memset(q->desc, 0xff, desc);
		memset(q->avail, 0xff, 2 * (q->num + 3));
		memset(q->used, 0xff, half);
		q->desc = to->desc;
		q->avail = to->avail;
		q->used = to->used;
		q->ring_mem = l->asid ? &l->net.mem : &l->shadow;
	}
	l->asid = l->asid ? 0 : SHADOW_ASID;
}

static void set_address(struct vhost_vdpa *vv, const struct vq *q)
{
	vv_set_vring_addr(vv, q->idx, gmem_iova(q->ring_mem, q->desc),
			  gmem_iova(q->ring_mem, q->avail),
			  gmem_iova(q->ring_mem, q->used));
}

static void set_ring(struct vhost_vdpa *vv, const struct vq *q, uint32_t base)
{
	vv_set_vring_num(vv, q->idx, q->num);
	vv_set_vring_base(vv, q->idx, base);
	set_address(vv, q);
	vv_set_vring_kick(vv, q->idx, q->kick);
	vv_set_vring_call(vv, q->idx, q->call);
}

/* A device that was reset goes on where the rings are. */
static void continue_rings(struct load *l, const uint32_t *base)
{
	unsigned int i;

	vnet_negotiate(&l->net);
	vv_set_group_asid(&l->net.vv, GROUP_DESC, l->asid);
	for (i = 0; i <= l->net.nvqs; i++)
		set_ring(&l->net.vv, &l->net.vq[i], base[i]);
	vnet_driver_ok(&l->net);
	vnet_enable(&l->net);
}

static void get_bases(struct load *l, uint32_t *base)
{
	unsigned int i;

	for (i = 0; i <= l->net.nvqs; i++) {
		struct vq *q = &l->net.vq[i];

		base[i] = vv_get_vring_base(&l->net.vv, q->idx);
		CHECK(base[i] == vq_used_idx(q), "queue %u: base %u, used %u",
		      q->idx, base[i], vq_used_idx(q));
	}
}

/*
 * Where the address space of a running device is fixed, which it is from
 * Linux 7.2 on, the same takes a reset; neither takes a map call.
 */
static unsigned int move_rings(struct load *l)
{
	struct vhost_vdpa *vv = &l->net.vv;
	uint32_t base[2 * PAIRS + 1];
	unsigned int left, i;
	int err;

	vv_suspend(vv);
	pthread_mutex_lock(&l->guest_lock);
	left = work_left(l);
	get_bases(l, base);
	copy_rings(l);
	err = __vv_set_group_asid(vv, GROUP_DESC, l->asid);
	if (!err) {
		for (i = 0; i < l->net.nvqs; i++)
			set_address(vv, &l->net.vq[i]);
		vv_resume(vv);
	} else {
		CHECK(err == -EBUSY, "group not moved: %s", strerror(-err));
		vnet_reset(&l->net);
		continue_rings(l, base);
	}
	pthread_mutex_unlock(&l->guest_lock);
	return left;
}

/*
 * To the other device, which has seen the same memory since the beginning.
 * Frames for the guest that are with the first one have to get out before,
 * nothing of it can be asked for them later.
 */
static unsigned int move_device(struct load *l, struct vhost_vdpa *other,
				const struct vdev *dev)
{
	struct vhost_vdpa source = l->net.vv;
	uint32_t base[2 * PAIRS + 1];
	unsigned int left;

	pthread_mutex_lock(&l->send_lock);
	CHECK(WAIT_UNTIL(all_arrived(l, l->to_guest), 5000), "frames for the guest are stuck");
	vv_suspend(&source);
	pthread_mutex_lock(&l->guest_lock);
	left = work_left(l);
	get_bases(l, base);
	copy_rings(l);
	vnet_reset(&l->net);
	l->net.vv = *other;
	*other = source;
	continue_rings(l, base);
	vdev_wait_up(dev);
	l->at = !l->at;
	pthread_mutex_unlock(&l->guest_lock);
	pthread_mutex_unlock(&l->send_lock);
	return left;
}

static unsigned int how_often(void)
{
	const char *scale = getenv("SCALE");

	return scale && !strcmp(scale, "soak") ? 1000 : 20;
}

FIXTURE(move) {
	struct vdev dev[2];
	struct load *load;
};

FIXTURE_SETUP(move)
{
	SKIP_IF_NO_DEVICE();
	vdev_add(&self->dev[0], "vtmove0", PAIRS, ONE_MAC);
	vdev_add(&self->dev[1], "vtmove1", PAIRS, ONE_MAC);
	self->load = calloc(1, sizeof(*self->load));
	ASSERT_NE(self->load, NULL);
}

FIXTURE_TEARDOWN(move)
{
	struct load *l = self->load;

	load_stop(l);
	if (l->net.cfg.num) {
		vnet_close(&l->net);
		gmem_free(&l->shadow);
		peer_close(&l->peer[0]);
	}
	free(l);
	vdev_del(&self->dev[0]);
	vdev_del(&self->dev[1]);
}

TEST_F(move, rings_to_another_address_space_and_back)
{
	unsigned int i, left, caught = 0, n = how_often();

	load_start(self->load, &self->dev[0], PAIRS);
	for (i = 0; i < 2 * n; i++) {
		pause_us(random() % 10000);
		left = move_rings(self->load);
		caught += left > 0;
	}
	load_judge(_metadata, self->load);
	TH_LOG("caught with work left %u of %u times", caught, i);
	EXPECT_GT(caught, 0);
}

TEST_F(move, to_a_second_device_and_back)
{
	struct load *l = self->load;
	unsigned int i, left, caught = 0, n = how_often();
	struct vhost_vdpa other;
	struct vnet on_other;

	load_start(l, &self->dev[0], 1);
	peer_open(&l->peer[1], self->dev[1].netdev, false);
	on_other = l->net;
	vv_open(&on_other.vv, self->dev[1].node);
	vv_set_owner(&on_other.vv);
	vv_set_backend_features(&on_other.vv, l->net.vv.backend);
	vnet_map(&on_other);
	map_shadow(l, &on_other.vv);
	other = on_other.vv;
	for (i = 0; i < 2 * n; i++) {
		pause_us(random() % 10000);
		left = move_device(l, &other, &self->dev[!l->at]);
		caught += left > 0;
	}
	load_judge(_metadata, l);
	TH_LOG("caught with work left %u of %u times", caught, i);
	EXPECT_GT(caught, 0);
	vv_close(&other);
	peer_close(&l->peer[1]);
}

/* The child moves for ever, until it is shot. */
static void keep_moving(struct load *l, const struct vdev *dev)
{
	l->first = PAIRS;
	load_start(l, dev, PAIRS);
	for (;;)
		move_rings(l);
}

TEST_F(move, killed_on_the_way)
{
	unsigned int seed = (unsigned int)now_us(), i, n = how_often();
	int status;

	TH_LOG("seed %u", seed);
	srandom(seed);
	for (i = 0; i < n; i++) {
		pid_t pid = fork();

		ASSERT_GE(pid, 0);
		if (!pid)
			keep_moving(self->load, &self->dev[0]);
		pause_us(random() % 100000 * slow_factor());
		ASSERT_EQ(kill(pid, SIGKILL), 0);
		ASSERT_EQ(waitpid(pid, &status, 0), pid);
		ASSERT_TRUE(WIFSIGNALED(status)) {
			TH_LOG("it failed before it was killed");
		}
	}
	load_start(self->load, &self->dev[0], PAIRS);
	move_rings(self->load);
	move_rings(self->load);
	ASSERT_TRUE(WAIT_UNTIL(count(&self->load->to_guest[0].received) > 100, 5000));
	load_judge(_metadata, self->load);
}

#define MANY		64
#define MANY_NUM	8
#define SAMPLES		101

struct busy {
	struct vdev dev;
	struct vnet net;
	pthread_t thread;
	bool running;
};

/* Every transmit queue has work whenever the device looks. */
static void *busy_thread(void *arg)
{
	unsigned char frame[1514] = { 0 };
	struct busy *b = arg;
	unsigned int i;

	while (is_set(&b->running)) {
		for (i = 0; i < b->net.cfg.pairs; i++) {
			struct vq *q = vnet_txq(&b->net, i);

			while (__vq_get_used(q, NULL) >= 0)
				;
			while (q->nfree)
				vnet_tx_add(&b->net, i, NULL, frame, sizeof(frame));
			vq_notify(q);
		}
	}
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void busy_start(struct busy *b, const char *name, unsigned int pairs)
{
	struct vnet_cfg cfg = { .pairs = pairs, .num = MANY_NUM };

	vdev_add(&b->dev, name, pairs, "");
	vnet_start(&b->net, b->dev.node, &cfg);
	b->running = true;
	CHECK(!pthread_create(&b->thread, NULL, busy_thread, b), "thread");
}

static void busy_stop(struct busy *b)
{
	__atomic_store_n(&b->running, false, __ATOMIC_RELEASE);
	pthread_join(b->thread, NULL);
	vnet_close(&b->net);
	vdev_del(&b->dev);
}

static uint64_t suspend_ns(struct busy *b)
{
	uint64_t start, took;

	pause_us(2000);
	start = now_ns();
	vv_suspend(&b->net.vv);
	took = now_ns() - start;
	vv_resume(&b->net.vv);
	return took;
}

/* Both at the same time, so that what disturbs one disturbs the other. */
TEST(suspend_of_many_takes_little_longer_than_of_one)
{
	struct busy *b = calloc(2, sizeof(*b));
	uint64_t took[2][SAMPLES];
	int i;

	SKIP_IF_NO_DEVICE();
	ASSERT_NE(b, NULL);
	busy_start(&b[0], "vtmove0", 1);
	busy_start(&b[1], "vtmove1", MANY);
	for (i = 0; i < 2 * SAMPLES; i++)
		took[i % 2][i / 2] = suspend_ns(&b[i % 2]);
	for (i = 0; i < 2; i++) {
		busy_stop(&b[i]);
		qsort(took[i], SAMPLES, sizeof(took[i][0]), by_value);
		TH_LOG("%u pairs: %llu ns (median), %llu to %llu", i ? MANY : 1,
		       (unsigned long long)took[i][SAMPLES / 2],
		       (unsigned long long)took[i][0],
		       (unsigned long long)took[i][SAMPLES - 1]);
	}
	/* A kernel that checks every lock says nothing about the time they take. */
	if (slow_factor() <= 2)
		EXPECT_LE(took[1][SAMPLES / 2], 4 * took[0][SAMPLES / 2]);
	free(b);
}

TEST_HARNESS_MAIN
