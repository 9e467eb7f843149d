/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv6 extension headers: one table row per chain, with what a host and a router make of it, the
 * Parameter Problem that is due and where it points. Chains are given from the first byte behind
 * the fixed header; offsets count from the fixed header, so the first chain byte is 40. Linux 6.18,
 * given the same packets, answers the same, but for jumbo payloads (which it knows) and for a
 * fragment whose end passes 65535 only with the headers before it.
 */
#include "wire/ip6.h"

#include "test_wire_util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HBH     0
#define ROUTING 43
#define FRAG    44
#define TCP     6
#define UDP     17
#define DSTOPTS 60

#define UDP_HDR "14 e9 00 35 00 08 00 00 "
#define TCP_HDR "9c 40 00 50 00 00 00 01 00 00 00 02 50 10 10 00 00 00 00 00 "
/* next header, length 0, router alert, PadN of 2 */
#define HBH_ALERT(next) next " 00 05 02 00 00 01 00 "
#define DST_PAD(next)   next " 00 01 04 00 00 00 00 "

static const struct row {
	const char *what;
	uint8_t next;
	const char *chain;
	int host; /* result for a host; 0: proto and upper_off */
	uint8_t proto;
	uint16_t upper_off;
	int pp_code; /* with an error */
	uint32_t pp_ptr;
} rows[] = {
	{"none", UDP, UDP_HDR, 0, UDP, 40, 0, 0},
	{"no next header", PROTO_NONE, "", 0, PROTO_NONE, 40, 0, 0},
	{"unknown protocol", 200, "00", 0, 200, 40, 0, 0},
	{"router alert", HBH, HBH_ALERT("11") UDP_HDR, 0, UDP, 48, 0, 0},
	{"padded destination options", DSTOPTS, DST_PAD("06") TCP_HDR, 0, TCP, 48, 0, 0},
	{"Pad1 x 6", DSTOPTS, "11 00 00 00 00 00 00 00 " UDP_HDR, 0, UDP, 48, 0, 0},
	{"all kinds", HBH,
	 HBH_ALERT("3c") DST_PAD("2b") "2c 00 00 00 00 00 00 00 3c 00 00 00 00 00 00 01 " DST_PAD(
		 "11") UDP_HDR,
	 0, UDP, 80, 0, 0},
	{"AH ends the walk", HBH, HBH_ALERT("33") "06 04 00 00", 0, PROTO_AH, 48, 0, 0},
	{"ESP ends the walk", DSTOPTS, DST_PAD("32") "00", 0, PROTO_ESP, 48, 0, 0},
	{"long destination options", DSTOPTS,
	 "11 01 1e 0a 00 00 00 00 00 00 00 00 00 00 01 00 " UDP_HDR, 0, UDP, 56, 0, 0},

	{"cut before the header", DSTOPTS, "", IP6_EXT_ESHORT, 0, 0, IP6_PP_NONE, 0},
	{"cut in the header", DSTOPTS, "11 00 01 04 00 00 00", IP6_EXT_ESHORT, 0, 0, IP6_PP_NONE,
	 0},
	{"length past the end", DSTOPTS, "11 01 01 04 00 00 00 00 " UDP_HDR "00", IP6_EXT_EOPTLEN,
	 0, 0, IP6_PP_NONE, 0},
	{"length 255 past the end", HBH, "11 ff 01 04 00 00 00 00 " UDP_HDR, IP6_EXT_ESHORT, 0, 0,
	 IP6_PP_NONE, 0},
	{"option past its header", DSTOPTS, "11 00 1e 05 00 00 00 00 " UDP_HDR, IP6_EXT_EOPTLEN, 0,
	 0, IP6_PP_NONE, 0},
	{"option length 255", DSTOPTS, "11 00 1e ff 00 00 00 00 " UDP_HDR, IP6_EXT_EOPTLEN, 0, 0,
	 IP6_PP_NONE, 0},
	{"option without a length", DSTOPTS, "11 00 01 03 00 00 00 1e " UDP_HDR, IP6_EXT_EOPTLEN, 0,
	 0, IP6_PP_NONE, 0},
	{"PadN past its header", DSTOPTS, "11 00 01 05 00 00 00 00 " UDP_HDR, IP6_EXT_EOPTLEN, 0, 0,
	 IP6_PP_NONE, 0},
	{"PadN not zero", DSTOPTS, "11 00 01 04 00 00 01 00 " UDP_HDR, IP6_EXT_EPAD, 0, 0,
	 IP6_PP_NONE, 0},
	{"8 bytes of padding", DSTOPTS, "11 01 01 06 00 00 00 00 00 00 1e 02 00 00 00 00 " UDP_HDR,
	 IP6_EXT_EPAD, 0, 0, IP6_PP_NONE, 0},
	{"Pad1 and PadN add up", DSTOPTS,
	 "11 01 00 00 00 00 01 02 00 00 1e 02 00 00 00 00 " UDP_HDR, IP6_EXT_EPAD, 0, 0,
	 IP6_PP_NONE, 0},
	{"8 options", DSTOPTS,
	 "11 02 1e 00 1e 00 1e 00 1e 00 1e 00 1e 00 1e 00 1e 00 01 04 00 00 00 00 " UDP_HDR, 0, UDP,
	 64, 0, 0},
	{"9 options", DSTOPTS,
	 "11 02 1e 00 1e 00 1e 00 1e 00 1e 00 1e 00 1e 00 1e 00 1e 00 01 02 00 00 " UDP_HDR,
	 IP6_EXT_ELIMIT, 0, 0, IP6_PP_NONE, 0},
	{"router alert of 1 byte", HBH, "11 00 05 01 00 01 01 00 " UDP_HDR, IP6_EXT_EOPTLEN, 0, 0,
	 IP6_PP_NONE, 0},

	/* RFC 8200 4.2 */
	{"unknown option 00", HBH, "11 00 1e 04 00 00 00 00 " UDP_HDR, 0, UDP, 48, 0, 0},
	{"unknown option 01", HBH, "11 00 5e 04 00 00 00 00 " UDP_HDR, IP6_EXT_EOPT, 0, 0,
	 IP6_PP_NONE, 0},
	{"unknown option 10", HBH, "11 00 9e 04 00 00 00 00 " UDP_HDR, IP6_EXT_EOPT, 0, 0,
	 IP6_PP_OPTION, 42},
	{"unknown option 11", HBH, "11 00 01 00 de 02 00 00 " UDP_HDR, IP6_EXT_EOPT, 0, 0,
	 IP6_PP_OPTION, 44},
	{"unknown option 11, second header", DSTOPTS,
	 DST_PAD("3c") "11 00 de 04 00 00 00 00 " UDP_HDR, IP6_EXT_EOPT, 0, 0, IP6_PP_OPTION, 50},
	{"jumbo payload (RFC 2675) is not supported", HBH, "11 00 c2 04 00 01 00 00 " UDP_HDR,
	 IP6_EXT_EOPT, 0, 0, IP6_PP_OPTION, 42},
	{"router alert is hop-by-hop's only", DSTOPTS, "11 00 05 02 00 00 01 00 " UDP_HDR, 0, UDP,
	 48, 0, 0},

	/* RFC 8200 4.1: the pointer is at the next-header byte that says 0 */
	{"hop-by-hop second", DSTOPTS, DST_PAD("00") HBH_ALERT("11") UDP_HDR, IP6_EXT_EORDER, 0, 0,
	 IP6_PP_NEXT, 40},
	{"hop-by-hop twice", HBH, HBH_ALERT("00") HBH_ALERT("11") UDP_HDR, IP6_EXT_EORDER, 0, 0,
	 IP6_PP_NEXT, 40},
	{"hop-by-hop third", DSTOPTS, DST_PAD("3c") DST_PAD("00") HBH_ALERT("11") UDP_HDR,
	 IP6_EXT_EORDER, 0, 0, IP6_PP_NEXT, 48},

	/* RFC 8200 4.4, RFC 5095: the pointer is at the routing type */
	{"routing type 0, done", ROUTING, "11 00 00 00 00 00 00 00 " UDP_HDR, 0, UDP, 48, 0, 0},
	{"routing type 0", ROUTING,
	 "11 02 00 01 00 00 00 00 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 09 " UDP_HDR,
	 IP6_EXT_EROUTING, 0, 0, IP6_PP_FIELD, 42},
	{"routing type 77 behind options", HBH, HBH_ALERT("2b") "11 00 4d 05 00 00 00 00 " UDP_HDR,
	 IP6_EXT_EROUTING, 0, 0, IP6_PP_FIELD, 50},

	/* fragments */
	{"atomic", FRAG, "11 00 00 00 de ad be ef " UDP_HDR, 0, UDP, 48, 0, 0},
	{"first", FRAG, "11 00 00 01 de ad be ef " UDP_HDR, 0, UDP, 48, 0, 0},
	{"first with options behind", FRAG, "3c 00 00 01 de ad be ef " DST_PAD("11") UDP_HDR, 0,
	 UDP, 56, 0, 0},
	{"later", FRAG, "3c 00 00 10 de ad be ef ff ff ff ff ff", 0, DSTOPTS, 48, 0, 0},
	{"later, of 64 KB", FRAG, "11 00 ff e8 de ad be ef 00 00 00 00 00 00 00 00", 0, UDP, 48, 0,
	 0},
	{"length not a multiple of 8", FRAG, "11 00 00 01 de ad be ef " UDP_HDR "00",
	 IP6_EXT_EFRAGLEN, 0, 0, IP6_PP_FIELD, 4},
	{"end beyond 65535", FRAG, "11 00 ff f8 de ad be ef " UDP_HDR, IP6_EXT_EFRAGEND, 0, 0,
	 IP6_PP_FIELD, 42},
	{"end beyond 65535 with what lies before", DSTOPTS,
	 DST_PAD("2c") "11 00 ff f0 de ad be ef " UDP_HDR, IP6_EXT_EFRAGEND, 0, 0, IP6_PP_FIELD,
	 50},
	{"fragment in a fragment", FRAG, "2c 00 00 00 de ad be ef 11 00 00 00 de ad be ef " UDP_HDR,
	 IP6_EXT_EDUP, 0, 0, IP6_PP_FIELD, 48},
	{"hop-by-hop in a fragment", FRAG, "00 00 00 00 de ad be ef " HBH_ALERT("11") UDP_HDR,
	 IP6_EXT_EORDER, 0, 0, IP6_PP_NEXT, 40},
	{"header cut", FRAG, "11 00 00 00 de ad be", IP6_EXT_ESHORT, 0, 0, IP6_PP_NONE, 0},
	/* RFC 7112: code 3, pointer 0 */
	{"first without upper header", FRAG, "11 00 00 01 de ad be ef", IP6_EXT_ECHAIN, 0, 0,
	 IP6_PP_CHAIN, 0},
	{"first with half a TCP header", FRAG, "06 00 00 01 de ad be ef " UDP_HDR UDP_HDR,
	 IP6_EXT_ECHAIN, 0, 0, IP6_PP_CHAIN, 0},
	{"first with half a chain", FRAG, "3c 00 00 01 de ad be ef 11 01 01 04 00 00 00 00",
	 IP6_EXT_ECHAIN, 0, 0, IP6_PP_CHAIN, 0},
	{"first with unknown options: they come again", FRAG,
	 "3c 00 00 01 de ad be ef 11 00 de 04 00 00 00 00 " UDP_HDR, 0, UDP, 56, 0, 0},
	{"atomic without upper header is as it is without", FRAG, "11 00 00 00 de ad be ef", 0, UDP,
	 48, 0, 0},
};

