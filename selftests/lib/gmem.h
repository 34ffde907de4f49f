/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of a pretended guest: one region, handed out piece by piece. Its
 * guest addresses differ from the process's on purpose, so that a device that
 * confuses the two is found out.
 */
#ifndef VDPATEST_GMEM_H
#define VDPATEST_GMEM_H

#include <stddef.h>
#include <stdint.h>

#define GMEM_IOVA	0x100000000ull
#define GMEM_PAGE	4096ul

enum gmem_kind {
	GMEM_ANON,	/* what the device takes: in shared-memory mode a file */
	GMEM_MEMFD,
	GMEM_PRIVATE,	/* no file, whatever the device takes */
};

/**
 * struct gmem - one region
 * @hva: where this process sees it
 * @iova: where the device is to see it
 * @size: bytes
 * @next: first byte not handed out yet
 * @memfd: -1 if anonymous
 */
struct gmem {
	void *hva;
	uint64_t iova;
	size_t size;
	size_t next;
	int memfd;
};

void gmem_init(struct gmem *m, enum gmem_kind kind, uint64_t iova, size_t size);
void gmem_free(struct gmem *m);

/* Zeroed memory for good; aligned to a power of two. */
void *gmem_alloc(struct gmem *m, size_t len, size_t align);

uint64_t gmem_iova(const struct gmem *m, const void *p);
void *gmem_ptr(const struct gmem *m, uint64_t iova);

#endif /* VDPATEST_GMEM_H */
