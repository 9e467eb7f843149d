/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event sets as files: making and closing them, nesting, and the kernel's set beside ours. See
 * set.h. Worker thread; the descriptor table owns the set, the set owns its items.
 */
#include "sock/set.h"

#include "sock/knote.h"
#include "sock/watch.h"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

void sets_init(struct stack *s, struct sock_layer *l, size_t max_sets)
{
	size_t max = s->max_sockets;

	slab_init(&l->sets, s->env.mem, "event sets", sizeof(struct evfile), max_sets);
	slab_init(&l->knotes, s->env.mem, "knotes", sizeof(struct knote), max * 4);
	slab_init(&l->timers, s->env.mem, "timer knotes", sizeof(struct knote_timer), max);
}

void sets_fini(struct sock_layer *l)
{
	kqueue_signals_fini(l);
	slab_fini(&l->sets);
	slab_fini(&l->knotes);
	slab_fini(&l->timers);
}

static int init_set(struct stack *s, struct evfile *ef, enum file_kind kind)
{
	evsrc_init(&ef->f.src);
	ef->f.kind = (uint8_t)kind;
	ef->f.refs = 1;
	ef->kfd = -1;
	ef->wfd = -1;
	ef->kfd_write = -1;
	ef->layer = s->sock;
	ef->stack = s;
	evset_init(&ef->set, &ef->f.src);
	if (kind == FILE_EPOLL) {
		ef->set.item_ready = epoll_item_ready;
		ef->set.item_gone = epoll_item_gone;
		return 0;
	}
	ef->set.item_ready = knote_ready;
	ef->set.item_gone = knote_gone;
	return htab_init(&ef->own, s->env.mem, HTAB_MIN_ORDER);
}

int evfile_open(struct stack *s, enum file_kind kind, struct evfile **out)
{
	struct evfile *ef = slab_get(&s->sock->sets);
	int fd, rc;

	if (!ef)
		return -ENFILE;
	rc = init_set(s, ef, kind);
	if (rc < 0)
		goto put;
	fd = fdtab_reserve_set(&s->sock->fds);
	if (fd < 0) {
		rc = fd;
		goto fini;
	}
	fdtab_set(&s->sock->fds, fd, &ef->f);
	*out = ef;
	return fd;
fini:
	if (kind == FILE_KQUEUE)
		htab_fini(&ef->own);
put:
	slab_put(&s->sock->sets, ef);
	return rc;
}

void evfile_close(struct stack *s, struct file *f)
{
	struct evfile *ef = evfile_of(f);

	watch_end(ef);
	evsrc_fini(&f->src);
	while (!list_empty(&ef->set.items))
		ef->set.item_gone(CONTAINER_OF(ef->set.items.next, struct evitem, set_link));
	if (f->kind == FILE_KQUEUE)
		htab_fini(&ef->own);
	fdtab_close_hidden(&s->sock->fds, ef->kfd_write);
	fdtab_close_hidden(&s->sock->fds, ef->kfd);
	fdtab_close_hidden(&s->sock->fds, ef->wfd);
	slab_put(&s->sock->sets, ef);
}

int evfile_find(struct stack *s, int fd, enum file_kind kind, struct evfile **out)
{
	struct file *f = fdtab_get(&s->sock->fds, fd);

	if (UNLIKELY(!f))
		return -EBADF;
	if (UNLIKELY(f->kind != kind))
		return -EINVAL;
	*out = evfile_of(f);
	return 0;
}

/* Sets from ef upwards, itself among them, along the longest way. What was allowed so far bounds
 * the recursion. */
static unsigned height(const struct evfile *ef)
{
	unsigned most = 0;
	struct list *pos;

	LIST_FOR_EACH (pos, &ef->f.src.items) {
		const struct evitem *it = CONTAINER_OF(pos, struct evitem, src_link);

		if (it->flags & EVI_HOOK)
			continue;
		most = max_uint(most, height(CONTAINER_OF_CONST(it->set, struct evfile, set)));
	}
	return most + 1;
}

/* Is target among the sets below ef, or is ef too deep? Recursion ends at depth 0. */
static bool reaches(const struct evfile *ef, const struct evsrc *target, unsigned depth)
{
	struct list *pos;

	if (&ef->f.src == target || depth == 0)
		return true;
	LIST_FOR_EACH (pos, &ef->set.items) {
		const struct evitem *it = CONTAINER_OF(pos, struct evitem, set_link);

		if (it->flags & EVI_NESTED && reaches(evfile_of_src(it->src), target, depth - 1))
			return true;
	}
	return false;
}

int evfile_may_add(const struct evfile *ef, struct file *f, uint32_t *flags)
{
	unsigned above;

	if (file_is_socket(f))
		return 0;
	if (f == &ef->f)
		return -EINVAL;
	above = height(ef);
	if (above > SET_DEPTH_MAX || reaches(evfile_of(f), &ef->f.src, SET_DEPTH_MAX + 1 - above))
		return -ELOOP;
	*flags |= EVI_NESTED;
	evfile_refresh(evfile_of(f));
	return 0;
}

/* ---- kernel descriptors ---- */

