/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving: acknowledgements, order, overlaps, windows (RFC 9293 3.8.6, RFC 5681 4.2, RFC 2018).
 */
#include "tcpkit.h"

#include "tcp/pcb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The start is acknowledged segment by segment; get past it. */
static uint32_t warm_up(struct tk *tk)
{
	uint32_t seq = 1;

	for (unsigned i = 0; i < 20; i++) {
		tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = seq, .ack = 1, .len = 1000});
		seq += 1000;
		assert_int_equal(tk_recv(tk, seq - 1000, 1000), 1000);
	}
	tk_advance(tk, 50 * MS);
	tk_forget(tk);
	return seq;
}

static void data(struct tk *tk, uint32_t seq, uint32_t len)
{
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = seq, .ack = 1, .len = len});
}

static void quick_at_start(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	data(tk, 1, 100);
	tk_expect_ack(tk, 101);
	assert_int_equal(tk->so.readable, 1);
	assert_int_equal(tcp_rcv_avail(tk->pcb), 100);
	assert_int_equal(tk_recv(tk, 1, 40), 40);
	assert_int_equal(tk_recv(tk, 41, 100), 60);
	assert_int_equal(tk_recv(tk, 101, 1), -EAGAIN);
	tcp_abort(tk->pcb);
}

static void every_second(void **state)
{
	struct tk *tk = *state;
	uint32_t q;

	tk_connect(tk, NULL);
	q = warm_up(tk);
	data(tk, q, 1000);
	tk_expect_none(tk);
	data(tk, q + 1000, 1000);
	tk_expect_ack(tk, q + 2000);
	/* One alone waits for the timer. */
	data(tk, q + 2000, 1000);
	tk_advance(tk, 39 * MS);
	tk_expect_none(tk);
	tk_advance(tk, 2 * MS);
	tk_expect_ack(tk, q + 3000);
	assert_true(tcp_counters(tk->s)->delayed_acks >= 1);
	/* Several in one round: one ACK. */
	for (uint32_t i = 3; i < 9; i++)
		tk_in_quiet(tk,
			    &(struct tk_seg){
				    .flags = TCP_ACK, .seq = q + i * 1000, .ack = 1, .len = 1000});
	tk_run(tk);
	tk_expect_ack(tk, q + 9000);
	tcp_abort(tk->pcb);
}

static void superpacket(void **state)
{
	struct tk *tk = *state;
	uint32_t q;

	tk_connect(tk, NULL);
	q = warm_up(tk);
	tk_in(tk, &(struct tk_seg){
			  .flags = TCP_ACK, .seq = q, .ack = 1, .len = 14480, .gso_size = 1448});
	tk_expect_ack(tk, q + 14480);
	assert_int_equal(tk->pcb->rcv_mss, 1448);
	assert_int_equal(tk_recv(tk, q, 20000), 14480);
	tcp_abort(tk->pcb);
}

static void out_of_order(void **state)
{
	struct tk *tk = *state;
	const struct tk_pkt *p;
	uint32_t q;

	tk_connect(tk, NULL);
	q = warm_up(tk);
	/* One ACK for each, at once, with SACK; even within one round. */
	tk_in_quiet(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = q + 1000, .ack = 1, .len = 1000});
	tk_in_quiet(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = q + 3000, .ack = 1, .len = 1000});
	tk_run(tk);
	p = tk_expect(tk, TCP_ACK, 1, q, 0);
	assert_int_equal(p->o.n_sack, 1);
	assert_int_equal(p->o.sack[0].start - tk->irs, q + 1000);
	assert_int_equal(p->o.sack[0].end - tk->irs, q + 2000);
	p = tk_expect_ack(tk, q);
	assert_int_equal(p->o.n_sack, 2);
	assert_int_equal(p->o.sack[0].start - tk->irs, q + 3000);
	assert_int_equal(p->o.sack[1].start - tk->irs, q + 1000);
	assert_int_equal(tk_recv(tk, q, 1), -EAGAIN);
	/* The first gap closes: at once. */
	data(tk, q, 1000);
	p = tk_expect_ack(tk, q + 2000);
	assert_int_equal(p->o.n_sack, 1);
	data(tk, q + 2000, 1000);
	p = tk_expect_ack(tk, q + 4000);
	assert_int_equal(p->o.n_sack, 0);
	assert_int_equal(tk_recv(tk, q, 9000), 4000);
	assert_int_equal(tcp_counters(tk->s)->ooo_in, 2);
	tcp_abort(tk->pcb);
}

