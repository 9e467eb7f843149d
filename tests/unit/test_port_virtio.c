/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vhost and a virtio-user port of one process: checksums and superpackets through DPDK's offload
 * flags, both ways, and receive interrupts. Needs no privilege, but memory that the other side may
 * map, so the EAL is started with other settings than in test_port_ethdev.
 */
#include "test_port_util.h"
#include "tmpname.h"

#include "plat/clock.h"
#include "plat/eal.h"
#include "port/port.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PATIENCE_NS (5 * PLAT_NS_PER_S)

struct pair {
	char dir[TMPNAME_LEN];
	struct port *vhost, *virtio;
};

static struct port *open_port(struct mbuf_pool *pool, const char *spec, bool no_offload)
{
	const struct port_conf conf = {
		.name = "eth", .spec = spec, .pool = pool, .no_offload = no_offload};
	char err[256] = "";
	struct port *p = NULL;

	if (port_open(&conf, &p, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	return p;
}

static void pair_open(struct pair *p, struct mbuf_pool *pool, bool no_offload)
{
	char spec[200];
	uint64_t end = plat_mono_ns() + PATIENCE_NS;

	tmpname(p->dir, sizeof(p->dir));
	assert_non_null(mkdtemp(p->dir));
	(void)snprintf(spec, sizeof(spec), "dpdk:net_vhost0,iface=%s/s,tso=1", p->dir);
	p->vhost = open_port(pool, spec, no_offload);
	(void)snprintf(spec, sizeof(spec), "dpdk:net_virtio_user0,path=%s/s", p->dir);
	p->virtio = open_port(pool, spec, no_offload);
	while (!p->vhost->ops->link_up(p->vhost) || !p->virtio->ops->link_up(p->virtio)) {
		assert_true(plat_mono_ns() < end);
		(void)usleep(1000);
	}
}

static void pair_close(struct pair *p)
{
	char path[TMPNAME_LEN + 8];

	port_close(p->virtio);
	port_close(p->vhost);
	(void)snprintf(path, sizeof(path), "%s/s", p->dir);
	(void)unlink(path);
	assert_int_equal(rmdir(p->dir), 0);
}

static struct mbuf *receive(struct port *p)
{
	uint64_t end = plat_mono_ns() + PATIENCE_NS;
	struct mbuf *m;

	while (port_rx(p, &m, 1) == 0)
		assert_true(plat_mono_ns() < end);
	return m;
}

/* Send one frame and take what comes of it: mss of each frame, 0: no superpacket. */
static void pass(struct mbuf_pool *pool, struct port *from, struct port *to, const struct pf *f,
		 uint16_t mss)
{
	struct pf_frame fr;
	struct mbuf *m;
	uint32_t got = 0;

	pf_build(&fr, f);
	m = pf_packet(pool, &fr, f, 0, mss).m;
	assert_int_equal(port_tx(from, &m, 1), 1);
	while (got < f->payload) {
		bool partial;
		struct pf_read r;

		m = receive(to);
		partial = m->meta.csum == MBUF_CSUM_PARTIAL;
		assert_int_equal(partial, (to->caps & PORT_CAP_RX_CSUM) != 0);
		assert_int_equal(mbuf_copy_out(m, 0, fr.bytes, PF_BYTES), mbuf_len(m));
		pf_read(&r, fr.bytes, mbuf_len(m), f, partial);
		assert_true(!partial || m->meta.l4_off == mbuf_here(m) + r.l4);
		assert_int_equal(r.tcp.seq, PF_SEQ + got);
		if (r.payload > 1460) {
			assert_int_equal(m->meta.gso_size, mss);
			assert_int_equal(m->meta.gso_type, f->v6 ? MBUF_GSO_TCP6 : MBUF_GSO_TCP4);
		}
		got += r.payload;
		mbuf_done(&m);
	}
	assert_int_equal(got, f->payload);
}

static void pass_all(struct mbuf_pool *pool, struct port *from, struct port *to)
{
	for (unsigned i = 0; i < 12; i++) {
		const struct pf f = {.v6 = i & 1,
				     .tags = i / 4,
				     .flags = TCP_ACK,
				     .payload = i & 2 ? 30000 : 1000};

		pass(pool, from, to, &f, i & 2 ? 1400 : 0);
	}
}

static void test_offload(void **state)
{
	struct pair p;

	pair_open(&p, *state, false);
	pass_all(*state, p.virtio, p.vhost);
	/* A superpacket leaves through virtio whole and comes out of vhost whole. */
	assert_true((p.virtio->caps & PORT_CAP_TSO) != 0);
	assert_int_equal(p.virtio->cnt.sw_gso, 0);
	assert_int_equal(p.virtio->cnt.sw_csum, 0);
	assert_int_equal(p.virtio->cnt.tx_super, 6);
	assert_int_equal(p.vhost->cnt.rx_super, 6);
	pass_all(*state, p.vhost, p.virtio);
	assert_int_equal(p.vhost->cnt.sw_csum, 0);
	pair_close(&p);
}

static void test_no_offload(void **state)
{
	struct pair p;

	pair_open(&p, *state, true);
	pass_all(*state, p.virtio, p.vhost);
	pass_all(*state, p.vhost, p.virtio);
	assert_int_equal(p.virtio->cnt.sw_gso, 6);
	assert_int_equal(p.virtio->cnt.sw_csum, 6);
	assert_int_equal(p.vhost->cnt.rx_super, 0);
	pair_close(&p);
}

/* Sleep, and be woken by a frame; a frame that came before falling asleep is not slept upon. */
static void sleep_on(struct mbuf_pool *pool, struct port *from, struct port *to)
{
	const struct pf f = {.flags = TCP_ACK, .payload = 100};
	struct pf_frame fr;

	assert_true((to->caps & PORT_CAP_WAIT_FD) != 0);
	pf_build(&fr, &f);
	for (unsigned i = 0; i < 10; i++) {
		struct pollfd pfd = {.events = POLLIN};
		struct mbuf *m;

		pfd.fd = to->ops->wait_fd(to);
		assert_true(pfd.fd >= 0);
		/* At first there may be an event left of the connection set-up. */
		assert_true(poll(&pfd, 1, 10) == 0 || i == 0);
		m = pf_packet(pool, &fr, &f, 0, 0).m;
		assert_int_equal(port_tx(from, &m, 1), 1);
		assert_int_equal(poll(&pfd, 1, 1000), 1);
		m = receive(to);
		mbuf_done(&m);

		m = pf_packet(pool, &fr, &f, 0, 0).m;
		assert_int_equal(port_tx(from, &m, 1), 1);
		assert_int_equal(to->ops->wait_fd(to), -1);
		m = receive(to);
		mbuf_done(&m);
	}
}

static void test_sleep(void **state)
{
	struct pair p;

	pair_open(&p, *state, false);
	sleep_on(*state, p.virtio, p.vhost);
	/* Its interrupts are not to be trusted: it says that it must be polled. */
	assert_int_equal(p.virtio->caps & PORT_CAP_WAIT_FD, 0);
	pair_close(&p);
}

int main(void)
{
	const struct plat_eal_conf conf = {.huge = PLAT_HUGE_NEVER, .share_memory = true};
	const struct CMUnitTest tests[] = {
		UT_TEST(test_offload),
		UT_TEST(test_no_offload),
		UT_TEST(test_sleep),
	};
	char err[256];

	if (plat_eal_init(&conf, err, sizeof(err)) < 0) {
		(void)fprintf(stderr, "%s\n", err);
		return 1;
	}
	return ut_run(tests);
}
