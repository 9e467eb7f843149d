/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A traffic generator on Leat: a client and a server, each a process with a stack and a port of
 * its own. Made for memif, where no kernel is in the path, and works on any port.
 *
 *	bench_gen --role server --port dpdk:net_memif0,role=server,socket=/tmp/x,socket-abstract=no
 *		--addr 198.18.0.2/24
 *	bench_gen --role client --port dpdk:net_memif0,role=client,socket=/tmp/x,socket-abstract=no
 *		--addr 198.18.0.1/24 --peer 198.18.0.2 --connections 10
 *
 * The client makes one run, or with --commands as many as there are lines on standard input. What
 * they print is one JSON object a line: "ready", "start" (the warm-up is over), "result", "end".
 *The server goes on until SIGTERM or SIGINT, and tells its totals on SIGUSR1. Exit status 0:
 *nothing went wrong and every packet buffer is back.
 */
#include "gen.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <leat/epoll.h>
#include <leat/leat.h>
#include <leat/socket.h>
#include <leat/stats.h>

enum {
	WAIT_MS = 100,   /* nothing to do: look for signals so often */
	COMMAND_MS = 5,  /* and so often for a command */
	CONNECT_S = 10,  /* for all connections to be there */
	END_S = 10,      /* for all connections to end */
	SETTLE_MS = 200, /* for what closed connections still have to deliver */
	LINE = 512,
};

/* The signal handlers have nothing else to tell the loops by. */
static volatile sig_atomic_t stop, report;

static void on_stop(int number)
{
	(void)number;
	stop = 1;
}

static void on_report(int number)
{
	(void)number;
	report = 1;
}

static int catch_signals(void)
{
	struct sigaction sa = {.sa_handler = on_stop};

	if (sigaction(SIGINT, &sa, NULL) < 0 || sigaction(SIGTERM, &sa, NULL) < 0)
		return -1;
	sa.sa_handler = on_report;
	if (sigaction(SIGUSR1, &sa, NULL) < 0)
		return -1;
	sa.sa_handler = SIG_IGN;
	return sigaction(SIGPIPE, &sa, NULL);
}

/* ---- the client ---- */

/* Poll without sleeping while there is traffic: what is measured is not the wake-up. */
static int run_for(struct gen *g, uint64_t ns)
{
	uint64_t until = g->now_ns + ns;

	while (g->now_ns < until && !stop) {
		if (gen_step(g, 0) < 0)
			return -1;
	}
	return 0;
}

static int run_until_connected(struct gen *g)
{
	uint64_t until = g->now_ns + CONNECT_S * GEN_NS_PER_S;

	while ((g->n_connecting > 0 || g->to_open > 0) && g->run.mode != GEN_SHORT) {
		if (stop || gen_step(g, 1) < 0)
			return -1;
		if (g->now_ns < until)
			continue;
		(void)fprintf(stderr, "bench_gen: after %d s %u of %u connections are not there\n",
			      CONNECT_S, g->n_connecting + g->to_open, g->run.connections);
		return -1;
	}
	return 0;
}

static void print_counter(void *ctx, const struct leat_counter *c)
{
	(void)ctx;
	if (c->value != 0)
		(void)fprintf(stderr, "  %s.%s %" PRIu64 "\n", c->group, c->name, c->value);
}

static void print_holder(void *ctx, const char *holder, uint32_t count, uint32_t oldest_ms)
{
	(void)ctx;
	(void)fprintf(stderr, "  buffers.%s %u, the oldest %u ms old\n", holder, count, oldest_ms);
}

/* Connections hang: what the stack knows of it. */
static void print_state(void)
{
	struct leat_buffers b;

	(void)leat_stats_each(print_counter, NULL);
	if (leat_buffers_get(&b, print_holder, NULL) == 0)
		(void)fprintf(stderr, "  buffers.free %u of %u\n", b.free, b.size);
}

static int run_until_ended(struct gen *g)
{
	uint64_t until = g->now_ns + END_S * GEN_NS_PER_S;

	gen_end(g);
	while (g->n_conns > 0 && g->now_ns < until) {
		if (gen_step(g, 1) < 0)
			return -1;
	}
	if (g->n_conns == 0)
		return 0;
	(void)fprintf(stderr, "bench_gen: after %d s %u connections have not ended\n", END_S,
		      g->n_conns);
	print_state();
	return -1;
}

static int measure(struct gen *g)
{
	struct gen_snapshot *snap = calloc(2, sizeof(*snap));
	int rc = -1;

	if (!snap)
		return -1;
	gen_prepare(g);
	g->now_ns = gen_clock_ns();
	if (run_until_connected(g) == 0 && run_for(g, g->run.warmup_ns) == 0) {
		memset(&g->hist, 0, sizeof(g->hist));
		gen_report_event("start");
		gen_snapshot(g, &snap[0]);
		rc = run_for(g, g->run.measure_ns);
		gen_snapshot(g, &snap[1]);
		if (rc == 0)
			gen_report_run(g, &snap[0], &snap[1]);
	}
	if (run_until_ended(g) < 0)
		rc = -1;
	free(snap);
	return rc;
}

