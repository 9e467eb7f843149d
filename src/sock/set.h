/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What epoll sets and kqueues share: the open file, its place as a source in other sets, and the
 * kernel descriptors among its members.
 *
 * Kernel descriptors live in an epoll set of the kernel's that belongs to ours and is made with the
 * first of them (kfd). What a sleep waits for is another one (wfd), which holds the first and those
 * of the sets inside, so that kernel descriptors are seen through the sets around theirs. It is
 * looked at every few rounds. Worker thread.
 */
#ifndef LEAT_SOCK_SET_H
#define LEAT_SOCK_SET_H

#include "base/htab.h"
#include "sock/socket.h"

/* Sets inside sets: as deep as Linux allows (EP_MAX_NESTS). */
#define SET_DEPTH_MAX 4u
/* Rounds without sleep between two looks at the kernel's set. */
#define SET_KERNEL_EVERY 16u

struct evfile {
	struct file f;
	struct evset set;
	struct sock_layer *layer;
	struct stack *stack;
	int kfd;       /* the kernel's epoll set of our members, -1: none yet */
	int wfd;       /* the one to wait for: kfd and the wfd of sets inside, -1: no kfd below */
	int kfd_write; /* kqueue: one for WRITE, within kfd: edges of the two must not mix */
	uint32_t k_turn;
	struct watch *watch; /* the kernel waits for us: watch.h */
	struct htab own;     /* kqueue: knotes without a Leat descriptor, by ident and filter */
};

void sets_init(struct stack *s, struct sock_layer *l, size_t max_sets);
void sets_fini(struct sock_layer *l);

/* New set with a number. -errno, or the number. */
NODISCARD int evfile_open(struct stack *s, enum file_kind kind, struct evfile **out);
/* The set behind fd: 0, -EBADF or -EINVAL. */
NODISCARD int evfile_find(struct stack *s, int fd, enum file_kind kind, struct evfile **out);
/* May f become a member of ef? -EINVAL: itself; -ELOOP. Sets the item's flag for a set. */
NODISCARD int evfile_may_add(const struct evfile *ef, struct file *f, uint32_t *flags);
/* The kernel's set (kfd), made when missing. -errno. */
NODISCARD int evfile_kernel(struct evfile *ef);
/* The one within it for WRITE knotes, which tells of itself by SET_KERNEL_WRITE. -errno. */
NODISCARD int evfile_kernel_write(struct evfile *ef);
#define SET_KERNEL_WRITE UINT64_MAX
/* Is it the kernel's turn? */
bool evfile_kernel_turn(struct evfile *ef, bool slept);
/* Fire the items of sets inside that have a kernel descriptor ready. */
void evfile_kernel_nested(struct evfile *ef);
/* A set was added to ef, changed, or is about to leave it. */
NODISCARD int evfile_nested_join(struct evfile *ef, struct evitem *it);
void evfile_nested_leave(struct evfile *ef, struct evitem *it);
/* A set as a source: is its word right now, kernel descriptors included? */
void evfile_refresh(struct evfile *ef);
/* A kernel descriptor is about to be closed: its knotes go, as kqueue(2) says. */
void sets_forget_kernel(struct sock_layer *l, int fd);
/* Through descriptor fd only: knotes. */
void sets_drop_knotes(struct file *f, int fd);

static inline struct evfile *evfile_of(struct file *f)
{
	return CONTAINER_OF(f, struct evfile, f);
}

static inline struct evfile *evfile_of_src(struct evsrc *src)
{
	return CONTAINER_OF(src, struct evfile, f.src);
}

/* epoll.c, kqueue.c */
bool epoll_item_ready(struct evitem *it);
void epoll_item_gone(struct evitem *it);
bool knote_ready(struct evitem *it);
void knote_gone(struct evitem *it);

#endif
