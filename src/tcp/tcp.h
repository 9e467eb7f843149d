/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP as the socket layer sees it (RFC 9293 3.9.1, the user/TCP interface).
 *
 * A connection is a struct tcp_pcb. Below the socket nothing blocks and nothing knows of
 * descriptors. Events go up through struct tcp_events, registered once. The socket layer may call
 * any function here from inside an event, except that tcp_close/tcp_abort of the pcb itself is
 * allowed and takes effect at once: after it no further event comes for that pcb.
 *
 * Thread: the worker that owns the stack.
 */
#ifndef LEAT_TCP_TCP_H
#define LEAT_TCP_TCP_H

#include "base/ip.h"
#include "core/stack.h"

#include <sys/uio.h>

/* States in RFC 9293's order, so that >= has a meaning. */
#define TCP_STATE_TABLE(X) \
	X(CLOSED, "CLOSED") \
	X(LISTEN, "LISTEN") \
	X(SYN_SENT, "SYN-SENT") \
	X(SYN_RECEIVED, "SYN-RECEIVED") \
	X(ESTABLISHED, "ESTABLISHED") \
	X(CLOSE_WAIT, "CLOSE-WAIT") \
	X(FIN_WAIT_1, "FIN-WAIT-1") \
	X(CLOSING, "CLOSING") \
	X(LAST_ACK, "LAST-ACK") \
	X(FIN_WAIT_2, "FIN-WAIT-2") \
	X(TIME_WAIT, "TIME-WAIT")

enum tcp_state {
#define X(id, name) TCPS_##id,
	TCP_STATE_TABLE(X)
#undef X
		TCP_STATE_COUNT
};

struct tcp_pcb;
struct tcp_listener;

/* Upward calls; so is the pointer given by the socket layer (tcp_so_set). */
struct tcp_events {
	/* connect() finished: err 0 established, else ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH ... */
	void (*connected)(struct stack *s, void *so, int err);
	/* The listener's accept queue is no longer empty. */
	void (*acceptable)(struct stack *s, void *so);
	/* Data or FIN became readable. */
	void (*readable)(struct stack *s, void *so);
	/* Send space became available (hysteresis applied), or the queue drained entirely. */
	void (*writable)(struct stack *s, void *so);
	/* The connection was reset or timed out: err is the pending socket error. */
	void (*error)(struct stack *s, void *so, int err);
	/* The pcb is gone after tcp_close (TIME-WAIT counts as gone); so is free of it. Not called
	 * after tcp_abort. */
	void (*gone)(struct stack *s, void *so);
};

NODISCARD int tcp_init(struct stack *s, const struct tcp_events *ev);
void tcp_fini(struct stack *s);

/* ---- connections ---- */

/* A new, unbound connection; NULL: out of memory or at the limit. */
struct tcp_pcb *tcp_create(struct stack *s, bool v6, void *so);
void tcp_so_set(struct tcp_pcb *pcb, void *so);
enum tcp_state tcp_state(const struct tcp_pcb *pcb);

#define TCP_BIND_FOREIGN   0x01u /* IP_TRANSPARENT, IP_BINDANY: any address */
#define TCP_BIND_REUSEADDR 0x02u
#define TCP_BIND_REUSEPORT 0x04u
#define TCP_BIND_V6ONLY    0x08u
#define TCP_BIND_NO_PORT   0x10u /* IP_BIND_ADDRESS_NO_PORT: port 0 waits for connect or listen */

/* port 0: one that nobody has. -EADDRINUSE, -EADDRNOTAVAIL, -EINVAL. A foreign
 * source with a port whose old pair is in TIME-WAIT is allowed (RFC 6191 decides at connect). */
NODISCARD int tcp_bind(struct tcp_pcb *pcb, const struct ipaddr *addr, uint16_t port,
		       unsigned flags);
/* -EADDRINUSE (4-tuple in use), -ENETUNREACH, -EADDRNOTAVAIL (no port left), -EISCONN, -EALREADY.
 */
NODISCARD int tcp_connect(struct tcp_pcb *pcb, const struct ipaddr *addr, uint16_t port);
/* With FASTOPEN_CONNECT: did tcp_connect() leave the SYN to the first tcp_send(), with its text? */
bool tcp_connect_waits(const struct tcp_pcb *pcb);
void tcp_local(const struct tcp_pcb *pcb, struct ipaddr *addr, uint16_t *port);
void tcp_peer(const struct tcp_pcb *pcb, struct ipaddr *addr, uint16_t *port);

/*
 * Queue bytes for sending: copies up to the free send space, returns how many (short counts are
 * normal), -EAGAIN none now, -EPIPE after shutdown, or the pending error as -errno (-ENOTCONN ...).
 * -ENOBUFS no buffer: `writable` comes later. more: do not push a partial segment (MSG_MORE).
 */
