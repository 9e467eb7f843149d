/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leat.h and intercept.h: argument checks and errno; the work is ctl's and tcp's. Any call but
 * leat_init() needs the thread's worker.
 */
#include "api/current.h"
#include "api/fork.h"
#include "api/internal.h"
#include "api/remote.h"
#include "api/signals.h"

#include "ctl/instance.h"
#include "inet/inet.h"
#include "plat/eal.h"
#include "sock/sock.h"
#include "tcp/tcp.h"

#include <leat/intercept.h>
#include <leat/leat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SPIN_US_DEFAULT 50u
#define SPIN_US_MAX     1000000u

static int fail(int code, const char *text)
{
	(void)snprintf(current.err, sizeof(current.err), "%s", text);
	errno = code;
	return -1;
}

/* A result of ctl: 0, or -errno with the instance's line. */
static int result(int rc)
{
	return rc < 0 ? fail(-rc, current.instance->err) : 0;
}

static int no_worker(void)
{
	return fail(ENOTCONN, "this thread has no stack: call leat_init() first");
}

const char *leat_strerror(void)
{
	return current.err;
}

static int start_sockets(struct instance *in, const struct leat_config *config)
{
	struct sock_conf sc = {
		.spin_ns = (config->spin_us ? config->spin_us : SPIN_US_DEFAULT) * UINT64_C(1000),
		.owners = &process.owners,
		.worker = current.id,
		.signals = &api_signals,
	};

	return sock_init(in->stack, &sc);
}

int leat_init(const struct leat_config *config)
{
	struct internal_mark mark;
	struct instance *in;
	int rc;

	if (current.stack)
		return fail(EALREADY, "this thread has a stack already");
	if (!config)
		return fail(EINVAL, "config: NULL");
	if (config->spin_us > SPIN_US_MAX)
		return fail(EINVAL, "spin_us: more than 1000000");
	if (process.forked)
		return fail(ENOTSUP, "this process was forked from one that had a stack");
	fork_prepare();
	/* DPDK wants to know every thread that has a worker; the first one it knows by itself. */
	if (plat_eal_up() && plat_thread_register() < 0)
		return fail(ENOMEM, "too many threads");
	internal_begin(&mark);
	rc = instance_create(config, &in, current.err);
	internal_end(&mark);
	if (rc < 0) {
		errno = -rc;
		return -1;
	}
	rc = worker_enter(&current.id);
	if (rc == 0)
		rc = start_sockets(in, config);
	if (rc < 0) {
		if (current.id)
			worker_leave(current.id);
		current.id = 0;
		(void)instance_destroy(in);
		return fail(-rc, "sockets: out of memory or descriptors");
	}
	current.instance = in;
	current.stack = in->stack;
	worker_ready(current.id, in->stack);
	return 0;
}

unsigned leat_fini(void)
{
	struct instance *in = current.instance;

	if (!in)
		return 0;
	worker_close(current.id);
	sock_fini(in->stack);
	worker_leave(current.id);
	current.id = 0;
	current.instance = NULL;
	current.stack = NULL;
	return instance_destroy(in);
}

int leat_port_add(const struct leat_port *port)
{
	struct internal_mark mark;
	int rc;

	if (!current.stack)
		return no_worker();
	if (!port)
		return fail(EINVAL, "port: NULL");
	internal_begin(&mark);
	rc = instance_port_add(current.instance, port);
	internal_end(&mark);
	return result(rc);
}

int leat_addr_add(const char *port, const char *addr)
{
	if (!current.stack)
		return no_worker();
	if (!port || !addr)
		return fail(EINVAL, "port and address must be given");
	return result(instance_addr_add(current.instance, port, addr));
}

int leat_route_add(const char *dst, const char *gateway, const char *port)
{
	if (!current.stack)
		return no_worker();
	if (!dst)
		return fail(EINVAL, "dst must be given");
	return result(instance_route_add(current.instance, dst, gateway, port));
}

int leat_forwarding_set(bool v4, bool v6)
{
	if (!current.stack)
		return no_worker();
	inet_forwarding_set(current.stack, v4, v6);
	return 0;
}

int leat_poll_once(int64_t timeout_ns)
{
	int rc;

	if (!current.stack)
		return no_worker();
	rc = sock_run(current.stack, timeout_ns < 0 ? SOCK_FOREVER : (uint64_t)timeout_ns);
	return rc < 0 ? fail(-rc, "interrupted by a signal") : 0;
}

struct run {
	int (*fn)(void *arg);
	void *arg;
	int result;
};

