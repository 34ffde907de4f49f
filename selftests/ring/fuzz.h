/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RING_FUZZ_H
#define RING_FUZZ_H

#include <stddef.h>
#include <linux/types.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#endif /* RING_FUZZ_H */