ssize_t tcp_send(struct tcp_pcb *pcb, const struct iovec *iov, int n_iov, bool more);
/* Copy received bytes out. 0: end of file. -EAGAIN: none. peek leaves them. */
ssize_t tcp_recv(struct tcp_pcb *pcb, const struct iovec *iov, int n_iov, bool peek);
uint32_t tcp_rcv_avail(const struct tcp_pcb *pcb); /* bytes readable */
bool tcp_rcv_eof(const struct tcp_pcb *pcb);       /* FIN received, all before it readable */
int tcp_pending_error(const struct tcp_pcb *pcb);  /* positive errno that ended it, 0: none */
uint32_t
tcp_snd_space(const struct tcp_pcb *pcb); /* bytes tcp_send would take, buffers permitting */
uint32_t tcp_snd_queued(const struct tcp_pcb *pcb); /* unacknowledged + unsent bytes */
/* Report `writable` once, when so many bytes of space are free; the smallest wish counts. */
void tcp_snd_notify(struct tcp_pcb *pcb, uint32_t space);

NODISCARD int tcp_shutdown_send(struct tcp_pcb *pcb); /* FIN after what is queued. -ENOTCONN */
/*
 * Let go: FIN after what is queued, or RST when unread data is lost (RFC 9293 3.10.4, RFC
 * 2525 2.17). Of the events only `gone` still comes, at once or when it is done.
 */
void tcp_close(struct tcp_pcb *pcb);
/* RST now (when synchronised), forget. */
void tcp_abort(struct tcp_pcb *pcb);

/*
 * Held connections: SYNs to this listener make connections that can be accepted and have no answer
 * yet. tcp_hold_answer() sends the SYN-ACK, `connected` follows; tcp_close() and tcp_abort() refuse
 * with a RST; tcp_hold_forget() says nothing and ends it with ETIMEDOUT. -EINVAL: not held.
 */
void tcp_listener_hold(struct tcp_listener *l, bool on);
bool tcp_is_held(const struct tcp_pcb *pcb);
NODISCARD int tcp_hold_answer(struct tcp_pcb *pcb);
NODISCARD int tcp_hold_forget(struct tcp_pcb *pcb);

/* ---- options: 0 or -errno (-EINVAL, -ENOPROTOOPT) ---- */

#define TCP_OPT_TABLE(X) \
	X(NODELAY, 0, 1) \
	X(CORK, 0, 1) \
	X(QUICKACK, -2147483648, 2147483647) /* Linux: 1 on, even: for one acknowledgement */ \
	X(KEEPALIVE, 0, 1) \
	X(KEEPIDLE_S, 1, 32767) \
	X(KEEPINTVL_S, 1, 32767) \
	X(KEEPCNT, 1, 127) \
	X(MAXSEG, 0, 32767) /* 0, or 88 and more */ \
	X(USER_TIMEOUT_MS, 0, 2147483647) \
	X(DEFER_ACCEPT_S, -2147483648, 2147483647) \
	X(NOTSENT_LOWAT, -2147483648, 2147483647) /* as unsigned; 0: that of all */ \
	X(LINGER2_S, -2147483648, 2147483647) \
	X(SYNCNT, 1, 127) \
	X(WINDOW_CLAMP, 0, 2147483647) \
	X(OOBINLINE, 0, 1) \
	X(FASTOPEN, 0, 2147483647) /* of a listener: how many may be pending */ \
	X(FASTOPEN_CONNECT, 0, 1) \
	X(TIMESTAMP, 0, 0) /* the clock of our timestamps; cannot be written */ \
	X(SNDBUF, 4608, 2147483647) \
	X(RCVBUF, 2304, 2147483647) \
	X(CONGESTION, 0, 2) /* enum tcp_cc_kind */ \
	X(TOS, 0, 255) \
	X(TTL, 1, 255)

enum tcp_opt {
#define X(id, lo, hi) TCP_OPT_##id,
	TCP_OPT_TABLE(X)
#undef X
		TCP_OPT_COUNT
};

NODISCARD int tcp_opt_set(struct tcp_pcb *pcb, enum tcp_opt opt, int64_t value);
NODISCARD int tcp_opt_get(const struct tcp_pcb *pcb, enum tcp_opt opt, int64_t *value);

/* Give `to` what was set on `from`; what never was stays automatic, also for an open one. */
void tcp_opts_inherit(struct tcp_pcb *to, const struct tcp_pcb *from);

struct tcp_info; /* Linux's layout, <linux/tcp.h> */
void tcp_info_fill(const struct tcp_pcb *pcb, struct tcp_info *out);

/* ---- listeners ---- */

/* Accepted pcbs inherit the options of `like` (may be NULL). Port 0 is chosen. */
struct tcp_listener_conf {
	struct ipaddr addr; /* unspecified: any (v6 any takes v4 too unless V6ONLY) */
	uint16_t port;
	unsigned flags; /* TCP_BIND_* */
	uint32_t backlog;
	const struct tcp_pcb *like;
};

