/* SPDX-License-Identifier: BSD-2-Clause */
/* What the traffic generator has seen: latencies, totals, processor time, the stack's counters. */
#include "gen.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * GEN_NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t gen_clock_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

/* ---- latencies ---- */

static unsigned hist_index(uint64_t v)
{
	unsigned shift;

	if (v < GEN_HIST_SUB)
		return (unsigned)v;
	shift = 63u - (unsigned)__builtin_clzll(v) - 5u;
	return (shift + 1) * GEN_HIST_SUB + (unsigned)(v >> shift) - GEN_HIST_SUB;
}

static uint64_t hist_value(unsigned i)
{
	unsigned shift = i / GEN_HIST_SUB;

	if (shift == 0)
		return i;
	return (uint64_t)(i % GEN_HIST_SUB + GEN_HIST_SUB) << (shift - 1);
}

void gen_hist_add(struct gen_hist *h, uint64_t value)
{
	h->count++;
	h->bucket[hist_index(value)]++;
	if (value > h->max)
		h->max = value;
}

uint64_t gen_hist_at(const struct gen_hist *h, double share)
{
	uint64_t want = (uint64_t)(share * (double)h->count);
	uint64_t seen = 0;

	for (unsigned i = 0; i < GEN_HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen > want)
			return hist_value(i);
	}
	return h->max;
}

/* ---- snapshots ---- */

static void take_counter(void *ctx, const struct leat_counter *c)
{
	struct gen_snapshot *s = ctx;

	if (s->n_counters < GEN_COUNTERS)
		s->counter[s->n_counters++] = c->value;
}

void gen_snapshot(const struct gen *g, struct gen_snapshot *s)
{
	memset(s, 0, sizeof(*s));
	s->now_ns = gen_clock_ns();
	s->run_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID);
	s->away_ns = g->away_ns;
	s->total = g->total;
	(void)leat_cpu_get(&s->cpu);
	(void)leat_stats_each(take_counter, s);
}

/* ---- JSON ---- */

void gen_report_event(const char *event)
{
	(void)printf("{\"event\": \"%s\"}\n", event);
	(void)fflush(stdout);
}

static void print_totals(const struct gen_totals *t)
{
	(void)printf("\"bytes_sent\": %" PRIu64 ", \"bytes_received\": %" PRIu64
		     ", \"opened\": %" PRIu64 ", \"completed\": %" PRIu64 ", \"errors\": %" PRIu64,
		     t->sent, t->received, t->opened, t->completed, t->failed);
}

/* Time in which the other generator had the core is none of ours: taken out of the program's. */
static void print_cpu(const struct leat_cpu *c, uint64_t away_ns, uint64_t run_ns)
{
	uint64_t away = (uint64_t)((double)away_ns * (double)c->cycles_hz / (double)GEN_NS_PER_S);
	uint64_t app = c->cycles_app > away ? c->cycles_app - away : 0;

	(void)printf(", \"cpu\": {\"hz\": %" PRIu64 ", \"total\": %" PRIu64 ", \"app\": %" PRIu64
		     ", \"stack\": %" PRIu64 ", \"idle\": %" PRIu64 ", \"away\": %" PRIu64
		     ", \"seconds\": %.6f}",
		     c->cycles_hz, c->cycles_total, app, c->cycles_stack, c->cycles_idle, away,
		     (double)run_ns / (double)GEN_NS_PER_S);
}

struct counter_walk {
	const struct gen_snapshot *from, *to;
	unsigned i;
	bool any;
};

static void print_counter(void *ctx, const struct leat_counter *c)
{
	struct counter_walk *w = ctx;
	unsigned i = w->i++;
	uint64_t v;

	if (i >= w->to->n_counters)
		return;
	v = w->to->counter[i] - (w->from ? w->from->counter[i] : 0);
	if (v == 0)
		return;
	(void)printf("%s\"%s.%s\": %" PRIu64, w->any ? ", " : "", c->group, c->name, v);
	w->any = true;
}

static void print_counters(const struct gen_snapshot *from, const struct gen_snapshot *to)
{
	struct counter_walk w = {.from = from, .to = to};

	(void)printf(", \"counters\": {");
	(void)leat_stats_each(print_counter, &w);
	(void)printf("}");
}

static void print_latency(const struct gen_hist *h)
{
	(void)printf(", \"latency_us\": {\"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, "
		     "\"p999\": %.1f, \"max\": %.1f}",
		     (double)gen_hist_at(h, 0.5) / 1e3, (double)gen_hist_at(h, 0.9) / 1e3,
		     (double)gen_hist_at(h, 0.99) / 1e3, (double)gen_hist_at(h, 0.999) / 1e3,
		     (double)h->max / 1e3);
}

static struct leat_cpu cpu_between(const struct leat_cpu *a, const struct leat_cpu *b)
{
	return (struct leat_cpu){
		.cycles_total = b->cycles_total - a->cycles_total,
		.cycles_app = b->cycles_app - a->cycles_app,
		.cycles_stack = b->cycles_stack - a->cycles_stack,
		.cycles_idle = b->cycles_idle - a->cycles_idle,
		.cycles_hz = b->cycles_hz,
	};
}

static struct gen_totals totals_between(const struct gen_totals *a, const struct gen_totals *b)
{
	return (struct gen_totals){
		.sent = b->sent - a->sent,
		.received = b->received - a->received,
		.opened = b->opened - a->opened,
		.completed = b->completed - a->completed,
		.failed = b->failed - a->failed,
	};
}

void gen_report_run(const struct gen *g, const struct gen_snapshot *from,
		    const struct gen_snapshot *to)
{
	double seconds = (double)(to->now_ns - from->now_ns) / (double)GEN_NS_PER_S;
	struct gen_totals t = totals_between(&from->total, &to->total);
	struct leat_cpu cpu = cpu_between(&from->cpu, &to->cpu);

	(void)printf("{\"event\": \"result\", \"mode\": \"%s\", \"dir\": \"%s\", "
		     "\"connections\": %u, \"size\": %u, \"seconds\": %.4f, ",
		     gen_mode_names[g->run.mode], gen_dir_names[g->run.dir], g->run.connections,
		     g->run.size, seconds);
	print_totals(&t);
	(void)printf(", \"gbps\": %.3f, \"per_second\": %.0f",
		     (double)(t.sent + t.received) * 8 / seconds / 1e9,
		     (double)t.completed / seconds);
	if (g->hist.count > 0)
		print_latency(&g->hist);
	print_cpu(&cpu, to->away_ns - from->away_ns, to->run_ns - from->run_ns);
	print_counters(from, to);
	(void)printf("}\n");
	(void)fflush(stdout);
}

void gen_report_totals(const struct gen *g, const char *event)
{
	struct gen_snapshot now;
	struct leat_buffers b;

	gen_snapshot(g, &now);
	(void)printf("{\"event\": \"%s\", \"open\": %u, \"clock\": %.6f, ", event, g->n_conns,
		     (double)now.now_ns / (double)GEN_NS_PER_S);
	print_totals(&now.total);
	print_cpu(&now.cpu, now.away_ns, now.run_ns);
	if (leat_buffers_get(&b, NULL, NULL) == 0)
		(void)printf(", \"buffers\": {\"size\": %u, \"free\": %u, \"held\": %u, "
			     "\"unaccounted\": %u}",
			     b.size, b.free, b.held, b.unaccounted);
	print_counters(NULL, &now);
	(void)printf("}\n");
	(void)fflush(stdout);
}
