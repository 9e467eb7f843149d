/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kqueue face of the event core: kqueue and kevent as FreeBSD has them (kqueue(2),
 * kern_event.c).
 *
 * A knote is found by (kqueue, ident, filter): through its socket's row of items when ident is a
 * Leat descriptor, else through the kqueue's own table. Worker thread.
 */
#include "sock/knote.h"

#include "sock/wait.h"
#include "sock/watch.h"

/* Of what the program may set, the part that is kept. */
#define KEPT_FLAGS (EV_ONESHOT | EV_CLEAR | EV_DISPATCH | EV_RECEIPT)

static struct evfile *kq_of(struct evitem *it)
{
	return CONTAINER_OF(it->set, struct evfile, set);
}

static uint32_t own_hash(const struct evfile *kq, uintptr_t ident, int filter)
{
	struct {
		uint64_t ident;
		int64_t filter;
	} key = {ident, filter};

	return hash_bytes(&kq->stack->hash_key, &key, sizeof(key));
}

struct knote *kqueue_own_find(const struct evfile *kq, uintptr_t ident, int filter)
{
	struct htab_iter i;

	for (struct knote *kn = htab_first(&kq->own, own_hash(kq, ident, filter), &i); kn;
	     kn = htab_next(&i))
		if (kn->ident == ident && kn->filter == filter)
			return kn;
	return NULL;
}

static struct knote *find_knote(const struct evfile *kq, const struct file *f,
				const struct kevent *ch)
{
	struct list *pos;

	if (!f)
		return kqueue_own_find(kq, ch->ident, ch->filter);
	LIST_FOR_EACH (pos, &f->src.items) {
		struct evitem *it = CONTAINER_OF(pos, struct evitem, src_link);

		if (it->set == &kq->set && it->fd == (int)ch->ident &&
		    knote_of(it)->filter == ch->filter)
			return knote_of(it);
	}
	return NULL;
}

static void free_knote(struct evfile *kq, struct knote *kn)
{
	if (kn->fl->timer)
		slab_put(&kq->layer->timers, knote_timer_of(kn));
	else
		slab_put(&kq->layer->knotes, kn);
}

void knote_gone(struct evitem *it)
{
	struct knote *kn = knote_of(it);
	struct evfile *kq = kq_of(it);

	if (!it->src)
		(void)htab_remove(&kq->own, own_hash(kq, kn->ident, kn->filter), kn);
	kn->fl->detach(kq, kn);
	if (it->flags & EVI_NESTED)
		evfile_nested_leave(kq, it);
	evitem_unlink(it);
	free_knote(kq, kn);
}

bool knote_ready(struct evitem *it)
{
	struct knote *kn = knote_of(it);

	return !(it->flags & EVI_DISABLED) && kn->fl->check(kn, NULL);
}

static struct knote *new_knote(struct evfile *kq, const struct knote_filter *fl,
			       const struct kevent *ch)
{
	struct knote_timer *kt;
	struct knote *kn;

	if (fl->timer) {
		kt = slab_get(&kq->layer->timers);
		kn = kt ? &kt->kn : NULL;
	} else {
		kn = slab_get(&kq->layer->knotes);
	}
	if (!kn)
		return NULL;
	kn->fl = fl;
	kn->ident = ch->ident;
	kn->filter = ch->filter;
	kn->flags = ch->flags & KEPT_FLAGS;
	kn->it.set = &kq->set;
	kn->it.fd = (int)ch->ident;
	kn->it.flags = (ch->flags & EV_CLEAR ? EVI_EDGE : 0) |
		       (ch->flags & EV_ONESHOT ? EVI_ONESHOT : 0) |
		       (ch->flags & EV_DISPATCH ? EVI_DISPATCH : 0);
	list_init(&kn->it.ready_link);
	return kn;
}

/* Sets take READ only, and EMPTY means sockets. */
static int check_source(const struct evfile *kq, const struct knote_filter *fl, struct file *f,
			uint32_t *flags)
{
	if (!f)
		return fl->filter == EVFILT_EMPTY ? -EBADF : 0;
	if (!file_is_socket(f) && fl->filter != EVFILT_READ)
		return -EINVAL;
	return evfile_may_add(kq, f, flags);
}

static int join_nested(struct evfile *kq, struct knote *kn)
{
	int rc = evfile_nested_join(kq, &kn->it);

	if (rc < 0)
		knote_gone(&kn->it);
	return rc;
}

