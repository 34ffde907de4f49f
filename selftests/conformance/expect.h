/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known of a parent: which cases fail or are skipped, and why. */
#ifndef CONF_EXPECT_H
#define CONF_EXPECT_H

#include <stdbool.h>

enum outcome {
	PASSED,
	FAILED,
	SKIPPED,
	EITHER,		/* a race: passes or fails */
};

/*
 * One per line: "fail|skip|race NAME REASON"; NAME may have wildcards. What
 * cannot be read ends the program.
 */
void expect_read(const char *path);

/* With a list, this outcome is known: the reason, else NULL and PASSED. */
const char *expect_of(const char *name, enum outcome *outcome);

/* A line that named no case: its name, or NULL. */
const char *expect_unused(void);
bool expect_given(void);

#endif /* CONF_EXPECT_H */
