/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket layer: what the public calls do, with the stack as an argument and -errno as result,
 * so that several stacks can live in one process. src/api finds the stack and translates errors;
 * simulations call this directly. Semantics, numbers and errno values are Linux's, kqueue's those
 * of FreeBSD.
 *
 * Calls on a blocking socket run the stack while they wait (and only then, or when told); all
 * others leave what they caused to the next round. A number that is not in this stack's table gives
 * -EBADF. Thread: the worker that owns the stack.
 */
#ifndef LEAT_SOCK_SOCK_H
#define LEAT_SOCK_SOCK_H

#include "core/stack.h"
#include "sock/file.h"

#include <leat/epoll.h>
#include <leat/event.h>
#include <leat/poll.h>
#include <leat/socket.h>

#include <sys/select.h>

struct owner_map;
struct tcp_listener;

/*
 * Signals for EVFILT_SIGNAL; what counts them belongs to the process, not to a stack. After watch()
 * the count goes up with each delivery, and sock_signals_came() is run by the inbox. Worker thread.
 */
struct sock_signals {
	/* -EINVAL: no such signal, or one that cannot be watched. */
	int (*watch)(void *ctx, struct stack *s, int sig);
	void (*unwatch)(void *ctx, struct stack *s, int sig);
	uint32_t (*count)(void *ctx, int sig);
	/* One more, which was taken from those that the program holds back. */
	void (*add)(void *ctx, int sig);
	void *ctx;
};

struct sock_conf {
	const struct sock_signals *signals; /* NULL: no EVFILT_SIGNAL. Must outlive the layer */
	const struct sock_numbers *numbers; /* taken over, come what may; NULL: the kernel's */
	struct owner_map *owners;           /* told of numbers from the kernel; NULL: nobody asks */
	unsigned worker;                    /* as whose */
	uint64_t spin_ns;                   /* poll this long before sleeping; 0: default */
};

#define SOCK_SPIN_NS_DEFAULT (50u * 1000u)

/* Starts TCP and UDP too (tcp_init, udp_init). -ENOMEM, -errno of the number source. */
NODISCARD int sock_init(struct stack *s, const struct sock_conf *conf);
/* Closes everything: connections are reset. Ends TCP and UDP too. */
void sock_fini(struct stack *s);

/* Is fd one of ours? */
bool sock_owns(const struct stack *s, int fd);
/* Is fd a closed descriptor whose number is still reserved? To the program it does not exist. */
bool sock_keeps(const struct stack *s, int fd);
/* Does output wait for the next round? Then sock_flush() before something that may take long. */
void sock_flush(struct stack *s);
/* The answer to a held client (leat_answer): a SYN-ACK, or none ever. -EBADF, -EINVAL: not held. */
NODISCARD int sock_answer(struct stack *s, int fd, bool accept);
/* The listener behind fd, for interception rules. -EBADF, -EINVAL. */
NODISCARD int sock_listener(struct stack *s, int fd, struct tcp_listener **out);
uint32_t sock_count(const struct stack *s);
/* Where other threads post calls. */
struct inbox *sock_inbox(struct stack *s);
/* Begin and end a posted call on fd: it must not wait. Tells what the poster must know to wait
 * itself. */
struct sock_remote {
	bool stream;
	bool blocking;
	uint64_t rcvtimeo_ns; /* 0: none */
	uint64_t sndtimeo_ns;
};
void sock_remote_begin(struct stack *s, int fd, struct sock_remote *info);
void sock_remote_end(struct stack *s, int fd);

/* ---- sockets ---- */

