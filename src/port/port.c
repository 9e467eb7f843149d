/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening a port by its spec, and the way out: port_tx() hands frames to the driver in runs and
 * does in software, for the packets that need it only, what the driver cannot. Worker's thread.
 */
#include "port/driver.h"

#include "plat/random.h"
#include "port/gso.h"
#include "port/txcsum.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Frames made in software go to the driver when there are so many. */
#define HELD_BURST 64u

struct kind {
	const char *prefix;
	int (*open)(const struct port_opening *o, struct port **out);
};

static const struct kind kinds[] = {
	{"tap:", tap_open},
	{"af_packet:", af_packet_open},
	{"dpdk:", ethdev_open},
};

/* ---- open and close ---- */

int port_fail(const struct port_opening *o, int code, const char *fmt, ...)
{
	int n = snprintf(o->err, o->err_size, "port %s: %s: ", o->conf->name, o->conf->spec);
	va_list ap;

	if (n >= 0 && (size_t)n < o->err_size) {
		va_start(ap, fmt);
		(void)vsnprintf(o->err + n, o->err_size - (size_t)n, fmt, ap);
		va_end(ap);
	}
	return code;
}

int port_open(const struct port_conf *conf, struct port **out, char *err, size_t err_size)
{
	struct port_opening o = {.conf = conf, .err = err, .err_size = err_size};

	if (conf->n_queues > 1 && conf->queue >= conf->n_queues)
		return port_fail(&o, -EINVAL, "queue %u of %u", conf->queue, conf->n_queues);
	for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t n = strlen(kinds[i].prefix);

		if (strncmp(conf->spec, kinds[i].prefix, n) != 0)
			continue;
		o.args = conf->spec + n;
		return kinds[i].open(&o, out);
	}
	return port_fail(&o, -EINVAL,
			 "unknown kind of port: tap:NAME, af_packet:IFNAME or dpdk:DEVARGS");
}

void port_close(struct port *p)
{
	mbufq_purge(&p->held, DROP_PORT_DOWN);
	p->ops->destroy(p);
}

void port_setup(struct port *p, const struct port_ops *ops, const struct port_conf *conf)
{
	p->ops = ops;
	p->pool = conf->pool;
	(void)snprintf(p->name, sizeof(p->name), "%s", conf->name);
	mbufq_init(&p->held, MBUF_TXQ);
	if (conf->mac) {
		p->mac = *conf->mac;
		return;
	}
	plat_random(p->mac.b, sizeof(p->mac.b));
	p->mac.b[0] = (uint8_t)((p->mac.b[0] & 0xfcu) | 0x02u); /* unicast, locally administered */
}

/* ---- arguments ---- */

static bool key_allowed(const char *key, const char *const *allowed)
{
	for (; *allowed; allowed++)
		if (strcmp(key, *allowed) == 0)
			return true;
	return false;
}

static int add_arg(struct port_args *a, const struct port_opening *o, char *arg,
		   const char *const *allowed)
{
	char *eq = strchr(arg, '=');

	if (!eq || eq == arg || eq[1] == '\0')
		return port_fail(o, -EINVAL, "'%s' is not key=value", arg);
	*eq = '\0';
	if (!key_allowed(arg, allowed))
		return port_fail(o, -EINVAL, "unknown key '%s'", arg);
	if (a->n == PORT_ARGS_MAX)
		return port_fail(o, -EINVAL, "more than %u keys", PORT_ARGS_MAX);
	a->key[a->n] = arg;
	a->value[a->n++] = eq + 1;
	return 0;
}

int port_args_parse(struct port_args *a, const struct port_opening *o, const char *const *allowed)
{
	char *rest = a->text;
	char *arg;

	a->n = 0;
	if (strlen(o->args) >= sizeof(a->text))
		return port_fail(o, -EINVAL, "longer than %zu characters", sizeof(a->text) - 1);
	(void)snprintf(a->text, sizeof(a->text), "%s", o->args);
	a->first = strsep(&rest, ",");
	while ((arg = strsep(&rest, ",")) != NULL) {
		int rc = add_arg(a, o, arg, allowed);

		if (rc < 0)
			return rc;
	}
	return 0;
}

const char *port_args_get(const struct port_args *a, const char *key)
{
	for (unsigned i = 0; i < a->n; i++)
		if (strcmp(a->key[i], key) == 0)
			return a->value[i];
	return NULL;
}

/* ---- transmit ---- */

static bool must_cut(const struct port *p, const struct mbuf *m)
{
	return m->meta.gso_size != 0 &&
	       (!(p->caps & PORT_CAP_TSO) || mbuf_len(m) > p->max_gso_bytes + ETH_HLEN_MAX);
}

