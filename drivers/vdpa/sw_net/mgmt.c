// SPDX-License-Identifier: GPL-2.0-only
/*
 * The management devices. What an administrator asks for is checked here; as
 * the vDPA core gives us no way to send text back, the reason of a refusal
 * goes to the kernel log, once.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/vdpa.h>
#include <uapi/linux/vdpa.h>
#include <uapi/linux/virtio_ids.h>

#include "config.h"
#include "device.h"
#include "features.h"
#include "mgmt.h"

/* Guest memory of any kind, pinned by vhost-vdpa; or shared, pinned by us. */
#define MGMT_NAME	"vdpasw_net"
#define MGMT_SHM_NAME	"vdpasw_net_shm"

enum { MGMT_PINNED, MGMT_SHM, MGMT_NUM };

static struct vdpa_mgmt_dev mgmt_devs[MGMT_NUM];

/* The largest MTU whose frames, with a VLAN tag, IP can describe. */
#define MGMT_MTU_MAX	(65535 - VLAN_ETH_HLEN)

static bool asked(const struct vdpa_dev_set_config *config, unsigned int attr)
{
	return config->mask & BIT_ULL(attr);
}

static u64 wanted_features(const struct vdpa_dev_set_config *config, u16 pairs)
{
	if (asked(config, VDPA_ATTR_DEV_FEATURES))
		return config->device_features;
	return SWNET_FEATURES_DEFAULT |
	       (pairs > 1 ? BIT_ULL(VIRTIO_NET_F_MQ) : 0);
}

static void fill_provision(struct swnet_provision *want,
			   const struct vdpa_dev_set_config *config)
{
	want->max_pairs = asked(config, VDPA_ATTR_DEV_NET_CFG_MAX_VQP) ?
			  config->net.max_vq_pairs : 1;
	want->mtu = asked(config, VDPA_ATTR_DEV_NET_CFG_MTU) ?
		    config->net.mtu : SWNET_MTU_DEFAULT;
	if (asked(config, VDPA_ATTR_DEV_NET_CFG_MACADDR))
		ether_addr_copy(want->mac, config->net.mac);
	else
		eth_random_addr(want->mac);
	want->features = wanted_features(config, want->max_pairs);
}

/* NULL if it can be made, else why not. */
static const char *provision_problem(const char *name,
				     const struct swnet_provision *want,
				     char *buf, size_t size)
{
	/* The name is also the host interface's; '%' would be a template. */
	if (!dev_valid_name(name) || strchr(name, '%'))
		return "the name must have 1 to 15 characters, none of them '%', '/', ':' or blank";
	if (!is_valid_ether_addr(want->mac))
		return "the MAC address must be unicast and not zero";
	if (want->mtu < ETH_MIN_MTU || want->mtu > MGMT_MTU_MAX) {
		snprintf(buf, size, "mtu must be %u to %u", ETH_MIN_MTU,
			 MGMT_MTU_MAX);
		return buf;
	}
	if (!want->max_pairs || want->max_pairs > SWNET_PAIRS_MAX) {
		snprintf(buf, size, "max_vqp must be 1 to %u", SWNET_PAIRS_MAX);
		return buf;
	}
	if (want->features & ~SWNET_FEATURES_ALL) {
		snprintf(buf, size, "features %#llx are not supported (of %#llx)",
			 want->features & ~SWNET_FEATURES_ALL,
			 SWNET_FEATURES_ALL);
		return buf;
	}
	return features_problem(want->features);
}

static int mgmt_dev_add(struct vdpa_mgmt_dev *mdev, const char *name,
			const struct vdpa_dev_set_config *config)
{
	struct swnet_provision want;
	struct swnet_dev *dev;
	const char *problem;
	char buf[80];
	int err;

	fill_provision(&want, config);
	want.shm = mdev == &mgmt_devs[MGMT_SHM];
	problem = provision_problem(name, &want, buf, sizeof(buf));
	if (problem) {
		pr_err("%s not added: %s\n", name, problem);
		return -EINVAL;
	}

	dev = swnet_dev_create(mdev->device, name, &want);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	err = swnet_dev_register(dev, mdev);
	if (err) {
		pr_err("%s not added: %s\n", name,
		       err == -EEXIST ? "the name is taken by a vDPA device" :
					"it cannot be registered");
		put_device(&dev->vdpa.dev);
	}
	return err;
}

