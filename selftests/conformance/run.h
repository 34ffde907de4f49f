/* SPDX-License-Identifier: GPL-2.0-only */
/* The list of cases, and running them one by one. */
#ifndef CONF_RUN_H
#define CONF_RUN_H

#include <stdbool.h>

/* What matches @filter (NULL: everything), in order: their number. */
unsigned int run_select(const char *filter);
void run_list(void);
/* TAP; false if anything was not as it should be. */
bool run_all(void);

#endif /* CONF_RUN_H */
