/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Travelling calls; see remote.h. On the calling thread, but for what the comments place on the
 * worker.
 *
 * The worker writes to the thread's eventfd first and says "done" after it: once done is seen, the
 * worker touches neither the call nor the descriptor any more.
 */
#include "api/remote.h"

#include "plat/clock.h"
#include "plat/wait.h"
#include "sock/inbox.h"
#include "sock/waiter.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SPINS_MAX 64
/* The write was seen and "done" not yet: it comes within nanoseconds, unless the worker's thread
 * was put aside in between. */
#define RETRY_NS UINT64_C(1000000)

/* ---- workers ---- */

int worker_enter(unsigned *id)
{
	for (unsigned i = 1; i <= OWNER_WORKERS; i++) {
		bool none = false;

		if (atomic_compare_exchange_strong(&process.workers[i].taken, &none, true)) {
			*id = i;
			return 0;
		}
	}
	return -ENOSPC;
}

void worker_ready(unsigned id, struct stack *s)
{
	atomic_store(&process.workers[id].inbox, sock_inbox(s));
}

void worker_close(unsigned id)
{
	atomic_store(&process.workers[id].inbox, NULL);
}

void worker_leave(unsigned id)
{
	atomic_store(&process.workers[id].taken, false);
}

unsigned worker_first(void)
{
	for (unsigned i = 1; i <= OWNER_WORKERS; i++)
		if (atomic_load_explicit(&process.workers[i].inbox, memory_order_acquire))
			return i;
	return 0;
}

/* ---- the thread's eventfd ---- */

static void close_wake(void *arg)
{
	int fd = (int)(intptr_t)arg - 1;

	owner_set(&process.owners, fd, OWNER_NONE);
	(void)close(fd);
}

static void make_key(void)
{
	process.have_key = pthread_key_create(&process.wake_key, close_wake) == 0;
}

/* current.wake is one more than the descriptor: 0 is "none yet". */
static int wake_fd(void)
{
	int fd;

	if (current.wake > 0)
		return current.wake - 1;
	(void)pthread_once(&process.key_once, make_key);
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (owner_room(&process.owners, fd) == 0)
		owner_set(&process.owners, fd, OWNER_INTERNAL);
	current.wake = fd + 1;
	if (process.have_key)
		(void)pthread_setspecific(process.wake_key, (void *)(intptr_t)current.wake);
	return fd;
}

static void drain(int fd)
{
	uint64_t count;

	(void)!read(fd, &count, sizeof(count));
}

static void write_one(int fd)
{
	const uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one));
}

/* On the worker. */
static void say_done(int fd, _Atomic bool *done)
{
	write_one(fd);
	atomic_store_explicit(done, true, memory_order_release);
}

static bool is_done(_Atomic bool *done)
{
	for (int i = 0; i < SPINS_MAX; i++) {
		if (atomic_load_explicit(done, memory_order_acquire))
			return true;
		if (i > 0)
			(void)sched_yield();
	}
	return false;
}

/* ---- one attempt ---- */

struct travelling {
	struct inbox_call c;
	call_fn fn;
	struct call_args *args;
	ssize_t rc;
	int wake;
	_Atomic bool done;
};

/* On the worker. */
static void run_call(struct stack *s, struct inbox_call *c)
{
	struct travelling *t = CONTAINER_OF(c, struct travelling, c);

	sock_remote_begin(s, t->args->fd, &t->args->info);
	t->rc = t->fn(s, t->args);
	sock_remote_end(s, t->args->fd);
	say_done(t->wake, &t->done);
}

static void post_and_wait(struct inbox *in, struct inbox_call *c, int fd, _Atomic bool *done)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t limit = PLAT_WAIT_FOREVER;

	drain(fd);
	inbox_post(in, c);
	/* An interrupted sleep changes nothing: the call is on its way. */
	while (!is_done(done)) {
		if (plat_wait(&p, 1, limit, NULL) > 0) {
			drain(fd);
			limit = RETRY_NS;
		}
	}
}

ssize_t remote_try(unsigned worker, call_fn fn, struct call_args *a)
{
	struct travelling t = {.c.run = run_call, .fn = fn, .args = a, .wake = wake_fd()};
	struct inbox *in = atomic_load_explicit(&process.workers[worker].inbox, //
						memory_order_acquire);

	if (!in)
		return -EBADF;
	if (t.wake < 0)
		return t.wake;
	post_and_wait(in, &t.c, t.wake, &t.done);
	return t.rc;
}

