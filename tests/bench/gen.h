/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The traffic generator's parts: what it is told, its connections, what it has seen. It knows Leat
 * by its public headers only. One thread, one stack.
 */
#ifndef BENCH_GEN_H
#define BENCH_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <sys/queue.h>
#include <sys/socket.h>

#include <leat/stats.h>

#define GEN_NS_PER_S UINT64_C(1000000000)

enum {
	GEN_LIST = 16,      /* addresses and routes, at most */
	GEN_COUNTERS = 512, /* of the stack, at most */
	GEN_HEADER = 16,    /* bytes of a request, see gen_conn.c */
	GEN_BLOCK = 16384,  /* written from and read into: stays in the processor's first cache */
};

enum gen_mode {
	GEN_BULK,  /* as much as goes through, until told to stop */
	GEN_SHORT, /* connect, a request, its answer, close, the next */
	GEN_ECHO,  /* a request, its answer, the next, on one connection */
};

enum gen_dir { GEN_UP, GEN_DOWN, GEN_BOTH };

/* One measurement. */
struct gen_run {
	enum gen_mode mode;
	enum gen_dir dir;     /* of bulk: up is client to server */
	uint32_t connections; /* at a time */
	uint32_t size;        /* bytes of a request, and of its answer */
	uint32_t sndbuf;      /* bytes, of bulk; 0: by the number of connections */
	uint64_t warmup_ns, measure_ns;
};

/* What the request of a connection tells the server. */
struct gen_request {
	enum gen_mode mode;
	enum gen_dir dir;
	uint32_t size;
	uint32_t sndbuf;
};

struct gen_list {
	unsigned n;
	const char *text[GEN_LIST];
};

struct gen_options {
	bool server;
	bool commands; /* further runs come from standard input */
	bool shared;   /* another generator has the same core: take turns */
	int core;      /* -1: any */
	const char *port, *mac;
	uint32_t mtu, buffers_small, buffers_big, max_sockets;
	struct gen_list addrs, routes, eal;
	struct sockaddr_storage peer;
	socklen_t peer_len;
	uint16_t tcp_port;
	struct gen_run run;
};

/* Log-linear: 32 steps for each power of two, so a value is known to 3 %. */
enum { GEN_HIST_SUB = 32, GEN_HIST_BUCKETS = (64 - 5 + 1) * GEN_HIST_SUB };

struct gen_hist {
	uint64_t count, max;
	uint64_t bucket[GEN_HIST_BUCKETS];
};

struct gen_totals {
	uint64_t sent, received;
	uint64_t opened, completed; /* completed: requests answered */
	uint64_t failed;            /* connections that ended as they should not */
};

struct gen_snapshot {
	uint64_t now_ns, away_ns;
	uint64_t run_ns; /* processor time of this process */
	struct leat_cpu cpu;
	struct gen_totals total;
	unsigned n_counters;
	uint64_t counter[GEN_COUNTERS];
};

struct gen_conn {
	LIST_ENTRY(gen_conn) link;
	int fd;
	bool connected;
	bool headed;    /* the server: the request's header is read */
	bool ended;     /* the peer's side has: read on to the end */
	bool shut;      /* our side has ended */
	bool sending;   /* without end */
	uint8_t n_head; /* bytes of the header that are sent, or read; 0 again when it is whole */
	uint8_t head[GEN_HEADER];
	struct gen_request req;
	uint64_t to_send; /* of this message */
	uint64_t to_recv;
	uint64_t since_ns; /* when the request began */
};

struct gen {
	const struct gen_options *opt;
	int ep;
	int listener[2];
	struct gen_run run;
	struct gen_request req; /* of the run */
	bool ending;            /* no new requests */
	uint64_t now_ns;
	uint64_t away_ns; /* the other generator had the core */
	LIST_HEAD(gen_conns, gen_conn) conns;
	uint32_t n_conns, n_connecting;
	uint32_t to_open; /* connections that the steps are to open */
	struct gen_totals total;
	struct gen_hist hist;
	uint8_t out[GEN_BLOCK + GEN_HEADER], in[GEN_BLOCK];
};

/* ---- options: gen_options.c ---- */

/* The command line. Returns 0, or -1 after a line on stderr. */
int gen_options_read(struct gen_options *o, int argc, char **argv);
/* A line of standard input with the options of a run ("--mode short --connections 100"). */
int gen_options_line(struct gen_run *run, char *line);

/* ---- connections: gen_conn.c ---- */

/* Wait, at most so long, and serve what has happened. Returns 0, or -1 after a line on stderr. */
int gen_step(struct gen *g, int timeout_ms);
/* Listen on both families. */
int gen_listen(struct gen *g);
/* Set g->run going: its connections are opened by the steps that follow. */
void gen_prepare(struct gen *g);
/* Let every connection end after what it is at. */
void gen_end(struct gen *g);
/* Close those that are left, as failures. */
void gen_abort(struct gen *g);

/* ---- figures: gen_report.c ---- */

uint64_t gen_clock_ns(void);
void gen_hist_add(struct gen_hist *h, uint64_t value);
/* The value that a share of all does not exceed. */
uint64_t gen_hist_at(const struct gen_hist *h, double share);
void gen_snapshot(const struct gen *g, struct gen_snapshot *s);
/* One JSON object a line on stdout. */
void gen_report_event(const char *event);
void gen_report_run(const struct gen *g, const struct gen_snapshot *from,
		    const struct gen_snapshot *to);
void gen_report_totals(const struct gen *g, const char *event);

extern const char *const gen_mode_names[];
extern const char *const gen_dir_names[];

#endif