static void mgmt_dev_del(struct vdpa_mgmt_dev *mdev, struct vdpa_device *vdpa)
{
	swnet_dev_unregister(to_swnet(vdpa));
}

/* The vDPA core lets nothing but the MAC address through. */
static int mgmt_dev_set_attr(struct vdpa_mgmt_dev *mdev,
			     struct vdpa_device *vdpa,
			     const struct vdpa_dev_set_config *config)
{
	struct swnet_dev *dev = to_swnet(vdpa);
	int err = 0;

	if (!asked(config, VDPA_ATTR_DEV_NET_CFG_MACADDR))
		return -EOPNOTSUPP;

	mutex_lock(&dev->lock);
	if (!is_valid_ether_addr(config->net.mac))
		err = -EINVAL;
	else if (dev->status & VIRTIO_CONFIG_S_DRIVER_OK)
		err = -EBUSY;
	else
		config_set_mac(dev, config->net.mac);
	mutex_unlock(&dev->lock);

	if (err)
		dev_err(&vdpa->dev, "MAC address not set: %s\n",
			err == -EBUSY ? "a driver is using the device" :
					"it must be unicast and not zero");
	return err;
}

static const struct vdpa_mgmtdev_ops mgmt_ops = {
	.dev_add	= mgmt_dev_add,
	.dev_del	= mgmt_dev_del,
	.dev_set_attr	= mgmt_dev_set_attr,
};

static struct virtio_device_id mgmt_ids[] = {
	{ VIRTIO_ID_NET, VIRTIO_DEV_ANY_ID },
	{}
};

#define MGMT_DEV {							\
	.ops			= &mgmt_ops,				\
	.id_table		= mgmt_ids,				\
	.supported_features	= SWNET_FEATURES_ALL,			\
	.max_supported_vqs	= 2 * SWNET_PAIRS_MAX + 1,		\
	.config_attr_mask	= BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MACADDR) | \
				  BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MTU) |	\
				  BIT_ULL(VDPA_ATTR_DEV_NET_CFG_MAX_VQP) | \
				  BIT_ULL(VDPA_ATTR_DEV_FEATURES),	\
}

static struct vdpa_mgmt_dev mgmt_devs[MGMT_NUM] = { MGMT_DEV, MGMT_DEV };

static int __init mgmt_register_one(struct vdpa_mgmt_dev *mdev, const char *name)
{
	struct device *root = root_device_register(name);
	int err;

	if (IS_ERR(root))
		return PTR_ERR(root);
	mdev->device = root;
	err = vdpa_mgmtdev_register(mdev);
	if (err)
		root_device_unregister(root);
	return err;
}

static void mgmt_unregister_one(struct vdpa_mgmt_dev *mdev)
{
	vdpa_mgmtdev_unregister(mdev);
	root_device_unregister(mdev->device);
}

/**
 * mgmt_register - open for business
 *
 * Return: 0 or a negative errno.
 */
int __init mgmt_register(void)
{
	int err = mgmt_register_one(&mgmt_devs[MGMT_PINNED], MGMT_NAME);

	if (err)
		return err;
	err = mgmt_register_one(&mgmt_devs[MGMT_SHM], MGMT_SHM_NAME);
	if (err)
		mgmt_unregister_one(&mgmt_devs[MGMT_PINNED]);
	return err;
}

/**
 * mgmt_unregister - delete all devices, then the management devices
 *
 * Waits inside the vDPA core while a VMM has one of them open.
 */
void mgmt_unregister(void)
{
	mgmt_unregister_one(&mgmt_devs[MGMT_SHM]);
	mgmt_unregister_one(&mgmt_devs[MGMT_PINNED]);
}
