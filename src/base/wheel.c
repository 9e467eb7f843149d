/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hierarchical timing wheel (Varghese and Lauck 1987, scheme 7) with occupancy bitmaps. One thread.
 *
 * Times are numbers of eight 6-bit digits over the tick. A timer lies in the level of the highest
 * digit in which its tick differs from the current one, in the slot of that digit's value. So
 * - all timers of a level come before those of the levels above it, and their slots lie ahead of
 *   the current digit: the lowest set bit of the lowest occupied level is the next slot;
 * - when the clock reaches a slot's start, its timers agree with it in one more digit and move to
 *   a lower level, at last into the slot of the current tick, where they are compared exactly.
 *
 * A timer that is armed again for later stays where it is; it is placed anew when its old slot
 * comes up. Most timers of a TCP never reach their slot, or reach it once in many such changes.
 */
#include "base/wheel.h"

#include <assert.h>

#include "base/bits.h"

#define WHEEL_NO_SLOT UINT16_MAX

static inline uint64_t tick_of(uint64_t ns)
{
	return ns >> WHEEL_TICK_SHIFT;
}

void wheel_init(struct wheel *w, uint64_t now_ns)
{
	*w = (struct wheel){.now_ns = now_ns, .near_ns = UINT64_MAX};
	list_init(&w->overdue);
	list_init(&w->firing);
	for (unsigned i = 0; i < ARRAY_LEN(w->slot); i++)
		list_init(&w->slot[i]);
}

void wheel_timer_init(struct wheel_timer *t, wheel_fn fn)
{
	list_init(&t->link);
	t->expires_ns = 0;
	t->fn = fn;
	t->slot = WHEEL_NO_SLOT;
}

static void mark_empty(struct wheel *w, unsigned slot)
{
	unsigned level = slot / WHEEL_SLOTS;

	w->bitmap[level] &= ~(UINT64_C(1) << (slot % WHEEL_SLOTS));
	if (w->bitmap[level] == 0)
		w->levels &= (uint8_t) ~(1u << level);
}

/* Into its slot, seen from w->now_ns; the timer's tick is not before the current one. */
static void place(struct wheel *w, struct wheel_timer *t)
{
	uint64_t tick = tick_of(t->expires_ns);
	uint64_t differ = tick ^ tick_of(w->now_ns);
	unsigned level = differ == 0 ? 0 : ilog2_u64(differ) / WHEEL_SLOT_BITS;
	unsigned digit = (unsigned)(tick >> (level * WHEEL_SLOT_BITS)) % WHEEL_SLOTS;

	if (differ == 0)
		w->near_ns = min_u64(w->near_ns, t->expires_ns);
	t->slot = (uint16_t)(level * WHEEL_SLOTS + digit);
	list_add_tail(&w->slot[t->slot], &t->link);
	w->bitmap[level] |= UINT64_C(1) << digit;
	w->levels |= (uint8_t)(1u << level);
}

void wheel_arm(struct wheel *w, struct wheel_timer *t, uint64_t expires_ns)
{
	if (wheel_armed(t)) {
		if (t->slot != WHEEL_NO_SLOT && expires_ns >= t->expires_ns) {
			t->expires_ns = expires_ns;
			return;
		}
		wheel_disarm(w, t);
	}
	w->armed++;
	t->expires_ns = expires_ns;
	if (expires_ns > w->now_ns)
		place(w, t);
	else
		list_add_tail(&w->overdue, &t->link);
}

void wheel_disarm(struct wheel *w, struct wheel_timer *t)
{
	if (!wheel_armed(t))
		return;
	w->armed--;
	list_del(&t->link);
	if (t->slot == WHEEL_NO_SLOT)
		return;
	if (list_empty(&w->slot[t->slot]))
		mark_empty(w, t->slot);
	t->slot = WHEEL_NO_SLOT;
}

/* The next slot and the time at which it begins; some level is occupied. */
static uint64_t next_slot(const struct wheel *w, unsigned *slot)
{
	unsigned level = first_bit_u64(w->levels);
	unsigned digit = first_bit_u64(w->bitmap[level]);
	unsigned shift = level * WHEEL_SLOT_BITS + WHEEL_TICK_SHIFT;
	uint64_t above = w->now_ns >> shift >> WHEEL_SLOT_BITS << WHEEL_SLOT_BITS;

	*slot = level * WHEEL_SLOTS + digit;
	return (above | digit) << shift;
}

uint64_t wheel_next_ns(const struct wheel *w)
{
	uint64_t start;
	unsigned slot;

	if (!list_empty(&w->overdue) || !list_empty(&w->firing))
		return w->now_ns;
	if (w->levels == 0)
		return UINT64_MAX;
	start = next_slot(w, &slot);
	return start <= w->now_ns ? max_u64(w->near_ns, w->now_ns) : start;
}

/* Moves the clock to the slot's start and its timers down, or to those that fire. */
static void open_slot(struct wheel *w, unsigned slot, uint64_t start_ns, uint64_t now_ns)
{
	struct list timers;
	struct list *l;

	list_init(&timers);
	list_splice_tail(&timers, &w->slot[slot]);
	mark_empty(w, slot);
	w->now_ns = max_u64(w->now_ns, start_ns);
	w->near_ns = UINT64_MAX;
	while ((l = list_pop_head(&timers)) != NULL) {
		struct wheel_timer *t = CONTAINER_OF(l, struct wheel_timer, link);

		if (slot < WHEEL_SLOTS && t->expires_ns <= now_ns) {
			t->slot = WHEEL_NO_SLOT;
			list_add_tail(&w->firing, &t->link);
		} else {
			place(w, t);
		}
	}
}

/*
 * Opens slots up to now_ns, so that due timers come out in the order of their ticks. A timer is
 * moved at most once per level. The current tick's slot is opened only when near_ns says that
 * something in it is due.
 */
static void collect_due(struct wheel *w, uint64_t now_ns)
{
	while (w->levels != 0) {
		unsigned slot;
		uint64_t start = next_slot(w, &slot);

		if (start > now_ns || (start <= w->now_ns && w->near_ns > now_ns))
			break;
		open_slot(w, slot, start, now_ns);
	}
	if (tick_of(now_ns) != tick_of(w->now_ns))
		w->near_ns = UINT64_MAX;
	w->now_ns = now_ns;
}

unsigned wheel_advance(struct wheel *w, uint64_t now_ns, void *ctx)
{
	unsigned fired = 0;
	struct list *l;

	assert(!w->advancing);
	w->advancing = true;
	list_splice_tail(&w->firing, &w->overdue);
	collect_due(w, max_u64(now_ns, w->now_ns));
	while ((l = list_pop_head(&w->firing)) != NULL) {
		struct wheel_timer *t = CONTAINER_OF(l, struct wheel_timer, link);

		w->armed--;
		fired++;
		t->fn(ctx, t);
	}
	w->advancing = false;
	return fired;
}
