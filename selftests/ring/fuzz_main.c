// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fuzz target without libFuzzer: plays the files it is given, or else a
 * fixed number of random inputs, each of them reproducible by its number.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/types.h>
#include <sanitizer/common_interface_defs.h>

#include "fuzz.h"
#include "test.h"

#define INPUTS		30000
#define INPUT_SIZE	2048

static unsigned long long input_nr;

static int play_file(const char *name)
{
	static u8 data[1 << 20];
	FILE *file = fopen(name, "rb");
	size_t size;

	if (!file) {
		perror(name);
		return 1;
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	return LLVMFuzzerTestOneInput(data, size);
}

static void play_number(unsigned long long nr)
{
	struct rng rng = { nr * 0x9e3779b97f4a7c15ULL + 1 };
	u8 *data;
	size_t size, i;

	input_nr = nr;
	size = 1 + rng_below(&rng, INPUT_SIZE);
	data = malloc(size);	/* to the byte, for the sanitizer */
	if (!data)
		abort();
	for (i = 0; i < size; i++)
		data[i] = rng_next(&rng) >> 32;
	LLVMFuzzerTestOneInput(data, size);
	free(data);
}

static void on_death(void)
{
	printf("# input %llu: RING_INPUT=%llu plays it alone\nnot ok 1 fuzz\n",
	       input_nr, input_nr);
}

static void on_abort(int sig)
{
	signal(sig, SIG_DFL);
	on_death();
	raise(sig);
}

int main(int argc, char **argv)
{
	const char *scale = getenv("RING_SCALE");
	const char *only = getenv("RING_INPUT");
	unsigned long long nr, inputs = INPUTS;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 1; i < argc; i++)
		if (play_file(argv[i]))
			return 1;
	if (argc > 1)
		return 0;

	printf("TAP version 13\n1..1\n");
	signal(SIGABRT, on_abort);
	__sanitizer_set_death_callback(on_death);
	if (scale && !strcmp(scale, "soak"))
		inputs *= 100;
	if (only)
		play_number(strtoull(only, NULL, 0));
	for (nr = 1; !only && nr <= inputs; nr++)
		play_number(nr);
	printf("# inputs 1 to %llu\nok 1 fuzz\n", inputs);
	return 0;
}
