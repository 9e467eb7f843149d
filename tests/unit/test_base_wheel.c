/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wheel against a plain array of expiry times: random arming, disarming and jumps of the clock
 * from nanoseconds to centuries, also from inside the functions that fire.
 */
#include "base/wheel.h"

#include <string.h>

#include "test_base_util.h"

#define TIMERS 200
#define MS     UINT64_C(1000000)
#define SEC    (1000 * MS)
#define DAY    (86400 * SEC)

struct world;

struct item {
	struct wheel_timer timer;
	struct world *world;
	uint64_t expires_ns;
	bool armed;
	bool late; /* armed in the running advance for a time that had passed */
};

struct world {
	struct wheel wheel;
	struct prng rand;
	uint64_t now_ns;    /* of the running or last advance */
	uint64_t last_tick; /* of the timer that fired last in this advance */
	unsigned fired;
	bool advancing;
	bool act; /* functions arm and disarm others */
	struct item item[TIMERS];
};

/* From "has passed" over all levels to the end of time. */
static uint64_t random_span(struct prng *r)
{
	unsigned bits = prng_below(r, 62);

	return prng_u64(r) & ((UINT64_C(2) << bits) - 1);
}

static uint64_t add_sat(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX - 1 : a + b;
}

static void arm(struct world *w, struct item *it, uint64_t expires_ns)
{
	wheel_arm(&w->wheel, &it->timer, expires_ns);
	it->armed = true;
	it->expires_ns = expires_ns;
	it->late = w->advancing && expires_ns <= w->now_ns;
	assert_true(wheel_armed(&it->timer));
}

static void disarm(struct world *w, struct item *it)
{
	wheel_disarm(&w->wheel, &it->timer);
	it->armed = false;
	assert_false(wheel_armed(&it->timer));
}

static void random_action(struct world *w)
{
	struct item *it = &w->item[prng_below(&w->rand, TIMERS)];
	uint64_t span = random_span(&w->rand);

	switch (prng_below(&w->rand, 8)) {
	case 0:
	case 1:
		disarm(w, it);
		break;
	case 2:
		arm(w, it, w->now_ns - (span < w->now_ns ? span : w->now_ns));
		break;
	case 3: /* a little later than it is, as a retransmission timer */
		arm(w, it, add_sat(it->armed ? it->expires_ns : w->now_ns, span % SEC));
		break;
	default:
		arm(w, it, add_sat(w->now_ns, span));
		break;
	}
}

static void on_fire(void *ctx, struct wheel_timer *t)
{
	struct world *w = ctx;
	struct item *it = CONTAINER_OF(t, struct item, timer);

	assert_ptr_equal(it->world, w);
	assert_true(it->armed && !it->late);
	assert_false(wheel_armed(t));
	assert_true(it->expires_ns <= w->now_ns);
	it->armed = false;
	w->fired++;
	for (unsigned i = prng_below(&w->rand, 3); w->act && i > 0; i--)
		random_action(w);
}

static void advance(struct world *w, uint64_t now_ns)
{
	unsigned before = w->fired, fired;

	w->advancing = true;
	w->now_ns = now_ns;
	fired = wheel_advance(&w->wheel, now_ns, w);
	assert_int_equal(fired, w->fired - before);
	w->advancing = false;
	for (unsigned i = 0; i < TIMERS; i++) {
		struct item *it = &w->item[i];

		assert_int_equal(wheel_armed(&it->timer), it->armed);
		/* All that was due has fired, except what functions armed for the past. */
		assert_true(!it->armed || it->late || it->expires_ns > now_ns);
		it->late = false;
	}
}

static uint64_t earliest(const struct world *w, size_t *armed)
{
	uint64_t ns = UINT64_MAX;

	*armed = 0;
	for (unsigned i = 0; i < TIMERS; i++) {
		if (!w->item[i].armed)
			continue;
		++*armed;
		ns = min_u64(ns, max_u64(w->item[i].expires_ns, w->now_ns));
	}
	return ns;
}

/* Never later than the truth, never in the past, and saying "none" only then. */
static void check_next(const struct world *w)
{
	size_t armed;
	uint64_t first = earliest(w, &armed);
	uint64_t next = wheel_next_ns(&w->wheel);

	assert_int_equal(wheel_count(&w->wheel), armed);
	assert_true(next <= first);
	assert_true(next >= w->now_ns);
	assert_int_equal(next == UINT64_MAX, armed == 0);
}

static void world_init(struct world *w, uint64_t seed, uint64_t start_ns)
{
	memset(w, 0, sizeof(*w));
	w->rand.state = seed;
	w->now_ns = start_ns;
	wheel_init(&w->wheel, start_ns);
	for (unsigned i = 0; i < TIMERS; i++) {
		w->item[i].world = w;
		wheel_timer_init(&w->item[i].timer, on_fire);
	}
}

