/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters of all layers in one walk: each layer's table of rows (name, text) beside its struct of
 * values. Called by the public leat_stats_*() in the worker's thread.
 */
#include "ctl/stats.h"

#include "inet/counters.h"
#include "inet/inet.h"
#include "link/counters.h"
#include "link/link.h"
#include "plat/clock.h"
#include "tcp/tcp.h"
#include "udp/udp.h"

#include <stdio.h>

struct row {
	const char *name, *text;
	size_t off;
};

struct walk {
	void (*fn)(void *ctx, const struct leat_counter *c);
	void *ctx;
};

static const struct row tcp_rows[] = {
#define X(name, text) {#name, text, offsetof(struct tcp_counters, name)},
	TCP_COUNTER_TABLE(X)
#undef X
};

static const struct row udp_rows[] = {
#define X(name, text) {#name, text, offsetof(struct udp_counters, name)},
	UDP_COUNTER_TABLE(X)
#undef X
};

static const struct row inet_rows[] = {
#define X(name, text) {#name, text, offsetof(struct inet_counters, name)},
	INET_COUNTER_TABLE(X)
#undef X
};

static const struct row link_rows[] = {
#define X(name, text) {#name, text, offsetof(struct link_counters, name)},
	LINK_COUNTER_TABLE(X)
#undef X
};

static const struct row port_rows[] = {
	{"rx_frames", "frames received; a superpacket counts one",
	 offsetof(struct port_counters, rx_frames)},
	{"rx_bytes", "bytes of these", offsetof(struct port_counters, rx_bytes)},
	{"rx_nobuf", "frames dropped: no packet buffer", offsetof(struct port_counters, rx_nobuf)},
	{"rx_missed", "frames lost below us, by the kernel or the device: we were too slow",
	 offsetof(struct port_counters, rx_missed)},
	{"rx_errors", "frames that the port could not use",
	 offsetof(struct port_counters, rx_errors)},
	{"rx_super", "superpackets received", offsetof(struct port_counters, rx_super)},
	{"tx_frames", "frames sent; a superpacket counts one",
	 offsetof(struct port_counters, tx_frames)},
	{"tx_bytes", "bytes of these", offsetof(struct port_counters, tx_bytes)},
	{"tx_full", "frames dropped: the port took no more",
	 offsetof(struct port_counters, tx_full)},
	{"tx_errors", "frames that the port refused", offsetof(struct port_counters, tx_errors)},
	{"tx_super", "superpackets sent whole", offsetof(struct port_counters, tx_super)},
	{"sw_gso", "superpackets cut in software", offsetof(struct port_counters, sw_gso)},
	{"sw_csum", "checksums finished in software", offsetof(struct port_counters, sw_csum)},
};

static const char *const phase_names[STACK_PHASE_COUNT] = {
#define X(id, name) [STACK_PHASE_##id] = name,
	STACK_PHASE_TABLE(X)
#undef X
};

static void emit(const struct walk *w, const char *group, const char *name, const char *text,
		 uint64_t value)
{
	struct leat_counter c = {.group = group, .name = name, .text = text, .value = value};

	w->fn(w->ctx, &c);
}

static void emit_rows(const struct walk *w, const char *group, const struct row *rows, size_t n,
		      const void *values)
{
	for (size_t i = 0; i < n; i++)
		emit(w, group, rows[i].name, rows[i].text,
		     *(const uint64_t *)(const void *)((const uint8_t *)values + rows[i].off));
}

static void emit_ports(const struct walk *w, const struct stack *s)
{
	char group[PORT_NAME_LEN + 8];

	for (unsigned i = 0; i < s->n_ports; i++) {
		port_refresh(s->ports[i]);
		(void)snprintf(group, sizeof(group), "port.%s", s->ports[i]->name);
		emit_rows(w, group, port_rows, ARRAY_LEN(port_rows), &s->ports[i]->cnt);
	}
}

static void emit_drops(const struct walk *w, const struct stack *s)
{
	struct mbuf_pool_stats st;

	mbuf_pool_stats(s->pool, &st);
	for (unsigned i = 0; i < DROP_COUNT; i++)
		emit(w, "drop", drop_rows[i].name, drop_rows[i].text, st.drops[i]);
	for (unsigned c = 0; c < MBUF_CLASSES; c++)
		emit(w, "buffer", c == MBUF_SMALL ? "small_alloc_fail" : "big_alloc_fail",
		     "allocations refused: pool used up, or only its reserve left",
		     st.alloc_fail[c][MBUF_PRIO_BULK] + st.alloc_fail[c][MBUF_PRIO_RX] +
			     st.alloc_fail[c][MBUF_PRIO_CTL]);
}

static void emit_cpu(const struct walk *w, const struct stack *s)
{
	for (unsigned i = 0; i < STACK_PHASE_COUNT; i++)
		emit(w, "cpu", phase_names[i], "CPU cycles spent", s->prof.cycles[i]);
	emit(w, "cpu", "rounds", "rounds of the loop", s->prof.rounds);
	emit(w, "cpu", "idle_rounds", "of these, found nothing to do", s->prof.idle_rounds);
	emit(w, "cpu", "sleeps", "times the worker slept", s->prof.sleeps);
}

void stats_each(const struct stack *s, void (*fn)(void *ctx, const struct leat_counter *c),
		void *ctx)
{
	struct walk w = {.fn = fn, .ctx = ctx};

	emit_rows(&w, "tcp", tcp_rows, ARRAY_LEN(tcp_rows), tcp_counters(s));
	emit_rows(&w, "udp", udp_rows, ARRAY_LEN(udp_rows), udp_counters(s));
	emit_rows(&w, "ip4", inet_rows, ARRAY_LEN(inet_rows), inet_counters(s, false));
	emit_rows(&w, "ip6", inet_rows, ARRAY_LEN(inet_rows), inet_counters(s, true));
	emit_rows(&w, "link", link_rows, ARRAY_LEN(link_rows), link_counters(s));
	emit_ports(&w, s);
	emit_drops(&w, s);
	emit_cpu(&w, s);
}

void stats_cpu(const struct stack *s, struct leat_cpu *out)
{
	*out = (struct leat_cpu){.cycles_hz = plat_cycles_hz()};
	for (unsigned i = 0; i < STACK_PHASE_COUNT; i++) {
		uint64_t c = s->prof.cycles[i];

		out->cycles_total += c;
		if (i == STACK_PHASE_APP)
			out->cycles_app += c;
		else if (i == STACK_PHASE_POLL || i == STACK_PHASE_SLEEP)
			out->cycles_idle += c;
		else
			out->cycles_stack += c;
	}
}

void stats_buffers(struct stack *s, struct leat_buffers *out,
		   void (*fn)(void *ctx, const char *holder, uint32_t count, uint32_t oldest_ms),
		   void *ctx)
{
	struct mbuf_audit a;

	mbuf_pool_audit(s->pool, &a);
	*out = (struct leat_buffers){.unaccounted = a.unaccounted};
	for (unsigned c = 0; c < MBUF_CLASSES; c++) {
		out->size += a.size[c];
		out->free += a.avail[c];
	}
	for (unsigned h = MBUF_FREE + 1; h < MBUF_HOLDER_COUNT; h++) {
		uint32_t n = a.held[MBUF_SMALL][h] + a.held[MBUF_BIG][h];

		out->held += n;
		if (fn && n > 0)
			fn(ctx, mbuf_holder_rows[h].name, n, a.oldest_ms[h]);
	}
}