NODISCARD int tcp_listen(struct stack *s, const struct tcp_listener_conf *conf, void *so,
			 struct tcp_listener **out);
void tcp_listener_local(const struct tcp_listener *l, struct ipaddr *addr, uint16_t *port);
void tcp_listener_backlog(struct tcp_listener *l, uint32_t backlog);
/* Connections accepted from now on inherit the options of `like`. */
void tcp_listener_opts(struct tcp_listener *l, const struct tcp_pcb *like);
/* The oldest established connection, or NULL. Its so is NULL until tcp_so_set. */
struct tcp_pcb *tcp_accept(struct tcp_listener *l);
uint32_t tcp_accept_len(const struct tcp_listener *l);
/* Close: connections not yet accepted are reset. */
void tcp_unlisten(struct tcp_listener *l);

/* ---- interception ---- */

/* SYNs to foreign addresses that match go to the listener; longest destination prefix wins, then
 * longest source prefix, then the first added. */
struct tcp_intercept {
	struct ipprefix src, dst;    /* each matches its own family only */
	uint16_t dport_lo, dport_hi; /* 0..65535: any */
	int iface;                   /* -1: any */
};

NODISCARD int tcp_intercept_add(struct stack *s, const struct tcp_intercept *rule,
				struct tcp_listener *l);
/* Room for n more: adding these cannot fail for want of it. -ENOMEM, -ENOSPC (4096 rules). */
NODISCARD int tcp_intercept_reserve(struct stack *s, uint32_t n);
void tcp_intercept_flush(struct stack *s, struct tcp_listener *l); /* all rules of l */

/* ---- counters ---- */

#define TCP_COUNTER_TABLE(X) \
	X(segs_in, "segments received") \
	X(segs_out, "segments sent, a superpacket counts one") \
	X(bytes_in, "payload bytes accepted in order") \
	X(bytes_out, "payload bytes sent first time") \
	X(retrans_segs, "segments sent again") \
	X(retrans_bytes, "payload bytes sent again") \
	X(rto, "retransmission timeouts") \
	X(fast_recovery, "entries into fast recovery") \
	X(tail_probes, "tail loss probes sent (RFC 8985)") \
	X(tail_repaired, "losses that a tail loss probe repaired") \
	X(undone, "window reductions taken back: nothing was lost") \
	X(sack_rexmits, "segments sent again on SACK information") \
	X(dup_acks_in, "duplicate acknowledgements received") \
	X(ooo_in, "segments received out of order") \
	X(paws, "segments dropped by PAWS") \
	X(challenge_acks, "challenge ACKs sent (RFC 5961)") \
	X(challenge_limited, "challenge ACKs suppressed by the limit") \
	X(rst_out, "RST segments sent") \
	X(rst_in, "RST segments that ended a connection") \
	X(syn_in, "SYNs received for listeners") \
	X(syn_no_route, "SYNs dropped: no way back to the peer") \
	X(wscale_clamped, "window scales above 14 in SYNs, taken as 14 (RFC 7323 2.3)") \
	X(accept_overflow, "SYNs and last ACKs of handshakes dropped: accept queue full") \
	X(active_opens, "connect calls") \
	X(passive_opens, "connections established through listeners") \
	X(connect_failed, "connects that failed") \
	X(resets, "established connections ended by RST") \
	X(timeouts, "connections dropped by timeout") \
	X(keepalive_probes, "keepalive probes sent") \
	X(keepalive_drops, "connections dropped by keepalive") \
	X(persist_probes, "zero-window probes sent") \
	X(timewait_reused, "TIME-WAIT pairs reused (RFC 6191)") \
	X(delayed_acks, "acknowledgements sent by the delayed-ACK timer") \
	X(pmtu_lowered, "path MTU lowered by ICMP") \
	X(pmtu_doubted, "segments made smaller because they vanished (RFC 4821)") \
	X(pmtu_probes, "larger segments sent to try the path MTU") \
	X(pmtu_raised, "of these, arrived") \
	X(rcv_nobuf, "segments or reads shed for lack of buffers") \
	X(intercepted, "connections taken by interception rules") \
	X(fastopen_active, "connects whose text on the SYN was acknowledged (RFC 7413)") \
	X(fastopen_active_fail, "connects whose text on the SYN had to be sent again") \
	X(fastopen_passive, "connections that began with the text of their SYN") \
	X(fastopen_cookies, "Fast Open cookies given out") \
	X(ecn_agreed, "connections that agreed on ECN (RFC 3168)") \
	X(ecn_marks_in, "segments received with a congestion mark") \
	X(ecn_reductions, "congestion windows reduced on the peer's echo of a mark")

struct tcp_counters {
#define X(name, text) uint64_t name;
	TCP_COUNTER_TABLE(X)
#undef X
};

const struct tcp_counters *tcp_counters(const struct stack *s);
uint32_t tcp_pcb_count(const struct stack *s); /* all but TIME-WAIT */
uint32_t tcp_timewait_count(const struct stack *s);

#endif