static void churn(uint64_t seed, bool act, unsigned rounds)
{
	static struct world w;

	world_init(&w, seed, seed % 2 != 0 ? seed * 12345 * SEC : 0);
	w.act = act;
	for (unsigned i = 0; i < rounds; i++) {
		unsigned what = prng_below(&w.rand, 10);

		if (what < 7)
			random_action(&w);
		else if (what < 9)
			advance(&w, add_sat(w.now_ns, random_span(&w.rand) % (10 * DAY)));
		else
			advance(&w, w.now_ns + prng_below(&w.rand, 1000));
		check_next(&w);
	}
	assert_true(w.fired > rounds / 20);
}

static void test_random_churn(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		churn(seed, seed % 2 != 0, 5000);
}

/* Who sleeps as wheel_next_ns() says is never late and is seldom woken in vain. */
static void test_sleeper(void **state)
{
	static struct world w;

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		unsigned wakes = 0, batches = 0;

		world_init(&w, seed, seed * 7777777777);
		for (unsigned i = 0; i < 20; i++)
			arm(&w, &w.item[i], w.now_ns + random_span(&w.rand) % (200 * DAY));
		for (unsigned i = 0; i < 20; i += 2) /* later: stays in its slot */
			arm(&w, &w.item[i], w.item[i].expires_ns + random_span(&w.rand) % DAY);
		while (wheel_next_ns(&w.wheel) != UINT64_MAX) {
			unsigned before = w.fired;
			uint64_t next = wheel_next_ns(&w.wheel);
			size_t armed;

			assert_true(next <= earliest(&w, &armed));
			advance(&w, next);
			wakes++;
			batches += w.fired != before;
			/* Woken at the very nanosecond: nothing had to wait. */
			for (unsigned i = 0; i < TIMERS; i++)
				assert_true(!w.item[i].armed || w.item[i].expires_ns > next);
		}
		assert_int_equal(w.fired, 20);
		assert_true(wakes - batches <= 20 * 2 * WHEEL_LEVELS);
	}
}

static void test_one_timer_wakes(void **state)
{
	static const uint64_t spans[] = {1,       100 * 1000, 5 * MS,   200 * MS,
					 2 * SEC, 7200 * SEC, 150 * DAY};
	static struct world w;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
		unsigned wakes = 0;

		world_init(&w, 1, 123456789123);
		arm(&w, &w.item[0], w.now_ns + spans[i]);
		while (w.fired == 0) {
			assert_true(w.now_ns < w.item[0].expires_ns);
			advance(&w, wheel_next_ns(&w.wheel));
			wakes++;
		}
		assert_int_equal(w.now_ns, w.item[0].expires_ns);
		assert_true(wakes <= WHEEL_LEVELS + 1);
	}
}

/* Exact to the nanosecond at every distance and from every phase of the tick. */
static void test_never_early_never_late(void **state)
{
	static struct world w;
	struct prng r = {77};

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		uint64_t start = random_span(&r), span = random_span(&r) + 1;

		if (start + span < start)
			continue;
		world_init(&w, i, start);
		arm(&w, &w.item[0], start + span + (i & 1)); /* also from a nanosecond later */
		arm(&w, &w.item[0], start + span);
		advance(&w, start + span / 2);
		assert_int_equal(w.fired, span / 2 >= span);
		advance(&w, start + span - 1);
		assert_int_equal(w.fired, 0);
		advance(&w, start + span);
		assert_int_equal(w.fired, 1);
	}
}

/* Disarming everything leaves no slot marked as occupied, and nobody to wake for. */
static void test_disarm_leaves_nothing(void **state)
{
	static struct world w;

	(void)state;
	world_init(&w, 3, SEC);
	for (unsigned i = 0; i < TIMERS; i++)
		arm(&w, &w.item[i], SEC + random_span(&w.rand));
	for (unsigned i = 0; i < TIMERS; i++) {
		disarm(&w, &w.item[i]);
		disarm(&w, &w.item[i]); /* harmless */
	}
	assert_int_equal(wheel_count(&w.wheel), 0);
	assert_int_equal(wheel_next_ns(&w.wheel), UINT64_MAX);
}

static void test_past_fires_at_next_advance(void **state)
{
	static struct world w;

	(void)state;
	world_init(&w, 1, 10 * SEC);
	arm(&w, &w.item[0], 10 * SEC);
	arm(&w, &w.item[1], 0);
	assert_int_equal(wheel_next_ns(&w.wheel), 10 * SEC);
	advance(&w, 10 * SEC);
	assert_int_equal(w.fired, 2);
	assert_int_equal(wheel_next_ns(&w.wheel), UINT64_MAX);
}

static void rearm_now(void *ctx, struct wheel_timer *t)
{
	struct world *w = ctx;

	w->fired++;
	wheel_arm(&w->wheel, t, w->now_ns);
}

