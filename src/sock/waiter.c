/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiters on readiness words; see waiter.h. Worker thread. */
#include "sock/waiter.h"

#include "sock/set.h"

static struct sock_waiter *waiter_of(struct evitem *hook)
{
	return CONTAINER_OF(hook, struct sock_waiter, hook);
}

static void end(struct sock_waiter *w, int rc)
{
	evitem_unlink(&w->hook);
	w->hook.set = NULL;
	w->fired(w, rc);
}

static void on_raised(struct evitem *hook)
{
	uint32_t ready = hook->src->ready & hook->mask;

	if (ready)
		end(waiter_of(hook), (int)(ready & RDY_POLL));
}

static void on_gone(struct evitem *hook)
{
	end(waiter_of(hook), -EBADF);
}

void waiters_init(struct sock_layer *l)
{
	l->waiters.item_hook = on_raised;
	l->waiters.item_gone = on_gone;
}

void sock_waiter_arm(struct stack *s, struct sock_waiter *w, int fd, uint32_t bits)
{
	struct file *f = fdtab_get(&s->sock->fds, fd);

	w->hook = (struct evitem){.mask = bits};
	w->kernel_fd = -1;
	if (!f) {
		w->fired(w, -EBADF);
		return;
	}
	if (!file_is_socket(f)) {
		evfile_refresh(evfile_of(f));
		w->kernel_fd = evfile_of(f)->wfd;
	}
	w->hook.src = &f->src;
	evhook_link(&s->sock->waiters, &w->hook);
	if (f->src.ready & bits)
		on_raised(&w->hook);
}

void sock_waiter_cancel(struct sock_waiter *w)
{
	if (!w->hook.set)
		return;
	evitem_unlink(&w->hook);
	w->hook.set = NULL;
}
