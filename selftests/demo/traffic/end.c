// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "end.h"

#define SOCKET_BUFFER (4 << 20)

int end_open(struct end *e, uint16_t port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_ANY),
	};
	int size = SOCKET_BUFFER;

	memset(e, 0, sizeof(*e));
	e->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	e->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (e->timer < 0 || e->udp < 0)
		return -1;
	/* The receiver must not lose what the device delivered. */
	if (setsockopt(e->udp, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		return -1;
	return bind(e->udp, (struct sockaddr *)&addr, sizeof(addr));
}

static int arm(struct end *e, uint32_t period_us)
{
	struct itimerspec every = {
		.it_interval.tv_sec = period_us / 1000000,
		.it_interval.tv_nsec = period_us % 1000000 * 1000,
	};

	every.it_value = every.it_interval;
	return timerfd_settime(e->timer, 0, &every, NULL);
}

int end_start(struct end *e, uint16_t run, const struct wire_params *params, bool foreign)
{
	e->started = false;
	flow_exit(&e->rx);
	if (flow_init(&e->rx, params, foreign))
		return -1;
	e->params = *params;
	e->run = run;
	e->next_seq = 0;
	e->unsent = 0;
	e->started = true;
	return arm(e, params->period_us);
}

void end_stop_sending(struct end *e)
{
	arm(e, 0);
}

static void fill(uint8_t *body, size_t len, uint64_t seq)
{
	for (size_t i = 0; i < len; i++)
		body[i] = seq + i;
}

static bool filled(const uint8_t *body, size_t len, uint64_t seq)
{
	for (size_t i = 0; i < len; i++)
		if (body[i] != (uint8_t)(seq + i))
			return false;
	return true;
}

static ssize_t transmit(struct end *e, const struct packet *p, size_t len)
{
	return sendto(e->udp, p, len, 0, (struct sockaddr *)&e->peer, sizeof(e->peer));
}

/*
 * One packet per expiry. Expiries that were missed are not made up for: a
 * burst would only measure how deep somebody's queue is.
 */
void end_tick(struct end *e)
{
	size_t len = e->params.payload - sizeof(struct wire_hdr);
	struct packet p = {
		.hdr = { .magic = WIRE_MAGIC, .run = e->run, .type = WIRE_DATA },
	};
	uint64_t expired;

	if (read(e->timer, &expired, sizeof(expired)) < 0 || e->next_seq == FLOW_MAX_SEQ)
		return;
	p.hdr.seq = e->next_seq;
	p.hdr.stamp = now_ns();
	fill(p.body, len, p.hdr.seq);
	if (transmit(e, &p, e->params.payload) < 0)
		e->unsent++;
	else
		e->next_seq++;
}

void end_tell(struct end *e, uint16_t type, uint64_t seq, const void *body, size_t len)
{
	struct packet p = {
		.hdr = { .magic = WIRE_MAGIC, .run = e->run, .type = type, .seq = seq },
	};

	if (len)
		memcpy(p.body, body, len);
	p.hdr.stamp = now_ns();
	/* Whoever waits for an answer asks again. */
	transmit(e, &p, sizeof(p.hdr) + len);
}

static void count_data(struct end *e, const struct packet *p, size_t len)
{
	if (!e->started || p->hdr.run != e->run)
		return;
	if (len != e->params.payload ||
	    !filled(p->body, len - sizeof(p->hdr), p->hdr.seq)) {
		e->rx.counts.corrupted++;
		return;
	}
	flow_receive(&e->rx, p->hdr.seq, p->hdr.stamp, now_ns());
}

ssize_t end_receive(struct end *e, struct packet *p, struct sockaddr_in *from)
{
	socklen_t size = sizeof(*from);
	ssize_t len = recvfrom(e->udp, p, sizeof(*p), 0, (struct sockaddr *)from, &size);

	if (len < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED)
		perror("recvfrom");
	if (len < (ssize_t)sizeof(p->hdr) || p->hdr.magic != WIRE_MAGIC)
		return len < 0 ? -1 : 0;
	if (p->hdr.type == WIRE_DATA)
		count_data(e, p, len);
	return len;
}
