/* SPDX-License-Identifier: GPL-2.0-only */
/* Checks, which end the function at the first that does not hold, and chance. */
#ifndef RING_TEST_H
#define RING_TEST_H

#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/types.h>
#include <stdio.h>

/* Counts are multiplied by this: 1, or more with RING_SCALE=soak. */
extern unsigned int test_scale;

/* Report why, always false. Safe to use from several threads. */
__printf(3, 4)
bool test_fail(const char *file, int line, const char *fmt, ...);

#define CHECK(cond)							\
	do {								\
		if (!(cond))						\
			return test_fail(__FILE__, __LINE__, "%s", #cond); \
	} while (0)

#define CHECK_EQ(a, b)							\
	do {								\
		const long long __a = (a), __b = (b);			\
									\
		if (__a != __b)						\
			return test_fail(__FILE__, __LINE__,		\
					 "%s is %lld, %s is %lld",	\
					 #a, __a, #b, __b);		\
	} while (0)

/**
 * struct rng - a small reproducible generator
 * @state: the seed, not 0
 */
struct rng {
	u64 state;
};

u64 rng_next(struct rng *rng);

/* A number below @bound, which is not 0. */
u32 rng_below(struct rng *rng, u32 bound);

/* True once in @n. */
static inline bool rng_once_in(struct rng *rng, u32 n)
{
	return !rng_below(rng, n);
}

#endif /* RING_TEST_H */
