// SPDX-License-Identifier: GPL-2.0-only
/* ethtool -L INTERFACE combined PAIRS, for a guest that has no ethtool. */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "traffic.h"

int set_channels(const char *interface, unsigned int pairs)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	struct ifreq req = { .ifr_data = (void *)&channels };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	strncpy(req.ifr_name, interface, IFNAMSIZ - 1);
	err = ioctl(fd, SIOCETHTOOL, &req);
	if (!err) {
		channels.cmd = ETHTOOL_SCHANNELS;
		channels.combined_count = pairs;
		err = ioctl(fd, SIOCETHTOOL, &req);
	}
	if (err)
		perror("traffic: channels");
	close(fd);
	return err ? 1 : 0;
}
