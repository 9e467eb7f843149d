/* SPDX-License-Identifier: BSD-2-Clause */
/* What frames may take of a pool that is down to its reserve. */
#include "test_port_util.h"

#include "port/rxprio.h"

#include "base/compiler.h"

static struct mbuf *held[UT_SMALL];

/* Leave the reserve; returns how many were taken. */
static unsigned use_up(struct mbuf_pool *pool)
{
	unsigned n = 0;

	while ((held[n] = mbuf_alloc(pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TEST).m) != NULL)
		n++;
	return n;
}

static void give_back(unsigned n)
{
	while (n > 0)
		mbuf_done(&held[--n]);
}

static enum mbuf_prio prio_of(const struct mbuf_pool *pool, const struct pf_frame *fr)
{
	return rxprio(pool, view_make(fr->bytes, fr->len), fr->len);
}

static void test_transport(void **state)
{
	static const struct {
		struct pf f;
		enum mbuf_prio want;
	} rows[] = {
		{{.flags = TCP_ACK}, MBUF_PRIO_RX},
		{{.flags = TCP_SYN, .tcp_extra = 40}, MBUF_PRIO_RX},
		{{.flags = TCP_RST, .tags = 2}, MBUF_PRIO_RX},
		{{.flags = TCP_FIN | TCP_ACK, .ip_extra = 8}, MBUF_PRIO_RX},
		{{.flags = TCP_ACK, .payload = 1}, MBUF_PRIO_BULK},
		{{.flags = TCP_ACK, .payload = 150}, MBUF_PRIO_BULK},
		{{.udp = true}, MBUF_PRIO_BULK},
		{{.udp = true, .payload = 20, .tags = 1}, MBUF_PRIO_BULK},
	};
	unsigned n = use_up(*state);
	static struct pf_frame fr;

	for (unsigned i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		struct pf f = rows[i / 2].f;

		f.v6 = i % 2 != 0;
		pf_build(&fr, &f);
		assert_int_equal(prio_of(*state, &fr), rows[i / 2].want);
	}
	give_back(n);
}

static void test_padded(void **state)
{
	const struct pf f = {.flags = TCP_ACK};
	unsigned n = use_up(*state);
	static struct pf_frame fr;

	pf_build(&fr, &f);
	memset(fr.bytes + fr.len, 0, 6);
	fr.len += 6;
	assert_int_equal(prio_of(*state, &fr), MBUF_PRIO_RX);
	give_back(n);
}

/* The protocol number makes it ICMP or ND; a fragment waits for others, so it is none. */
static void test_icmp(void **state)
{
	unsigned n = use_up(*state);
	static struct pf_frame fr;

	for (unsigned v6 = 0; v6 < 2; v6++) {
		const struct pf f = {.udp = true, .v6 = v6 != 0, .payload = 56};
		size_t at = v6 ? IP6_OFF_NEXT : IP4_OFF_PROTO;

		pf_build(&fr, &f);
		fr.bytes[fr.l3 + at] = v6 ? PROTO_ICMP6 : PROTO_ICMP4;
		assert_int_equal(prio_of(*state, &fr), MBUF_PRIO_RX);
		if (!v6) {
			store_be16(fr.bytes + fr.l3 + IP4_OFF_FRAG, 0x2000);
		} else {
			fr.bytes[fr.l3 + at] = PROTO_FRAGMENT;
			memcpy(fr.bytes + fr.l4,
			       (const uint8_t[]){PROTO_ICMP6, 0, 0, 1, 0, 0, 0, 1}, 8);
		}
		assert_int_equal(prio_of(*state, &fr), MBUF_PRIO_BULK);
	}
	give_back(n);
}

static void test_arp_and_nonsense(void **state)
{
	const struct pf f = {.flags = TCP_ACK};
	unsigned n = use_up(*state);
	static struct pf_frame fr;

	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct pf g = f;

		g.v6 = v6 != 0;
		pf_build(&fr, &g);
		for (uint32_t len = 0; len < fr.len; len++) /* cut anywhere */
			assert_int_equal(rxprio(*state, view_make(fr.bytes, len), len),
					 MBUF_PRIO_BULK);
	}
	store_be16(fr.bytes + 12, ETHERTYPE_ARP);
	assert_int_equal(prio_of(*state, &fr), MBUF_PRIO_RX);
	store_be16(fr.bytes + 12, 0x88cc);
	assert_int_equal(prio_of(*state, &fr), MBUF_PRIO_BULK);
	give_back(n);
}

/* With buffers enough nobody is looked at, and nobody needs the reserve. */
static void test_plenty(void **state)
{
	const struct pf f = {.flags = TCP_ACK};
	static struct pf_frame fr;
	unsigned n;

	pf_build(&fr, &f);
	assert_int_equal(prio_of(*state, &fr), MBUF_PRIO_BULK);
	n = use_up(*state);
	assert_int_equal(prio_of(*state, &fr), MBUF_PRIO_RX);
	mbuf_done(&held[--n]);
	assert_int_equal(prio_of(*state, &fr), MBUF_PRIO_BULK);
	give_back(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UT_TEST(test_transport),        UT_TEST(test_padded), UT_TEST(test_icmp),
		UT_TEST(test_arp_and_nonsense), UT_TEST(test_plenty),
	};

	return ut_run(tests);
}
