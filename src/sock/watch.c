/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeping the kernel's epoll set behind a set's number true; see watch.h. What it holds, and what
 * changes it:
 *
 *	wfd of the set     the kernel itself
 *	wake of the layer  ports' descriptors (the kernel), a timer armed after each call
 *	always             an eventfd that is always readable, asked for EPOLLIN or for nothing
 *
 * Worker thread; the layer owns what it opens, made with the first watched set.
 */
#include "sock/watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define SECOND_NS UINT64_C(1000000000)
/* A port that is full says by itself when it no longer is; looking again soon is as good here. */
#define TX_RETRY_NS UINT64_C(20000)

struct watch_layer {
	struct list watches;
	struct evset hooks; /* nobody's row: carries the functions */
	int always;
	int timer;
	int wake; /* epoll: timer and ports */
	unsigned n_ports;
	uint64_t armed_ns; /* UINT64_MAX: not armed */
};

static int put(int set, int op, int fd, uint32_t events)
{
	struct epoll_event ev = {.events = events};

	return epoll_ctl(set, op, fd, &ev) < 0 ? -errno : 0;
}

static void set_up(struct watch_layer *wl, struct watch *w, bool up)
{
	if (w->up == up)
		return;
	w->up = up;
	(void)put(w->number, EPOLL_CTL_MOD, wl->always, up ? (uint32_t)EPOLLIN : 0);
}

/* The row is no longer empty, between two rounds. */
static void on_raised(struct evitem *hook)
{
	struct watch *w = CONTAINER_OF(hook, struct watch, hook);

	set_up(w->ef->layer->watch, w, true);
}

static void on_source_gone(struct evitem *hook)
{
	watch_end(CONTAINER_OF(hook, struct watch, hook)->ef);
}

static void close_layer(struct fdtab *t, const struct watch_layer *wl)
{
	fdtab_close_hidden(t, wl->always);
	fdtab_close_hidden(t, wl->timer);
	fdtab_close_hidden(t, wl->wake);
}

static int open_layer(struct stack *s)
{
	struct watch_layer *wl = mem_zalloc(s->env.mem, sizeof(*wl));
	int rc = 0;

	if (!wl)
		return -ENOMEM;
	list_init(&wl->watches);
	wl->hooks.item_hook = on_raised;
	wl->hooks.item_gone = on_source_gone;
	wl->armed_ns = UINT64_MAX;
	wl->always = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	wl->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	wl->wake = epoll_create1(EPOLL_CLOEXEC);
	if (wl->always < 0 || wl->timer < 0 || wl->wake < 0)
		rc = -errno;
	if (rc == 0)
		rc = put(wl->wake, EPOLL_CTL_ADD, wl->timer, EPOLLIN);
	if (rc < 0) {
		close_layer(&s->sock->fds, wl);
		mem_free(s->env.mem, wl, sizeof(*wl));
		return rc;
	}
	fdtab_hide(&s->sock->fds, wl->always);
	fdtab_hide(&s->sock->fds, wl->timer);
	fdtab_hide(&s->sock->fds, wl->wake);
	s->sock->watch = wl;
	return 0;
}

int watch_join(struct evfile *ef)
{
	return put(ef->watch->number, EPOLL_CTL_ADD, ef->wfd, EPOLLIN);
}

static int fill(struct watch_layer *wl, struct watch *w)
{
	int rc = put(w->number, EPOLL_CTL_ADD, wl->wake, EPOLLIN);

	if (rc == 0)
		rc = put(w->number, EPOLL_CTL_ADD, wl->always, 0);
	if (rc == 0 && w->ef->wfd >= 0)
		rc = watch_join(w->ef);
	return rc;
}

static int begin(struct stack *s, struct evfile *ef, int fd)
{
	struct watch *w = mem_zalloc(s->env.mem, sizeof(*w));
	int rc;

	if (!w)
		return -ENOMEM;
	w->ef = ef;
	w->number = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (w->number < 0) {
		rc = -errno;
		mem_free(s->env.mem, w, sizeof(*w));
		return rc;
	}
	fdtab_hide(&s->sock->fds, w->number);
	list_init(&w->link);
	list_add_tail(&s->sock->watch->watches, &w->link);
	w->hook.src = &ef->f.src;
	w->hook.mask = RDY_IN;
	evhook_link(&s->sock->watch->hooks, &w->hook);
	ef->watch = w;
	rc = fill(s->sock->watch, w);
	if (rc < 0)
		watch_end(ef);
	return rc;
}

int sock_watch(struct stack *s, int fd)
{
	struct file *f = fdtab_get(&s->sock->fds, fd);
	int rc = 0;

	if (!f)
		return -EBADF;
	if (file_is_socket(f))
		return -EINVAL;
	if (evfile_of(f)->watch)
		return 0;
	if (!s->sock->watch)
		rc = open_layer(s);
	if (rc == 0)
		rc = begin(s, evfile_of(f), fd);
	if (rc == 0)
		watch_update(s);
	return rc;
}

void watch_end(struct evfile *ef)
{
	struct watch *w = ef->watch;

	if (!w)
		return;
	ef->watch = NULL;
	evitem_unlink(&w->hook);
	list_del(&w->link);
	fdtab_close_hidden(&ef->layer->fds, w->number);
	mem_free(ef->stack->env.mem, w, sizeof(*w));
}

/* 0 would disarm the timer: what is due is due in 1 ns. */
static void arm(struct watch_layer *wl, uint64_t until_ns, uint64_t now_ns)
{
	struct itimerspec it = {0};
	uint64_t ns = until_ns > now_ns ? until_ns - now_ns : 1;

	if (until_ns == wl->armed_ns && until_ns > now_ns)
		return;
	wl->armed_ns = until_ns;
	if (until_ns != UINT64_MAX) {
		it.it_value.tv_sec = (time_t)(ns / SECOND_NS);
		it.it_value.tv_nsec = (long)(ns % SECOND_NS);
	}
	(void)timerfd_settime(wl->timer, 0, &it, NULL);
}

void watch_update(struct stack *s)
{
	struct watch_layer *wl = s->sock->watch;
	struct pollfd fds[STACK_WAIT_FDS];
	uint64_t now = s->env.mono_ns(s->env.ctx);
	uint64_t until;
	struct list *pos;
	unsigned n;

	if (list_empty(&wl->watches))
		return;
	/* Nobody clears it before the next wait: posters write. What came before must not wait. */
	if (s->wake_fd >= 0) {
		inbox_after_sleep(&s->sock->inbox);
		if (!inbox_before_sleep(&s->sock->inbox))
			inbox_run(s, &s->sock->inbox);
	}
	until = stack_wait_plan(s, fds, &n);
	for (unsigned i = 0; i < n; i++) {
		if (fds[i].events & POLLOUT)
			until = min_u64(until, now + TX_RETRY_NS);
		else if (wl->n_ports != s->n_ports)
			(void)put(wl->wake, EPOLL_CTL_ADD, fds[i].fd, EPOLLIN);
	}
	wl->n_ports = s->n_ports;
	arm(wl, until, now);
	LIST_FOR_EACH (pos, &wl->watches) {
		struct watch *w = CONTAINER_OF(pos, struct watch, link);

		evset_refresh(&w->ef->set);
		set_up(wl, w, (w->ef->f.src.ready & RDY_IN) != 0);
	}
}

void watch_fini(struct stack *s)
{
	struct watch_layer *wl = s->sock->watch;

	if (!wl)
		return;
	s->sock->watch = NULL;
	close_layer(&s->sock->fds, wl);
	mem_free(s->env.mem, wl, sizeof(*wl));
}
