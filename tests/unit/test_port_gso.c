/* SPDX-License-Identifier: BSD-2-Clause */
/* Segmentation: every frame of a superpacket is parsed again and its checksums are verified. */
#include "test_port_util.h"

#include "port/gso.h"

struct row {
	const char *name;
	struct pf f;
	uint16_t mss;
	unsigned frames;
};

#define ACK  TCP_ACK
#define LAST (TCP_ACK | TCP_PSH | TCP_FIN)

static const struct row rows[] = {
	{"v4", {.flags = ACK, .payload = 5000}, 1448, 4},
	{"v6", {.v6 = true, .flags = ACK, .payload = 5000}, 1428, 4},
	{"v4 exact multiple", {.flags = ACK, .payload = 4344}, 1448, 3},
	{"v6 exact multiple", {.v6 = true, .flags = ACK, .payload = 4284}, 1428, 3},
	{"v4 one segment", {.flags = LAST, .payload = 100}, 1448, 1},
	{"v6 one segment", {.v6 = true, .flags = LAST, .payload = 100}, 1428, 1},
	{"v4 no payload", {.flags = LAST}, 1448, 1},
	{"v6 no payload", {.v6 = true, .flags = LAST}, 1428, 1},
	{"v4 largest", {.flags = ACK, .tcp_extra = 12, .payload = 65483}, 1448, 46},
	{"v6 largest", {.v6 = true, .flags = ACK, .tcp_extra = 12, .payload = 65503}, 1428, 46},
	{"v4 odd size", {.flags = ACK, .payload = 3001}, 999, 4},
	{"v6 odd size", {.v6 = true, .flags = ACK, .payload = 3001}, 999, 4},
	{"v4 small size", {.flags = ACK, .payload = 10000}, 48, 209},
	{"v6 small size", {.v6 = true, .flags = ACK, .payload = 10000}, 48, 209},
	{"v4 jumbo", {.flags = ACK, .payload = 60000}, 8948, 7},
	{"v6 jumbo", {.v6 = true, .flags = ACK, .payload = 60000}, 8928, 7},
	{"v4 FIN PSH", {.flags = LAST, .payload = 4000}, 1448, 3},
	{"v6 FIN PSH", {.v6 = true, .flags = LAST, .payload = 4000}, 1428, 3},
	{"v4 CWR", {.flags = ACK | TCP_CWR | TCP_ECE, .payload = 4000}, 1448, 3},
	{"v6 CWR", {.v6 = true, .flags = ACK | TCP_CWR | TCP_ECE, .payload = 4000}, 1428, 3},
	{"v4 URG", {.flags = ACK | TCP_URG, .urg = 2000, .payload = 4000}, 1448, 3},
	{"v6 URG", {.v6 = true, .flags = ACK | TCP_URG, .urg = 2000, .payload = 4000}, 1428, 3},
	{"v4 tag", {.tags = 1, .flags = ACK, .payload = 4000}, 1448, 3},
	{"v6 two tags", {.v6 = true, .tags = 2, .flags = ACK, .payload = 4000}, 1428, 3},
	{"v4 options", {.ip_extra = 8, .tcp_extra = 40, .flags = ACK, .payload = 4000}, 1400, 3},
	{"v6 extension",
	 {.v6 = true, .ip_extra = 8, .tcp_extra = 40, .flags = ACK, .payload = 4000},
	 1400,
	 3},
	{"v4 UDP", {.udp = true, .payload = 4000}, 1400, 3},
	{"v6 UDP", {.v6 = true, .udp = true, .payload = 4000}, 1400, 3},
};

static void check_tcp(const struct row *row, const struct pf_read *r, unsigned i)
{
	uint32_t off = i * row->mss;
	bool first = i == 0, last = i + 1 == row->frames;
	uint8_t want = row->f.flags;

	if (!first)
		want &= (uint8_t)~TCP_CWR;
	if (!last)
		want &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if ((want & TCP_URG) != 0 && row->f.urg < off)
		want &= (uint8_t)~TCP_URG;
	assert_int_equal(r->tcp.flags, want);
	assert_int_equal(r->tcp.seq, PF_SEQ + off);
	assert_int_equal(r->tcp.ack, 0x01020304);
	assert_int_equal(r->tcp.hlen, TCP_HLEN + row->f.tcp_extra);
	assert_int_equal(r->tcp.urg, (want & TCP_URG) != 0 ? row->f.urg - off : 0);
}

