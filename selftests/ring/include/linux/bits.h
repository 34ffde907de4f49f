/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RING_SHIM_BITS_H
#define RING_SHIM_BITS_H

#define BIT(nr)		(1UL << (nr))

#endif /* RING_SHIM_BITS_H */
