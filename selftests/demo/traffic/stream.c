// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flow.h"
#include "stream.h"

#define CHUNK 256

/* Any shift, repeat or loss in the stream changes the byte at an offset. */
static uint8_t byte_at(uint64_t offset)
{
	return (offset * 0x9e3779b97f4a7c15ull) >> 56;
}

int stream_connect(struct stream *s, const struct sockaddr_in *peer)
{
	int one = 1;

	memset(s, 0, sizeof(*s));
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || connect(s->fd, (const struct sockaddr *)peer, sizeof(*peer)))
		return -1;
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	s->last_echo = now_ns();
	return 0;
}

static void stream_fail(struct stream *s, const char *what, int error)
{
	if (!s->failed)
		fprintf(stderr, "traffic: tcp %s: %s\n", what, strerror(error));
	s->failed = true;
}

void stream_send(struct stream *s)
{
	uint8_t chunk[CHUNK];
	ssize_t n;

	if (s->failed)
		return;
	for (size_t i = 0; i < sizeof(chunk); i++)
		chunk[i] = byte_at(s->sent + i);
	if (s->sent == s->echoed)
		s->last_echo = now_ns();
	n = send(s->fd, chunk, sizeof(chunk), MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n >= 0)
		s->sent += n;
	else if (errno != EAGAIN && errno != EINTR)
		stream_fail(s, "send", errno);
}

void stream_check(struct stream *s)
{
	uint64_t now = now_ns();
	uint8_t chunk[CHUNK];
	ssize_t n;

	while ((n = recv(s->fd, chunk, sizeof(chunk), MSG_DONTWAIT)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			s->mismatches += chunk[i] != byte_at(s->echoed + i);
		s->echoed += n;
		if (now - s->last_echo > s->max_stall)
			s->max_stall = now - s->last_echo;
		s->last_echo = now;
	}
	if (!n)
		stream_fail(s, "recv", ECONNRESET);
	else if (errno != EAGAIN && errno != EINTR)
		stream_fail(s, "recv", errno);
}

int echo_open(struct echo *e, uint16_t port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_ANY),
	};
	int one = 1;

	e->fd = -1;
	e->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (e->listener < 0)
		return -1;
	setsockopt(e->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(e->listener, (struct sockaddr *)&addr, sizeof(addr)))
		return -1;
	return listen(e->listener, 4);
}

static void echo_hang_up(struct echo *e)
{
	close(e->fd);
	e->fd = -1;
}

void echo_accept(struct echo *e)
{
	int one = 1;

	if (e->fd >= 0)
		echo_hang_up(e);
	e->fd = accept4(e->listener, NULL, NULL, SOCK_CLOEXEC);
	if (e->fd >= 0)
		setsockopt(e->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* The checker never has more under way than a socket buffer takes. */
void echo_serve(struct echo *e)
{
	uint8_t chunk[CHUNK];
	ssize_t n = recv(e->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || send(e->fd, chunk, n, MSG_NOSIGNAL) != n)
		echo_hang_up(e);
}
