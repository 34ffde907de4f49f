// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>

#include "json.h"

static void json_gap(FILE *f, const struct flow_gap *g)
{
	fprintf(f, "{\"start_ns\":%" PRIu64 ",\"end_ns\":%" PRIu64 ",\"silence_ns\":%" PRIu64
		",\"seq_before\":%" PRIu64 ",\"seq_after\":%" PRIu64 "}",
		g->start, g->end, g->silence, g->seq_before, g->seq_after);
}

void json_direction(FILE *f, const char *name, const struct flow_counts *c,
		    const struct flow_gap *gap)
{
	fprintf(f, "\"%s\":{\"sent\":%" PRIu64 ",\"unsent\":%" PRIu64 ",\"received\":%" PRIu64
		",\"lost\":%" PRId64 ",\"duplicated\":%" PRIu64 ",\"reordered\":%" PRIu64
		",\"corrupted\":%" PRIu64 ",\"gaps_dropped\":%" PRIu64 ",\"max_gap_us\":%" PRIu64
		",\"gaps\":[", name, c->sent, c->unsent, c->received,
		(int64_t)(c->sent - c->received), c->duplicated, c->reordered, c->corrupted,
		c->gaps_dropped, c->max_gap / 1000);
	for (uint64_t i = 0; i < c->gaps; i++) {
		if (i)
			fputc(',', f);
		json_gap(f, gap + i);
	}
	fputs("]}", f);
}

void json_stream(FILE *f, const struct stream *s)
{
	fprintf(f, "\"tcp\":{\"alive\":%s,\"sent\":%" PRIu64 ",\"echoed\":%" PRIu64
		",\"mismatches\":%" PRIu64 ",\"max_stall_us\":%" PRIu64 "}",
		s->fd > 0 && !s->failed ? "true" : "false", s->sent, s->echoed, s->mismatches,
		s->max_stall / 1000);
}
