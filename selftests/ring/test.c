// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>

#include "test.h"

unsigned int test_scale = 1;

bool test_fail(const char *file, int line, const char *fmt, ...)
{
	char why[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	printf("# %s:%d: %s\n", file, line, why);
	return false;
}

/* xorshift64*: one multiplication hides the weak low bits. */
u64 rng_next(struct rng *rng)
{
	rng->state ^= rng->state >> 12;
	rng->state ^= rng->state << 25;
	rng->state ^= rng->state >> 27;
	return rng->state * 0x2545f4914f6cdd1dULL;
}

u32 rng_below(struct rng *rng, u32 bound)
{
	return (rng_next(rng) >> 32) % bound;
}
