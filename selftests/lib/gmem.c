// SPDX-License-Identifier: GPL-2.0-only
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "gmem.h"
#include "vdev.h"

void gmem_init(struct gmem *m, enum gmem_kind kind, uint64_t iova, size_t size)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;

	memset(m, 0, sizeof(*m));
	m->iova = iova;
	m->size = size;
	m->memfd = -1;
	if (kind == GMEM_ANON && vdev_is_shm())
		kind = GMEM_MEMFD;
	if (kind == GMEM_MEMFD) {
		m->memfd = memfd_create("guest", MFD_CLOEXEC);
		CHECK(m->memfd >= 0, "memfd_create");
		CHECK(!ftruncate(m->memfd, size), "ftruncate");
		flags = MAP_SHARED;
	}
	m->hva = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, m->memfd, 0);
	CHECK(m->hva != MAP_FAILED, "mmap of %zu bytes", size);
}

void gmem_free(struct gmem *m)
{
	if (!m->hva)
		return;
	munmap(m->hva, m->size);
	if (m->memfd >= 0)
		close(m->memfd);
	m->hva = NULL;
	m->memfd = -1;
}

void *gmem_alloc(struct gmem *m, size_t len, size_t align)
{
	size_t at = (m->next + align - 1) & ~(align - 1);

	CHECK(at + len <= m->size, "guest memory of %zu bytes is used up",
	      m->size);
	m->next = at + len;
	return memset((char *)m->hva + at, 0, len);
}

uint64_t gmem_iova(const struct gmem *m, const void *p)
{
	return m->iova + ((const char *)p - (const char *)m->hva);
}

void *gmem_ptr(const struct gmem *m, uint64_t iova)
{
	CHECK(iova >= m->iova && iova < m->iova + m->size,
	      "0x%llx is no guest address", (unsigned long long)iova);
	return (char *)m->hva + (iova - m->iova);
}
