/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose a descriptor number is, for all threads of the process: one byte for each number. Threads
 * other than the owner learn from it where a call must go, and close_range(2) what to leave alone.
 *
 * Any thread reads; the worker that reserved a number writes. Chunks are made when a number in them
 * is first written and never freed: the map belongs to the process.
 */
#ifndef LEAT_SOCK_OWNER_H
#define LEAT_SOCK_OWNER_H

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define OWNER_CHUNK  4096u
#define OWNER_CHUNKS 1024u /* 4 million numbers: Linux's fs.nr_open is 1 million */

/* 1 to OWNER_WORKERS: a worker. */
#define OWNER_NONE     0u /* the kernel's, or free */
#define OWNER_WORKERS  250u
#define OWNER_INTERNAL 254u /* Leat's own: ports, wake-ups; the program never heard of it */
#define OWNER_KEPT     255u /* closed, but the number is still reserved: does not exist */

struct owner_chunk {
	_Atomic uint8_t of[OWNER_CHUNK];
};

struct owner_map {
	struct owner_chunk *_Atomic chunk[OWNER_CHUNKS];
};

/* Is there room for fd? -ENOMEM, -EMFILE: beyond what the map holds. */
NODISCARD int owner_room(struct owner_map *m, int fd);
/* For numbers that have room; others keep OWNER_NONE. */
void owner_set(struct owner_map *m, int fd, unsigned who);
/* The first number from fd up to last that is not OWNER_NONE; -1: none. */
int owner_next(struct owner_map *m, unsigned fd, unsigned last);
/* For a map that does not live as long as the process. */
void owner_fini(struct owner_map *m);

static inline unsigned owner_of(struct owner_map *m, int fd)
{
	const unsigned n = (unsigned)fd;
	struct owner_chunk *c;

	if (n >= OWNER_CHUNK * OWNER_CHUNKS)
		return OWNER_NONE;
	c = atomic_load_explicit(&m->chunk[n / OWNER_CHUNK], memory_order_acquire);
	return c ? atomic_load_explicit(&c->of[n % OWNER_CHUNK], memory_order_acquire) : OWNER_NONE;
}

#endif