static void duplicates_are_reported(void **state)
{
	struct tk *tk = *state;
	const struct tk_pkt *p;
	uint32_t q;

	tk_connect(tk, NULL);
	q = warm_up(tk);
	/* Wholly old: RFC 2883 4.1. */
	data(tk, q - 1000, 1000);
	p = tk_expect_ack(tk, q);
	assert_int_equal(p->o.n_sack, 1);
	assert_int_equal(p->o.sack[0].start - tk->irs, q - 1000);
	assert_int_equal(p->o.sack[0].end - tk->irs, q);
	/* Told once. */
	data(tk, q, 1000);
	data(tk, q + 1000, 1000);
	p = tk_expect_ack(tk, q + 2000);
	assert_int_equal(p->o.n_sack, 0);
	assert_int_equal(tk_recv(tk, q, 9000), 2000);
	assert_true(tk_drops(tk, DROP_TCP_DUP) >= 1);
	tcp_abort(tk->pcb);
}

/* Overlaps with other bytes: what came first stays. */
static void overlaps_do_not_change(void **state)
{
	struct tk *tk = *state;
	uint8_t evil[1000];
	uint32_t q;

	tk_connect(tk, NULL);
	q = warm_up(tk);
	memset(evil, 0xee, sizeof(evil));
	data(tk, q + 500, 200);
	tk_in(tk, &(struct tk_seg){
			  .flags = TCP_ACK, .seq = q + 500, .ack = 1, .len = 200, .data = evil});
	data(tk, q, 600);
	tk_in(tk, &(struct tk_seg){
			  .flags = TCP_ACK, .seq = q + 100, .ack = 1, .len = 600, .data = evil});
	assert_int_equal(tk_recv(tk, q, 9000), 700);
	tcp_abort(tk->pcb);
}

static void window_closes_and_opens(void **state)
{
	struct tk *tk = *state;
	const struct tk_pkt *p;
	uint32_t q = 1, edge = 0;

	tk_connect(tk, NULL);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_RCVBUF, 20000), 0);
	/* Send until the window is used up; the edge never moves left. */
	for (unsigned i = 0; i < 400; i++) {
		uint32_t wnd = tk->pcb->rcv_adv - tk->pcb->rcv_nxt;

		if (wnd == 0)
			break;
		data(tk, q, min_u32(1000, wnd));
		q += min_u32(1000, wnd);
		while ((p = tk_sent(tk)) != NULL) {
			uint32_t e =
				p->h.ack - tk->irs + ((uint32_t)p->h.wnd << tk->pcb->rcv_scale);

			assert_true(e >= edge);
			edge = e;
		}
	}
	assert_int_equal(tk->pcb->rcv_adv, tk->pcb->rcv_nxt);
	/* A probe with data: answered, not taken. */
	data(tk, q, 1);
	p = tk_expect_ack(tk, q);
	assert_int_equal(p->h.wnd, 0);
	/* Little is read: no update for it (silly window). Much: an update. */
	assert_int_equal(tk_recv(tk, 1, 10), 10);
	tk_expect_none(tk);
	assert_true(tk_recv(tk, 11, 400000) > 0);
	p = tk_expect_ack(tk, q);
	assert_true(p->h.wnd > 0);
	data(tk, q, 1000);
	assert_int_equal(tk_recv(tk, q, 2000), 1000);
	tcp_abort(tk->pcb);
}