/* The next line of standard input; the stack runs on meanwhile. 0: the end. */
static int next_command(char *line, size_t size)
{
	size_t len = 0;

	while (!stop) {
		struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
		ssize_t r;

		if (poll(&in, 1, 0) == 0) {
			(void)leat_poll_once(COMMAND_MS * INT64_C(1000000));
			continue;
		}
		r = read(STDIN_FILENO, line + len, 1);
		if (r <= 0 || len + 1 == size)
			return r == 0 && len == 0 ? 0 : -1;
		if (line[len] == '\n') {
			line[len] = '\0';
			return 1;
		}
		len++;
	}
	return 0;
}

static int run_commands(struct gen *g)
{
	char line[LINE];
	int rc;

	while ((rc = next_command(line, sizeof(line))) > 0) {
		g->run = g->opt->run;
		if (gen_options_line(&g->run, line) < 0 || measure(g) < 0)
			return -1;
	}
	return rc;
}

static int run_client(struct gen *g)
{
	gen_report_event("ready");
	if (g->opt->commands)
		return run_commands(g);
	g->run = g->opt->run;
	return measure(g);
}

/* ---- the server ---- */

static int run_server(struct gen *g)
{
	if (gen_listen(g) < 0)
		return -1;
	gen_report_event("ready");
	while (!stop) {
		/* Asleep, it would be woken for each of the other's packets. */
		bool turns = g->opt->shared && g->n_conns > 0;

		if (gen_step(g, turns ? 0 : WAIT_MS) < 0)
			return -1;
		if (report) {
			report = 0;
			gen_report_totals(g, "totals");
		}
	}
	return 0;
}

/* ---- start and end ---- */

static int fail(const char *what)
{
	(void)fprintf(stderr, "bench_gen: %s: %s\n", what, leat_strerror());
	return -1;
}

static int add_routes(const struct gen_list *routes)
{
	for (unsigned i = 0; i < routes->n; i++) {
		char text[128];
		char *gateway;

		(void)snprintf(text, sizeof(text), "%s", routes->text[i]);
		gateway = strchr(text, ',');
		if (gateway)
			*gateway++ = '\0';
		if (leat_route_add(text, gateway, gateway ? NULL : "gen0") < 0)
			return fail("route");
	}
	return 0;
}

static int start_port(const struct gen_options *o)
{
	struct leat_port port = {.name = "gen0", .spec = o->port, .mtu = o->mtu, .mac = o->mac};

	if (leat_port_add(&port) < 0)
		return fail("port");
	for (unsigned i = 0; i < o->addrs.n; i++) {
		if (leat_addr_add("gen0", o->addrs.text[i]) < 0)
			return fail("addr");
	}
	return add_routes(&o->routes);
}

static int start_stack(const struct gen_options *o)
{
	const char *eal[GEN_LIST + 1] = {NULL};
	struct leat_config conf = {
		.name = o->server ? "gen-server" : "gen-client",
		.buffers_small = o->buffers_small,
		.buffers_big = o->buffers_big,
		.max_sockets = o->max_sockets,
		.core = o->core + 1,
		.eal_args = eal,
	};

	for (unsigned i = 0; i < o->eal.n; i++)
		eal[i] = o->eal.text[i];
	return leat_init(&conf) < 0 ? fail("start") : 0;
}

static void settle(void)
{
	uint64_t until = gen_clock_ns() + SETTLE_MS * UINT64_C(1000000);

	while (gen_clock_ns() < until)
		(void)leat_poll_once(INT64_C(1000000));
}

static int run(struct gen *g)
{
	int rc = start_port(g->opt);

	if (rc == 0) {
		g->ep = leat_epoll_create1(0);
		rc = g->ep < 0 ? fail("epoll") : 0;
	}
	if (rc == 0)
		rc = g->opt->server ? run_server(g) : run_client(g);
	gen_abort(g);
	settle();
	gen_report_totals(g, "end");
	return rc;
}

static int use_stack(const struct gen_options *opt)
{
	struct gen *g = calloc(1, sizeof(*g));
	unsigned missing;
	int rc = -1;

	if (g) {
		*g = (struct gen){.opt = opt, .ep = -1, .listener = {-1, -1}};
		LIST_INIT(&g->conns);
		rc = run(g);
		if (g->total.failed > 0)
			rc = -1;
	}
	missing = leat_fini();
	if (missing > 0) {
		(void)fprintf(stderr, "bench_gen: %u packet buffers are not back\n", missing);
		rc = -1;
	}
	free(g);
	return rc;
}

int main(int argc, char **argv)
{
	struct gen_options opt;

	if (gen_options_read(&opt, argc, argv) < 0)
		return 2;
	if (catch_signals() < 0 || start_stack(&opt) < 0)
		return 1;
	return use_stack(&opt) < 0 ? 1 : 0;
}