static void check_frame(const struct row *row, const struct pf_frame *whole, struct mbuf *m,
			unsigned i, bool partial)
{
	uint32_t off = i * row->mss;
	uint32_t n = min_u32(row->mss, row->f.payload - off);
	struct pf_read r;

	assert_int_equal(m->rte.nb_segs, 1);
	pf_read(&r, mbuf_data(m), mbuf_len(m), &row->f, partial);
	assert_int_equal(r.hlen, whole->hlen);
	assert_int_equal(r.payload, n);
	assert_memory_equal(mbuf_data(m) + r.hlen, whole->bytes + whole->hlen + off, n);
	assert_memory_equal(mbuf_data(m), whole->bytes, whole->l3);
	assert_int_equal(m->meta.l3_off, mbuf_here(m) + r.l3);
	assert_int_equal(m->meta.l4_off, mbuf_here(m) + r.l4);
	assert_int_equal(m->meta.csum, partial ? MBUF_CSUM_PARTIAL : MBUF_CSUM_NONE);
	assert_int_equal(m->meta.gso_size, 0);
	if (!row->f.v6)
		assert_int_equal(r.id, (uint16_t)(PF_ID + i));
	if (!row->f.udp)
		check_tcp(row, &r, i);
}

static void check_row(struct mbuf_pool *pool, const struct row *row, uint32_t seg, bool partial)
{
	struct pf_frame whole;
	struct mbufq out;
	unsigned i = 0;

	mbufq_init(&out, MBUF_TEST);
	pf_build(&whole, &row->f);
	assert_int_equal(gso_cut(pool, pf_packet(pool, &whole, &row->f, seg, row->mss),
				 row->f.udp ? GSO_UDP : GSO_TCP, partial, &out),
			 row->frames);
	while (out.count > 0) {
		MBUF(m, mbufq_pop(&out));

		check_frame(row, &whole, m, i++, partial);
		mbuf_done(&m);
	}
	assert_int_equal(i, row->frames);
}

static void test_rows(void **state)
{
	/* 100: the headers of some rows are not in one segment; 1461: odd. */
	static const uint32_t segs[] = {0, 100, 1461, 16384};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		for (unsigned k = 0; k < ARRAY_LEN(segs); k++) {
			if (rows[i].f.payload / 100 > 400 && segs[k] == 100)
				continue; /* more buffers than the test has */
			check_row(*state, &rows[i], segs[k], false);
			check_row(*state, &rows[i], segs[k], true);
		}
}

/* A frame whose headers do not fit its metadata is dropped whole. */
static void refuse(struct mbuf_pool *pool, const struct pf *f, void (*damage)(struct mbuf *m))
{
	uint64_t before = ut_drops(pool, DROP_GSO_MALFORMED);
	struct pf_frame whole;
	struct mbufq out;
	struct mbuf *m;

	mbufq_init(&out, MBUF_TEST);
	pf_build(&whole, f);
	m = pf_packet(pool, &whole, f, 0, 1000).m;
	damage(m);
	assert_int_equal(gso_cut(pool, mbuf_own_of(m), GSO_TCP, false, &out), 0);
	assert_int_equal(out.count, 0);
	assert_int_equal(ut_drops(pool, DROP_GSO_MALFORMED), before + 1);
}

static uint8_t *l4_of(struct mbuf *m)
{
	return mbuf_at(m, m->meta.l4_off);
}

static void no_mss(struct mbuf *m)
{
	m->meta.gso_size = 0;
}

static void huge_mss(struct mbuf *m)
{
	m->meta.gso_size = 20000;
}

static void l4_early(struct mbuf *m)
{
	m->meta.l4_off = (uint16_t)(m->meta.l3_off - 1);
}

static void l4_shifted(struct mbuf *m)
{
	m->meta.l4_off = (uint16_t)(m->meta.l4_off + 4);
}

static void l4_late(struct mbuf *m)
{
	m->meta.l4_off = (uint16_t)(mbuf_here(m) + mbuf_len(m) - 4);
}

static void doff_short(struct mbuf *m)
{
	l4_of(m)[TCP_OFF_DOFF] = 0x40;
}

static void syn(struct mbuf *m)
{
	l4_of(m)[TCP_OFF_FLAGS] |= TCP_SYN;
}

static void rst(struct mbuf *m)
{
	l4_of(m)[TCP_OFF_FLAGS] |= TCP_RST;
}

static void version(struct mbuf *m)
{
	*mbuf_at(m, m->meta.l3_off) ^= 0x20;
}

static void ethertype(struct mbuf *m)
{
	store_be16(mbuf_data(m) + 12, ETHERTYPE_ARP);
}

static void cut_off(struct mbuf *m)
{
	mbuf_trim_to(m, mbuf_len(m) - 1);
}

static void cut_to_header(struct mbuf *m)
{
	mbuf_trim_to(m, 60);
}

static void proto(struct mbuf *m)
{
	uint8_t *ip = mbuf_at(m, m->meta.l3_off);

	ip[ip[0] >> 4 == 4 ? IP4_OFF_PROTO : IP6_OFF_NEXT] = PROTO_UDP;
}

static void test_malformed(void **state)
{
	static void (*const damage[])(struct mbuf *) = {
		no_mss, huge_mss, l4_early,  l4_shifted, l4_late,       doff_short, syn,
		rst,    version,  ethertype, cut_off,    cut_to_header, proto,
	};
	const struct pf v4 = {.flags = ACK, .payload = 3000};
	const struct pf v6 = {.v6 = true, .flags = ACK, .payload = 3000};

	for (unsigned i = 0; i < ARRAY_LEN(damage); i++) {
		/* An IPv6 header chain may have any length: a shift shows in the TCP header only.
		 */
		if (damage[i] != l4_shifted)
			refuse(*state, &v6, damage[i]);
		refuse(*state, &v4, damage[i]);
	}
}

