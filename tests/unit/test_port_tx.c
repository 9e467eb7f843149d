/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_open() and port_tx(): what the driver below is given for each set of capabilities, in which
 * order, and what happens when it has no room.
 */
#include "test_port_util.h"

#include "port/driver.h"

#include <errno.h>

#define SENT_MAX 600u

/* A driver that takes room frames and keeps their bytes' facts. */
struct fake {
	struct port port;
	unsigned room;
	unsigned n;
	struct {
		uint32_t len;
		uint32_t seq;
		uint16_t gso_size;
		uint8_t csum;
		uint16_t segs;
		bool valid; /* every checksum of a finished frame is right */
	} sent[SENT_MAX];
	struct pf shape; /* of what is sent */
	unsigned calls;
};

static uint16_t fake_tx(struct port *p, struct mbuf **pkts, uint16_t n)
{
	struct fake *fk = CONTAINER_OF(p, struct fake, port);
	static uint8_t bytes[PF_BYTES];

	fk->calls++;
	for (uint16_t i = 0; i < n; i++) {
		uint32_t len = mbuf_len(pkts[i]);
		struct pf_read r;

		if (fk->room == 0)
			return i;
		fk->room--;
		assert_true(fk->n < SENT_MAX);
		(void)mbuf_copy_out(pkts[i], 0, bytes, len);
		pf_read(&r, bytes, len, &fk->shape, pkts[i]->meta.csum == MBUF_CSUM_PARTIAL);
		fk->sent[fk->n].len = len;
		fk->sent[fk->n].seq = fk->shape.udp ? 0 : r.tcp.seq;
		fk->sent[fk->n].gso_size = pkts[i]->meta.gso_size;
		fk->sent[fk->n].csum = pkts[i]->meta.csum;
		fk->sent[fk->n].segs = pkts[i]->rte.nb_segs;
		fk->n++;
		mbuf_done(&pkts[i]);
	}
	return n;
}

static uint16_t fake_rx(struct port *p, struct mbuf **pkts, uint16_t max)
{
	(void)p;
	(void)pkts;
	(void)max;
	return 0;
}

static void fake_destroy(struct port *p)
{
	(void)p;
}

static const struct port_ops fake_ops = {.rx = fake_rx, .tx = fake_tx, .destroy = fake_destroy};

static void fake_init(struct fake *fk, struct mbuf_pool *pool, uint32_t caps)
{
	const struct port_conf conf = {.name = "fake", .pool = pool};

	memset(fk, 0, sizeof(*fk));
	port_setup(&fk->port, &fake_ops, &conf);
	fk->port.caps = caps;
	fk->port.mtu = 1500;
	fk->port.max_gso_bytes = (caps & PORT_CAP_TSO) != 0 ? 65535 : 0;
	fk->room = SENT_MAX;
}

static mbuf_own packet(struct fake *fk, const struct pf *f, uint32_t seg, uint16_t mss)
{
	static struct pf_frame fr;

	fk->shape = *f;
	pf_build(&fr, f);
	return pf_packet(fk->port.pool, &fr, f, seg, mss);
}

#define ALL (PORT_CAP_TX_CSUM | PORT_CAP_TSO | PORT_CAP_SG)

static const struct {
	uint32_t caps;
	uint16_t mss;
	uint32_t seg; /* bytes in each segment, 0: few */
	unsigned frames;
	uint8_t csum;
	bool single; /* arrives in one segment */
	unsigned sw_gso, sw_csum;
} rows[] = {
	{ALL, 1400, 0, 1, MBUF_CSUM_PARTIAL, true, 0, 0},
	{ALL, 1400, 1000, 1, MBUF_CSUM_PARTIAL, false, 0, 0},
	{ALL, 0, 1000, 1, MBUF_CSUM_PARTIAL, false, 0, 0},
	{PORT_CAP_TX_CSUM | PORT_CAP_SG, 1400, 1000, 8, MBUF_CSUM_PARTIAL, true, 1, 0},
	{PORT_CAP_SG, 1400, 1000, 8, MBUF_CSUM_NONE, true, 1, 0},
	{0, 1400, 1000, 8, MBUF_CSUM_NONE, true, 1, 0},
	{PORT_CAP_SG, 0, 1000, 1, MBUF_CSUM_NONE, false, 0, 1},
	{0, 0, 1000, 1, MBUF_CSUM_NONE, true, 0, 1},
	{PORT_CAP_TX_CSUM, 0, 1000, 1, MBUF_CSUM_PARTIAL, true, 0, 0},
};

