/* SPDX-License-Identifier: BSD-2-Clause */
/* Pools: creation, counts, reserve, fault injection, release, what drivers do behind our back. */
#include "testutil.h"

#include "base/compiler.h"
#include "plat/clock.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint32_t sizes[MBUF_CLASSES] = {UT_SMALL, UT_BIG};
static const uint32_t reserves[MBUF_CLASSES] = {UT_RESERVE_SMALL, UT_RESERVE_BIG};
static const uint32_t rooms[MBUF_CLASSES] = {MBUF_SMALL_ROOM, MBUF_BIG_ROOM};

/* Take all that may be taken; returns how many. */
static uint32_t take_all(struct mbuf_pool *pool, enum mbuf_class cls, enum mbuf_prio prio,
			 struct mbufq *q)
{
	for (uint32_t n = 0;; n++) {
		mbuf_own o = mbuf_alloc(pool, cls, prio, MBUF_TEST);

		if (o.m == NULL)
			return n;
		mbufq_push(q, o);
	}
}

static uint64_t fails(const struct mbuf_pool *pool, enum mbuf_class cls, enum mbuf_prio prio)
{
	struct mbuf_pool_stats st;

	mbuf_pool_stats(pool, &st);
	return st.alloc_fail[cls][prio];
}

/* ---- create ---- */

static void test_create_refuses(void **state)
{
	static const struct {
		const char *name;
		uint32_t count[MBUF_CLASSES], reserve[MBUF_CLASSES];
		int want;
	} rows[] = {
		{NULL, {8, 8}, {0, 0}, -EINVAL},
		{"", {8, 8}, {0, 0}, -EINVAL},
		{"123456789012345678901", {8, 8}, {0, 0}, -EINVAL},
		{"x", {0, 8}, {0, 0}, -EINVAL},
		{"x", {8, 0}, {0, 0}, -EINVAL},
		{"x", {8, 8}, {8, 0}, -EINVAL},
		{"x", {8, 8}, {0, 8}, -EINVAL},
		{"x", {8, 8}, {0, 9}, -EINVAL},
		{"12345678901234567890", {1, 1}, {0, 0}, 0},
		{"x", {8, 8}, {7, 7}, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct mbuf_pool_conf conf = {.name = rows[i].name};
		struct mbuf_pool *pool;

		memcpy(conf.count, rows[i].count, sizeof(conf.count));
		memcpy(conf.reserve, rows[i].reserve, sizeof(conf.reserve));
		assert_int_equal(mbuf_pool_create(&conf, &pool), rows[i].want);
		if (rows[i].want < 0)
			assert_null(pool);
		else
			assert_int_equal(mbuf_pool_destroy(pool), 0);
	}
}

static void test_create_name_in_use(void **state)
{
	struct mbuf_pool_conf conf = {.name = "twice", .count = {4, 4}};
	struct mbuf_pool *a, *b;

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(mbuf_pool_create(&conf, &a), 0);
		assert_int_equal(mbuf_pool_create(&conf, &b), -EEXIST);
		assert_null(b);
		assert_int_equal(mbuf_pool_destroy(a), 0);
	}
}

static void test_create_no_memory(void **state)
{
	/* Memory is reserved before it is touched: limit what may be reserved. A sanitizer's shadow
	 * is beyond the limit already; then just any reservation fails. */
	struct mbuf_pool_conf conf = {.name = "huge", .count = {4, 4000000}};
	struct rlimit old, low;
	struct mbuf_pool *pool;
	int r;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
	low = old;
	low.rlim_cur = (rlim_t)8 << 30;
	assert_int_equal(setrlimit(RLIMIT_AS, &low), 0);
	r = mbuf_pool_create(&conf, &pool);
	assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
	assert_int_equal(r, -ENOMEM);
	/* Nothing was left behind: the name is free. */
	conf.count[MBUF_BIG] = 4;
	assert_int_equal(mbuf_pool_create(&conf, &pool), 0);
	assert_int_equal(mbuf_pool_destroy(pool), 0);
}

static void test_destroy_counts_missing(void **state)
{
	struct mbuf_pool_conf conf = {.name = "missing", .count = {8, 8}};
	struct mbuf_pool *pool;
	struct mbuf *small, *big;

	(void)state;
	assert_int_equal(mbuf_pool_create(&conf, &pool), 0);
	small = mbuf_alloc(pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TEST).m;
	big = mbuf_alloc(pool, MBUF_BIG, MBUF_PRIO_CTL, MBUF_TEST).m;
	assert_int_equal(mbuf_pool_destroy(pool), 2);
	/* Still there for who writes late and gives back late. */
	memset(mbuf_append(big, MBUF_BIG_ROOM), 0x5a, MBUF_BIG_ROOM);
	mbuf_done(&big);
	assert_int_equal(mbuf_pool_destroy(pool), 1);
	mbuf_done(&small);
	assert_int_equal(mbuf_pool_destroy(pool), 0);
}