static struct ip6 header_of(uint8_t next, size_t payload_len)
{
	struct ip6 h = {
		.next_header = next,
		.payload_len = (uint16_t)payload_len,
		.hop_limit = 64,
		.src = ipaddr_loopback6(),
		.dst = ipaddr_loopback6(),
	};

	return h;
}

static struct pkt packet_of(uint8_t next, const char *chain)
{
	struct pkt p = {0};
	struct ip6 h;

	p.len = IP6_HLEN;
	pkt_add(&p, chain);
	h = header_of(next, p.len - IP6_HLEN);
	ip6_emit(p.b, &h);
	return p;
}

static void try_host(struct view v, void *ctx)
{
	const struct row *row = ctx;
	struct ip6_ext x;
	struct ip6 h;
	int err;

	assert_int_equal(ip6_parse(&h, v), 0);
	err = ip6_ext_parse(&x, &h, v, IP6_HOST);
	if (err != row->host)
		fail_msg("%s: %s", row->what, wire_err_name(err));
	if (err != 0 && ((int)x.pp_code != row->pp_code || x.pp_ptr != row->pp_ptr))
		fail_msg("%s: code %d pointer %u", row->what, (int)x.pp_code, x.pp_ptr);
	if (err == 0 && (x.proto != row->proto || x.upper_off != row->upper_off))
		fail_msg("%s: proto %u at %zu", row->what, x.proto, x.upper_off);
}