static void test_caps(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		for (unsigned v6 = 0; v6 < 2; v6++) {
			const struct pf f = {.v6 = v6 != 0, .flags = TCP_ACK, .payload = 11200};
			struct fake fk;
			struct mbuf *m;

			fake_init(&fk, *state, rows[i].caps);
			m = packet(&fk, &f, rows[i].seg, rows[i].mss).m;
			assert_int_equal(port_tx(&fk.port, &m, 1), 1);
			assert_int_equal(fk.n, rows[i].frames);
			assert_int_equal(fk.port.cnt.sw_gso, rows[i].sw_gso);
			assert_int_equal(fk.port.cnt.sw_csum, rows[i].sw_csum);
			for (unsigned k = 0; k < fk.n; k++) {
				assert_int_equal(fk.sent[k].csum, rows[i].csum);
				assert_int_equal(fk.sent[k].seq, PF_SEQ + k * rows[i].mss);
				if (rows[i].single)
					assert_int_equal(fk.sent[k].segs, 1);
			}
		}
}

/* What needs nothing is not touched, not even copied. */
static void test_untouched(void **state)
{
	const struct pf f = {.flags = TCP_ACK, .payload = 1000, .complete = true};
	struct mbuf *pkts[64];
	struct fake fk;

	fake_init(&fk, *state, 0);
	for (unsigned i = 0; i < ARRAY_LEN(pkts); i++)
		pkts[i] = packet(&fk, &f, 0, 0).m;
	mbuf_pool_fail(*state, 0, true);
	assert_int_equal(port_tx(&fk.port, pkts, ARRAY_LEN(pkts)), ARRAY_LEN(pkts));
	mbuf_pool_fail(*state, -1, false);
	assert_int_equal(fk.n, ARRAY_LEN(pkts));
	assert_int_equal(fk.calls, 1);
}

/* A device that can segment, but not that much at once. */
static void test_gso_limit(void **state)
{
	const struct pf f = {.flags = TCP_ACK, .payload = 11200};
	struct fake fk;
	struct mbuf *m;

	fake_init(&fk, *state, ALL);
	fk.port.max_gso_bytes = 9000;
	m = packet(&fk, &f, 0, 1400).m;
	assert_int_equal(port_tx(&fk.port, &m, 1), 1);
	assert_int_equal(fk.n, 8);
	assert_int_equal(fk.sent[0].gso_size, 0);
}

/* Finished, unfinished and super, in one burst: the driver sees them in the caller's order. */
static void test_order(void **state)
{
	for (unsigned room = 0; room <= 40; room++) {
		const struct pf plain = {.flags = TCP_ACK, .payload = 1000, .complete = true};
		const struct pf part = {.flags = TCP_ACK, .payload = 1000};
		const struct pf super = {.flags = TCP_ACK, .payload = 3000};
		struct fake fk;
		struct mbuf *pkts[16];
		uint16_t done = 0;

		fake_init(&fk, *state, 0);
		for (unsigned i = 0; i < ARRAY_LEN(pkts); i++) {
			const struct pf *f = i % 4 == 0 ? &super : i % 4 == 2 ? &part : &plain;

			pkts[i] = packet(&fk, f, 0, i % 4 == 0 ? 1000 : 0).m;
		}
		fk.room = room;
		for (unsigned tries = 0; done < ARRAY_LEN(pkts); tries++) {
			assert_true(tries < 100);
			done = (uint16_t)(done + port_tx(&fk.port, pkts + done,
							 (uint16_t)(ARRAY_LEN(pkts) - done)));
			fk.room = 3;
		}
		for (unsigned tries = 0; fk.port.held.count > 0; tries++) {
			assert_true(tries < 20);
			fk.room = 3;
			assert_int_equal(port_tx(&fk.port, NULL, 0), 0);
		}
		assert_int_equal(fk.n, 12 + 4 * 3);
		for (unsigned k = 0; k < fk.n; k++) /* groups of 3 cut, 1, 1, 1 */
			assert_int_equal(fk.sent[k].seq, PF_SEQ + (k % 6 < 3 ? k % 6 * 1000 : 0));
	}
}

/* A driver without room: the superpacket is taken whole, its frames (more than one burst) wait in
 * order, the next one does not get in; port_rx() offers them again; closing drops them with a
 * reason.
 */
