/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames through a device. "Outside" is the peer interface or, with a device
 * that sends back what the guest sends, the guest itself.
 */
#ifndef CONF_IO_H
#define CONF_IO_H

#include <linux/if_ether.h>
#include <stddef.h>

#include "device.h"

#define IO_FRAME	600u	/* an ordinary frame */

/* Bring up, give the device receive buffers, wait until frames get through. */
void io_up(struct dev *d, const struct setup *s);
void io_again(struct dev *d);
/* With a peer: open it, wait for its link. */
void io_open_peer(struct dev *d);
void io_wait_peer(void);

/* A frame that every device lets pass. */
void io_make(void *buf, uint32_t seq, size_t len);

/* Fill the receive ring of a pair, or add @count buffers of @size bytes. */
void io_fill(struct dev *d, unsigned int pair);
void io_post(struct dev *d, unsigned int pair, unsigned int count,
	     uint32_t size);

/* Write a frame and add it, not yet visible, in one buffer or in @parts. */
int io_add(struct dev *d, unsigned int pair, uint32_t seq, size_t len);
int io_add_parts(struct dev *d, unsigned int pair, uint32_t seq, size_t len,
		 unsigned int parts);
/* Take back what the device is done with: chains. */
unsigned int io_reap(struct ring *r);
/* ... and, of a device that sends back, what it sent: buffers are free again. */
void io_recycle(struct dev *d);
/* Add, notify, wait until it is used. */
int io_send(struct dev *d, unsigned int pair, uint32_t seq, size_t len);

/* Next frame of ours that the guest receives: its length or -ETIMEDOUT. */
int io_recv(struct dev *d, void *buf, size_t size, unsigned int ms);

/* The same outside. */
void io_outside_send(struct dev *d, uint32_t seq, size_t len);
int io_outside_recv(struct dev *d, void *buf, size_t size, unsigned int ms);

/* One frame from the guest gets out as it was, and one gets in. */
void io_check_out(struct dev *d, unsigned int pair, uint32_t seq, size_t len);
void io_check_in(struct dev *d, uint32_t seq, size_t len);
void io_check(struct dev *d, uint32_t seq);

/* The guest's rings work, whether or not somebody outside can look. */
void io_check_works(struct dev *d);

/* One control command: its answer, or -ETIMEDOUT. */
int io_ctrl(struct dev *d, uint8_t class, uint8_t cmd, const void *data,
	    size_t len);
struct ring *io_cvq(struct dev *d);

#endif /* CONF_IO_H */