static void test_host(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pkt p = packet_of(rows[i].next, rows[i].chain);
		struct row row = rows[i];

		wire_try_exact(pkt_view(&p), try_host, &row);
	}
}

/* A router answers for hop-by-hop options alone, an observer for nothing. */
static void test_router(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct pkt p = packet_of(row->next, row->chain);
		bool hopopts = row->next == HBH && row->host != IP6_EXT_EROUTING &&
			       row->host != IP6_EXT_EORDER;
		struct ip6_ext x;
		struct ip6 h;

		assert_int_equal(ip6_parse(&h, pkt_view(&p)), 0);
		assert_int_equal(ip6_ext_parse(&x, &h, pkt_view(&p), IP6_ROUTER),
				 hopopts ? row->host : 0);
		assert_int_equal(ip6_ext_parse(&x, &h, pkt_view(&p), IP6_OBSERVER), 0);
		assert_int_equal(x.pp_code, IP6_PP_NONE);
		if (row->host == 0)
			assert_int_equal(x.upper_off, row->upper_off);
		assert_true(x.upper_off <= p.len);
	}
}

static void test_fields(void **state)
{
	struct pkt p = packet_of(HBH, HBH_ALERT("2b") "3c 00 05 00 00 00 00 00 " DST_PAD(
					      "2c") "11 00 05 c9 de ad be ef " UDP_HDR);
	struct ip6_ext x;
	struct ip6 h;

	(void)state;
	assert_int_equal(ip6_parse(&h, pkt_view(&p)), 0);
	assert_int_equal(ip6_ext_parse(&x, &h, pkt_view(&p), IP6_HOST), 0);
	assert_int_equal(x.n_headers, 4);
	assert_true(x.has_hopopts && x.has_routing && x.has_dstopts && x.has_frag);
	assert_true(x.router_alert && x.router_alert_value == 0);
	assert_int_equal(x.routing_type, 5);
	assert_int_equal(x.routing_left, 0);
	assert_true(x.frag_more && ip6_ext_is_fragment(&x) && !ip6_ext_is_atomic(&x));
	assert_int_equal(x.frag_off_bytes, 0x5c8);
	assert_int_equal(x.frag_id, 0xdeadbeef);
	assert_int_equal(x.frag_next, UDP);
	assert_int_equal(x.frag_hdr_off, 64);
	assert_int_equal(x.frag_next_off, 56);
	assert_int_equal(x.proto, UDP);
	assert_int_equal(x.upper_off, 72);
	assert_int_equal(x.next_off, 64);
	p.b[66] = 0;
	p.b[67] = 0;
	assert_int_equal(ip6_ext_parse(&x, &h, pkt_view(&p), IP6_HOST), 0);
	assert_true(ip6_ext_is_atomic(&x) && !ip6_ext_is_fragment(&x));
}

