/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TRAFFIC_JSON_H
#define TRAFFIC_JSON_H

#include <stdio.h>

#include "stream.h"
#include "wire.h"

void json_direction(FILE *f, const char *name, const struct flow_counts *c,
		    const struct flow_gap *gap);
void json_stream(FILE *f, const struct stream *s);

#endif
