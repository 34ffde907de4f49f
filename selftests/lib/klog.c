// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "klog.h"

#define LOG_FACILITY_SHIFT	3

void klog_open(struct klog *k)
{
	k->fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CHECK(k->fd >= 0, "/dev/kmsg: %s", strerror(errno));
	CHECK(lseek(k->fd, 0, SEEK_END) >= 0, "lseek: %s", strerror(errno));
}

void klog_close(struct klog *k)
{
	close(k->fd);
}

/* The first line; what the kernel attaches to it follows in further ones. */
static void print_text(const char *text)
{
	printf("# kernel: %.*s\n", (int)strcspn(text, "\n"), text);
}

int klog_count(struct klog *k, const char *text)
{
	char rec[2048];
	ssize_t len;
	int n = 0;

	/* EPIPE: records were overwritten, the next read goes on behind them. */
	while ((len = read(k->fd, rec, sizeof(rec) - 1)) > 0 ||
	       (len < 0 && errno == EPIPE)) {
		if (len < 0)
			continue;
		rec[len] = '\0';
		/* Not what a process wrote to /dev/kmsg. */
		if (atoi(rec) >> LOG_FACILITY_SHIFT || !strstr(rec, text))
			continue;
		print_text(strchr(rec, ';') + 1);
		n++;
	}
	return n;
}