/* Where the pointer of "next header unknown" has to point. */
static void test_next_off(void **state)
{
	struct pkt p = packet_of(200, "00 00");
	struct ip6_ext x;
	struct ip6 h;

	(void)state;
	assert_int_equal(ip6_parse(&h, pkt_view(&p)), 0);
	assert_int_equal(ip6_ext_parse(&x, &h, pkt_view(&p), IP6_HOST), 0);
	assert_int_equal(x.next_off, IP6_OFF_NEXT);
	p = packet_of(DSTOPTS, DST_PAD("3c") DST_PAD("c8") "00 00");
	assert_int_equal(ip6_parse(&h, pkt_view(&p)), 0);
	assert_int_equal(ip6_ext_parse(&x, &h, pkt_view(&p), IP6_HOST), 0);
	assert_int_equal(x.proto, 200);
	assert_int_equal(x.next_off, 48);
}

/* Action 10 is reported for multicast too, 11 is not. */
static void test_multicast(void **state)
{
	struct pkt p = packet_of(HBH, "11 00 9e 04 00 00 00 00 " UDP_HDR);
	struct ip6_ext x;
	struct ip6 h;

	(void)state;
	assert_int_equal(ip6_parse(&h, pkt_view(&p)), 0);
	assert_int_equal(ip6_ext_parse(&x, &h, pkt_view(&p), IP6_HOST), IP6_EXT_EOPT);
	assert_true(x.pp_multicast);
	p.b[42] = 0xde;
	assert_int_equal(ip6_ext_parse(&x, &h, pkt_view(&p), IP6_HOST), IP6_EXT_EOPT);
	assert_false(x.pp_multicast);
}

