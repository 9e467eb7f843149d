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
#define FILE_REMOTE   0x02u /* a call of another thread is at work: it does the waiting */

struct file {
	struct evsrc src;
	uint8_t kind; /* enum file_kind */
	uint8_t flags;
	uint32_t refs;
};

static inline bool file_is_socket(const struct file *f)
{
	return f->kind <= FILE_UDP;
}

/* Those that give a number may return -errno. */
struct sock_numbers {
	/* For a socket, a number that nobody else has. -EMFILE. */
	int (*reserve)(void *ctx);
	/* For an event set. */
	int (*reserve_set)(void *ctx);
	/* Another number for fd: the lowest from `from` on that nobody has. */
	int (*dup)(void *ctx, int fd, int from);
	/* That very number, whoever has it now (dup2). -EBADF: out of range. */
	int (*dup_at)(void *ctx, int fd, int to);
	void (*release)(void *ctx, int fd, bool set);
	/* Released, but not yet back with the kernel? */
	bool (*keeps)(void *ctx, int fd);
	/* The number was given away by the kernel: do not release or hand it out. */
	void (*forget)(void *ctx, int fd);
	/* A descriptor of the kernel's that the program must not know of, until it is closed. */
	void (*hide)(void *ctx, int fd);
	void (*fini)(void *ctx);
	void *ctx;
};

struct fdtab {
	struct file **files;
	uint8_t *cloexec; /* close-on-exec as the program sees it */
	unsigned size;
	const struct mem *mem;
	struct sock_numbers numbers;
};

void fdtab_init(struct fdtab *t, const struct mem *mem, const struct sock_numbers *numbers);
void fdtab_fini(struct fdtab *t);
/* Reserve a number and make room for it; it stands for nothing yet. -EMFILE, -ENOMEM. */
NODISCARD int fdtab_reserve(struct fdtab *t);
NODISCARD int fdtab_reserve_set(struct fdtab *t);
/* Another number for fd's file: the lowest from `from` on. */
NODISCARD int fdtab_dup(struct fdtab *t, int fd, int from);
/* That very one; if it has a file already, its reference is the caller's to drop. */
NODISCARD int fdtab_dup_at(struct fdtab *t, int fd, int to);
/* Give a reserved number its file. */
void fdtab_set(struct fdtab *t, int fd, struct file *f);
/* A reserved number that was given no file, or stands for none any more, goes back. */
void fdtab_release(struct fdtab *t, int fd);
/* The same when the kernel has put a file of its own there. */
void fdtab_forget(struct fdtab *t, int fd);
/* Keep a descriptor of ours out of the program's sight. */
void fdtab_hide(struct fdtab *t, int fd);
/* Close it again; harmless for -1. */
void fdtab_close_hidden(struct fdtab *t, int fd);

static inline struct file *fdtab_get(const struct fdtab *t, int fd)
{
	return (unsigned)fd < t->size ? t->files[fd] : NULL;
}

struct owner_map;

/* Numbers reserved in the kernel, told to owners (NULL: a map of its own) as worker id's. -errno.
 */
NODISCARD int sock_numbers_kernel(const struct mem *mem, struct owner_map *owners, unsigned id,
				  struct sock_numbers *out);
/* Numbers counted from 0. */
NODISCARD int sock_numbers_plain(const struct mem *mem, struct sock_numbers *out);

#endif
