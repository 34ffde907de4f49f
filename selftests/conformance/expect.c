// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE	/* FNM_EXTMATCH */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"

#define LINES	256

struct line {
	enum outcome outcome;
	char name[64];
	char reason[128];
	bool used;
};

static struct line lines[LINES];
static unsigned int count;
static bool given;

static bool outcome_named(const char *word, enum outcome *outcome)
{
	static const char *const words[] = {
		[FAILED] = "fail", [SKIPPED] = "skip", [EITHER] = "race",
	};
	unsigned int i;

	for (i = FAILED; i <= EITHER; i++) {
		if (strcmp(word, words[i]))
			continue;
		*outcome = i;
		return true;
	}
	return false;
}

static void parse(const char *path, unsigned int number, const char *text)
{
	struct line *l = &lines[count];
	char what[8];

	if (count < LINES &&
	    sscanf(text, "%7s %63s %127[^\n]", what, l->name, l->reason) == 3 &&
	    outcome_named(what, &l->outcome)) {
		count++;
		return;
	}
	fprintf(stderr, "%s:%u: not \"fail|skip|race NAME REASON\"\n", path,
		number);
	exit(2);
}

void expect_read(const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned int number = 0;
	char text[256];

	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(2);
	}
	given = true;
	while (fgets(text, sizeof(text), f)) {
		number++;
		if (text[0] != '#' && text[0] != '\n')
			parse(path, number, text);
	}
	fclose(f);
}

bool expect_given(void)
{
	return given;
}

const char *expect_of(const char *name, enum outcome *outcome)
{
	unsigned int i;

	*outcome = PASSED;
	for (i = 0; i < count; i++) {
		if (fnmatch(lines[i].name, name, FNM_EXTMATCH))
			continue;
		lines[i].used = true;
		*outcome = lines[i].outcome;
		return lines[i].reason;
	}
	return NULL;
}

const char *expect_unused(void)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!lines[i].used)
			return lines[i].name;
	return NULL;
}