static void beyond_the_window(void **state)
{
	struct tk *tk = *state;
	uint32_t edge;

	tk_connect(tk, NULL);
	edge = tk->pcb->rcv_adv - tk->irs;
	/* Across the edge: cut; behind it: dropped and acknowledged. */
	data(tk, edge - 10, 100);
	assert_int_equal(tk->pcb->ooo.bytes, 10);
	tk_forget(tk);
	data(tk, tk->pcb->rcv_adv - tk->irs + 1, 10);
	tk_expect_ack(tk, 1);
	assert_int_equal(tk_drops(tk, DROP_TCP_WINDOW), 1);
	/* Without ACK nothing is taken. */
	tk_in(tk, &(struct tk_seg){.flags = 0, .seq = 1, .len = 10});
	tk_in(tk, &(struct tk_seg){.flags = TCP_PSH, .seq = 1, .len = 10});
	assert_int_equal(tk_drops(tk, DROP_TCP_FLAGS), 2);
	tk_expect_none(tk);
	assert_int_equal(tcp_rcv_avail(tk->pcb), 0);
	tcp_abort(tk->pcb);
}

/* 8,000 single bytes out of order (CVE-2018-5390): true memory stays bounded. */
static void single_bytes(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_RCVBUF, 40000), 0);
	for (uint32_t i = 0; i < 8000; i++) {
		data(tk, 3 + 2 * i, 1);
		tk_forget(tk);
	}
	assert_true(tk->pcb->ooo.mem_bytes <= 2 * 40000 + 4096);
	assert_true(tk_drops(tk, DROP_TCP_OOO_LIMIT) > 0);
	/* What is missing closes all gaps that are held. */
	for (uint32_t i = 0; i < 20; i++) {
		data(tk, 1 + i * 800, 800);
		tk_forget(tk);
	}
	assert_int_equal(tk_recv(tk, 1, 20000), 16000);
	tcp_abort(tk->pcb);
}

/* In-order small payloads do not tie up a buffer each. */
static void small_payloads(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	for (uint32_t i = 0; i < 4000; i++) {
		data(tk, 1 + i * 3, 3);
		tk_forget(tk);
	}
	assert_true(tk->pcb->rcv.q.count < 20);
	assert_int_equal(tk_recv(tk, 1, 20000), 12000);
	assert_int_equal(tk->pcb->rcv.mem_bytes, 0);
	tcp_abort(tk->pcb);
}

static void urgent_is_inline(void **state)
{
	static const uint16_t ptr[] = {0, 1, 5, 6, 1000, 65535};
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	for (uint32_t i = 0; i < ARRAY_LEN(ptr); i++)
		tk_in(tk, &(struct tk_seg){.flags = TCP_ACK | TCP_URG,
					   .seq = 1 + 5 * i,
					   .ack = 1,
					   .len = 5,
					   .urg = ptr[i]});
	assert_int_equal(tk_recv(tk, 1, 100), 30);
	tcp_abort(tk->pcb);
}

static void peek(void **state)
{
	struct tk *tk = *state;
	uint8_t a[3], b[4];
	struct iovec iov[] = {{a, 3}, {b, 4}};

	tk_connect(tk, NULL);
	data(tk, 1, 5);
	data(tk, 6, 5);
	assert_int_equal(tcp_recv(tk->pcb, iov, 2, true), 7);
	assert_int_equal(a[0], tk_byte(1));
	assert_int_equal(b[3], tk_byte(7));
	assert_int_equal(tk_recv(tk, 1, 100), 10);
	tcp_abort(tk->pcb);
}

