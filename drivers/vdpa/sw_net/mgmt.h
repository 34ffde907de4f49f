/* SPDX-License-Identifier: GPL-2.0-only */
/* The management device: where "vdpa dev add" comes in. */
#ifndef SWNET_MGMT_H
#define SWNET_MGMT_H

int mgmt_register(void);
void mgmt_unregister(void);

#endif /* SWNET_MGMT_H */