static void fragment(struct mbuf *m)
{
	*mbuf_at(m, (uint16_t)(m->meta.l3_off + IP4_OFF_FRAG)) |= 0x20;
}

static void test_fragment(void **state)
{
	const struct pf v4 = {.flags = ACK, .payload = 3000};

	refuse(*state, &v4, fragment);
}

/* Bytes behind the IP packet are link padding and in no segment. */
static void test_padding(void **state)
{
	const struct pf f = {.flags = ACK, .payload = 1500};
	struct pf_frame whole;
	struct mbufq out;
	uint32_t bytes = 0;
	struct mbuf *m;

	mbufq_init(&out, MBUF_TEST);
	pf_build(&whole, &f);
	whole.len += 30;
	m = pf_packet(*state, &whole, &f, 0, 1000).m;
	assert_int_equal(gso_cut(*state, mbuf_own_of(m), GSO_TCP, false, &out), 2);
	while (out.count > 0) {
		MBUF(s, mbufq_pop(&out));

		bytes += mbuf_len(s) - whole.hlen;
		mbuf_done(&s);
	}
	assert_int_equal(bytes, 1500);
}

/* Every allocation failing in turn: what was made goes out, the rest is counted once. */
static void test_no_buffers(void **state)
{
	struct mbuf_pool *pool = *state;
	const struct pf f = {.v6 = true, .flags = LAST, .payload = 10000};
	struct pf_frame whole;

	pf_build(&whole, &f);
	for (unsigned fail = 0; fail < 7; fail++) {
		uint64_t before = ut_drops(pool, DROP_NOBUF);
		mbuf_own in = pf_packet(pool, &whole, &f, 0, 1428);
		struct mbufq out;

		mbufq_init(&out, MBUF_TEST);
		mbuf_pool_fail(pool, fail, false);
		assert_int_equal(gso_cut(pool, in, GSO_TCP, false, &out), fail);
		assert_int_equal(out.count, fail);
		assert_int_equal(ut_drops(pool, DROP_NOBUF), before + 1);
		mbufq_purge(&out, DROP_NOBUF);
	}
}

/* Headers and metadata damaged at random: whatever comes of it is counted, and every frame that is
 * made is as long as its IP header says. The sanitizers watch for reads past the end. */
static void test_damaged(void **state)
{
	struct mbuf_pool *pool = *state;
	uint32_t rnd[64];

	for (uint32_t seed = 0; seed < 20000; seed++) {
		const struct pf f = {.v6 = seed & 1,
				     .tags = seed / 2 % 3,
				     .ip_extra = seed & 8,
				     .flags = ACK,
				     .payload = 2000};
		uint64_t before = ut_drops(pool, DROP_GSO_MALFORMED);
		struct pf_frame whole;
		struct mbufq out;
		struct mbuf *m;

		ut_fill(rnd, sizeof(rnd), seed);
		pf_build(&whole, &f);
		m = pf_packet(pool, &whole, &f, rnd[0] % 3 * 70, (uint16_t)(500 + rnd[1] % 2000)).m;
		for (uint32_t i = 0; i < rnd[2] % 4; i++)
			mbuf_data(m)[rnd[3 + i] % min_u32(whole.hlen, mbuf_seg_len(m))] =
				(uint8_t)rnd[8 + i];
		if (rnd[16] % 4 == 0)
			m->meta.l4_off = (uint16_t)(mbuf_here(m) + rnd[17] % 200);
		if (rnd[18] % 4 == 0)
			mbuf_trim_to(m, rnd[19] % (whole.len + 1));
		mbufq_init(&out, MBUF_TEST);
		if (gso_cut(pool, mbuf_own_of(m), rnd[20] % 2 ? GSO_TCP : GSO_UDP, false, &out) ==
		    0)
			assert_int_equal(ut_drops(pool, DROP_GSO_MALFORMED), before + 1);
		while (out.count > 0) {
			MBUF(s, mbufq_pop(&out));
			struct eth eh;
			const uint8_t *ip;

			assert_int_equal(eth_parse(&eh, mbuf_view(s)), 0);
			ip = mbuf_data(s) + eh.hlen;
			assert_int_equal(mbuf_len(s) - eh.hlen,
					 eh.type == ETHERTYPE_IP4
						 ? load_be16(ip + IP4_OFF_TOTAL_LEN)
						 : load_be16(ip + IP6_OFF_PAYLOAD_LEN) + IP6_HLEN);
			mbuf_done(&s);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UT_TEST(test_rows),    UT_TEST(test_malformed),  UT_TEST(test_fragment),
		UT_TEST(test_padding), UT_TEST(test_no_buffers), UT_TEST(test_damaged),
	};

	return ut_run(tests);
}