/* ---- take and give back ---- */

static void test_fresh_buffer(void **state)
{
	struct mbuf_pool *pool = *state;
	static const struct mbuf_meta zero;

	for (unsigned i = 0; i < 2 * MBUF_CLASSES; i++) {
		enum mbuf_class cls = i % 2 ? MBUF_BIG : MBUF_SMALL;
		MBUF(m, mbuf_alloc(pool, cls, MBUF_PRIO_BULK, MBUF_RX));
		struct mbuf_meta meta = m->meta;

		assert_int_equal(mbuf_pool_avail(pool, cls), sizes[cls] - 1);
		assert_false(mbuf_pool_full(pool));
		assert_int_equal(mbuf_len(m), 0);
		assert_int_equal(mbuf_here(m), MBUF_HEADROOM);
		assert_int_equal(m->rte.nb_segs, 1);
		assert_null(mbuf_seg_next(m));
		assert_true(mbuf_writable(m));
		assert_int_equal(m->rte.ol_flags, 0);
		assert_int_equal(m->rte.packet_type, 0);
		assert_int_equal(m->rte.vlan_tci, 0);
		assert_int_equal(m->rte.port, RTE_MBUF_PORT_INVALID);
		assert_ptr_equal(meta.pool, pool);
		assert_int_equal(mbuf_holder_of(m), MBUF_RX);
		meta.pool = NULL;
		meta.mark = 0;
		assert_memory_equal(&meta, &zero, sizeof(zero));
		assert_non_null(mbuf_append(m, rooms[cls]));
		assert_null(mbuf_append(m, 1));
		/* Soil everything: the next round must not see it. */
		memset(&m->meta.l2_off, 0xff, 12);
		memset(m->meta.cb32, 0xff, sizeof(m->meta.cb32));
		m->rte.ol_flags = RTE_MBUF_F_TX_TCP_SEG;
		m->rte.packet_type = 1;
		m->rte.vlan_tci = 1;
		m->rte.port = 1;
		m->rte.data_off = 3;
		mbuf_done(&m);
		assert_null(m);
		assert_true(mbuf_pool_full(pool));
	}
}

static void test_mark(void **state)
{
	struct mbuf_pool *pool = *state;
	MBUF(m, mbuf_alloc(pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_RX));
	unsigned line;

	mbuf_pool_tick(pool, 77 * PLAT_NS_PER_MS + 999999);
	line = __LINE__ + 1;
	mbuf_mark(m, MBUF_NEIGH);
	assert_int_equal(m->meta.mark >> 32, 77);
	assert_int_equal(m->meta.mark >> 16 & 0xffff, line);
	assert_int_equal(m->meta.mark >> 8 & 0xff, pool->core);
	assert_int_equal(mbuf_holder_of(m), MBUF_NEIGH);
	mbuf_done(&m);
}

static void test_reserve(void **state)
{
	struct mbuf_pool *pool = *state;

	for (unsigned i = 0; i < MBUF_CLASSES; i++) {
		enum mbuf_class cls = (enum mbuf_class)i;
		struct mbufq q;

		mbufq_init(&q, MBUF_TEST);
		assert_int_equal(take_all(pool, cls, MBUF_PRIO_BULK, &q), sizes[i] - reserves[i]);
		assert_int_equal(fails(pool, cls, MBUF_PRIO_BULK), 1);
		assert_int_equal(mbuf_pool_avail(pool, cls), reserves[i]);
		/* One back: one may be had, by bulk too. */
		mbuf_drop_own(mbufq_pop(&q), DROP_SIM_LOSS);
		assert_int_equal(take_all(pool, cls, MBUF_PRIO_BULK, &q), 1);
		/* What comes in takes half of the reserve, what we send the rest. */
		assert_int_equal(take_all(pool, cls, MBUF_PRIO_RX, &q), reserves[i] / 2);
		assert_int_equal(fails(pool, cls, MBUF_PRIO_RX), 1);
		assert_int_equal(take_all(pool, cls, MBUF_PRIO_CTL, &q), reserves[i] / 2);
		assert_int_equal(mbuf_pool_avail(pool, cls), 0);
		assert_int_equal(take_all(pool, cls, MBUF_PRIO_BULK, &q), 0);
		assert_int_equal(fails(pool, cls, MBUF_PRIO_BULK), 3);
		assert_int_equal(fails(pool, cls, MBUF_PRIO_CTL), 1);
		/* Control gives one back: still only control may have it. */
		mbuf_drop_own(mbufq_pop(&q), DROP_SIM_LOSS);
		assert_int_equal(take_all(pool, cls, MBUF_PRIO_BULK, &q), 0);
		assert_int_equal(take_all(pool, cls, MBUF_PRIO_CTL, &q), 1);
		mbufq_purge(&q, DROP_STACK_FINI);
		assert_int_equal(mbuf_pool_avail(pool, cls), sizes[i]);
	}
}

