/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an operator may set of TCP, by Linux's names: one table, one row for each name, over struct
 * tcp_limits. Connections read the limits when they begin or when they use them; the text of each
 * row says which. Called by the public interface; thread: the worker.
 */
#ifndef LEAT_TCP_SYSCTL_H
#define LEAT_TCP_SYSCTL_H

#include "tcp/pcb.h"

/* X(name, type, field of tcp_limits, lowest, highest, text) */
#define TCP_SYSCTL_TABLE(X) \
	X("tcp_timestamps", NUM, timestamps, 0, 2, \
	  "offer and accept timestamps (RFC 7323); 2: without an offset for each pair of hosts") \
	X("tcp_window_scaling", NUM, window_scaling, 0, 1, "offer and accept RFC 7323 scaling") \
	X("tcp_sack", NUM, sack, 0, 1, "offer and accept selective acknowledgements (RFC 2018)") \
	X("tcp_dsack", NUM, dsack, 0, 1, "report duplicates (RFC 2883)") \
	X("tcp_ecn", NUM, ecn, 0, 2, "ECN (RFC 3168): 0 never, 1 ask and agree, 2 agree only") \
	X("tcp_rmem", MEM, rmem, 2304, 1073741824, \
	  "receive buffer of new connections: least (unused), first, most that it grows to; " \
	  "bytes") \
	X("tcp_wmem", MEM, wmem, 4608, 1073741824, \
	  "send buffer of new connections: least (unused), first, most that it grows to; bytes") \
	X("tcp_moderate_rcvbuf", NUM, moderate_rcvbuf, 0, 1, "receive buffers grow by themselves") \
	X("tcp_notsent_lowat", NUM, notsent_lowat, 1, UINT32_MAX, \
	  "bytes not yet sent above which a socket takes no more (TCP_NOTSENT_LOWAT)") \
	X("tcp_congestion_control", CC, cc, 0, 0, "algorithm of new connections") \
	X("tcp_available_congestion_control", CCS, cc, 0, 0, "algorithms there are; read only") \
	X("tcp_slow_start_after_idle", NUM, slow_start_after_idle, 0, 1, \
	  "restart window after an idle RTO (RFC 5681 4.1)") \
	X("tcp_syncookies", NUM, syncookies, 0, 2, \
	  "SYN cookies: 0 never, 1 when half-open entries are used up, 2 always") \
	X("tcp_syn_retries", NUM, syn_retries, 1, 127, "SYNs sent again before connect fails") \
	X("tcp_synack_retries", NUM, synack_retries, 0, 255, "SYN-ACKs sent again") \
	X("tcp_retries1", NUM, retries1, 1, 255, \
	  "timeouts in a row after which the path is doubted (black-hole detection)") \
	X("tcp_retries2", NUM, retries2, 1, 255, "timeouts in a row that end a connection") \
	X("tcp_orphan_retries", NUM, orphan_retries, 0, 255, \
	  "the same for connections that nobody holds; 0: 8") \
	X("tcp_keepalive_time", NUM, keepalive_time_s, 1, 32767, "s of silence before a probe") \
	X("tcp_keepalive_intvl", NUM, keepalive_intvl_s, 1, 32767, "s between probes") \
	X("tcp_keepalive_probes", NUM, keepalive_probes, 1, 127, "probes before giving up") \
	X("tcp_fin_timeout", NUM, fin_timeout_s, 1, 120, "s in FIN-WAIT-2 that nobody holds") \
	X("tcp_tw_reuse", NUM, tw_reuse, 0, 1, \
	  "connect over TIME-WAIT where that is safe (RFC 6191)") \
	X("tcp_max_orphans", NUM, orphans, 0, 1048576, "connections that nobody holds") \
	X("tcp_abort_on_overflow", NUM, abort_on_overflow, 0, 1, \
	  "reset instead of waiting when an accept queue is full") \
	X("tcp_fastopen", NUM, fastopen, 0, TCP_FASTOPEN_MASK, \
	  "Fast Open (RFC 7413), sum of 1 client, 2 server, 4 client without cookies, 512 server " \
	  "without cookies, 1024 all listeners") \
	X("tcp_mtu_probing", NUM, mtu_probing, 0, 2, \
	  "search the path MTU by segment sizes (RFC 4821): 0 never, 1 after a black hole, 2 " \
	  "always") \
	X("tcp_base_mss", NUM, base_mss, 48, 65495, "segment size that such a search begins with") \
	X("tcp_mtu_probe_floor", NUM, mtu_probe_floor, 48, 65495, "and never goes below") \
	X("tcp_probe_interval", NUM, probe_interval_s, 1, 86400, \
	  "s until a larger segment is tried again") \
	X("ip_local_port_range", PORTS, ports, 1, 65535, "ports to connect from: lowest, highest")

#define TCP_SYSCTL_TEXT_MAX 64u

/* name: as in the table, or with "net.ipv4." before it. Returns the length of the text (numbers
 * are separated by tabs, as Linux has it), -ENOENT, or -ERANGE: more than size. */
NODISCARD int tcp_sysctl_get(const struct stack *s, const char *name, char *text, size_t size);
/* -ENOENT, -EINVAL (not a number, out of range, wrong order), -EPERM (read only). */
NODISCARD int tcp_sysctl_set(struct stack *s, const char *name, const char *text);
/* fn for each row: its name and what it means. */
void tcp_sysctl_each(void (*fn)(void *ctx, const char *name, const char *text), void *ctx);

#endif
