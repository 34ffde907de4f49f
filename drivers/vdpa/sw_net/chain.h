/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading and writing the buffers of a descriptor chain. */
#ifndef SWNET_CHAIN_H
#define SWNET_CHAIN_H

#include <linux/types.h>

struct ring_chain;
struct ring_seg;
struct swnet_vq;

/**
 * struct chain_reader - how far a chain has been read
 * @vq: its queue
 * @seg: current segment
 * @offset: bytes of it that were read
 * @left: bytes of the chain that were not
 */
struct chain_reader {
	struct swnet_vq *vq;
	const struct ring_seg *seg;
	u32 offset;
	u32 left;
};

void chain_begin(struct chain_reader *reader, struct swnet_vq *vq,
		 const struct ring_chain *chain);
int chain_read(struct chain_reader *reader, void *dst, u32 len);
int chain_write(struct swnet_vq *vq, const struct ring_chain *chain, u32 offset,
		const void *src, u32 len);

#endif /* SWNET_CHAIN_H */
