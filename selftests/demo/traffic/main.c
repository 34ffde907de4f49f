// SPDX-License-Identifier: GPL-2.0-only
/* Numbered UDP both ways and a TCP echo through a live migration. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traffic.h"

static const char usage[] =
	"Usage: traffic guest [PORT]\n"
	"       traffic outside --peer ADDRESS --output FILE [--port PORT] [--ready FILE]\n"
	"                       [--wait SECONDS] [--period-us N] [--gap-us N]\n"
	"                       [--payload BYTES]\n"
	"       traffic channels INTERFACE PAIRS\n"
	"\n"
	"outside sends every N us, or less often if the guest is too slow for that. It\n"
	"runs until SIGTERM and then writes its JSON report.\n";

static int bad_usage(void)
{
	fputs(usage, stderr);
	return 1;
}

bool params_valid(const struct wire_params *p)
{
	return p->period_us >= 50 && p->period_us <= 1000000 && p->gap_us >= p->period_us &&
	       p->payload >= sizeof(struct wire_hdr) && p->payload <= WIRE_MAX;
}

static int number(const char *text, uint32_t *value)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || end == text || *end || n > INT_MAX)
		return -1;
	*value = n;
	return 0;
}

static int port_number(const char *text, uint32_t *port)
{
	return number(text, port) || !*port || *port > UINT16_MAX ? -1 : 0;
}

static const struct option options[] = {
	{ "peer", required_argument, NULL, 'p' },
	{ "port", required_argument, NULL, 'P' },
	{ "output", required_argument, NULL, 'o' },
	{ "ready", required_argument, NULL, 'r' },
	{ "wait", required_argument, NULL, 'w' },
	{ "period-us", required_argument, NULL, 't' },
	{ "gap-us", required_argument, NULL, 'g' },
	{ "payload", required_argument, NULL, 'l' },
	{}
};

static int parse_option(struct outside_options *o, int c)
{
	uint32_t port;

	switch (c) {
	case 'p':
		return inet_pton(AF_INET, optarg, &o->peer.sin_addr) == 1 ? 0 : -1;
	case 'P':
		if (port_number(optarg, &port))
			return -1;
		o->peer.sin_port = htons(port);
		return 0;
	case 'o':
		o->output = optarg;
		return 0;
	case 'r':
		o->ready = optarg;
		return 0;
	case 'w':
		return number(optarg, &o->wait_s);
	case 't':
		return number(optarg, &o->params.period_us);
	case 'g':
		return number(optarg, &o->params.gap_us);
	case 'l':
		return number(optarg, &o->params.payload);
	}
	return -1;
}

static int parse_outside(struct outside_options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (parse_option(o, c))
			return -1;
	if (optind != argc || !o->output || !o->peer.sin_addr.s_addr)
		return -1;
	return params_valid(&o->params) ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct outside_options o = {
		.peer = { .sin_family = AF_INET, .sin_port = htons(WIRE_PORT) },
		.params = { .period_us = 1000, .gap_us = 3000, .payload = 64 },
		.wait_s = 60,
	};
	uint32_t pairs, port = WIRE_PORT;

	if (argc >= 2 && argc <= 3 && !strcmp(argv[1], "guest") &&
	    (argc == 2 || !port_number(argv[2], &port)))
		return guest_end(port);
	if (argc == 4 && !strcmp(argv[1], "channels") && !number(argv[3], &pairs))
		return set_channels(argv[2], pairs);
	if (argc < 2 || strcmp(argv[1], "outside") || parse_outside(&o, argc - 1, argv + 1))
		return bad_usage();
	return outside_end(&o);
}