static int add_knote(struct evfile *kq, const struct knote_filter *fl, struct file *f,
		     const struct kevent *ch, struct knote **out)
{
	uint32_t flags = 0;
	struct knote *kn;
	int rc = check_source(kq, fl, f, &flags);

	if (rc < 0)
		return rc;
	kn = new_knote(kq, fl, ch);
	if (!kn)
		return -ENOMEM;
	kn->it.flags |= flags;
	kn->it.src = f ? &f->src : NULL;
	rc = fl->touch(kq, kn, ch, true);
	if (rc == 0 && !f)
		rc = htab_insert(&kq->own, own_hash(kq, ch->ident, ch->filter), kn);
	if (rc < 0) {
		fl->detach(kq, kn);
		free_knote(kq, kn);
		return rc;
	}
	evitem_link(&kq->set, &kn->it);
	*out = kn;
	return flags & EVI_NESTED ? join_nested(kq, kn) : 0;
}

/* ENABLE and DISABLE, and run the filter again. */
static void settle(struct evfile *kq, struct knote *kn, uint16_t flags)
{
	const struct knote_filter *fl = kn->fl;
	uint32_t bits = kn->sfflags & NOTE_LOWAT && fl->filter == EVFILT_READ ? fl->bits | RDY_DATA
									      : fl->bits;

	if (flags & EV_DISABLE)
		kn->it.flags |= EVI_DISABLED;
	else if (flags & (EV_ENABLE | EV_ADD))
		kn->it.flags &= ~EVI_DISABLED;
	kn->it.mask = kn->it.flags & EVI_DISABLED ? 0 : bits;
	if (kn->it.src)
		evitem_rearm(&kn->it);
	else if (kn->it.flags & EVI_DISABLED)
		list_del(&kn->it.ready_link);
	else if (fl->check(kn, NULL))
		evitem_fire(&kn->it);
	if (kn->k_events)
		knote_kernel_update(kq, kn);
}

/* Of kqueue(2), but nothing of a socket program's. */
static bool is_foreign(int filter)
{
	switch (filter) {
	case EVFILT_AIO:
	case EVFILT_VNODE:
	case EVFILT_PROCDESC:
	case EVFILT_FS:
	case EVFILT_LIO:
	case EVFILT_SENDFILE:
		return true;
	}
	return false;
}

static int apply(struct evfile *kq, const struct kevent *ch)
{
	const struct knote_filter *fl = knote_filter_of(ch->filter);
	struct file *f = NULL;
	struct knote *kn;
	int rc = 0;

	if (UNLIKELY(!fl))
		return is_foreign(ch->filter) ? -EOPNOTSUPP : -EINVAL;
	if ((ch->flags & EV_ENABLE && ch->flags & EV_DISABLE) ||
	    (ch->flags & EV_ADD && ch->flags & EV_KEEPUDATA))
		return -EINVAL;
	if (fl->bits) {
		if (ch->ident > INT32_MAX)
			return -EBADF;
		f = fdtab_get(&kq->layer->fds, (int)ch->ident);
	}
	kn = find_knote(kq, f, ch);
	if (!kn && !(ch->flags & EV_ADD))
		return -ENOENT;
	if (kn && ch->flags & EV_DELETE) {
		knote_gone(&kn->it);
		return 0;
	}
	if (!kn)
		rc = add_knote(kq, fl, f, ch, &kn);
	else
		rc = fl->touch(kq, kn, ch, false);
	if (rc < 0)
		return rc;
	if (!(ch->flags & EV_KEEPUDATA))
		kn->it.data = (uint64_t)(uintptr_t)ch->udata;
	settle(kq, kn, ch->flags);
	return 0;
}

/* What becomes of a knote that was delivered and is no plain level. */
static void delivered_once(struct evfile *kq, struct knote *kn)
{
	struct evitem *it = &kn->it;

	if (it->flags & EVI_ONESHOT) {
		knote_gone(it);
		return;
	}
	if (it->flags & EVI_EDGE && kn->fl->clear)
		kn->fl->clear(kn);
	if (it->flags & EVI_DISPATCH) {
		it->flags |= EVI_DISABLED;
		it->mask = 0;
		if (kn->k_events)
			knote_kernel_update(kq, kn);
	}
	list_del(&it->ready_link);
}

/* A level stays in the row, at its end. */
static ALWAYS_INLINE void delivered(struct evfile *kq, struct knote *kn)
{
	struct evitem *it = &kn->it;

	if (it->flags & (EVI_ONESHOT | EVI_EDGE | EVI_DISPATCH))
		delivered_once(kq, kn);
	else if (it->ready_link.next != &kq->set.ready)
		list_move_tail(&kq->set.ready, &it->ready_link);
}

