// SPDX-License-Identifier: GPL-2.0-only
/* The buffers of a chain as one stretch of bytes each way. */
#include <linux/minmax.h>

#include "chain.h"
#include "vq.h"

/**
 * chain_begin - read a chain from its first byte
 * @reader: what to read with
 * @vq: the queue
 * @chain: a chain of its batch
 */
void chain_begin(struct chain_reader *reader, struct swnet_vq *vq,
		 const struct ring_chain *chain)
{
	reader->vq = vq;
	reader->seg = chain->seg;
	reader->offset = 0;
	reader->left = chain->len_out;
}

/**
 * chain_read - copy what the driver wrote, each byte once
 * @reader: where to go on
 * @dst: where the bytes go
 * @len: how many
 *
 * Context: any but hard interrupt, the queue's lock held.
 * Return: 0; -EMSGSIZE if the chain is shorter, -EFAULT if part of it cannot
 * be read.
 */
int chain_read(struct chain_reader *reader, void *dst, u32 len)
{
	struct swnet_vq *vq = reader->vq;

	lockdep_assert_held(&vq->lock);

	if (len > reader->left)
		return -EMSGSIZE;
	reader->left -= len;
	while (len) {
		u32 piece = min(len, reader->seg->len - reader->offset);

		if (memory_copy_from(vq->data_as, &vq->cache, dst,
				     reader->seg->addr + reader->offset, piece))
			return -EFAULT;
		dst += piece;
		len -= piece;
		reader->offset += piece;
		if (reader->offset == reader->seg->len) {
			reader->seg++;
			reader->offset = 0;
		}
	}
	return 0;
}

/**
 * chain_write - store into the part of a chain that the driver reads
 * @vq: the queue
 * @chain: a chain of its batch
 * @offset: first byte of that part
 * @src: the bytes
 * @len: how many
 *
 * Context: any but hard interrupt, the queue's lock held.
 * Return: 0; -EMSGSIZE if the chain is shorter, -EFAULT if part of it cannot
 * be written.
 */
int chain_write(struct swnet_vq *vq, const struct ring_chain *chain, u32 offset,
		const void *src, u32 len)
{
	const struct ring_seg *seg = chain->seg + chain->nr_out;

	lockdep_assert_held(&vq->lock);

	if (offset > chain->len_in || len > chain->len_in - offset)
		return -EMSGSIZE;
	for (; len; seg++) {
		u32 piece;

		if (offset >= seg->len) {
			offset -= seg->len;
			continue;
		}
		piece = min(len, seg->len - offset);
		if (memory_copy_to(vq->data_as, &vq->cache, seg->addr + offset,
				   src, piece))
			return -EFAULT;
		src += piece;
		len -= piece;
		offset = 0;
	}
	return 0;
}
