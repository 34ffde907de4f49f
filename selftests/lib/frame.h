/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ethernet frames the tests can tell from each other and from the rest of the
 * world: a local experimental ethertype, a sequence number and a pattern that
 * follows from it.
 */
#ifndef VDPATEST_FRAME_H
#define VDPATEST_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_TYPE	0x88b5
#define FRAME_MIN	60
#define FRAME_MAX	65550

/* Write a frame of @len bytes, header included. */
void frame_make(void *buf, size_t len, const unsigned char *dst,
		const unsigned char *src, uint32_t seq);

/* Is it one of ours? Then its number is in @seq. */
bool frame_ours(const void *buf, size_t len, uint32_t *seq);

/* Is every byte as frame_make() wrote it? */
bool frame_intact(const void *buf, size_t len);

/*
 * A TCP/IPv4 segment of @payload bytes with headers for segmentation offload
 * (the TCP checksum holds the pseudo header's sum): bytes written.
 */
size_t frame_make_tcp(void *buf, const unsigned char *dst,
		      const unsigned char *src, size_t payload, uint32_t seq);

/* The same headers and payload? Checksums may have been completed meanwhile. */
bool frame_tcp_intact(const void *buf, size_t len, size_t payload,
		      uint32_t seq);

#define FRAME_TCP_HDR	(14 + 20 + 20)

#endif /* VDPATEST_FRAME_H */