/* The row is not empty. */
static int harvest(struct evfile *kq, struct kevent *out, int max)
{
	struct evset *set = &kq->set;
	const struct list *last = set->ready.prev;
	bool at_last = false;
	int n = 0;

	while (!at_last && n < max) {
		struct knote *kn =
			knote_of(CONTAINER_OF(set->ready.next, struct evitem, ready_link));

		at_last = &kn->it.ready_link == last;
		out[n] = (struct kevent){
			.ident = kn->ident,
			.filter = kn->filter,
			.flags = kn->flags,
			.udata = (void *)(uintptr_t)kn->it.data,
		};
		if (kn->it.flags & EVI_DISABLED || !kn->fl->check(kn, &out[n])) {
			list_del(&kn->it.ready_link);
			continue;
		}
		n++;
		delivered(kq, kn);
	}
	if (list_empty(&set->ready))
		ev_clear(set->src, RDY_IN | RDY_RDNORM);
	return n;
}

/*
 * Apply the changes in order. Errors and receipts go into out while there is room; the number
 * written, or the first error for which there was none. The lists may be the same memory: what is
 * written lies before what is still to be read.
 */
static NOINLINE int apply_all(struct evfile *kq, const struct kevent *changes, int n_changes,
			      struct kevent *out, int max)
{
	int n = 0;

	for (int i = 0; i < n_changes; i++) {
		struct kevent ch = changes[i];
		int rc = apply(kq, &ch);

		if (rc == 0 && !(ch.flags & EV_RECEIPT))
			continue;
		if (n == max)
			return rc < 0 ? rc : n;
		ch.flags = EV_ERROR;
		ch.data = -rc;
		out[n++] = ch;
	}
	return n;
}

struct kevent_call {
	struct evfile *kq;
	struct kevent *out;
	int max;
	int n;
};

static bool harvest_all(struct stack *s, void *arg, bool slept)
{
	struct kevent_call *c = arg;

	(void)s;
	if (UNLIKELY(c->kq->wfd >= 0) && evfile_kernel_turn(c->kq, slept)) {
		evfile_kernel_nested(c->kq);
		kqueue_kernel_poll(c->kq);
	}
	if (!list_empty(&c->kq->set.ready))
		c->n = harvest(c->kq, c->out, c->max);
	return c->n > 0;
}

int sock_kqueue(struct stack *s)
{
	struct evfile *kq;

	return evfile_open(s, FILE_KQUEUE, &kq);
}

static NOINLINE int wait_on(struct stack *s, struct kevent_call *c, uint64_t timeout_ns)
{
	struct sock_wait w = {
		.done = harvest_all,
		.arg = c,
		.timeout_ns = timeout_ns,
		.fd = c->kq->wfd,
	};
	int rc;

	kqueue_signals_poll(c->kq);
	rc = sock_wait_on(s, &w);
	/* The signal that ended the wait may be an event itself. */
	if (rc == -EINTR && inbox_pending(&s->sock->inbox)) {
		inbox_run(s, &s->sock->inbox);
		(void)harvest_all(s, c, true);
	}
	return rc == -EINTR && c->n == 0 ? rc : c->n;
}

int sock_kevent(struct stack *s, int fd, const struct kevent *changes, int n_changes,
		struct kevent *events, int n_events, uint64_t timeout_ns)
{
	struct kevent_call c = {.out = events, .max = n_events};
	int rc = evfile_find(s, fd, FILE_KQUEUE, &c.kq);

	if (UNLIKELY(rc < 0))
		return rc == -EINVAL ? -EBADF : rc;
	if (UNLIKELY(n_changes < 0 || n_events < 0))
		return -EINVAL;
	if (UNLIKELY((n_changes > 0 && !changes) || (n_events > 0 && !events)))
		return -EFAULT;
	if (UNLIKELY(n_changes > 0))
		rc = apply_all(c.kq, changes, n_changes, events, n_events);
	if (UNLIKELY(rc != 0 || n_events == 0))
		return rc;
	sock_round(s);
	if (harvest_all(s, &c, false) || timeout_ns == 0) {
		/* Nobody will look again: not to have looked at the kernel's would be wrong. */
		if (UNLIKELY(c.n == 0 && c.kq->wfd >= 0))
			(void)harvest_all(s, &c, true);
		watch_settle(s);
		return c.n;
	}
	return wait_on(s, &c, timeout_ns);
}