static void autotuning(void **state)
{
	struct tk *tk = *state;
	uint32_t before, q = 1;

	tk_connect(tk, NULL);
	before = tk->pcb->rcv.limit;
	for (unsigned i = 0; i < 600; i++) {
		tk_in(tk, &(struct tk_seg){.flags = TCP_ACK,
					   .seq = q,
					   .ack = 1,
					   .len = 14480,
					   .gso_size = 1448});
		assert_int_equal(tk_recv(tk, q, 20000), 14480);
		q += 14480;
		tk_forget(tk);
		if (i % 30 == 29)
			tk_advance(tk, 1 * MS);
	}
	assert_true(tk->pcb->rcv.limit > before);
	assert_true(tk->pcb->rcv.limit <= tk->s->tcp->limits.rmem[TCP_MEM_MAX]);
	tcp_abort(tk->pcb);
}

/*
 * Programs that do not read, with windows larger than the pool: what is left is enough to go on
 * receiving, and all of it comes when they read again.
 */
static void stalled_readers_leave_buffers(void **state)
{
	struct tk *tk = *state;
	uint32_t q = 1, got = 0, size = mbuf_pool_size(tk->s->pool, MBUF_SMALL);
	uint32_t reserve = tk->s->pool->reserve[MBUF_SMALL];
	bool shed = false;

	tk_connect(tk, NULL);
	tk->pcb->rcv.limit = 64u << 20;
	tk->pcb->rcv_adv += 64u << 20; /* as if offered while there was plenty */
	for (unsigned i = 0; i < 2 * size && !shed; i++) {
		data(tk, q, 1400);
		shed = tk->pcb->rcv_nxt - tk->irs == q;
		q = tk->pcb->rcv_nxt - tk->irs;
		tk_forget(tk);
	}
	assert_true(shed);
	assert_true(tcp_counters(tk->s)->rcv_nobuf > 0);
	assert_true(mbuf_pool_avail(tk->s->pool, MBUF_SMALL) >= reserve + size / 32 - 1);
	/* Out of order: not held at all. Writes: a piece at a time. */
	data(tk, q + 1400, 1400);
	assert_int_equal(tk->pcb->ooo.bytes, 0);
	assert_int_equal(tk_send(tk, 1, 100000), min_u32(tk->pcb->snd.limit, 16384));
	assert_int_equal(tk_send(tk, 16385, 10), -EAGAIN);
	tk_advance(tk, 10 * MS);
	tk->so.writable = 0;
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = q, .ack = 1 + tk->pcb->mss});
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = q, .ack = 16385});
	assert_int_equal(tcp_snd_queued(tk->pcb), 0);
	assert_true(tk->so.writable > 0);
	assert_int_equal(tk_send(tk, 16385, 10), 10);
	tk_forget(tk);
	while (got + 1 < q) {
		ssize_t n = tk_recv(tk, 1 + got, 100000);

		assert_true(n > 0);
		got += (uint32_t)n;
	}
	tk_advance(tk, 10 * MS);
	tk_forget(tk);
	data(tk, q, 1400);
	assert_int_equal(tk_recv(tk, q, 2000), 1400);
	tcp_abort(tk->pcb);
}

/* What makes the pool short may wait to be sent to this very socket (loopback's segments are
 * large): whoever reads is offered a segment at least. */
static void short_pool_offers_a_segment(void **state)
{
	struct tk *tk = *state;
	uint32_t held = 0, q = 1, size = mbuf_pool_size(tk->s->pool, MBUF_SMALL);
	struct mbuf **hold = calloc(size, sizeof(*hold));
	const struct tk_pkt *p;
	uint32_t wnd = 0;

	assert_non_null(hold);
	tk_connect(tk, NULL);
	for (; q < 260000; q += 60000) {
		data(tk, q, 60000);
		assert_int_equal(tk_recv(tk, q, 60000), 60000);
	}
	while (!mbuf_pool_below(tk->s->pool, MBUF_SMALL, 8)) {
		hold[held] = mbuf_alloc(tk->s->pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TX).m;
		assert_non_null(hold[held++]);
	}
	while (tk->pcb->rcv_adv - tk->pcb->rcv_nxt >= 60000) {
		data(tk, q, 60000);
		q += 60000;
	}
	tk_forget(tk);
	while (tk_recv(tk, q - tcp_rcv_avail(tk->pcb), 60000) > 0)
		;
	while ((p = tk_sent(tk)) != NULL)
		wnd = (uint32_t)p->h.wnd << tk->pcb->rcv_scale;
	assert_true(wnd >= 60000);
	while (held > 0)
		mbuf_done(&hold[--held]);
	free(hold);
	tcp_abort(tk->pcb);
}

