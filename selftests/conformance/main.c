// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does a vDPA device do what vhost-vdpa and its users rely on? See
 * Documentation/conformance.md.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf.h"
#include "expect.h"
#include "run.h"

struct options options = {
	.wait_ms = 3000,
	.quiet_ms = 40,
};

static const char usage_text[] =
	"usage: conformance --device /dev/vhost-vdpa-N [OPTION...]\n"
	"  --peer IFACE     network interface that has the frames outside\n"
	"  --loopback       the device sends back what it is given\n"
	"  --filter GLOB    only the cases of that name\n"
	"  --list           names and rules of the cases, nothing is run\n"
	"  --expect FILE    known differences: those are ok, others are not\n"
	"  --wait MS        longest wait for what has to happen (3000)\n"
	"  --quiet MS       how long nothing may happen (40)\n";

static void usage(void)
{
	fputs(usage_text, stderr);
	exit(2);
}

static unsigned int number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || !n || n > 600000)
		usage();
	return (unsigned int)n;
}

static const char *filter;
static bool list;

static void parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "peer", required_argument, NULL, 'p' },
		{ "loopback", no_argument, NULL, 'l' },
		{ "filter", required_argument, NULL, 'f' },
		{ "list", no_argument, NULL, 'L' },
		{ "expect", required_argument, NULL, 'e' },
		{ "wait", required_argument, NULL, 'w' },
		{ "quiet", required_argument, NULL, 'q' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'd':
			options.node = optarg;
			break;
		case 'p':
			options.peer = optarg;
			break;
		case 'l':
			options.loopback = true;
			break;
		case 'f':
			filter = optarg;
			break;
		case 'L':
			list = true;
			break;
		case 'e':
			expect_read(optarg);
			break;
		case 'w':
			options.wait_ms = number(optarg);
			break;
		case 'q':
			options.quiet_ms = number(optarg);
			break;
		default:
			usage();
		}
	}
	if (optind != argc || (!list && !options.node) ||
	    (options.peer && options.loopback))
		usage();
}

int main(int argc, char **argv)
{
	bool good;

	parse(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!run_select(filter)) {
		fprintf(stderr, "conformance: no case is named '%s'\n", filter);
		return 2;
	}
	if (list) {
		run_list();
		return 0;
	}
	good = run_all();
	if (!filter && expect_unused()) {
		printf("# the list names '%s', which is no case\n",
		       expect_unused());
		good = false;
	}
	return good ? 0 : 1;
}