ssize_t remote_call(call_fn fn, struct call_args *a)
{
	unsigned worker = owner_of(&process.owners, a->fd);

	return worker != OWNER_NONE && worker <= OWNER_WORKERS ? remote_try(worker, fn, a) : -EBADF;
}

/* ---- waiting ---- */

struct remote_waiter {
	struct inbox_call c;
	struct sock_waiter w;
	struct inbox *in;
	int fd;
	uint32_t bits;
	int wake;
	int rc;
	_Atomic bool posted; /* the arming or cancelling was done */
	_Atomic bool fired;
};

/*
 * On the worker. Here "fired" comes before the write, so that whoever drains the write sees it. The
 * descriptor stays meanwhile: the thread goes on only when its cancelling was done, after this.
 */
static void on_fired(struct sock_waiter *w, int rc)
{
	struct remote_waiter *r = CONTAINER_OF(w, struct remote_waiter, w);
	int fd = r->wake;

	r->rc = rc;
	atomic_store_explicit(&r->fired, true, memory_order_release);
	write_one(fd);
}

/* On the worker. */
static void run_arm(struct stack *s, struct inbox_call *c)
{
	struct remote_waiter *r = CONTAINER_OF(c, struct remote_waiter, c);

	sock_waiter_arm(s, &r->w, r->fd, r->bits);
	say_done(r->wake, &r->posted);
}

/* On the worker. */
static void run_cancel(struct stack *s, struct inbox_call *c)
{
	struct remote_waiter *r = CONTAINER_OF(c, struct remote_waiter, c);

	(void)s;
	sock_waiter_cancel(&r->w);
	say_done(r->wake, &r->posted);
}

static int arm(struct remote_waiter *r, int fd, uint32_t bits)
{
	unsigned worker = owner_of(&process.owners, fd);

	*r = (struct remote_waiter){.c.run = run_arm, .w.fired = on_fired, .fd = fd, .bits = bits};
	if (worker == OWNER_NONE || worker > OWNER_WORKERS)
		return -EBADF;
	r->wake = wake_fd();
	if (r->wake < 0)
		return r->wake;
	r->in = atomic_load_explicit(&process.workers[worker].inbox, memory_order_acquire);
	if (!r->in)
		return -EBADF;
	post_and_wait(r->in, &r->c, r->wake, &r->posted);
	return 0;
}

static void cancel(struct remote_waiter *r)
{
	atomic_store(&r->posted, false);
	r->c.run = run_cancel;
	post_and_wait(r->in, &r->c, r->wake, &r->posted);
}

static uint64_t left_ns(uint64_t deadline_ns)
{
	uint64_t now = plat_mono_ns();

	if (deadline_ns == SOCK_FOREVER)
		return PLAT_WAIT_FOREVER;
	return deadline_ns > now ? deadline_ns - now : 0;
}

static uint64_t deadline_of(uint64_t timeout_ns)
{
	uint64_t now = plat_mono_ns();

	return timeout_ns > SOCK_FOREVER - now ? SOCK_FOREVER : now + timeout_ns;
}

/* Until it fired, the kernel's half of a set is readable, the time is over, or a signal. */
static int sleep_on(struct remote_waiter *r, uint64_t deadline_ns, const sigset_t *sigmask)
{
	struct pollfd p[2] = {{.fd = r->wake, .events = POLLIN},
			      {.fd = r->w.kernel_fd, .events = POLLIN}};

	while (!atomic_load_explicit(&r->fired, memory_order_acquire)) {
		uint64_t left = left_ns(deadline_ns);
		int n = plat_wait(p, 2, left, sigmask);

		if (n == -EINTR)
			return n;
		if (p[0].revents & POLLIN)
			drain(r->wake);
		if (p[1].revents)
			return 0;
		/* The arming was announced on the same descriptor. */
		if (left == 0 && !atomic_load_explicit(&r->fired, memory_order_acquire))
			return -EAGAIN;
	}
	return r->rc < 0 ? r->rc : 0;
}

int remote_wait(int fd, uint32_t bits, uint64_t timeout_ns, const sigset_t *sigmask)
{
	uint64_t deadline_ns = deadline_of(timeout_ns);
	struct remote_waiter r;
	int rc = arm(&r, fd, bits);

	if (rc < 0)
		return rc;
	rc = sleep_on(&r, deadline_ns, sigmask);
	cancel(&r);
	/* It fired in the last moment. */
	if (rc == -EAGAIN && atomic_load(&r.fired))
		rc = r.rc < 0 ? r.rc : 0;
	return rc;
}

