// SPDX-License-Identifier: GPL-2.0-only
/*
 * Run the ring engine's tests: all, or those whose names contain an argument.
 */
#include <stdlib.h>
#include <string.h>

#include "guest.h"

static const struct test *const suites[] = {
	honest_tests,
	notify_tests,
	indirect_tests,
	hostile_tests,
	packed_tests,
	random_tests,
	thread_tests,
};

static bool chosen(const struct test *test, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strstr(test->name, argv[i]))
			return true;
	return argc < 2;
}

static bool run(const struct test *test)
{
	struct guest g;
	bool ok;

	if (test->run)
		return test->run();
	guest_boot(&g, &test->config);
	ok = test->with(&g) && !g.misreported;
	guest_exit(&g);
	return ok;
}

static unsigned int count(int argc, char **argv)
{
	const struct test *test;
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(suites); i++)
		for (test = suites[i]; test->name; test++)
			n += chosen(test, argc, argv);
	return n;
}

int main(int argc, char **argv)
{
	const char *scale = getenv("RING_SCALE");
	bool fail_fast = getenv("RING_FAIL_FAST");
	unsigned int n = 0, failed = 0;
	const struct test *test;
	size_t i;

	if (scale && !strcmp(scale, "soak"))
		test_scale = 50;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%u\n", count(argc, argv));
	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		for (test = suites[i]; test->name; test++) {
			bool ok;

			if (!chosen(test, argc, argv))
				continue;
			ok = run(test);
			failed += !ok;
			printf("%sok %u %s\n", ok ? "" : "not ", ++n, test->name);
			if (failed && fail_fast)
				return 1;
		}
	}
	return failed || !n;
}
