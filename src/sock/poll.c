/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll(2) over readiness words, and select(2) over it. Nothing is registered: every round looks at
 * each descriptor again, which suits the few that programs poll. Kernel descriptors are asked every
 * few rounds; before the first sleep they are put into an epoll set of the kernel's, whose
 * descriptor then wakes the sleep. Worker thread.
 */
#include "sock/set.h"

#include "sock/wait.h"

#include <sys/epoll.h>
#include <unistd.h>

struct poll_call {
	struct pollfd *fds;
	nfds_t n;
	nfds_t n_kernel;
	unsigned turn;
	int hits;
};

/* What to wait for in the kernel on behalf of a descriptor: itself, or a set's. -1: nothing. */
static int kernel_fd(struct stack *s, int fd)
{
	struct file *f = fdtab_get(&s->sock->fds, fd);

	if (!f)
		return fd;
	return file_is_socket(f) ? -1 : evfile_of(f)->wfd;
}

static short ready_of(struct file *f, short events)
{
	if (!file_is_socket(f))
		evfile_refresh(evfile_of(f));
	return (short)(f->src.ready & ((uint32_t)(unsigned short)events | POLLERR | POLLHUP) &
		       RDY_POLL);
}

static int look_at_ours(struct stack *s, struct poll_call *c)
{
	int hits = 0;

	for (nfds_t i = 0; i < c->n; i++) {
		struct file *f = fdtab_get(&s->sock->fds, c->fds[i].fd);

		if (!f)
			continue;
		c->fds[i].revents = ready_of(f, c->fds[i].events);
		hits += c->fds[i].revents != 0;
	}
	return hits;
}

/* The kernel is asked one by one: it would call our numbers in between invalid. */
static int look_at_kernels(struct stack *s, struct poll_call *c)
{
	int hits = 0;

	for (nfds_t i = 0; i < c->n; i++) {
		struct pollfd *p = &c->fds[i];

		if (fdtab_get(&s->sock->fds, p->fd))
			continue;
		p->revents = 0;
		if (p->fd >= 0)
			hits += poll(p, 1, 0) > 0;
	}
	return hits;
}

static bool look(struct stack *s, void *arg, bool slept)
{
	struct poll_call *c = arg;

	c->hits = look_at_ours(s, c);
	if (c->n_kernel > 0 && (slept || c->turn++ % SET_KERNEL_EVERY == 0))
		c->hits += look_at_kernels(s, c);
	return c->hits > 0;
}

/* -1: no kernel descriptor, or none that can be waited for (those are ready at once). */
static int kernel_set(struct stack *s, const struct poll_call *c)
{
	int kfd = c->n_kernel > 0 ? epoll_create1(EPOLL_CLOEXEC) : -1;

	for (nfds_t i = 0; i < c->n && kfd >= 0; i++) {
		struct epoll_event ev = {.events = (uint32_t)(unsigned short)c->fds[i].events};
		int fd = kernel_fd(s, c->fds[i].fd);

		/* Twice the same number: one wake-up is enough. */
		if (fd >= 0 && epoll_ctl(kfd, EPOLL_CTL_ADD, fd, &ev) < 0 && errno != EEXIST)
			continue;
	}
	return kfd;
}

static void count_kernels(struct stack *s, struct poll_call *c)
{
	for (nfds_t i = 0; i < c->n; i++) {
		c->fds[i].revents = 0;
		c->n_kernel += kernel_fd(s, c->fds[i].fd) >= 0;
	}
}

int sock_poll(struct stack *s, struct pollfd *fds, nfds_t n, uint64_t timeout_ns,
	      const sigset_t *sigmask)
{
	struct poll_call c = {.fds = fds, .n = n};
	struct sock_wait w = {.done = look, .arg = &c, .fd = -1, .sigmask = sigmask};
	int rc;

	count_kernels(s, &c);
	rc = sock_wait(s, &w);
	if (rc == 0 || timeout_ns == 0)
		return c.hits;
	w.timeout_ns = timeout_ns;
	w.fd = kernel_set(s, &c);
	rc = sock_wait(s, &w);
	if (w.fd >= 0)
		(void)close(w.fd);
	return rc == -EINTR ? rc : c.hits;
}

/* ---- select, by way of poll ---- */

static const short select_asks[3] = {POLLIN, POLLOUT, POLLPRI};
/* What makes a descriptor a member of the answer, as Linux's select has it. */
static const short select_hits[3] = {POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR, POLLPRI};

nfds_t sock_select_ask(int n, fd_set *const sets[3], struct pollfd *fds)
{
	nfds_t count = 0;

	for (int fd = 0; fd < n; fd++) {
		short events = 0;

		for (int k = 0; k < 3; k++)
			if (sets[k] && FD_ISSET(fd, sets[k]))
				events |= select_asks[k];
		if (events)
			fds[count++] = (struct pollfd){.fd = fd, .events = events};
	}
	return count;
}

int sock_select_tell(const struct pollfd *fds, nfds_t count, fd_set *const sets[3])
{
	int hits = 0;

	for (nfds_t i = 0; i < count; i++) {
		if (fds[i].revents & POLLNVAL)
			return -EBADF;
		for (int k = 0; k < 3; k++) {
			if (!(fds[i].events & select_asks[k]))
				continue;
			if (fds[i].revents & select_hits[k])
				hits++;
			else
				FD_CLR(fds[i].fd, sets[k]);
		}
	}
	return hits;
}

int sock_select(struct stack *s, int n, fd_set *const sets[3], uint64_t timeout_ns,
		const sigset_t *sigmask)
{
	struct pollfd fds[FD_SETSIZE];
	nfds_t count;
	int rc;

	if (n < 0 || n > FD_SETSIZE)
		return -EINVAL;
	count = sock_select_ask(n, sets, fds);
	rc = sock_poll(s, fds, count, timeout_ns, sigmask);
	return rc < 0 ? rc : sock_select_tell(fds, count, sets);
}
