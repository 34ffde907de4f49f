/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The conformance suite: what a case is and what it is run against. A case
 * gets a device that was opened, owned and told of every backend feature. It
 * runs in a process of its own and fails by an assertion of check.h.
 */
#ifndef CONF_H
#define CONF_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "check.h"
#include "device.h"

/* What a case cannot do without; the reasons to skip are in run.c. */
enum {
	NEED_NET	= 1 << 0,
	NEED_FRAMES	= 1 << 1,	/* see what the guest sends, and send */
	NEED_PEER	= 1 << 2,	/* an interface outside */
	NEED_SUSPEND	= 1 << 3,
	NEED_RESUME	= 1 << 4,
	NEED_PERSIST	= 1 << 5,
	NEED_GROUPS	= 1 << 6,	/* more than one, and address spaces */
	NEED_DESC_ASID	= 1 << 7,
	NEED_LATE	= 1 << 8,	/* queues enabled after DRIVER_OK */
	NEED_CVQ	= 1 << 9,
	NEED_MQ		= 1 << 10,
	NEED_EVENT_IDX	= 1 << 11,
	NEED_INDIRECT	= 1 << 12,
	RINGS		= 1 << 13,	/* once for each ring layout */
};

/**
 * struct conf_case - one rule and what checks it
 * @group: file it is in, the first half of its name
 * @name: second half
 * @rule: sentence of the contract
 * @needs: NEED_*
 * @line: where it is, for the order
 * @check: the check
 */
struct conf_case {
	const char *group;
	const char *name;
	const char *rule;
	unsigned int needs;
	int line;
	void (*check)(struct dev *d);
};

void conf_register(const struct conf_case *c);

#define CONFORM(g, n, need, text)						\
	static void g##_##n(struct dev *d);				\
	static const struct conf_case case_##g##_##n = {		\
		.group = #g, .name = #n, .rule = text, .needs = need,	\
		.line = __LINE__, .check = g##_##n,			\
	};								\
	static void __attribute__((constructor)) register_##g##_##n(void) \
	{								\
		conf_register(&case_##g##_##n);				\
	}								\
	static void g##_##n(struct dev *d)

/**
 * struct options - what the command line says
 * @node: character device
 * @peer: outside interface or NULL
 * @loopback: the device sends back what the guest sends
 * @wait_ms: longest wait for a thing that has to happen
 * @quiet_ms: how long nothing may happen
 */
struct options {
	const char *node;
	const char *peer;
	bool loopback;
	unsigned int wait_ms;
	unsigned int quiet_ms;
};

extern struct options options;

/* End the case: it does not apply here. */
void skip(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

#define FAIL(what, fmt, ...) \
	check_failed(__FILE__, __LINE__, what, fmt, ##__VA_ARGS__)

#define SAME(expr, want) do {						\
	long long __got = (expr), __want = (want);			\
									\
	if (__got != __want)						\
		FAIL(#expr " == " #want, "%lld instead of %lld",	\
		     __got, __want);					\
} while (0)

/* A call is to fail with exactly this errno. */
#define REFUSED(expr, err) do {						\
	long long __got = (expr);					\
									\
	if (__got != -(err))						\
		FAIL(#expr " gets " #err, "%lld", __got);		\
} while (0)

/* ... or with whatever: the contract does not say. */
#define REFUSED_SOMEHOW(expr) do {					\
	long long __got = (expr);					\
									\
	if (__got >= 0)							\
		FAIL(#expr " is refused", "%lld", __got);		\
} while (0)

/* It happens within the usual time. */
#define HAPPENS(cond, fmt, ...) do {					\
	if (!WAIT_UNTIL(cond, options.wait_ms))				\
		FAIL(#cond, fmt, ##__VA_ARGS__);			\
} while (0)

/* It does not happen, for as long as one cares to look. */
#define NEVER(cond, fmt, ...) do {					\
	if (WAIT_UNTIL(cond, options.quiet_ms))				\
		FAIL("never " #cond, fmt, ##__VA_ARGS__);		\
} while (0)

#endif /* CONF_H */