/* One ACK for the last byte and the FIN: the queue is empty, which waiting programs must hear. */
static void drained_with_fin(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	assert_int_equal(tk_send(tk, 1, 100), 100);
	assert_int_equal(tcp_shutdown_send(tk->pcb), 0);
	tk_run(tk);
	tk_forget(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 102});
	assert_int_equal(tcp_snd_queued(tk->pcb), 0);
	assert_int_equal(tk->so.writable, 1);
	tcp_abort(tk->pcb);
	tk_forget(tk);
}

/* Space is reported to who filled the queue to the brim, and to who waits for so much of it. */
static void space_is_told(void **state)
{
	struct tk *tk = *state;

	tk_connect(tk, NULL);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_SNDBUF, 10000), 0);
	assert_int_equal(tk_send(tk, 1, 10000), 10000);
	tk_run(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 2001});
	assert_int_equal(tk->so.writable, 0);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 4001});
	assert_int_equal(tk->so.writable, 1);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 4501});
	assert_int_equal(tk->so.writable, 1);
	tcp_snd_notify(tk->pcb, 6000);
	tcp_snd_notify(tk->pcb, 7000);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 5001});
	assert_int_equal(tk->so.writable, 1);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 6001});
	assert_int_equal(tk->so.writable, 2);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 8001});
	assert_int_equal(tk->so.writable, 2);
	tcp_abort(tk->pcb);
	tk_forget(tk);
}

/* Small writes, each behind one that a driver still looks at, take a buffer each: memory is what
 * counts. */
static void small_writes_in_flight(void **state)
{
	struct tk *tk = *state;
	struct mbufq driver;
	uint32_t n = 0;

	mbufq_init(&driver, MBUF_TEST);
	tk_connect(tk, NULL);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_NODELAY, 1), 0);
	assert_int_equal(tcp_opt_set(tk->pcb, TCP_OPT_SNDBUF, 65536), 0);
	tk->pcb->cc.cwnd = 1u << 20;
	while (n < 1000 && tk_send(tk, 1 + 300 * n, 300) == 300) {
		n++;
		mbufq_push(&driver,
			   mbuf_share(tk->s->pool, tk->pcb->snd.q.tail, 0, 300, MBUF_PRIO_BULK));
		tk_run(tk);
		tk_forget(tk);
	}
	mbufq_purge(&driver, DROP_STACK_FINI);
	/* Payload alone would allow 218. */
	assert_in_range(n, 10, 2 * 65536 / MBUF_SMALL_ROOM + 1);
	assert_int_equal(tcp_snd_space(tk->pcb), 0);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1 + n / 2 * 300});
	assert_int_equal(tk->so.writable, 1);
	assert_true(tcp_snd_space(tk->pcb) > 0);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1 + n * 300});
	assert_int_equal(tk->pcb->snd.mem_bytes, 0);
	tcp_abort(tk->pcb);
	tk_forget(tk);
}

/* After more than 24 days of silence the last timestamp says nothing (RFC 7323 5.5), be it 25 days
 * or so many that a count of milliseconds has gone round. */