static bool run_fn(void *arg)
{
	struct run *r = arg;

	r->result = r->fn(r->arg);
	return r->result != 0;
}

int leat_run(int (*fn)(void *arg), void *arg)
{
	struct run r = {fn, arg, 0};

	if (!current.stack)
		return no_worker();
	if (!fn)
		return fail(EINVAL, "fn: NULL");
	while (r.result == 0) {
		if (sock_run_until(current.stack, SOCK_FOREVER, run_fn, &r) == -EINTR)
			return fail(EINTR, "interrupted by a signal");
	}
	return r.result;
}

/* ---- interception ---- */

static int parse_prefix(const char *text, const char *what, struct ipprefix *out)
{
	if (ipprefix_parse(text, out) == 0)
		return 0;
	return instance_fail(current.instance, -EINVAL, "rule: %s '%s' is no PREFIX/LENGTH", what,
			     text);
}

static struct ipprefix any_of(bool v4)
{
	struct ipaddr any = v4 ? ipaddr_any4() : ipaddr_any6();

	return ipprefix_make(&any, v4 ? 96 : 0);
}

/* A rule with one prefix given takes the other's family from it. */
static int add_rules(struct tcp_listener *l, const struct leat_rule *rule, struct tcp_intercept *ti)
{
	struct instance *in = current.instance;
	int rc = 0;

	if (rule->src)
		rc = parse_prefix(rule->src, "src", &ti->src);
	if (rc == 0 && rule->dst)
		rc = parse_prefix(rule->dst, "dst", &ti->dst);
	if (rc < 0)
		return rc;
	if (!rule->src && !rule->dst) {
		/* Both or none. */
		rc = tcp_intercept_reserve(in->stack, 2);
		ti->src = ti->dst = any_of(false);
		if (rc == 0)
			rc = tcp_intercept_add(in->stack, ti, l);
		ti->src = ti->dst = any_of(true);
	} else if (!rule->src) {
		ti->src = any_of(ipprefix_is_v4(&ti->dst));
	} else if (!rule->dst) {
		ti->dst = any_of(ipprefix_is_v4(&ti->src));
	} else if (ipprefix_is_v4(&ti->src) != ipprefix_is_v4(&ti->dst)) {
		return instance_fail(in, -EINVAL,
				     "rule: src %s and dst %s are of different families", rule->src,
				     rule->dst);
	}
	if (rc == 0)
		rc = tcp_intercept_add(in->stack, ti, l);
	return rc < 0 ? instance_fail(in, rc, "rule: %s", strerror(-rc)) : 0;
}

int leat_hold(int listener, bool on)
{
	struct tcp_listener *l;
	int rc;

	if (!current.stack)
		return no_worker();
	rc = sock_listener(current.stack, listener, &l);
	if (rc < 0)
		return fail(-rc, "hold: the socket does not listen");
	tcp_listener_hold(l, on);
	return 0;
}

int leat_answer(int fd, enum leat_answer how)
{
	int rc;

	if (!current.stack)
		return no_worker();
	if (how != LEAT_ANSWER_SYNACK && how != LEAT_ANSWER_NONE)
		return fail(EINVAL, "answer: want LEAT_ANSWER_SYNACK or LEAT_ANSWER_NONE");
	rc = sock_answer(current.stack, fd, how == LEAT_ANSWER_SYNACK);
	return rc < 0 ? fail(-rc, "answer: the connection is not held") : 0;
}

int leat_intercept_add(int listener, const struct leat_rule *rule)
{
	struct tcp_intercept ti = {.dport_hi = UINT16_MAX, .iface = -1};
	struct tcp_listener *l;
	int rc;

	if (!current.stack)
		return no_worker();
	if (!rule)
		return fail(EINVAL, "rule: NULL");
	if (rule->dport_lo > rule->dport_hi)
		return fail(EINVAL, "rule: dport_lo is above dport_hi");
	rc = sock_listener(current.stack, listener, &l);
	if (rc < 0)
		return fail(-rc, rc == -EBADF ? "rule: the listener is no descriptor of Leat's"
					      : "rule: the socket does not listen");
	if (rule->dport_hi > 0) {
		ti.dport_lo = rule->dport_lo;
		ti.dport_hi = rule->dport_hi;
	}
	if (rule->port) {
		ti.iface = instance_port_find(current.instance, rule->port);
		if (ti.iface < 0)
			return result(ti.iface);
	}
	return result(add_rules(l, rule, &ti));
}