static void test_fault_injection(void **state)
{
	struct mbuf_pool *pool = *state;

	for (int64_t after = 0; after < 5; after++) {
		for (unsigned good = 0; good < 2; good++) {
			mbuf_pool_fail(pool, after, good != 0);
			for (int64_t i = 0; i < 8; i++) {
				enum mbuf_class cls = i % 2 ? MBUF_BIG : MBUF_SMALL;
				enum mbuf_prio prio = i % 3 ? MBUF_PRIO_BULK : MBUF_PRIO_CTL;
				MBUF(m, mbuf_alloc(pool, cls, prio, MBUF_TEST));

				assert_int_equal(m == NULL, good ? i >= after : i == after);
				mbuf_done(&m);
			}
			mbuf_pool_fail(pool, -1, false);
		}
	}
	assert_true(fails(pool, MBUF_SMALL, MBUF_PRIO_CTL) > 0);
	assert_true(fails(pool, MBUF_BIG, MBUF_PRIO_BULK) > 0);
}

static void test_fault_injection_keeps_reserve(void **state)
{
	struct mbuf_pool *pool = *state;
	struct mbufq q;

	mbufq_init(&q, MBUF_TEST);
	mbuf_pool_fail(pool, 1000000, true);
	assert_int_equal(take_all(pool, MBUF_SMALL, MBUF_PRIO_BULK, &q),
			 UT_SMALL - UT_RESERVE_SMALL);
	assert_int_equal(take_all(pool, MBUF_SMALL, MBUF_PRIO_CTL, &q), UT_RESERVE_SMALL);
	/* A refusal for want of buffers is not one of the successful ones. */
	assert_int_equal(pool->fail_in, 1000000 - UT_SMALL);
	mbufq_purge(&q, DROP_STACK_FINI);
}

static void test_drop_counts_packets(void **state)
{
	struct mbuf_pool *pool = *state;
	uint8_t bytes[64] = {0};
	struct mbuf_pool_stats st;
	struct mbuf *none = NULL;
	MBUF(a, ut_packet_split(pool, bytes, sizeof(bytes), 7));
	MBUF(b, ut_packet_split(pool, bytes, sizeof(bytes), 7));
	MBUF(c, ut_packet_split(pool, bytes, sizeof(bytes), 7));

	mbuf_drop(&a, DROP_TCP_DUP);
	assert_null(a);
	mbuf_drop(&a, DROP_TCP_DUP);
	mbuf_drop_own(MBUF_NULL, DROP_TCP_DUP);
	mbuf_drop_own(mbuf_move(&b), DROP_NOBUF);
	mbuf_done(&none);
	mbuf_done(&c);
	mbuf_pool_count_drop(pool, DROP_PORT_DOWN);
	mbuf_pool_stats(pool, &st);
	for (unsigned i = 0; i < DROP_COUNT; i++)
		assert_int_equal(st.drops[i],
				 i == DROP_TCP_DUP || i == DROP_NOBUF || i == DROP_PORT_DOWN);
	assert_int_equal(st.done, 1);
	assert_int_equal(st.avail[MBUF_SMALL], UT_SMALL);
	assert_int_equal(st.size[MBUF_BIG], UT_BIG);
}

static void forget_packet(struct mbuf_pool *pool)
{
	MBUF(m, ut_packet(pool, "x", 1));

	(void)m;
}

static void test_scope_end_drops(void **state)
{
	struct mbuf_pool *pool = *state;

	forget_packet(pool);
	assert_true(mbuf_pool_full(pool));
	assert_int_equal(ut_drops(pool, DROP_UNSPEC), 1);
	pool->stats.drops[DROP_UNSPEC] = 0; /* was on purpose */
}

/* ---- drivers ---- */

