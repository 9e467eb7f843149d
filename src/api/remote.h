/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of threads that do not own the socket: they travel to its worker's inbox (sock/inbox.h),
 * are tried there without waiting, and whoever must wait does so in the calling thread, on an
 * eventfd of its own that the worker writes to.
 */
#ifndef LEAT_API_REMOTE_H
#define LEAT_API_REMOTE_H

#include "api/current.h"

#include "sock/sock.h"

/* The arguments of a call, for the function that makes it on the worker. */
struct call_args {
	int fd;
	int n;
	int flags;
	unsigned long request;
	socklen_t len;
	const void *in;
	void *out;
	socklen_t *len_out;
	struct sock_remote info; /* filled there */
};

typedef ssize_t (*call_fn)(struct stack *s, struct call_args *a);

/* Is fd another worker's? */
static inline bool is_remote(int fd)
{
	unsigned who = owner_of(&process.owners, fd);

	return UNLIKELY(who != OWNER_NONE && who <= OWNER_WORKERS) && who != current.id;
}

/* A worker enters and leaves the process's table. The first one takes the calls of threads without
 * a worker that name no descriptor (socket). Ids count from 1. */
NODISCARD int worker_enter(unsigned *id);
void worker_ready(unsigned id, struct stack *s);
/* Takes no more calls; what is posted already is answered by sock_fini(). */
void worker_close(unsigned id);
void worker_leave(unsigned id);
/* The first worker; 0: none. */
unsigned worker_first(void);

/* One attempt on the worker: what fn returns, -EBADF when it is gone, -ENOMEM. */
ssize_t remote_try(unsigned worker, call_fn fn, struct call_args *a);
/* On fd's worker. */
ssize_t remote_call(call_fn fn, struct call_args *a);
/* The same, again and again: while it says -EAGAIN and the socket blocks, wait for bits (POLLIN,
 * ...) up to the socket's time-out. */
ssize_t remote_wait_call(call_fn fn, struct call_args *a, uint32_t bits);
/* Wait for bits of fd, up to timeout_ns (SOCK_FOREVER). 0, -EAGAIN, -EINTR, -EBADF. */
int remote_wait(int fd, uint32_t bits, uint64_t timeout_ns, const sigset_t *sigmask);
/* poll(2) over descriptors of any workers and the kernel. */
int remote_poll(struct pollfd *fds, nfds_t n, uint64_t timeout_ns, const sigset_t *sigmask);

#endif
