/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kqueue's filters without a descriptor: TIMER, on the stack's timing wheel, and USER. After
 * FreeBSD's filt_timer and filt_user. Worker thread.
 */
#include "sock/knote.h"

#define UNIT_MASK (NOTE_SECONDS | NOTE_MSECONDS | NOTE_USECONDS | NOTE_NSECONDS)

/* Nanoseconds in the unit that fflags name; 0: more than one. */
static uint64_t unit_ns(uint32_t fflags)
{
	switch (fflags & UNIT_MASK) {
	case 0:
	case NOTE_MSECONDS:
		return 1000000;
	case NOTE_SECONDS:
		return 1000000000;
	case NOTE_USECONDS:
		return 1000;
	case NOTE_NSECONDS:
		return 1;
	}
	return 0;
}

static uint64_t mul_sat(uint64_t a, uint64_t b)
{
	uint64_t r;

	return __builtin_mul_overflow(a, b, &r) ? UINT64_MAX : r;
}

static uint64_t add_sat(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Expirations that were slept through are counted, not delivered one by one. */
static void on_timer(void *ctx, struct wheel_timer *t)
{
	struct knote_timer *kt = CONTAINER_OF(t, struct knote_timer, timer);
	struct stack *s = ctx;

	kt->kn.count++;
	if (kt->period_ns) {
		uint64_t late = s->now_ns > t->expires_ns ? s->now_ns - t->expires_ns : 0;
		uint64_t missed = late / kt->period_ns;

		kt->kn.count += (int64_t)missed;
		wheel_arm(&s->wheel, t, add_sat(t->expires_ns, mul_sat(missed + 1, kt->period_ns)));
	}
	if (!(kt->kn.it.flags & EVI_DISABLED))
		evitem_fire(&kt->kn.it);
}

static void start(struct knote_timer *kt, uint64_t value_ns, bool absolute)
{
	struct stack *s = kt->stack;
	uint64_t wall = absolute ? s->env.wall_ns(s->env.ctx) : 0;
	/* The stack's clock stands since the last round; a timer counts from now. */
	uint64_t now = s->env.mono_ns(s->env.ctx);

	kt->period_ns = absolute || kt->kn.flags & EV_ONESHOT ? 0 : value_ns;
	if (absolute && value_ns <= wall) {
		kt->kn.count = 1;
		return;
	}
	wheel_arm(&s->wheel, &kt->timer, add_sat(now, value_ns - wall));
}

static int touch_timer(struct evfile *kq, struct knote *kn, const struct kevent *ch, bool fresh)
{
	struct knote_timer *kt = knote_timer_of(kn);
	uint64_t unit = unit_ns(ch->fflags);
	bool absolute = ch->fflags & NOTE_ABSTIME;

	if (fresh) {
		kt->stack = kq->stack;
		kn->flags |= EV_CLEAR;
		kn->it.flags |= EVI_EDGE;
		wheel_timer_init(&kt->timer, on_timer);
	}
	if (!(ch->flags & EV_ADD))
		return 0;
	if (unit == 0 || ch->fflags & ~(uint32_t)(UNIT_MASK | NOTE_ABSTIME) || ch->data < 0)
		return -EINVAL;
	wheel_disarm(&kt->stack->wheel, &kt->timer);
	list_del(&kn->it.ready_link);
	kn->count = 0;
	kn->sfflags = ch->fflags;
	kn->sdata = ch->data;
	start(kt, mul_sat(ch->data == 0 && !absolute ? 1 : (uint64_t)ch->data, unit), absolute);
	return 0;
}

static bool check_timer(struct knote *kn, struct kevent *out)
{
	if (kn->count == 0)
		return false;
	if (out)
		out->data = kn->count;
	return true;
}

static void clear_count(struct knote *kn)
{
	kn->count = 0;
}

static void detach_timer(struct evfile *kq, struct knote *kn)
{
	(void)kq;
	wheel_disarm(&knote_timer_of(kn)->stack->wheel, &knote_timer_of(kn)->timer);
}

const struct knote_filter knote_filter_timer = {
	.filter = EVFILT_TIMER,
	.timer = true,
	.touch = touch_timer,
	.check = check_timer,
	.clear = clear_count,
	.detach = detach_timer,
};

static uint32_t mix_flags(uint32_t old, uint32_t fflags)
{
	uint32_t v = fflags & NOTE_FFLAGSMASK;

	switch (fflags & NOTE_FFCTRLMASK) {
	case NOTE_FFAND:
		return old & v;
	case NOTE_FFOR:
		return old | v;
	case NOTE_FFCOPY:
		return v;
	}
	return old;
}

static int touch_user(struct evfile *kq, struct knote *kn, const struct kevent *ch, bool fresh)
{
	(void)kq;
	kn->sfflags = fresh ? ch->fflags & NOTE_FFLAGSMASK : mix_flags(kn->sfflags, ch->fflags);
	kn->sdata = ch->data;
	if (ch->fflags & NOTE_TRIGGER)
		kn->count = 1;
	/* kqueue(2) knows this as the way to take back a trigger. */
	if (!fresh && ch->flags & EV_CLEAR)
		kn->count = 0;
	return 0;
}

static bool check_user(struct knote *kn, struct kevent *out)
{
	if (kn->count == 0)
		return false;
	if (out) {
		out->fflags = kn->sfflags;
		out->data = kn->sdata;
	}
	return true;
}

static void detach_nothing(struct evfile *kq, struct knote *kn)
{
	(void)kq;
	(void)kn;
}

const struct knote_filter knote_filter_user = {
	.filter = EVFILT_USER,
	.touch = touch_user,
	.check = check_user,
	.clear = clear_count,
	.detach = detach_nothing,
};