/* n destination options of 8 bytes in a row. */
static struct pkt packet_of_headers(unsigned n)
{
	struct pkt p = packet_of(DSTOPTS, "");
	struct ip6 h;

	for (unsigned i = 0; i < n; i++)
		pkt_add(&p, i + 1 < n ? DST_PAD("3c") : DST_PAD("11"));
	pkt_add(&p, UDP_HDR);
	h = header_of(DSTOPTS, p.len - IP6_HLEN);
	ip6_emit(p.b, &h);
	return p;
}

static void test_many_headers(void **state)
{
	static const unsigned counts[] = {1, 8, 9, 150};
	struct ip6_ext x;
	struct ip6 h;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct pkt p = packet_of_headers(counts[i]);
		int want = counts[i] <= IP6_EXT_MAX_HEADERS ? 0 : IP6_EXT_ELIMIT;

		assert_int_equal(ip6_parse(&h, pkt_view(&p)), 0);
		assert_int_equal(ip6_ext_parse(&x, &h, pkt_view(&p), IP6_HOST), want);
		assert_int_equal(x.pp_code, IP6_PP_NONE);
		assert_int_equal(ip6_ext_parse(&x, &h, pkt_view(&p), IP6_OBSERVER), 0);
		assert_true(x.n_headers <= IP6_EXT_MAX_HEADERS + 1);
	}
}

/* Two routing headers of 1280 bytes that are done: legal, but more than a chain may have. */
static void test_many_bytes(void **state)
{
	struct pkt p = packet_of(ROUTING, "");
	struct ip6_ext x;
	struct ip6 h;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		p.b[p.len] = i < 2 ? ROUTING : UDP;
		p.b[p.len + 1] = 159;
		p.len += 1280;
	}
	h = header_of(ROUTING, p.len - IP6_HLEN);
	assert_int_equal(ip6_ext_parse(&x, &h, pkt_view(&p), IP6_HOST), IP6_EXT_ELIMIT);
	h.payload_len = 1280;
	p.b[40] = UDP;
	assert_int_equal(ip6_ext_parse(&x, &h, pkt_view(&p), IP6_HOST), 0);
	assert_int_equal(x.upper_off, 1320);
}

/* The chain goes on behind the first buffer, though not behind the packet. */
static void test_first_buffer(void **state)
{
	struct pkt p = packet_of_headers(3);
	struct ip6_ext x;
	struct ip6 h;

	(void)state;
	assert_int_equal(ip6_parse(&h, pkt_view(&p)), 0);
	for (size_t n = IP6_HLEN; n < p.len; n++) {
		struct view first = view_make(p.b, n);

		assert_int_equal(ip6_ext_parse(&x, &h, first, IP6_HOST),
				 n < 64 ? IP6_EXT_ELIMIT : 0);
	}
}

static void try_any(struct view v, void *ctx)
{
	static const enum ip6_role roles[] = {IP6_HOST, IP6_ROUTER, IP6_OBSERVER};
	struct ip6_ext x;
	struct ip6 h;

	(void)ctx;
	if (ip6_parse(&h, v) != 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		int err = ip6_ext_parse(&x, &h, v, roles[i]);

		assert_true(x.upper_off >= IP6_HLEN &&
			    x.upper_off <= (size_t)IP6_HLEN + h.payload_len);
		assert_true(x.next_off < x.upper_off);
		assert_int_equal(v.p[x.next_off], x.proto);
		assert_true(err == 0 || roles[i] != IP6_OBSERVER);
		assert_true(err != 0 || x.pp_code == IP6_PP_NONE);
		assert_true(x.pp_code == IP6_PP_NONE || x.pp_ptr < v.len);
	}
}

static void test_cut_and_damaged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pkt p = packet_of(rows[i].next, rows[i].chain);

		/* Cut with a payload length to match, so that the walk sees the cut. */
		for (size_t n = IP6_HLEN; n <= p.len; n++) {
			struct pkt cut = p;

			cut.b[IP6_OFF_PAYLOAD_LEN + 1] = (uint8_t)(n - IP6_HLEN);
			wire_try_exact(view_make(cut.b, n), try_any, NULL);
		}
		wire_try_damaged(pkt_view(&p), 10000, try_any, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_router),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_next_off),
		cmocka_unit_test(test_multicast),
		cmocka_unit_test(test_many_headers),
		cmocka_unit_test(test_many_bytes),
		cmocka_unit_test(test_first_buffer),
		cmocka_unit_test(test_cut_and_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