ssize_t remote_wait_call(call_fn fn, struct call_args *a, uint32_t bits)
{
	uint64_t deadline_ns = 0;

	for (;;) {
		ssize_t rc = remote_call(fn, a);
		uint64_t ns = bits & POLLOUT ? a->info.sndtimeo_ns : a->info.rcvtimeo_ns;

		if (rc != -EAGAIN || !a->info.blocking || a->flags & MSG_DONTWAIT)
			return rc;
		if (deadline_ns == 0)
			deadline_ns = deadline_of(ns ? ns : SOCK_FOREVER);
		rc = remote_wait(a->fd, bits, left_ns(deadline_ns), NULL);
		if (rc < 0)
			return rc;
	}
}

/* ---- poll ---- */

static ssize_t call_poll_one(struct stack *s, struct call_args *a)
{
	return sock_poll(s, a->out, 1, 0, NULL);
}

static bool travels(int fd)
{
	unsigned who = owner_of(&process.owners, fd);

	return who != OWNER_NONE && who <= OWNER_WORKERS;
}

static int look(struct pollfd *fds, nfds_t n)
{
	int hits = 0;

	for (nfds_t i = 0; i < n; i++) {
		struct call_args a = {.fd = fds[i].fd, .out = &fds[i]};

		fds[i].revents = 0;
		if (fds[i].fd < 0)
			continue;
		if (travels(fds[i].fd))
			(void)remote_call(call_poll_one, &a);
		else
			(void)poll(&fds[i], 1, 0);
		hits += fds[i].revents != 0;
	}
	return hits;
}

struct poll_sleep {
	struct remote_waiter *r;
	struct pollfd *p; /* 0: the thread's eventfd; then one for each descriptor */
	nfds_t n;
};

static int arm_all(struct poll_sleep *ps, const struct pollfd *fds)
{
	for (nfds_t i = 0; i < ps->n; i++) {
		bool ours = fds[i].fd >= 0 && travels(fds[i].fd);
		uint32_t bits = (uint32_t)(unsigned short)fds[i].events | POLLERR | POLLHUP;

		ps->r[i].in = NULL;
		ps->p[i + 1] =
			(struct pollfd){.fd = ours ? -1 : fds[i].fd, .events = fds[i].events};
		if (ours && arm(&ps->r[i], fds[i].fd, bits) == 0 && ps->r[i].w.kernel_fd >= 0)
			ps->p[i + 1] =
				(struct pollfd){.fd = ps->r[i].w.kernel_fd, .events = POLLIN};
	}
	ps->p[0] = (struct pollfd){.fd = wake_fd(), .events = POLLIN};
	return ps->p[0].fd < 0 ? ps->p[0].fd : 0;
}

/* Once; the caller looks again. The wake-ups of the arming count as one round too many. */
static int poll_sleep(struct poll_sleep *ps, const struct pollfd *fds, uint64_t deadline_ns,
		      const sigset_t *sigmask)
{
	int rc = arm_all(ps, fds);
	bool fired = false;

	drain(ps->p[0].fd);
	for (nfds_t i = 0; i < ps->n; i++)
		if (ps->r[i].in)
			fired |= atomic_load_explicit(&ps->r[i].fired, memory_order_acquire);
	if (rc == 0)
		rc = plat_wait(ps->p, (unsigned)ps->n + 1, fired ? 0 : left_ns(deadline_ns),
			       sigmask);
	for (nfds_t i = 0; i < ps->n; i++)
		if (ps->r[i].in)
			cancel(&ps->r[i]);
	return rc < 0 ? rc : 0;
}

int remote_poll(struct pollfd *fds, nfds_t n, uint64_t timeout_ns, const sigset_t *sigmask)
{
	uint64_t deadline_ns = deadline_of(timeout_ns);
	struct poll_sleep ps = {.n = n};
	int hits = look(fds, n);
	int rc = 0;

	if (hits > 0 || timeout_ns == 0)
		return hits;
	ps.r = calloc(n ? n : 1, sizeof(*ps.r));
	ps.p = calloc(n + 1, sizeof(*ps.p));
	if (!ps.r || !ps.p)
		rc = -ENOMEM;
	while (rc == 0 && hits == 0) {
		bool last = left_ns(deadline_ns) == 0;

		if (!last)
			rc = poll_sleep(&ps, fds, deadline_ns, sigmask);
		hits = look(fds, n);
		if (last)
			break;
	}
	free(ps.r);
	free(ps.p);
	return hits > 0 ? hits : rc;
}
