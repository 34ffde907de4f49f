// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vdev.h"

#define BUS	"/sys/bus/vdpa"

const char *vdev_mgmtdev(void)
{
	const char *env = getenv("VDPA_MGMTDEV");

	return env ? env : "vdpasw_net";
}

bool vdev_is_shm(void)
{
	return !strcmp(vdev_mgmtdev(), "vdpasw_net_shm");
}

bool vdev_available(void)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/devices/%s", vdev_mgmtdev());
	return access(path, F_OK) == 0 &&
	       access(BUS "/drivers/vhost_vdpa", F_OK) == 0;
}

/* First entry of @dir that starts with @prefix, copied to @out. */
static bool find_entry(const char *dir, const char *prefix, char *out,
		       size_t size)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool found = false;

	if (!d)
		return false;
	while (!found && (e = readdir(d))) {
		if (e->d_name[0] == '.' ||
		    strncmp(e->d_name, prefix, strlen(prefix)))
			continue;
		snprintf(out, size, "%.*s", (int)size - 1, e->d_name);
		found = true;
	}
	closedir(d);
	return found;
}

/* The interface has another name than the device if that one was taken. */
static void find_netdev(struct vdev *d)
{
	char dir[128];

	snprintf(dir, sizeof(dir), BUS "/devices/%s/net", d->name);
	if (!find_entry(dir, "", d->netdev, sizeof(d->netdev)))
		snprintf(d->netdev, sizeof(d->netdev), "%s", d->name);
}

static void find_node(struct vdev *d)
{
	char dir[128], node[32];

	snprintf(dir, sizeof(dir), BUS "/devices/%s", d->name);
	CHECK(find_entry(dir, "vhost-vdpa-", node, sizeof(node)),
	      "%s has no character device", d->name);
	snprintf(d->node, sizeof(d->node), "/dev/%s", node);
}

static void bind_vhost(struct vdev *d)
{
	file_write(BUS "/drivers/vhost_vdpa/bind", d->name);
	find_node(d);
}

/* IPv6 would speak up on its own and mix its frames with the test's. */
static void netdev_up(struct vdev *d)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6",
		 d->netdev);
	__file_write(path, "1");
	run("ip link set %s up", d->netdev);
}

/* One address per name: the last character tells devices apart. */
static void make_mac(struct vdev *d)
{
	const unsigned char base[ETH_ALEN] = { 0x52, 0x54, 0, 0, 0, 0 };

	memcpy(d->mac, base, ETH_ALEN);
	d->mac[5] = d->name[strlen(d->name) - 1];
}

void vdev_add(struct vdev *d, const char *name, unsigned int nr,
	      const char *more)
{
	char path[128], vqp[32] = "";
	int ret;

	memset(d, 0, sizeof(*d));
	snprintf(d->name, sizeof(d->name), "%s", name);
	make_mac(d);
	snprintf(path, sizeof(path), BUS "/devices/%s", name);
	if (access(path, F_OK) == 0)
		run("vdpa dev del %s", name);
	if (nr > 1)
		snprintf(vqp, sizeof(vqp), "max_vqp %u", nr);

	/* Else virtio_vdpa, if loaded first, takes the device. */
	file_write(BUS "/drivers_autoprobe", "0");
	ret = __run("vdpa dev add name %s mgmtdev %s mac 52:54:00:00:00:%02x %s %s",
		    name, vdev_mgmtdev(), d->mac[5], vqp, more);
	file_write(BUS "/drivers_autoprobe", "1");
	CHECK(ret == 0, "vdpa dev add: exit code %d", ret);

	bind_vhost(d);
	find_netdev(d);
	netdev_up(d);
}

void vdev_del(struct vdev *d)
{
	run("vdpa dev del %s", d->name);
}

long long vdev_net(const struct vdev *d, const char *what)
{
	char path[128], text[64];

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", d->netdev, what);
	if (__file_read(path, text, sizeof(text)) < 0)
		return -1;
	return strtoll(text, NULL, 0);
}

bool vdev_carrier(const struct vdev *d)
{
	return vdev_net(d, "carrier") == 1;
}

static bool operstate_is_up(const struct vdev *d)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "/sys/class/net/%s/operstate", d->netdev);
	return __file_read(path, text, sizeof(text)) >= 0 && !strcmp(text, "up");
}

/*
 * The queues of the interface are opened right after the state is set, under
 * rtnl; this command waits for that.
 */
void vdev_wait_up(const struct vdev *d)
{
	CHECK(WAIT_UNTIL(operstate_is_up(d), 1000), "%s does not come up",
	      d->netdev);
	run("ip link set %s up", d->netdev);
}

/* "NAME: ... pins 12 pinned_pages 3" */
long long vdev_stat(const struct vdev *d, unsigned int queue, const char *name)
{
	char text[2048], word[64], *at;
	size_t len;
	FILE *f;

	snprintf(text, sizeof(text), "vdpa dev vstats show %s qidx %u", d->name,
		 queue);
	f = popen(text, "r");
	CHECK(f, "popen");
	len = fread(text, 1, sizeof(text) - 1, f);
	pclose(f);
	text[len] = '\0';
	snprintf(word, sizeof(word), " %s ", name);
	at = strstr(text, word);
	CHECK(at, "no counter %s in '%s'", name, text);
	return strtoll(at + strlen(word), NULL, 10);
}
