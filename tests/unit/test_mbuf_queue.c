/* SPDX-License-Identifier: BSD-2-Clause */
/* Named queues: order, counts, marks, consuming bytes across packets and segments. */
#include "testutil.h"

#include "base/compiler.h"

#include <string.h>

#define BYTES 60u

static void check_queue(const struct mbufq *q, uint32_t count, uint32_t bytes)
{
	const struct mbuf *last = NULL;
	uint32_t n = 0, sum = 0;

	MBUFQ_FOR_EACH (m, q) {
		n++;
		sum += mbuf_len(m);
		last = m;
		assert_int_equal(mbuf_holder_of(m), q->holder);
	}
	assert_int_equal(n, count);
	assert_int_equal(sum, bytes);
	assert_int_equal(q->count, count);
	assert_int_equal(q->bytes, bytes);
	assert_ptr_equal(q->tail, last);
}

static void test_order(void **state)
{
	struct mbuf_pool *pool = *state;
	struct mbufq q;

	mbufq_init(&q, MBUF_UDP_RCV);
	check_queue(&q, 0, 0);
	assert_null(mbufq_peek(&q));
	assert_null(mbufq_pop(&q).m);
	for (uint8_t i = 0; i < 5; i++)
		mbufq_push(&q, ut_packet(pool, &i, 1));
	check_queue(&q, 5, 5);
	for (uint8_t i = 0; i < 5; i++) {
		MBUF(m, mbufq_pop(&q));

		ut_assert_bytes(m, &i, 1);
		assert_null(m->meta.next_pkt);
		check_queue(&q, 4u - i, 4u - i);
		mbuf_done(&m);
	}
	/* An emptied queue takes packets again. */
	mbufq_push(&q, ut_packet(pool, "z", 1));
	check_queue(&q, 1, 1);
	mbufq_purge(&q, DROP_SOCK_CLOSED);
	check_queue(&q, 0, 0);
	assert_int_equal(ut_drops(pool, DROP_SOCK_CLOSED), 1);
}

static void test_splice(void **state)
{
	struct mbuf_pool *pool = *state;

	for (uint8_t into = 0; into < 3; into++) {
		for (uint8_t from = 0; from < 3; from++) {
			struct mbufq a, b;

			mbufq_init(&a, MBUF_TCP_SND);
			mbufq_init(&b, MBUF_TCP_RCV);
			for (uint8_t i = 0; i < into; i++)
				mbufq_push(&a, ut_packet(pool, &i, 1));
			for (uint8_t i = into; i < into + from; i++)
				mbufq_push(&b, ut_packet(pool, &i, 1));
			mbufq_splice(&a, &b);
			check_queue(&a, (uint32_t)into + from, (uint32_t)into + from);
			check_queue(&b, 0, 0);
			for (uint8_t i = 0; i < into + from; i++) {
				MBUF(m, mbufq_pop(&a));

				ut_assert_bytes(m, &i, 1);
				mbuf_done(&m);
			}
		}
	}
}

static void test_trim_head(void **state)
{
	struct mbuf_pool *pool = *state;
	struct mbufq q;
	struct mbuf *head;

	mbufq_init(&q, MBUF_TCP_RCV);
	mbufq_push(&q, ut_packet_split(pool, "abcdef", 6, 2));
	mbufq_push(&q, ut_packet(pool, "gh", 2));
	head = mbufq_peek(&q);
	mbufq_trim_head(&q, 3);
	assert_ptr_equal(mbufq_peek(&q), head);
	check_queue(&q, 2, 5);
	ut_assert_bytes(head, "def", 3);
	mbufq_purge(&q, DROP_SOCK_CLOSED);
}

/* Three packets of BYTES / 3 in segments of seg. */
static void push_three(struct mbuf_pool *pool, struct mbufq *q, const uint8_t *bytes, uint32_t seg)
{
	for (uint32_t off = 0; off < BYTES; off += BYTES / 3)
		mbufq_push(q, ut_packet_split(pool, bytes + off, BYTES / 3, seg));
}

static void check_rest(struct mbufq *q, const uint8_t *bytes, uint32_t len)
{
	uint32_t off = 0;

	while (mbufq_peek(q) != NULL) {
		MBUF(m, mbufq_pop(q));

		ut_assert_bytes(m, bytes + off, mbuf_len(m));
		/* Nothing empty is kept. */
		MBUF_FOR_EACH_SEG (s, m)
			assert_int_not_equal(mbuf_seg_len(s), 0);
		off += mbuf_len(m);
		mbuf_done(&m);
	}
	assert_int_equal(off, len);
}

static void test_consume_all_cuts(void **state)
{
	struct mbuf_pool *pool = *state;
	uint8_t bytes[BYTES];

	ut_fill(bytes, sizeof(bytes), 1);
	for (uint32_t seg = 1; seg <= BYTES / 3; seg++) {
		for (uint32_t n = 0; n <= BYTES + 1; n++) {
			uint32_t gone = min_u32(n, BYTES);
			struct mbufq q;

			mbufq_init(&q, MBUF_TCP_SND);
			push_three(pool, &q, bytes, seg);
			assert_int_equal(mbufq_consume(&q, n), gone);
			check_queue(&q, 3 - gone / (BYTES / 3), BYTES - gone);
			check_rest(&q, bytes + gone, BYTES - gone);
		}
	}
}

static void test_consume_byte_by_byte(void **state)
{
	struct mbuf_pool *pool = *state;
	uint8_t bytes[BYTES];
	struct mbufq q;

	ut_fill(bytes, sizeof(bytes), 2);
	mbufq_init(&q, MBUF_TCP_SND);
	push_three(pool, &q, bytes, 7);
	for (uint32_t n = 0; n < BYTES; n++) {
		uint8_t b;

		assert_int_equal(mbuf_copy_out(mbufq_peek(&q), 0, &b, 1), 1);
		assert_int_equal(b, bytes[n]);
		assert_int_equal(mbufq_consume(&q, 1), 1);
		check_queue(&q, 3 - (n + 1) / (BYTES / 3), BYTES - n - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UT_TEST(test_order),
		UT_TEST(test_splice),
		UT_TEST(test_trim_head),
		UT_TEST(test_consume_all_cuts),
		UT_TEST(test_consume_byte_by_byte),
	};

	return ut_run(tests);
}
