/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Assertions and time for the test library.
 *
 * A function named __foo() returns 0 or a negative errno, so that a test can
 * expect the refusal; foo() is the same call asserted, and a failure names the
 * caller's line. An assertion ends the process: the kselftest harness runs
 * each test in a child, whose exit code 1 is "not ok".
 */
#ifndef VDPATEST_CHECK_H
#define VDPATEST_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#define CHECK_OK(expr) ({						\
	long __check_ret = (expr);					\
									\
	if (__check_ret < 0)						\
		check_failed_errno(__FILE__, __LINE__, #expr, __check_ret); \
	__check_ret;							\
})

#define CHECK(cond, fmt, ...) do {					\
	if (!(cond))							\
		check_failed(__FILE__, __LINE__, #cond, fmt, ##__VA_ARGS__); \
} while (0)

/* True as soon as @cond holds; false if it does not within @ms, scaled. */
#define WAIT_UNTIL(cond, ms) ({						\
	uint64_t __wait_end = deadline(ms);				\
	bool __wait_ok;							\
									\
	while (!(__wait_ok = (cond)) && now_us() < __wait_end)		\
		pause_us(200);						\
	__wait_ok;							\
})

void check_failed_errno(const char *file, int line, const char *expr, long err)
	__attribute__((noreturn));
void check_failed(const char *file, int line, const char *expr,
		  const char *fmt, ...)
	__attribute__((noreturn, format(printf, 4, 5)));

/* How many times slower than real hardware this machine is ($VM_SLOW). */
unsigned int slow_factor(void);

/* CLOCK_MONOTONIC, and the moment @ms from now, stretched by slow_factor(). */
uint64_t now_us(void);
uint64_t deadline(unsigned int ms);
void pause_us(unsigned int us);

/* Run a command, its words separated by blanks: exit code or negative errno. */
int __run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#define run(...) do {							\
	int __run_ret = __run(__VA_ARGS__);				\
									\
	CHECK(__run_ret == 0, "exit code %d", __run_ret);		\
} while (0)

/* Whole file as text without the final newline, or a negative errno. */
int __file_read(const char *path, char *buf, unsigned int size);
int __file_write(const char *path, const char *text);
#define file_write(path, text)	CHECK_OK(__file_write(path, text))

#endif /* VDPATEST_CHECK_H */
