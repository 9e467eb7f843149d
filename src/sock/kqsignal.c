/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kqueue's filter SIGNAL, after FreeBSD's filt_signal: a knote has the number of deliveries since
 * it was last read. Who counts them belongs to the process (struct sock_signals); the deliveries
 * since the last look are handed to the knotes here. FreeBSD counts a signal when it is sent, also
 * when the program holds it back: those are taken by a signalfd. Worker thread.
 */
#include "sock/knote.h"

#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define TAKE_MAX 64 /* signals in one look */

struct signal_layer {
	uint32_t knotes[NSIG];
	uint32_t seen[NSIG]; /* of the process's count */
	uint32_t n_knotes;
	int fd;        /* signalfd, of what is watched and held back; in the kernel's sets */
	sigset_t held; /* which that is */
};

struct came {
	int sig;
	uint32_t n;
};

static void feed(void *obj, void *arg)
{
	const struct came *c = arg;
	struct evfile *kq = obj;
	struct knote *kn;

	if (kq->f.kind != FILE_KQUEUE)
		return;
	kn = kqueue_own_find(kq, (uintptr_t)c->sig, EVFILT_SIGNAL);
	if (!kn)
		return;
	kn->count += c->n;
	if (!(kn->it.flags & EVI_DISABLED))
		evitem_fire(&kn->it);
}

void sock_signals_came(struct stack *s)
{
	struct sock_layer *l = s->sock;
	struct signal_layer *sl = l->signal_layer;

	for (int sig = 1; sl && sig < NSIG; sig++) {
		struct came c = {.sig = sig};

		if (sl->knotes[sig] == 0)
			continue;
		c.n = l->signals->count(l->signals->ctx, sig) - sl->seen[sig];
		sl->seen[sig] += c.n;
		if (c.n > 0)
			slab_for_each(&l->sets, feed, &c);
	}
}

/* Watched, and not let in by the program. */
static sigset_t held_back(const struct sock_layer *l)
{
	sigset_t mask, set;

	sigemptyset(&set);
	if (l->program_mask)
		mask = *l->program_mask;
	else
		(void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
	for (int sig = 1; sig < NSIG; sig++)
		if (l->signal_layer->knotes[sig] > 0 && sigismember(&mask, sig) == 1)
			(void)sigaddset(&set, sig);
	return set;
}

void kqueue_signals_poll(struct evfile *kq)
{
	struct sock_layer *l = kq->layer;
	struct signal_layer *sl = l->signal_layer;
	struct signalfd_siginfo si;
	sigset_t held;
	bool any = false;

	if (!sl || sl->n_knotes == 0)
		return;
	held = held_back(l);
	if (memcmp(&held, &sl->held, sizeof(held)) != 0) {
		sl->held = held;
		(void)signalfd(sl->fd, &held, 0);
	}
	for (int i = 0; i < TAKE_MAX && read(sl->fd, &si, sizeof(si)) == sizeof(si); i++) {
		l->signals->add(l->signals->ctx, (int)si.ssi_signo);
		any = true;
	}
	if (any)
		sock_signals_came(kq->stack);
}

static int make_layer(struct stack *s, struct sock_layer *l)
{
	struct signal_layer *sl;

	if (l->signal_layer)
		return 0;
	sl = mem_zalloc(s->env.mem, sizeof(*sl));
	if (!sl)
		return -ENOMEM;
	sigemptyset(&sl->held);
	sl->fd = signalfd(-1, &sl->held, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sl->fd < 0) {
		mem_free(s->env.mem, sl, sizeof(*sl));
		return -errno;
	}
	fdtab_hide(&l->fds, sl->fd);
	l->signal_layer = sl;
	return 0;
}

/* The kqueue hears of signals that are held back; once is enough. */
static int join(struct evfile *kq)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = KNOTE_SIGNAL_TAG};
	int kfd = evfile_kernel(kq);

	if (kfd < 0)
		return kfd;
	if (epoll_ctl(kfd, EPOLL_CTL_ADD, kq->layer->signal_layer->fd, &ev) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

static int watch(struct evfile *kq, int sig)
{
	struct sock_layer *l = kq->layer;
	int rc;

	if (!l->signals)
		return -EOPNOTSUPP;
	rc = make_layer(kq->stack, l);
	if (rc == 0)
		rc = join(kq);
	if (rc < 0)
		return rc;
	/* What came before is for the knotes that are there already. */
	sock_signals_came(kq->stack);
	if (l->signal_layer->knotes[sig] == 0) {
		rc = l->signals->watch(l->signals->ctx, kq->stack, sig);
		if (rc < 0)
			return rc;
		l->signal_layer->seen[sig] = l->signals->count(l->signals->ctx, sig);
	}
	l->signal_layer->knotes[sig]++;
	l->signal_layer->n_knotes++;
	return 0;
}

/* sdata says whether it is watched: the program's data has no meaning here. */
static int touch_signal(struct evfile *kq, struct knote *kn, const struct kevent *ch, bool fresh)
{
	int rc;

	kn->sfflags = ch->fflags;
	if (!fresh)
		return 0;
	if (ch->ident == 0 || ch->ident >= NSIG)
		return -EINVAL;
	rc = watch(kq, (int)ch->ident);
	kn->sdata = rc == 0;
	kn->flags |= EV_CLEAR;
	kn->it.flags |= EVI_EDGE;
	return rc;
}

static bool check_signal(struct knote *kn, struct kevent *out)
{
	if (kn->count == 0)
		return false;
	if (out)
		out->data = kn->count;
	return true;
}

static void clear_signal(struct knote *kn)
{
	kn->count = 0;
}

static void detach_signal(struct evfile *kq, struct knote *kn)
{
	struct sock_layer *l = kq->layer;

	if (!kn->sdata)
		return;
	l->signal_layer->n_knotes--;
	if (--l->signal_layer->knotes[kn->ident] == 0)
		l->signals->unwatch(l->signals->ctx, kq->stack, (int)kn->ident);
}

void kqueue_signals_fini(struct sock_layer *l)
{
	if (!l->signal_layer)
		return;
	fdtab_close_hidden(&l->fds, l->signal_layer->fd);
	mem_free(l->fds.mem, l->signal_layer, sizeof(*l->signal_layer));
	l->signal_layer = NULL;
}

const struct knote_filter knote_filter_signal = {
	.filter = EVFILT_SIGNAL,
	.touch = touch_signal,
	.check = check_signal,
	.clear = clear_signal,
	.detach = detach_signal,
};
