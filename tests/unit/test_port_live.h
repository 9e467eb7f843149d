/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network namespaces of a test's own, and single frames through real ports. The program runs in
 * namespace F; A and B are for the kernel's ends. They live as long as the program.
 */
#ifndef LEAT_TESTS_PORT_LIVE_H
#define LEAT_TESTS_PORT_LIVE_H

#include "test_port_util.h"

#include "port/port.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SKIP_STATUS 77 /* meson: this test cannot run here */

enum { LIVE_A, LIVE_B, LIVE_F, LIVE_SPACES };

static int space[LIVE_SPACES];

static inline void enter(int which)
{
	assert_int_equal(setns(space[which], CLONE_NEWNET), 0);
}

/* Run a shell command in a namespace. */
static inline void PRINTF_FMT(2, 3) run_in(int which, const char *fmt, ...)
{
	char cmd[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	enter(which);
	if (system(cmd) != 0)
		fail_msg("failed: %s", cmd);
	enter(LIVE_F);
}

static inline int open_ns(void)
{
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

/* False: not allowed. */
static inline bool make_spaces(void)
{
	for (int i = 0; i < LIVE_SPACES; i++) {
		if (unshare(CLONE_NEWNET) < 0)
			return false;
		space[i] = open_ns();
		/* No router solicitations and no duplicate address detection between the tests. */
		if (system("ip link set lo up; for s in all default; do"
			   " echo 0 > /proc/sys/net/ipv6/conf/$s/accept_dad;"
			   " echo 0 > /proc/sys/net/ipv6/conf/$s/router_solicitations;"
			   " echo 1 > /proc/sys/net/ipv6/conf/$s/addr_gen_mode; done") != 0)
			return false;
	}
	return true;
}

static inline struct port *open_port(struct mbuf_pool *pool, const char *spec, bool no_offload)
{
	const struct port_conf conf = {
		.name = "live", .spec = spec, .pool = pool, .no_offload = no_offload};
	char err[256] = "";
	struct port *p = NULL;

	if (port_open(&conf, &p, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	return p;
}

static inline void send_one(struct port *p, mbuf_own in)
{
	struct mbuf *m = in.m;

	assert_int_equal(port_tx(p, &m, 1), 1);
}

/* The next frame with the test's type that comes to p; NULL: none in a while. */
static inline struct mbuf *await_ms(struct port *p, uint16_t type, unsigned ms)
{
	struct mbuf *m;

	for (unsigned i = 0; i < ms; i++) {
		while (port_rx(p, &m, 1) == 1) {
			if (load_be16(mbuf_data(m) + 12) == type)
				return m;
			mbuf_done(&m);
		}
		(void)usleep(1000);
	}
	return NULL;
}

/* Patient, since other programs may keep the processors busy. */
static inline struct mbuf *await(struct port *p, uint16_t type)
{
	return await_ms(p, type, 5000);
}

/* What must not come is not waited for that long. */
static inline struct mbuf *await_none(struct port *p, uint16_t type)
{
	return await_ms(p, type, 50);
}

#define TEST_TYPE 0x88b5 /* IEEE 802: local experiments */

static inline mbuf_own test_frame(struct mbuf_pool *pool, uint32_t len)
{
	uint8_t bytes[4000] = {
		2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, TEST_TYPE >> 8, TEST_TYPE & 0xff};

	assert_true(len <= sizeof(bytes));
	ut_fill(bytes + 14, len - 14, len);
	return ut_packet(pool, bytes, len);
}

#endif