static void test_driver_takes_and_frees(void **state)
{
	struct mbuf_pool *pool = *state;
	const unsigned most = UT_SMALL - UT_RESERVE_SMALL / 2;
	struct rte_mbuf *r[UT_SMALL];
	struct mbuf_audit a;
	struct mbuf *m;

	/* All or nothing; half of the reserve is not theirs. */
	assert_int_not_equal(rte_pktmbuf_alloc_bulk(pool->mp[MBUF_SMALL], r, most + 1), 0);
	assert_true(mbuf_pool_full(pool));
	assert_int_equal(rte_pktmbuf_alloc_bulk(pool->mp[MBUF_SMALL], r, most), 0);
	assert_int_equal(mbuf_pool_avail(pool, MBUF_SMALL), UT_RESERVE_SMALL / 2);
	assert_int_equal(rte_mempool_avail_count(pool->mp[MBUF_SMALL]), UT_RESERVE_SMALL / 2);
	assert_null(rte_pktmbuf_alloc(pool->mp[MBUF_SMALL]));
	mbuf_pool_audit(pool, &a);
	assert_int_equal(a.held[MBUF_SMALL][MBUF_DRIVER], most);
	assert_int_equal(a.unaccounted, 0);
	/* We do take them; then a driver still gets none. */
	m = mbuf_alloc(pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TEST).m;
	assert_non_null(m);
	assert_null(rte_pktmbuf_alloc(pool->mp[MBUF_SMALL]));
	mbuf_done(&m);
	rte_pktmbuf_free_bulk(r, most);
	assert_true(mbuf_pool_full(pool));
}

static void test_driver_receives(void **state)
{
	struct mbuf_pool *pool = *state;
	struct rte_mbuf *r[3];
	uint8_t soil[sizeof(struct mbuf_meta)];

	memset(soil, 0xff, sizeof(soil));
	assert_int_equal(rte_pktmbuf_alloc_bulk(pool->mp[MBUF_SMALL], r, 3), 0);
	for (unsigned i = 0; i < 3; i++) {
		memcpy(&mbuf_of(r[i])->meta.l2_off, soil, 12);
		memcpy(mbuf_of(r[i])->meta.cb64, soil, 16);
		r[i]->data_len = 10;
		r[i]->next = i < 2 ? r[i + 1] : NULL;
	}
	r[0]->nb_segs = 3;
	r[0]->pkt_len = 30;
	MBUF(m, mbuf_adopt(r[0]));
	assert_int_equal(mbuf_holder_of(m), MBUF_RX);
	MBUF_FOR_EACH_SEG (seg, m) {
		assert_int_equal(seg->meta.cb64[0] | seg->meta.l2_off | seg->meta.gso_size, 0);
		assert_ptr_equal(seg->meta.pool, pool);
	}
	mbuf_done(&m);
}

static void test_driver_takes_what_we_freed(void **state)
{
	struct mbuf_pool *pool = *state;
	struct mbuf *m = ut_packet(pool, "x", 1).m;
	struct rte_mbuf *r;

	mbuf_done(&m);
	r = rte_pktmbuf_alloc(pool->mp[MBUF_SMALL]);
	assert_non_null(r);
	/* Ours again, without having been a received packet: no second free. */
	m = mbuf_of(r);
	mbuf_done(&m);
}

static void test_driver_frees_what_we_built(void **state)
{
	struct mbuf_pool *pool = *state;
	uint8_t bytes[100] = {0};
	MBUF(m, ut_packet_split(pool, bytes, sizeof(bytes), 30));

	mbuf_mark_all(m, MBUF_DRIVER);
	rte_pktmbuf_free(&mbuf_move(&m).m->rte);
	assert_true(mbuf_pool_full(pool));
}

#ifndef NDEBUG
static void free_twice(struct mbuf_pool *pool, uint32_t seg)
{
	const struct rlimit no_core = {0, 0};
	uint8_t bytes[8] = {0};
	struct mbuf *m = ut_packet_split(pool, bytes, sizeof(bytes), seg).m;
	struct mbuf *again = m;

	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)signal(SIGABRT, SIG_DFL);
	(void)close(STDERR_FILENO);
	mbuf_done(&m);
	if (seg < sizeof(bytes))
		again->rte.nb_segs = 2; /* as if still a chain */
	mbuf_done(&again);
}

static void test_second_free_aborts(void **state)
{
	for (uint32_t seg = 4; seg <= 8; seg += 4) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			/* Another one is out, so that it is not the pool's size that catches it. */
			(void)ut_packet(*state, "x", 1);
			free_twice(*state, seg);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		UT_TEST(test_create_refuses),
		UT_TEST(test_create_name_in_use),
		UT_TEST(test_create_no_memory),
		UT_TEST(test_destroy_counts_missing),
		UT_TEST(test_fresh_buffer),
		UT_TEST(test_mark),
		UT_TEST(test_reserve),
		UT_TEST(test_fault_injection),
		UT_TEST(test_fault_injection_keeps_reserve),
		UT_TEST(test_drop_counts_packets),
		UT_TEST(test_scope_end_drops),
		UT_TEST(test_driver_takes_and_frees),
		UT_TEST(test_driver_receives),
		UT_TEST(test_driver_takes_what_we_freed),
		UT_TEST(test_driver_frees_what_we_built),
#ifndef NDEBUG
		UT_TEST(test_second_free_aborts),
#endif
	};

	return ut_run(tests);
}