static int make_kernel_set(struct evfile *ef, int *fd)
{
	*fd = epoll_create1(EPOLL_CLOEXEC);
	if (*fd < 0)
		return -errno;
	fdtab_hide(&ef->layer->fds, *fd);
	return 0;
}

static int kernel_add(int set, int fd, uint32_t events, void *data)
{
	struct epoll_event ev = {.events = events, .data.ptr = data};

	if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &ev) == 0)
		return 0;
	return errno == EEXIST && epoll_ctl(set, EPOLL_CTL_MOD, fd, &ev) == 0 ? 0 : -errno;
}

/* Recursion ends at SET_DEPTH_MAX, which evfile_may_add() keeps. */
static int make_wait_set(struct evfile *ef)
{
	struct list *pos;
	int rc;

	if (ef->wfd >= 0)
		return 0;
	rc = make_kernel_set(ef, &ef->wfd);
	if (rc == 0 && ef->watch)
		rc = watch_join(ef);
	LIST_FOR_EACH (pos, &ef->f.src.items) {
		struct evitem *it = CONTAINER_OF(pos, struct evitem, src_link);

		if (rc == 0 && it->flags & EVI_NESTED)
			rc = evfile_nested_join(CONTAINER_OF(it->set, struct evfile, set), it);
	}
	return rc;
}

int evfile_nested_join(struct evfile *ef, struct evitem *it)
{
	const struct evfile *inner = evfile_of_src(it->src);
	uint32_t edge = it->flags & EVI_EDGE ? EPOLLET : 0;
	int rc;

	if (inner->wfd < 0)
		return 0;
	rc = make_wait_set(ef);
	return rc < 0 ? rc : kernel_add(ef->wfd, inner->wfd, EPOLLIN | edge, it);
}

/* One that never joined is not there: no matter. */
void evfile_nested_leave(struct evfile *ef, struct evitem *it)
{
	const struct evfile *inner = evfile_of_src(it->src);

	if (inner->wfd >= 0 && ef->wfd >= 0)
		(void)epoll_ctl(ef->wfd, EPOLL_CTL_DEL, inner->wfd, NULL);
}

int evfile_kernel(struct evfile *ef)
{
	int rc;

	if (ef->kfd >= 0)
		return ef->kfd;
	rc = make_wait_set(ef);
	if (rc == 0)
		rc = make_kernel_set(ef, &ef->kfd);
	if (rc == 0)
		rc = kernel_add(ef->wfd, ef->kfd, EPOLLIN, NULL);
	return rc < 0 ? rc : ef->kfd;
}

int evfile_kernel_write(struct evfile *ef)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = SET_KERNEL_WRITE};
	int kfd = evfile_kernel(ef);
	int rc;

	if (kfd < 0 || ef->kfd_write >= 0)
		return kfd < 0 ? kfd : ef->kfd_write;
	rc = make_kernel_set(ef, &ef->kfd_write);
	if (rc < 0)
		return rc;
	if (epoll_ctl(kfd, EPOLL_CTL_ADD, ef->kfd_write, &ev) < 0) {
		rc = -errno;
		fdtab_close_hidden(&ef->layer->fds, ef->kfd_write);
		ef->kfd_write = -1;
		return rc;
	}
	return ef->kfd_write;
}

bool evfile_kernel_turn(struct evfile *ef, bool slept)
{
	return slept || ef->layer->inbox.running || ef->k_turn++ % SET_KERNEL_EVERY == 0;
}

#define NESTED_BATCH 16

void evfile_kernel_nested(struct evfile *ef)
{
	struct epoll_event ev[NESTED_BATCH];
	int n = epoll_wait(ef->wfd, ev, NESTED_BATCH, 0);

	for (int i = 0; i < n; i++) {
		struct evitem *it = ev[i].data.ptr;

		if (it && it->mask & RDY_IN)
			evitem_fire(it);
	}
}

void evfile_refresh(struct evfile *ef)
{
	struct pollfd p = {.fd = ef->wfd, .events = POLLIN};

	evset_refresh(&ef->set);
	if (ef->wfd >= 0 && poll(&p, 1, 0) > 0)
		ev_activate(&ef->f.src, RDY_IN | RDY_RDNORM);
}

void sets_drop_knotes(struct file *f, int fd)
{
	struct list *pos, *tmp;

	LIST_FOR_EACH_SAFE (pos, tmp, &f->src.items) {
		struct evitem *it = CONTAINER_OF(pos, struct evitem, src_link);

		if (it->fd == fd && it->set->item_gone == knote_gone)
			knote_gone(it);
	}
}

static void forget_kernel(void *obj, void *arg)
{
	static const int filters[] = {EVFILT_READ, EVFILT_WRITE};
	const uintptr_t *ident = arg;
	struct evfile *ef = obj;

	if (ef->f.kind != FILE_KQUEUE || ef->kfd < 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		struct knote *kn = kqueue_own_find(ef, *ident, filters[i]);

		if (kn)
			knote_gone(&kn->it);
	}
}

void sets_forget_kernel(struct sock_layer *l, int fd)
{
	uintptr_t ident = (uintptr_t)fd;

	slab_for_each(&l->sets, forget_kernel, &ident);
}
