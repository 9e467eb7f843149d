/* SPDX-License-Identifier: BSD-2-Clause */
/* Checksums finished on the way out (txcsum.c) and made unfinished on the way in (rxcsum.c). */
#include "test_port_util.h"

#include "port/rxcsum.h"
#include "port/txcsum.h"

static const struct pf shapes[] = {
	{.flags = TCP_ACK, .payload = 1000},
	{.v6 = true, .flags = TCP_ACK, .payload = 1000},
	{.flags = TCP_ACK, .payload = 0},
	{.v6 = true, .flags = TCP_ACK, .payload = 0},
	{.flags = TCP_ACK, .payload = 1001, .tags = 1, .ip_extra = 4, .tcp_extra = 12},
	{.v6 = true, .flags = TCP_ACK, .payload = 1001, .tags = 2, .ip_extra = 8, .tcp_extra = 12},
	{.flags = TCP_ACK, .payload = 30000},
	{.v6 = true, .flags = TCP_ACK, .payload = 30000},
	{.udp = true, .payload = 1001},
	{.v6 = true, .udp = true, .payload = 1001},
};

static struct mbuf *finished(struct mbuf_pool *pool, const struct pf *f, uint32_t seg)
{
	struct pf_frame fr;
	struct pf_read r;
	struct mbuf *m;

	pf_build(&fr, f);
	m = txcsum_finish(pool, pf_packet(pool, &fr, f, seg, 0)).m;
	assert_non_null(m);
	assert_int_equal(m->meta.csum, MBUF_CSUM_NONE);
	assert_int_equal(mbuf_copy_out(m, 0, fr.bytes, PF_BYTES), fr.len);
	pf_read(&r, fr.bytes, fr.len, f, false);
	return m;
}

static void test_finish(void **state)
{
	static const uint32_t segs[] = {0, 61, 333};

	for (unsigned i = 0; i < ARRAY_LEN(shapes); i++)
		for (unsigned k = 0; k < ARRAY_LEN(segs); k++) {
			MBUF(m, mbuf_own_of(finished(*state, &shapes[i], segs[k])));

			mbuf_done(&m);
		}
}

/* RFC 768: a sum of 0 is sent as 0xffff. The payload is chosen so that the sum is 0. */
static void test_udp_zero(void **state)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		const struct pf f = {.v6 = v6 != 0, .udp = true, .payload = 2};
		struct pf_frame fr;
		uint16_t sum;

		pf_build(&fr, &f);
		store_native16(fr.bytes + fr.hlen, 0);
		sum = csum_reduce(csum_partial(fr.bytes + fr.l4, fr.len - fr.l4, 0));
		store_native16(fr.bytes + fr.hlen, (uint16_t)~sum);

		MBUF(m, txcsum_finish(*state, pf_packet(*state, &fr, &f, 0, 0)));
		assert_int_equal(load_native16(mbuf_data(m) + fr.l4 + UDP_OFF_CSUM), 0xffff);
		mbuf_done(&m);
	}
}

/* What others look at is copied, and stays as it is for them. */
static void test_shared(void **state)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		const struct pf f = {.v6 = v6 != 0, .flags = TCP_ACK, .payload = 1000};
		struct pf_frame fr;

		pf_build(&fr, &f);
		MBUF(orig, pf_packet(*state, &fr, &f, 0, 0));
		MBUF(out,
		     txcsum_finish(*state, mbuf_share(*state, orig, 0, fr.len, MBUF_PRIO_BULK)));
		struct pf_read r;

		assert_non_null(out);
		ut_assert_bytes(orig, fr.bytes, fr.len);
		pf_read(&r, mbuf_data(out), mbuf_len(out), &f, false);
		mbuf_done(&orig);
		mbuf_done(&out);
	}
}

static void test_shared_no_buffers(void **state)
{
	struct mbuf_pool *pool = *state;
	const struct pf f = {.flags = TCP_ACK, .payload = 1000};
	struct pf_frame fr;
	mbuf_own shared;

	pf_build(&fr, &f);
	MBUF(orig, pf_packet(pool, &fr, &f, 0, 0));
	shared = mbuf_share(pool, orig, 0, fr.len, MBUF_PRIO_BULK);
	mbuf_pool_fail(pool, 0, false);
	assert_null(txcsum_finish(pool, shared).m);
	assert_int_equal(ut_drops(pool, DROP_NOBUF), 1);
	mbuf_done(&orig);
}

/* Metadata that does not lie in the packet. */
static void test_outside(void **state)
{
	const struct pf f = {.flags = TCP_ACK, .payload = 10};
	static const int shift[] = {-100, 40, 4000};
	struct pf_frame fr;

	pf_build(&fr, &f);
	for (unsigned i = 0; i < ARRAY_LEN(shift); i++) {
		struct mbuf *m = pf_packet(*state, &fr, &f, 0, 0).m;

		m->meta.l4_off = (uint16_t)(m->meta.l4_off + shift[i]);
		assert_null(txcsum_finish(*state, mbuf_own_of(m)).m);
		assert_int_equal(ut_drops(*state, DROP_PORT_TX_ERROR), i + 1);
	}
}

/* Unfinishing a complete packet gives what the sender would have left, and finishing it again the
 * packet itself. */
static void test_unfinish(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(shapes); i++) {
		struct pf f = shapes[i];
		struct pf_frame fr, partial;

		pf_build(&partial, &f);
		f.complete = true;
		pf_build(&fr, &f);
		MBUF(m, pf_packet(*state, &fr, &f, 0, 0));
		m->meta = (struct mbuf_meta){.pool = m->meta.pool, .mark = m->meta.mark};
		m->meta.gso_size = f.udp ? 0 : 500;
		assert_true(rxcsum_unfinish(m));
		assert_int_equal(m->meta.csum, MBUF_CSUM_PARTIAL);
		assert_int_equal(m->meta.l4_off, mbuf_here(m) + fr.l4);
		assert_int_equal(m->meta.gso_type, f.udp  ? MBUF_GSO_NONE
						   : f.v6 ? MBUF_GSO_TCP6
							  : MBUF_GSO_TCP4);
		ut_assert_bytes(m, partial.bytes, partial.len);
		m = txcsum_finish(*state, mbuf_move(&m)).m;
		ut_assert_bytes(m, fr.bytes, fr.len);
		mbuf_done(&m);
	}
}

/* Cut anywhere in the headers, or of another protocol: refused, and no byte is read past the end.
 */
static void test_unfinish_refused(void **state)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		const struct pf f = {
			.v6 = v6 != 0, .flags = TCP_ACK, .payload = 100, .complete = true};
		struct pf_frame fr;

		pf_build(&fr, &f);
		for (uint32_t len = 0; len < fr.hlen; len++) {
			MBUF(m, ut_packet(*state, fr.bytes, len));

			assert_false(rxcsum_unfinish(m));
			mbuf_done(&m);
		}
		store_be16(fr.bytes + 12, 0x88cc);
		MBUF(m, ut_packet(*state, fr.bytes, fr.len));
		assert_false(rxcsum_unfinish(m));
		mbuf_done(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UT_TEST(test_finish),           UT_TEST(test_udp_zero),
		UT_TEST(test_shared),           UT_TEST(test_shared_no_buffers),
		UT_TEST(test_outside),          UT_TEST(test_unfinish),
		UT_TEST(test_unfinish_refused),
	};

	return ut_run(tests);
}
