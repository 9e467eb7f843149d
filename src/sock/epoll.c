/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The epoll face of the event core: epoll_create1, epoll_ctl, epoll_wait as Linux has them.
 *
 * One item for each (file, number) in a set. Kernel descriptors are members of the kernel's set
 * that belongs to ours, with the program's own data, so their events are written to the program's
 * array by the kernel itself. Worker thread.
 */
#include "sock/set.h"

#include "sock/wait.h"
#include "sock/watch.h"

#include <fcntl.h>
#include <sys/epoll.h>

#define ALWAYS (RDY_ERR | RDY_HUP)
#define EXCLUSIVE_OK \
	(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

bool epoll_item_ready(struct evitem *it)
{
	if (it->flags & EVI_NESTED)
		evfile_refresh(evfile_of_src(it->src));
	return (it->src->ready & it->mask) != 0;
}

void epoll_item_gone(struct evitem *it)
{
	struct evfile *ep = CONTAINER_OF(it->set, struct evfile, set);
	struct sock_layer *l = ep->layer;

	if (it->flags & EVI_NESTED)
		evfile_nested_leave(ep, it);
	evitem_unlink(it);
	slab_put(&l->items, it);
}

int sock_epoll_create(struct stack *s)
{
	struct evfile *ef;

	return evfile_open(s, FILE_EPOLL, &ef);
}

static struct evitem *find_item(const struct evfile *ep, const struct file *f, int fd)
{
	struct list *pos;

	LIST_FOR_EACH (pos, &f->src.items) {
		struct evitem *it = CONTAINER_OF(pos, struct evitem, src_link);

		if (it->set == &ep->set && it->fd == fd)
			return it;
	}
	return NULL;
}

static void set_interest(struct evitem *it, const struct epoll_event *ev)
{
	it->mask = (ev->events & RDY_POLL) | ALWAYS;
	it->flags &= EVI_NESTED;
	it->flags |= ev->events & EPOLLET ? EVI_EDGE : 0;
	it->flags |= ev->events & EPOLLONESHOT ? EVI_ONESHOT : 0;
	it->flags |= ev->events & EPOLLEXCLUSIVE ? EVI_EXCLUSIVE : 0;
	it->data = ev->data.u64;
}

static int add_item(struct evfile *ep, struct file *f, int fd, const struct epoll_event *ev)
{
	struct evitem *it;
	uint32_t flags = 0;
	int rc;

	if (ev->events & EPOLLEXCLUSIVE && (ev->events & ~EXCLUSIVE_OK || !file_is_socket(f)))
		return -EINVAL;
	rc = evfile_may_add(ep, f, &flags);
	if (rc < 0)
		return rc;
	if (find_item(ep, f, fd))
		return -EEXIST;
	it = slab_get(&ep->layer->items);
	if (!it)
		return -ENOSPC;
	it->src = &f->src;
	it->fd = fd;
	it->flags = flags;
	set_interest(it, ev);
	evitem_link(&ep->set, it);
	if (flags & EVI_NESTED) {
		rc = evfile_nested_join(ep, it);
		if (rc < 0)
			epoll_item_gone(it);
	}
	return rc;
}

static int mod_item(struct evfile *ep, struct file *f, int fd, const struct epoll_event *ev)
{
	struct evitem *it = find_item(ep, f, fd);

	if (ev->events & EPOLLEXCLUSIVE)
		return -EINVAL;
	if (!it)
		return -ENOENT;
	if (it->flags & EVI_EXCLUSIVE)
		return -EINVAL;
	set_interest(it, ev);
	evitem_rearm(it);
	return it->flags & EVI_NESTED ? evfile_nested_join(ep, it) : 0;
}

static int del_item(struct evfile *ep, struct file *f, int fd)
{
	struct evitem *it = find_item(ep, f, fd);

	if (!it)
		return -ENOENT;
	epoll_item_gone(it);
	return 0;
}

static int kernel_ctl(struct evfile *ep, int op, int fd, const struct epoll_event *event)
{
	struct epoll_event ev = event ? *event : (struct epoll_event){0};
	int kfd = evfile_kernel(ep);

	if (kfd < 0)
		return kfd;
	return epoll_ctl(kfd, op, fd, &ev) < 0 ? -errno : 0;
}

int sock_epoll_ctl(struct stack *s, int epfd, int op, int fd, const struct epoll_event *event)
{
	struct evfile *ep;
	struct file *f = fdtab_get(&s->sock->fds, fd);
	int rc;

	if (op != EPOLL_CTL_DEL && !event)
		return -EFAULT;
	rc = evfile_find(s, epfd, FILE_EPOLL, &ep);
	if (rc == 0 && op != EPOLL_CTL_ADD && op != EPOLL_CTL_MOD && op != EPOLL_CTL_DEL)
		rc = -EINVAL;
	/* A descriptor that is none goes before a set or a call that is none. */
	if (rc == -EINVAL && !f && (sock_keeps(s, fd) || fcntl(fd, F_GETFD) < 0))
		return -EBADF;
	if (rc < 0)
		return rc;
	if (!f)
		return kernel_ctl(ep, op, fd, event);
	if (f == &ep->f)
		return -EINVAL;
	if (op == EPOLL_CTL_ADD)
		return add_item(ep, f, fd, event);
	return op == EPOLL_CTL_MOD ? mod_item(ep, f, fd, event) : del_item(ep, f, fd);
}

/* After delivery: a level stays in the row, at its end; an edge leaves it; ONESHOT is disarmed. */
static ALWAYS_INLINE void delivered(struct evset *set, struct evitem *it)
{
	if (LIKELY(!(it->flags & (EVI_EDGE | EVI_ONESHOT)))) {
		if (it->ready_link.next != &set->ready)
			list_move_tail(&set->ready, &it->ready_link);
		return;
	}
	list_del(&it->ready_link);
	if (it->flags & EVI_ONESHOT)
		it->mask = 0;
}

/*
 * Walk the row once, up to the item that is last now: those delivered go behind it and take their
 * turn in the next call. The row is not empty.
 */
static int harvest(struct evset *set, struct epoll_event *out, int max)
{
	const struct list *last = set->ready.prev;
	bool at_last = false;
	int n = 0;

	while (!at_last && n < max) {
		struct evitem *it = CONTAINER_OF(set->ready.next, struct evitem, ready_link);
		uint32_t events;

		at_last = &it->ready_link == last;
		if (UNLIKELY(it->flags & EVI_NESTED))
			evfile_refresh(evfile_of_src(it->src));
		events = it->src->ready & it->mask;
		if (events == 0) {
			list_del(&it->ready_link);
			continue;
		}
		out[n].events = events;
		out[n].data.u64 = it->data;
		n++;
		delivered(set, it);
	}
	if (list_empty(&set->ready))
		ev_clear(set->src, RDY_IN | RDY_RDNORM);
	return n;
}

struct epoll_call {
	struct evfile *ep;
	struct epoll_event *out;
	int max;
	int n;
};

/* Kernel descriptors come first in their turn, but leave half of the array to ours. */
static void harvest_kernel(struct epoll_call *c, bool slept)
{
	int room = list_empty(&c->ep->set.ready) ? c->max : (c->max + 1) / 2;
	int n;

	if (!evfile_kernel_turn(c->ep, slept))
		return;
	evfile_kernel_nested(c->ep);
	if (c->ep->kfd < 0)
		return;
	n = epoll_wait(c->ep->kfd, c->out, room, 0);
	c->n = n > 0 ? n : 0;
}

static bool harvest_all(struct stack *s, void *arg, bool slept)
{
	struct epoll_call *c = arg;

	(void)s;
	if (UNLIKELY(c->ep->wfd >= 0))
		harvest_kernel(c, slept);
	if (!list_empty(&c->ep->set.ready) && c->n < c->max)
		c->n += harvest(&c->ep->set, c->out + c->n, c->max - c->n);
	return c->n > 0;
}

/* Nothing after the first round. Apart, so that the busy loop does not pay for the rare sleep. */
static NOINLINE int wait_on(struct stack *s, struct epoll_call *c, uint64_t timeout_ns,
			    const sigset_t *sigmask)
{
	struct sock_wait w = {
		.done = harvest_all,
		.arg = c,
		.timeout_ns = timeout_ns,
		.fd = c->ep->wfd,
		.sigmask = sigmask,
	};
	int rc = sock_wait_on(s, &w);

	return rc == -EINTR ? rc : c->n;
}

int sock_epoll_wait(struct stack *s, int epfd, struct epoll_event *events, int max,
		    uint64_t timeout_ns, const sigset_t *sigmask)
{
	struct epoll_call c = {.out = events, .max = max};
	int rc = evfile_find(s, epfd, FILE_EPOLL, &c.ep);

	if (UNLIKELY(rc < 0))
		return rc;
	if (UNLIKELY(max <= 0 || max > (int)(INT32_MAX / sizeof(struct epoll_event))))
		return -EINVAL;
	if (UNLIKELY(!events))
		return -EFAULT;
	sock_round(s);
	if (harvest_all(s, &c, false) || timeout_ns == 0) {
		/* Nobody will look again: not to have looked at the kernel's would be wrong. */
		if (UNLIKELY(c.n == 0 && c.ep->wfd >= 0))
			(void)harvest_all(s, &c, true);
		watch_settle(s);
		return c.n;
	}
	return wait_on(s, &c, timeout_ns, sigmask);
}