static void timestamps_grow_old(void **state)
{
	static const unsigned days[] = {25, 50};
	struct tk *tk = *state;
	uint32_t q = 1;

	tk_connect(tk, NULL);
	for (unsigned i = 0; i < ARRAY_LEN(days); i++) {
		data(tk, q, 10);
		assert_int_equal(tk_recv(tk, q, 10), 10);
		q += 10;
		tk_forget(tk);
		tk->h.now_ns += days[i] * 24 * 3600 * S;
		tk_run(tk);
		tk->peer_ts -= 100000; /* its clock began anew */
		data(tk, q, 10);
		assert_int_equal(tk_recv(tk, q, 10), 10);
		q += 10;
		assert_int_equal(tk->pcb->ts_recent, tk->peer_ts);
		tk_forget(tk);
	}
	assert_int_equal(tcp_counters(tk->s)->paws, 0);
	tcp_abort(tk->pcb);
}

/* Two ends that disagree must not acknowledge each other's acknowledgements for ever. */
static void strays_are_limited(void **state)
{
	struct tk *tk = *state;
	unsigned n = 0;

	tk_connect(tk, NULL);
	for (unsigned i = 0; i < 50; i++) {
		tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 0x40000000, .ack = 1});
		n += tk->inet.n_sent;
		tk_forget(tk);
	}
	assert_in_range(n, 1, 10);
	assert_int_equal(tcp_counters(tk->s)->challenge_limited, 50 - n);
	/* Text is always answered: the peer needs to know. */
	for (unsigned i = 0; i < 20; i++) {
		tk_in(tk,
		      &(struct tk_seg){.flags = TCP_ACK, .seq = 0x40000000, .ack = 1, .len = 1});
		tk_expect_ack(tk, 1);
	}
	tk_advance(tk, 1 * S);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 0x40000000, .ack = 1});
	tk_expect_ack(tk, 1);
	tcp_abort(tk->pcb);
}

/* The first segment of a reader is kept while buffers are short, but not out of the reserve. */
static void first_segment_spares_reserve(void **state)
{
	struct tk *tk = *state;
	uint32_t reserve = tk->s->pool->reserve[MBUF_SMALL];
	struct mbufq q;

	tk_connect(tk, NULL);
	mbufq_init(&q, MBUF_TEST);
	while (mbuf_pool_avail(tk->s->pool, MBUF_SMALL) > reserve)
		mbufq_push(&q, mbuf_alloc(tk->s->pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TEST));
	data(tk, 1, 100);
	assert_int_equal(tk_recv(tk, 1, 200), 100);
	tk_forget(tk);
	while (mbuf_pool_avail(tk->s->pool, MBUF_SMALL) > reserve / 2)
		mbufq_push(&q, mbuf_alloc(tk->s->pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TEST));
	data(tk, 101, 100);
	assert_int_equal(tk_recv(tk, 101, 200), -EAGAIN);
	assert_int_equal(tcp_counters(tk->s)->rcv_nobuf, 1);
	assert_int_equal(tk_drops(tk, DROP_NOBUF), 1);
	tk_forget(tk);
	mbufq_purge(&q, DROP_STACK_FINI);
	data(tk, 101, 100);
	assert_int_equal(tk_recv(tk, 101, 200), 100);
	tcp_abort(tk->pcb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TK_TEST(quick_at_start),
		TK_TEST(every_second),
		TK_TEST(superpacket),
		TK_TEST(out_of_order),
		TK_TEST(duplicates_are_reported),
		TK_TEST(overlaps_do_not_change),
		TK_TEST(window_closes_and_opens),
		TK_TEST(beyond_the_window),
		TK_TEST(single_bytes),
		TK_TEST(small_payloads),
		TK_TEST(urgent_is_inline),
		TK_TEST(peek),
		TK_TEST(autotuning),
		TK_TEST(stalled_readers_leave_buffers),
		TK_TEST(short_pool_offers_a_segment),
		TK_TEST(first_segment_spares_reserve),
		TK_TEST(small_writes_in_flight),
		TK_TEST(timestamps_grow_old),
		TK_TEST(strays_are_limited),
		TK_TEST(drained_with_fin),
		TK_TEST(space_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
