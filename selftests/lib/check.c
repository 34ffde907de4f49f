// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE	/* environ */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#define KSFT_EXIT_FAIL	1
#define MAX_WORDS	32

void check_failed_errno(const char *file, int line, const char *expr, long err)
{
	printf("# %s:%d: %s: %s (%ld)\n", file, line, expr,
	       strerror((int)-err), err);
	fflush(stdout);
	_exit(KSFT_EXIT_FAIL);
}

void check_failed(const char *file, int line, const char *expr,
		  const char *fmt, ...)
{
	va_list args;

	printf("# %s:%d: not true: %s: ", file, line, expr);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(KSFT_EXIT_FAIL);
}

unsigned int slow_factor(void)
{
	static unsigned int factor;
	const char *env;

	if (factor)
		return factor;
	env = getenv("VM_SLOW");
	if (env)
		factor = atoi(env);
	else if (getenv("KSFT_MACHINE_SLOW"))
		factor = 2;
	if (!factor)
		factor = 1;
	return factor;
}

uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ull + ts.tv_nsec / 1000;
}

uint64_t deadline(unsigned int ms)
{
	return now_us() + (uint64_t)ms * 1000 * slow_factor();
}

void pause_us(unsigned int us)
{
	usleep(us);
}

static int wait_exit(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

int __run(const char *fmt, ...)
{
	char line[512], *words[MAX_WORDS + 1], *save = NULL;
	unsigned int n = 0;
	va_list args;
	pid_t pid;
	int ret;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);

	words[0] = strtok_r(line, " ", &save);
	while (words[n] && n < MAX_WORDS)
		words[++n] = strtok_r(NULL, " ", &save);
	words[n] = NULL;
	ret = posix_spawnp(&pid, words[0], NULL, NULL, words, environ);
	return ret ? -ret : wait_exit(pid);
}

int __file_read(const char *path, char *buf, unsigned int size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, buf, size - 1);
	if (len < 0)
		len = -errno;
	close(fd);
	if (len < 0)
		return (int)len;
	while (len && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return (int)len;
}

int __file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}
