/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared-memory mode: pages of the VMM's shared mappings, pinned when the
 * device needs them first and kept until something says that they have to go.
 */
#ifndef SWNET_PINCACHE_H
#define SWNET_PINCACHE_H

#include <linux/types.h>

struct memory_entry;
struct mm_struct;
struct pincache;
struct swnet_dev;
struct vm_area_struct;

#define PIN_WANTS	32

/**
 * struct pin_wants - pages somebody found missing
 * @nr: how many
 * @page: user page number, shifted left by one, and whether to write to it
 */
struct pin_wants {
	unsigned int nr;
	unsigned long page[PIN_WANTS];
};

struct pincache *pincache_create(struct swnet_dev *dev);
void pincache_free(struct pincache *pc);

int pincache_bind(struct pincache *pc, struct mm_struct *mm);
void pincache_unbind(struct pincache *pc);

void *pincache_address(struct pincache *pc, const struct memory_entry *entry,
		       u64 offset, u8 perm, struct pin_wants *wants);
int pincache_pin(struct pincache *pc, const struct pin_wants *wants);

int pincache_populate(struct pincache *pc, unsigned long address,
		      unsigned int pages);

u64 pincache_pins(const struct pincache *pc);
u64 pincache_pinned_pages(const struct pincache *pc);

#endif /* SWNET_PINCACHE_H */