static bool must_sum(const struct port *p, const struct mbuf *m)
{
	return m->meta.csum == MBUF_CSUM_PARTIAL && !(p->caps & PORT_CAP_TX_CSUM);
}

static bool must_join(const struct port *p, const struct mbuf *m)
{
	return m->rte.nb_segs > 1 && !(p->caps & PORT_CAP_SG);
}

static bool needs_software(const struct port *p, const struct mbuf *m)
{
	return UNLIKELY(must_cut(p, m) || must_sum(p, m) || must_join(p, m));
}

/* How many from the start the driver can take as they are. */
static uint16_t native_run(const struct port *p, struct mbuf **pkts, uint16_t n)
{
	uint16_t i = 0;

	while (i < n && !needs_software(p, pkts[i]))
		i++;
	return i;
}

/* The frame in one buffer. Consumes in. */
static mbuf_own join_segs(struct port *p, mbuf_own in)
{
	MBUF(m, in);
	uint32_t n = mbuf_len(m);
	enum mbuf_class cls = n <= MBUF_SMALL_ROOM ? MBUF_SMALL : MBUF_BIG;
	struct mbuf *flat;

	if (n > MBUF_BIG_ROOM) {
		port_tx_drop(p, mbuf_move(&m).m, DROP_PORT_TX_TOOBIG);
		return MBUF_NULL;
	}
	flat = mbuf_alloc(p->pool, cls, MBUF_PRIO_BULK, MBUF_TX).m;
	if (!flat) {
		mbuf_drop(&m, DROP_NOBUF);
		return MBUF_NULL;
	}
	(void)mbuf_copy_out(m, 0, mbuf_append(flat, n), n);
	flat->meta.csum = m->meta.csum;
	flat->meta.csum_field = m->meta.csum_field;
	flat->meta.l2_off = mbuf_here(flat);
	flat->meta.l3_off = (uint16_t)(m->meta.l3_off - mbuf_here(m) + mbuf_here(flat));
	flat->meta.l4_off = (uint16_t)(m->meta.l4_off - mbuf_here(m) + mbuf_here(flat));
	mbuf_done(&m);
	return mbuf_own_of(flat);
}

/* Make of one packet the frames that the driver takes, in p->held. Consumes in. */
static void do_software(struct port *p, mbuf_own in)
{
	struct mbuf *m = in.m;

	if (must_cut(p, m)) {
		p->cnt.sw_gso++;
		(void)gso_cut(p->pool, in, GSO_TCP, (p->caps & PORT_CAP_TX_CSUM) != 0, &p->held);
		return;
	}
	if (must_sum(p, m)) {
		p->cnt.sw_csum++;
		m = txcsum_finish(p->pool, in).m;
	}
	if (m && must_join(p, m))
		m = join_segs(p, mbuf_own_of(m)).m;
	if (m)
		mbufq_push(&p->held, mbuf_own_of(m));
}

/* What the driver did not take goes back in front of the others. */
static void hold_again(struct port *p, struct mbuf **pkts, uint16_t n)
{
	struct mbufq rest;

	mbufq_init(&rest, MBUF_TXQ);
	for (uint16_t i = 0; i < n; i++)
		mbufq_push(&rest, mbuf_own_of(pkts[i]));
	mbufq_splice(&rest, &p->held);
	p->held = rest;
}

void port_flush(struct port *p)
{
	struct mbuf *burst[PORT_BURST];

	while (p->held.count > 0) {
		uint16_t n = 0;
		uint16_t k;

		while (n < PORT_BURST && p->held.count > 0)
			burst[n++] = mbufq_pop(&p->held).m;
		k = p->ops->tx(p, burst, n);
		if (k < n) {
			hold_again(p, burst + k, (uint16_t)(n - k));
			return;
		}
	}
}

uint16_t port_tx(struct port *p, struct mbuf **pkts, uint16_t n)
{
	uint16_t done = 0;

	for (;;) {
		uint16_t run = native_run(p, pkts + done, (uint16_t)(n - done));
		uint16_t k;

		/* Frames keep their order: those held left the caller first. */
		if (p->held.count >= HELD_BURST || (p->held.count > 0 && (run > 0 || done == n)))
			port_flush(p);
		if (p->held.count >= HELD_BURST || done == n || (p->held.count > 0 && run > 0))
			return done;
		if (run == 0) {
			do_software(p, mbuf_own_of(pkts[done++]));
			continue;
		}
		k = p->ops->tx(p, pkts + done, run);
		done = (uint16_t)(done + k);
		if (k < run)
			return done;
	}
}