int sock_socket(struct stack *s, int domain, int type, int protocol);
int sock_bind(struct stack *s, int fd, const struct sockaddr *addr, socklen_t len);
int sock_listen(struct stack *s, int fd, int backlog);
int sock_accept(struct stack *s, int fd, struct sockaddr *addr, socklen_t *len, int flags);
int sock_connect(struct stack *s, int fd, const struct sockaddr *addr, socklen_t len);
int sock_shutdown(struct stack *s, int fd, int how);
int sock_close(struct stack *s, int fd);
int sock_dup(struct stack *s, int fd, int from);
/* Onto a number that may be in use, ours or not. */
int sock_dup_to(struct stack *s, int fd, int to);
/* The kernel is about to put a file of its own at fd (dup2). */
void sock_give_number(struct stack *s, int fd);
int sock_getsockname(struct stack *s, int fd, struct sockaddr *addr, socklen_t *len);
int sock_getpeername(struct stack *s, int fd, struct sockaddr *addr, socklen_t *len);
int sock_getsockopt(struct stack *s, int fd, int level, int name, void *value, socklen_t *len);
int sock_setsockopt(struct stack *s, int fd, int level, int name, const void *value, socklen_t len);
int sock_flags_get(struct stack *s, int fd);
int sock_flags_set(struct stack *s, int fd, int flags);
/* Close-on-exec is remembered and does nothing: Leat's sockets end with the process image. */
int sock_cloexec_get(struct stack *s, int fd);
int sock_cloexec_set(struct stack *s, int fd, bool on);
int sock_ioctl(struct stack *s, int fd, unsigned long request, void *arg);

/* One call for each direction; read, recv, recvfrom and readv are special cases. -EPIPE comes
 * without the signal: the caller raises it, for streams. */
ssize_t sock_recvmsg(struct stack *s, int fd, struct msghdr *msg, int flags);
ssize_t sock_sendmsg(struct stack *s, int fd, const struct msghdr *msg, int flags);
/* Linux's recvmmsg(2) and sendmmsg(2): how many messages, or what stopped the first. timeout_ns is
 * looked at between messages; SOCK_FOREVER: none. */
int sock_recvmmsg(struct stack *s, int fd, struct mmsghdr *msgs, unsigned n, int flags,
		  uint64_t timeout_ns);
/* An error that the socket's next call is to tell. */
void sock_error_put(struct stack *s, int fd, int err);
int sock_sendmmsg(struct stack *s, int fd, struct mmsghdr *msgs, unsigned n, int flags);
bool sock_is_stream(const struct stack *s, int fd);
ssize_t sock_read(struct stack *s, int fd, void *buf, size_t len);
ssize_t sock_write(struct stack *s, int fd, const void *buf, size_t len);

/* ---- waiting ---- */

#define SOCK_FOREVER UINT64_MAX

/* Waits take a timeout in ns: 0 one round of the stack, SOCK_FOREVER no limit. sigmask may be NULL.
 */
int sock_epoll_create(struct stack *s);
int sock_epoll_ctl(struct stack *s, int epfd, int op, int fd, const struct epoll_event *event);
int sock_epoll_wait(struct stack *s, int epfd, struct epoll_event *events, int max,
		    uint64_t timeout_ns, const sigset_t *sigmask);

/* The kernel is going to wait for a set by its number: see watch.h. */
NODISCARD int sock_watch(struct stack *s, int fd);
/* Until done(arg), asked after each round. 0, -EAGAIN, -EINTR. */
NODISCARD int sock_run_until(struct stack *s, uint64_t timeout_ns, bool (*done)(void *arg),
			     void *arg);

int sock_kqueue(struct stack *s);
/* Signals have come: their knotes fire. */
void sock_signals_came(struct stack *s);
/* The program closes a descriptor of the kernel's: kqueues forget it. */
void sock_kernel_closed(struct stack *s, int fd);
int sock_kevent(struct stack *s, int kq, const struct kevent *changes, int n_changes,
		struct kevent *events, int n_events, uint64_t timeout_ns);

/* Until a round did something. 0, or -EINTR. */
NODISCARD int sock_run(struct stack *s, uint64_t timeout_ns);

int sock_poll(struct stack *s, struct pollfd *fds, nfds_t n, uint64_t timeout_ns,
	      const sigset_t *sigmask);
/* sets: readable, writable, exceptional; NULL: none. -EINVAL for n above FD_SETSIZE. */
int sock_select(struct stack *s, int n, fd_set *const sets[3], uint64_t timeout_ns,
		const sigset_t *sigmask);
/* Its two halves: n is at most FD_SETSIZE, which fds has room for. -EBADF. */
nfds_t sock_select_ask(int n, fd_set *const sets[3], struct pollfd *fds);
int sock_select_tell(const struct pollfd *fds, nfds_t count, fd_set *const sets[3]);

#endif
