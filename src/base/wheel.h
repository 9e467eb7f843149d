/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hierarchical timing wheel for one core. Arming and disarming are O(1); arming a timer again for
 * a later time, what a TCP does with every ACK, is one store. Advancing costs O(levels) plus the
 * timers that are due, however far the clock jumped: occupied slots are found in bitmaps.
 *
 * A timer fires at the first wheel_advance() whose time has reached expires_ns, never before.
 * The slots of the lowest level are WHEEL_TICK_NS (about 66 us) wide: the order of two timers
 * that fire in the same advance is that of their ticks, and within one tick it is not defined.
 * Every 64-bit time is in range. Time that runs backwards is taken as standing still.
 */
#ifndef LEAT_BASE_WHEEL_H
#define LEAT_BASE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

#define WHEEL_TICK_SHIFT 16
#define WHEEL_TICK_NS    (UINT64_C(1) << WHEEL_TICK_SHIFT)
#define WHEEL_SLOT_BITS  6
#define WHEEL_SLOTS      (1u << WHEEL_SLOT_BITS)
#define WHEEL_LEVELS     8 /* 8 levels of 6 bits over a tick of 2^16 ns: all 64 bits */

struct wheel_timer;

/* ctx is the one given to wheel_advance(). The timer is disarmed before the call. */
typedef void (*wheel_fn)(void *ctx, struct wheel_timer *t);

struct wheel_timer {
	struct list link;
	uint64_t expires_ns; /* valid while armed */
	wheel_fn fn;
	uint16_t slot; /* level * WHEEL_SLOTS + slot, or WHEEL_NO_SLOT while about to fire */
};

struct wheel {
	uint64_t now_ns;
	uint64_t near_ns; /* not after the first expiry in the current tick's slot */
	size_t armed;
	bool advancing;
	uint8_t levels;                /* which levels have an occupied slot */
	uint64_t bitmap[WHEEL_LEVELS]; /* which slots are occupied */
	struct list overdue;           /* armed for a time that had passed: next advance */
	struct list firing;            /* due in the running advance */
	struct list slot[WHEEL_LEVELS * WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, uint64_t now_ns);
void wheel_timer_init(struct wheel_timer *t, wheel_fn fn);

/*
 * Fire at expires_ns; a time that has passed means the next advance, not the running one. Takes an
 * armed timer to its new time.
 */
void wheel_arm(struct wheel *w, struct wheel_timer *t, uint64_t expires_ns);

/* Harmless for a timer that is not armed. */
void wheel_disarm(struct wheel *w, struct wheel_timer *t);

static inline bool wheel_armed(const struct wheel_timer *t)
{
	return list_linked(&t->link);
}

static inline size_t wheel_count(const struct wheel *w)
{
	return w->armed;
}

/*
 * Fires what is due at now_ns and returns how many that were. The functions called may arm and
 * disarm any timer, and free the one they are called for; they must not call wheel_advance().
 */
unsigned wheel_advance(struct wheel *w, uint64_t now_ns, void *ctx);

/*
 * A time not after the next expiry; UINT64_MAX with nothing armed. Who sleeps until then, advances,
 * and asks again wakes in vain at most twice per level for each expiry that then happens.
 */
uint64_t wheel_next_ns(const struct wheel *w);

#endif
