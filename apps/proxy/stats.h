/* SPDX-License-Identifier: BSD-2-Clause */
/* What the proxy counts, and the report on SIGUSR1 and at the end: a table for people or one line
 * of JSON. */
#ifndef PROXY_STATS_H
#define PROXY_STATS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Name and meaning of each plain counter. */
#define STATS_COUNTERS(X) \
	X(accepted, "connections accepted") \
	X(accept_errors, "accept calls that failed for want of resources") \
	X(accept_pauses, "pauses of accepting at the connection limit") \
	X(over_client_limit, "reset: one client's limit") \
	X(loops, "reset: addressed to the proxy itself") \
	X(connected, "connected to the server") \
	X(port_fallbacks, "upstream bound another port: the client's is in use") \
	X(finished, "ended: both sides finished") \
	X(client_resets, "ended: reset by the client") \
	X(server_resets, "ended: reset by the server") \
	X(client_lost, "ended: the client no longer answers") \
	X(server_lost, "ended: the server no longer answers") \
	X(connect_refused, "ended: refused by the server") \
	X(connect_unreachable, "ended: the server is not reachable") \
	X(connect_timeouts, "ended: no answer from the server in time") \
	X(connect_errors, "ended: no upstream socket") \
	X(idle_timeouts, "ended: idle too long") \
	X(half_close_timeouts, "ended: half closed and idle too long") \
	X(forced, "ended: still open when the proxy had to stop") \
	X(unbuffered, "turns without a buffer: bytes passed on unheld") \
	X(reads, "reads from sockets") \
	X(writes, "writes to sockets") \
	X(waits, "waits for events") \
	X(events, "events handled")

struct stats {
#define STATS_FIELD(name, text) uint64_t name;
	STATS_COUNTERS(STATS_FIELD)
#undef STATS_FIELD
	uint64_t bytes[2][2]; /* [IPv4, IPv6][client to server, server to client] */
	uint64_t handled[2];  /* connections accepted, [IPv4, IPv6] */
	uint64_t open, open_peak;
	uint64_t buffers, buffers_peak;
	uint64_t start_ns;
};

/* A report under way. */
struct stats_report {
	FILE *out;
	bool json;
	bool any; /* a JSON member has been written */
};

/* One value of so many that a table leaves out those that are 0, and needs the names to tell them
 * apart. */
void stats_detail(struct stats_report *report, const char *name, const char *text, uint64_t value);

/* One value; the name is a JSON member, the text is for people. */
void stats_value(struct stats_report *report, const char *name, const char *text, uint64_t value);
void stats_ratio(struct stats_report *report, const char *name, const char *text, double value);

/* Write the whole report, the platform's part included. */
void stats_print(const struct stats *stats, FILE *out, bool json, uint64_t now_ns);

#endif