static void test_held(void **state)
{
	const struct pf f = {.v6 = true, .flags = TCP_ACK, .payload = 60000};
	struct mbuf *pkts[2];
	struct mbuf *got[1];
	struct fake fk;

	fake_init(&fk, *state, PORT_CAP_SG);
	for (unsigned i = 0; i < ARRAY_LEN(pkts); i++)
		pkts[i] = packet(&fk, &f, 0, 150).m; /* 400 frames each */
	fk.room = 20;
	assert_int_equal(port_tx(&fk.port, pkts, 2), 1);
	assert_int_equal(fk.n, 20);
	assert_int_equal(fk.port.held.count, 380);
	assert_int_equal(port_tx(&fk.port, pkts + 1, 1), 0);
	fk.room = 10;
	assert_int_equal(port_rx(&fk.port, got, 1), 0);
	assert_int_equal(fk.n, 30);
	fk.room = 300;
	assert_int_equal(port_tx(&fk.port, NULL, 0), 0);
	assert_int_equal(fk.n, 330);
	for (unsigned i = 0; i < fk.n; i++)
		assert_int_equal(fk.sent[i].seq, PF_SEQ + i * 150);
	mbuf_drop(&pkts[1], DROP_PORT_TX_FULL);
	port_close(&fk.port);
	assert_int_equal(ut_drops(*state, DROP_PORT_DOWN), 70);
}

/* No buffers for a copy: counted, and what comes behind goes out. */
static void test_no_buffers(void **state)
{
	const struct pf f = {.flags = TCP_ACK, .payload = 11200};
	struct mbuf *pkts[2];
	struct fake fk;

	fake_init(&fk, *state, PORT_CAP_TX_CSUM);
	pkts[0] = packet(&fk, &f, 1000, 0).m;
	pkts[1] = packet(&fk, &f, 0, 0).m;
	mbuf_pool_fail(*state, 0, true);
	assert_int_equal(port_tx(&fk.port, pkts, 2), 2);
	mbuf_pool_fail(*state, -1, false);
	assert_int_equal(fk.n, 1);
	assert_int_equal(ut_drops(*state, DROP_NOBUF), 1);
}

/* Longer than any single buffer, on a port that takes one only. */
static void test_too_long(void **state)
{
	const struct pf f = {.flags = TCP_ACK, .payload = 30000};
	struct fake fk;
	struct mbuf *m;

	fake_init(&fk, *state, PORT_CAP_TX_CSUM);
	m = packet(&fk, &f, 0, 0).m;
	assert_int_equal(port_tx(&fk.port, &m, 1), 1);
	assert_int_equal(fk.n, 0);
	assert_int_equal(fk.port.cnt.tx_errors, 1);
	assert_int_equal(ut_drops(*state, DROP_PORT_TX_TOOBIG), 1);
}

/* ---- open ---- */

static const struct {
	const char *spec;
	int rc;
	const char *err;
} bad_specs[] = {
	{"", -EINVAL, "unknown kind of port"},
	{"eth0", -EINVAL, "unknown kind of port"},
	{"pcap:x", -EINVAL, "unknown kind of port"},
	{"tap:", -EINVAL, "interface name must have"},
	{"tap:a/b", -EINVAL, "interface name must have"},
	{"tap:abcdefghijklmnop", -EINVAL, "interface name must have"},
	{"tap:x,netns", -EINVAL, "'netns' is not key=value"},
	{"tap:x,netns=", -EINVAL, "'netns=' is not key=value"},
	{"tap:x,color=red", -EINVAL, "unknown key 'color'"},
	{"tap:x,netns=leat-no-such", -ENOENT, "netns leat-no-such"},
	{"af_packet:", -EINVAL, "interface name must have"},
	{"af_packet:leat-no-such", -ENODEV, "no such interface"},
	{"af_packet:lo", -EINVAL, "not an Ethernet interface"},
	{"dpdk:", -EINVAL, "device name must have"},
	{"dpdk:net_no_such0", 0, "DPDK cannot make this device"},
};

static void test_bad_specs(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(bad_specs); i++) {
		const struct port_conf conf = {
			.name = "in0", .spec = bad_specs[i].spec, .pool = *state};
		char err[256] = "";
		struct port *p = NULL;
		int rc = port_open(&conf, &p, err, sizeof(err));

		assert_true(bad_specs[i].rc != 0 ? rc == bad_specs[i].rc : rc < 0);
		assert_null(p);
		assert_int_equal(strncmp(err, "port in0: ", 10), 0);
		assert_non_null(strstr(err, bad_specs[i].spec));
		assert_non_null(strstr(err, bad_specs[i].err));
		assert_null(strchr(err, '\n'));
	}
}

/* An error text longer than its buffer is cut. */
static void test_short_err(void **state)
{
	const struct port_conf conf = {.name = "in0", .spec = "nonsense", .pool = *state};
	char err[8] = "zzzzzzz";
	struct port *p;

	assert_int_equal(port_open(&conf, &p, err, sizeof(err)), -EINVAL);
	assert_string_equal(err, "port in");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UT_TEST(test_caps),     UT_TEST(test_untouched), UT_TEST(test_gso_limit),
		UT_TEST(test_order),    UT_TEST(test_held),      UT_TEST(test_no_buffers),
		UT_TEST(test_too_long), UT_TEST(test_bad_specs), UT_TEST(test_short_err),
	};

	return ut_run(tests);
}