/* A timer that always wants "now" must not hold the loop. */
static void test_rearm_for_now_ends(void **state)
{
	static struct world w;

	(void)state;
	world_init(&w, 1, SEC);
	wheel_timer_init(&w.item[0].timer, rearm_now);
	wheel_arm(&w.wheel, &w.item[0].timer, SEC + 5);
	w.now_ns = 2 * SEC;
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(wheel_advance(&w.wheel, 2 * SEC, &w), 1);
		assert_int_equal(w.fired, i);
	}
	wheel_disarm(&w.wheel, &w.item[0].timer);
}

static void test_rearm_earlier_and_later(void **state)
{
	static struct world w;

	(void)state;
	world_init(&w, 1, SEC);
	arm(&w, &w.item[0], 5 * SEC);
	arm(&w, &w.item[0], 9 * SEC); /* later: in place */
	arm(&w, &w.item[0], 7 * SEC); /* earlier than that, later than its slot */
	advance(&w, 7 * SEC - 1);
	assert_int_equal(w.fired, 0);
	advance(&w, 7 * SEC);
	assert_int_equal(w.fired, 1);
	arm(&w, &w.item[0], 9 * SEC);
	arm(&w, &w.item[0], 8 * SEC);
	advance(&w, 8 * SEC);
	assert_int_equal(w.fired, 2);
	assert_int_equal(wheel_count(&w.wheel), 0);
}

static void check_tick_order(void *ctx, struct wheel_timer *t)
{
	struct world *w = ctx;

	assert_true(t->expires_ns / WHEEL_TICK_NS >= w->last_tick);
	w->last_tick = t->expires_ns / WHEEL_TICK_NS;
	w->fired++;
}

/* One jump over everything still fires in the order of ticks. */
static void test_order_after_a_jump(void **state)
{
	static struct world w;

	(void)state;
	world_init(&w, 5, SEC);
	for (unsigned i = 0; i < TIMERS; i++) {
		wheel_timer_init(&w.item[i].timer, check_tick_order);
		wheel_arm(&w.wheel, &w.item[i].timer, SEC + 1 + random_span(&w.rand) % (300 * DAY));
	}
	assert_int_equal(wheel_advance(&w.wheel, 400 * DAY, &w), TIMERS);
}

static void test_time_running_backwards(void **state)
{
	static struct world w;

	(void)state;
	world_init(&w, 1, 10 * SEC);
	arm(&w, &w.item[0], 11 * SEC);
	assert_int_equal(wheel_advance(&w.wheel, 5 * SEC, &w), 0);
	assert_int_equal(w.wheel.now_ns, 10 * SEC);
	advance(&w, 11 * SEC);
	assert_int_equal(w.fired, 1);
}

static void test_end_of_time(void **state)
{
	static struct world w;

	(void)state;
	world_init(&w, 1, 0);
	arm(&w, &w.item[0], UINT64_MAX - 1);
	arm(&w, &w.item[1], UINT64_MAX);
	advance(&w, UINT64_MAX - 2);
	assert_int_equal(w.fired, 0);
	advance(&w, UINT64_MAX - 1);
	assert_int_equal(w.fired, 1);
	advance(&w, UINT64_MAX);
	assert_int_equal(w.fired, 2);
	assert_int_equal(wheel_count(&w.wheel), 0);
}

static void disarm_neighbours(void *ctx, struct wheel_timer *t)
{
	struct world *w = ctx;

	(void)t;
	w->fired++;
	for (unsigned i = 0; i < 10; i++)
		wheel_disarm(&w->wheel, &w->item[i].timer);
}

static void test_disarm_what_is_about_to_fire(void **state)
{
	static struct world w;

	(void)state;
	world_init(&w, 1, SEC);
	for (unsigned i = 0; i < 10; i++) {
		wheel_timer_init(&w.item[i].timer, disarm_neighbours);
		wheel_arm(&w.wheel, &w.item[i].timer, 2 * SEC + i);
	}
	assert_int_equal(wheel_advance(&w.wheel, 3 * SEC, &w), 1);
	assert_int_equal(wheel_count(&w.wheel), 0);
	assert_int_equal(wheel_next_ns(&w.wheel), UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_churn),
		cmocka_unit_test(test_sleeper),
		cmocka_unit_test(test_one_timer_wakes),
		cmocka_unit_test(test_never_early_never_late),
		cmocka_unit_test(test_disarm_leaves_nothing),
		cmocka_unit_test(test_past_fires_at_next_advance),
		cmocka_unit_test(test_rearm_for_now_ends),
		cmocka_unit_test(test_rearm_earlier_and_later),
		cmocka_unit_test(test_order_after_a_jump),
		cmocka_unit_test(test_time_running_backwards),
		cmocka_unit_test(test_end_of_time),
		cmocka_unit_test(test_disarm_what_is_about_to_fire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
