/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel log from a moment on, to see that a refusal was explained once. */
#ifndef VDPATEST_KLOG_H
#define VDPATEST_KLOG_H

struct klog {
	int fd;
};

/* Remember the present end of the log. */
void klog_open(struct klog *k);
void klog_close(struct klog *k);

/* Kernel lines since klog_open() or the last count that contain @text. */
int klog_count(struct klog *k, const char *text);

#endif /* VDPATEST_KLOG_H */
