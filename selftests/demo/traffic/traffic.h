/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TRAFFIC_TRAFFIC_H
#define TRAFFIC_TRAFFIC_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

struct outside_options {
	struct sockaddr_in peer;
	struct wire_params params;
	unsigned int wait_s;	/* for the guest to answer at all */
	const char *output;	/* JSON report */
	const char *ready;	/* made when traffic flows both ways: its period, us */
};

bool params_valid(const struct wire_params *p);
int guest_end(uint16_t port);
int outside_end(struct outside_options *o);
int set_channels(const char *interface, unsigned int pairs);

#endif
