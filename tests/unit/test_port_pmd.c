/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DPDK's own drivers for Linux interfaces, packet sockets and AF_XDP, on one end of a veth pair
 * with our packet-socket port on the other: frames pass in both directions, a link that is down
 * shows, closing accounts for every buffer. Needs root; skipped without. A driver or kernel that
 * lacks one of them skips that test.
 */
#include "test_port_live.h"

#include <rte_dev.h>

struct wire {
	struct port *pmd;  /* on q0 */
	struct port *kern; /* on q1 */
};

/* False: the device cannot be made here, and it said so. */
static bool wire_open(struct wire *w, struct mbuf_pool *pool, const char *spec)
{
	const struct port_conf conf = {.name = "pmd", .spec = spec, .pool = pool};
	char err[256] = "";

	run_in(LIVE_F,
	       "ip link add q0 type veth peer name q1; ip link set q0 up; ip link set q1 up");
	if (port_open(&conf, &w->pmd, err, sizeof(err)) < 0) {
		(void)fprintf(stderr, "%s: %s\n", spec, err);
		run_in(LIVE_F, "ip link del q0");
		return false;
	}
	/* The drivers know nothing of unfinished checksums and superpackets. */
	w->kern = open_port(pool, "af_packet:q1", true);
	return true;
}

static void wire_close(struct wire *w)
{
	port_close(w->pmd);
	port_close(w->kern);
	run_in(LIVE_F, "ip link del q0");
}

/* A pair just set up may lose what comes at once, so a frame is offered again. */
static struct mbuf *offer(struct port *from, struct port *to, struct mbuf_pool *pool,
			  const struct pf_frame *fr)
{
	for (unsigned i = 0; i < 10; i++) {
		struct mbuf *m;

		send_one(from, ut_packet(pool, fr->bytes, fr->len));
		while ((m = await_ms(to, load_be16(fr->bytes + 12), 500)) != NULL) {
			if (mbuf_len(m) == fr->len)
				return m;
			mbuf_done(&m); /* something of the kernel's own */
		}
	}
	return NULL;
}

/* TCP and UDP of both families, with and without a tag, of all lengths that fit. */
static void pass(struct mbuf_pool *pool, struct port *from, struct port *to)
{
	for (unsigned i = 0; i < 24; i++) {
		const struct pf f = {.v6 = i & 1,
				     .udp = (i & 2) != 0,
				     .tags = i / 4 % 2,
				     .flags = TCP_ACK,
				     .payload = i * 60,
				     .complete = true};
		static struct pf_frame fr;
		struct pf_read r;
		struct mbuf *m;

		pf_build(&fr, &f);
		m = offer(from, to, pool, &fr);
		assert_non_null(m);
		ut_assert_bytes(m, fr.bytes, fr.len);
		assert_ptr_equal(m->meta.pool, pool);
		assert_int_equal(mbuf_holder_of(m), MBUF_RX);
		assert_int_equal(m->meta.gso_size, 0);
		assert_int_not_equal(m->meta.csum, MBUF_CSUM_PARTIAL);
		assert_int_equal(mbuf_copy_out(m, 0, fr.bytes, PF_BYTES), fr.len);
		pf_read(&r, fr.bytes, fr.len, &f, false);
		mbuf_done(&m);
	}
}

/* A superpacket is cut for a driver that takes none. */
static void pass_super(struct mbuf_pool *pool, struct port *from, struct port *to)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		const struct pf f = {.v6 = v6 != 0, .flags = TCP_ACK, .payload = 5000};
		static struct pf_frame fr;
		struct mbuf *m;

		pf_build(&fr, &f);
		send_one(from, pf_packet(pool, &fr, &f, 0, 1000));
		for (uint32_t k = 0; k < 5;) {
			struct pf_read r;

			m = await(to, load_be16(fr.bytes + 12));
			assert_non_null(m);
			if (mbuf_len(m) == fr.hlen + 1000) {
				(void)mbuf_copy_out(m, 0, fr.bytes, PF_BYTES);
				pf_read(&r, fr.bytes, mbuf_len(m), &f, false);
				assert_int_equal(r.tcp.seq, PF_SEQ + 1000 * k++);
			}
			mbuf_done(&m);
		}
	}
	assert_int_equal(from->cnt.sw_gso, 2);
}

/* libxdp forgets 80 bytes when its user memory is given up; with a sanitizer that would be ours. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:xsk_umem__create\n";
}

/* What is not back is with the driver, and only if it is one that keeps its buffers. */
static void pool_close(struct mbuf_pool *pool, bool keeps)
{
	static struct mbuf_pool *volatile kept; /* the leak checker finds it here */
	struct mbuf_audit a;

	mbuf_pool_audit(pool, &a);
	assert_int_equal(a.unaccounted, 0);
	assert_int_equal(a.avail[MBUF_SMALL] + a.held[MBUF_SMALL][MBUF_DRIVER], a.size[MBUF_SMALL]);
	assert_int_equal(a.avail[MBUF_BIG], a.size[MBUF_BIG]);
	if (!keeps)
		assert_int_equal(a.avail[MBUF_SMALL], a.size[MBUF_SMALL]);
	if (mbuf_pool_destroy(pool) > 0)
		kept = pool; /* whole, for a driver that still writes */
	(void)kept;
}

/* AF_XDP's driver wants 2048 buffers at once, whatever the size of its rings, and never gives those
 * back that it has told the kernel of. */
static void check_driver(const char *name, const char *spec, bool keeps)
{
	const struct mbuf_pool_conf conf = {
		.name = name, .count = {8192, 256}, .reserve = {512, 16}};
	struct mbuf_pool *pool;
	struct wire w;

	assert_int_equal(mbuf_pool_create(&conf, &pool), 0);
	if (!wire_open(&w, pool, spec)) {
		pool_close(pool, keeps);
		skip();
	}
	assert_true(w.pmd->ops->link_up(w.pmd));
	assert_int_equal(w.pmd->mtu, 1500);
	pass(pool, w.kern, w.pmd);
	pass(pool, w.pmd, w.kern);
	pass_super(pool, w.pmd, w.kern);
	assert_true(w.pmd->cnt.tx_frames >= 24 + 10);
	wire_close(&w);
	pool_close(pool, keeps);
	assert_true(rte_eal_hotplug_remove("vdev", "net_af_packet0") < 0);
	assert_true(rte_eal_hotplug_remove("vdev", "net_af_xdp0") < 0);
}

static void test_af_packet(void **state)
{
	(void)state;
	check_driver("afp", "dpdk:net_af_packet0,iface=q0", false);
}

static void test_af_xdp(void **state)
{
	(void)state;
	check_driver("afx", "dpdk:net_af_xdp0,iface=q0", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UT_TEST(test_af_packet),
		UT_TEST(test_af_xdp),
	};

	if (geteuid() != 0 || !make_spaces()) {
		(void)fprintf(stderr, "skipped: needs root, ip(8) and network namespaces\n");
		return SKIP_STATUS;
	}
	return ut_run(tests);
}
