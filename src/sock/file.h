/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a descriptor number stands for: an open file (socket, epoll set, kqueue) with a reference
 * for each number, and the table from numbers to files.
 *
 * Numbers come from an ops table: the real one reserves them in the kernel, so that they never
 * collide with those of open files; simulations count.
 */
#ifndef LEAT_SOCK_FILE_H
#define LEAT_SOCK_FILE_H

#include "base/mem.h"
#include "sock/ev.h"

enum file_kind {
	FILE_TCP,
	FILE_UDP,
	FILE_EPOLL,
	FILE_KQUEUE,
};

#define FILE_NONBLOCK 0x01u

struct file {
	struct evsrc src;
	uint8_t kind; /* enum file_kind */
	uint8_t flags;
	uint32_t refs;
};

/* All may return -errno. */
struct sock_numbers {
	/* A number of at least from that nobody else has. -EMFILE. */
	int (*reserve)(void *ctx, int from);
	/* That very number, whoever has it now (dup2). -EBADF: out of range. */
	int (*reserve_at)(void *ctx, int fd);
	void (*release)(void *ctx, int fd);
	/* Released, but not yet back with the kernel? */
	bool (*keeps)(void *ctx, int fd);
	/* The number was given away by the kernel: do not release or hand it out. */
	void (*forget)(void *ctx, int fd);
	void (*fini)(void *ctx);
	void *ctx;
};

struct fdtab {
	struct file **files;
	unsigned size;
	const struct mem *mem;
	struct sock_numbers numbers;
};

void fdtab_init(struct fdtab *t, const struct mem *mem, const struct sock_numbers *numbers);
void fdtab_fini(struct fdtab *t);
/* Reserve a number and make room for it; it stands for nothing yet. -EMFILE, -ENOMEM. */
NODISCARD int fdtab_reserve(struct fdtab *t, int from);
NODISCARD int fdtab_reserve_at(struct fdtab *t, int fd);
/* Give a reserved number its file. */
void fdtab_set(struct fdtab *t, int fd, struct file *f);
/* The number stands for nothing any more and is given back. */
void fdtab_release(struct fdtab *t, int fd);
/* The same when the kernel has put a file of its own there. */
void fdtab_forget(struct fdtab *t, int fd);

static inline struct file *fdtab_get(const struct fdtab *t, int fd)
{
	return (unsigned)fd < t->size ? t->files[fd] : NULL;
}

/* Numbers reserved in the kernel. -errno. */
NODISCARD int sock_numbers_kernel(const struct mem *mem, struct sock_numbers *out);
/* Numbers counted from 0. */
NODISCARD int sock_numbers_plain(const struct mem *mem, struct sock_numbers *out);

#endif
