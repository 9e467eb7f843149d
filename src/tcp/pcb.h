/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connection (protocol control block) and the state of TCP in a stack.
 *
 * A pcb is owned by the socket layer from tcp_create/tcp_accept to tcp_close/tcp_abort, and by TCP
 * itself before (accept queue) and after (orphan). It is freed at one place, tcp_reap(), at the end
 * of the input, timer or call that ended it: so a callback may close it and the code that called
 * back still looks at valid memory, marked PCBF_DEAD.
 *
 * Sequence variables have the names of RFC 9293 3.3.1. SND.NXT is the highest number sent plus one
 * and never goes back: what is sent again is chosen by the records of what is in flight (sent.h).
 */
#ifndef LEAT_TCP_PCB_H
#define LEAT_TCP_PCB_H

#include "base/list.h"
#include "base/seq.h"
#include "base/slab.h"
#include "inet/inet.h"
#include "tcp/cc.h"
#include "tcp/fastopen.h"
#include "tcp/flow.h"
#include "tcp/isn.h"
#include "tcp/ooo.h"
#include "tcp/pmtud.h"
#include "tcp/prr.h"
#include "tcp/rack.h"
#include "tcp/rate.h"
#include "tcp/rcvbuf.h"
#include "tcp/rtt.h"
#include "tcp/sack.h"
#include "tcp/sent.h"
#include "tcp/sndbuf.h"
#include "tcp/synq.h"
#include "tcp/tcp.h"
#include "tcp/timewait.h"
#include "tcp/timer.h"
#include "tcp/undo.h"

/* Bits of tcp_pcb.flags. */
#define PCBF_BIT(n)       (UINT64_C(1) << (n))
#define PCBF_NODELAY      PCBF_BIT(0) /* options of the program */
#define PCBF_CORK         PCBF_BIT(1)
#define PCBF_PINGPONG     PCBF_BIT(2) /* text is answered by text: acknowledgements can wait */
#define PCBF_KEEPALIVE    PCBF_BIT(3)
#define PCBF_SNDBUF_SET   PCBF_BIT(4) /* no autotuning: the program chose */
#define PCBF_RCVBUF_SET   PCBF_BIT(5)
#define PCBF_V6           PCBF_BIT(6)
#define PCBF_FOREIGN      PCBF_BIT(7) /* local address may be none of ours */
#define PCBF_REUSEADDR    PCBF_BIT(8)
#define PCBF_REUSEPORT    PCBF_BIT(9)
#define PCBF_BOUND        PCBF_BIT(10) /* in the table of bound ports */
#define PCBF_TS           PCBF_BIT(11) /* agreed in the handshake */
#define PCBF_SACK         PCBF_BIT(12)
#define PCBF_WSCALE       PCBF_BIT(13)
#define PCBF_MORE         PCBF_BIT(14) /* last send said MSG_MORE: hold what is small until an ACK */
#define PCBF_FIN_QUEUED   PCBF_BIT(15) /* FIN follows the last queued byte */
#define PCBF_FIN_RCVD     PCBF_BIT(16) /* FIN consumed: RCV.NXT is behind it */
#define PCBF_FIN_OOO      PCBF_BIT(17) /* FIN seen at fin_seq, data before it is missing */
#define PCBF_ORPHAN       PCBF_BIT(19) /* the program has closed it */
#define PCBF_DEAD         PCBF_BIT(20) /* waits for tcp_reap() */
#define PCBF_ACK_NOW      PCBF_BIT(21) /* an acknowledgement is owed at once */
#define PCBF_ACK_LATER    PCBF_BIT(22) /* ... or by the delayed-ACK timer */
#define PCBF_WANT_WRITE   PCBF_BIT(23) /* the program found no send space */
#define PCBF_TIMING       PCBF_BIT(24) /* rtt_seq is being timed */
#define PCBF_CWND_LIMITED PCBF_BIT(25) /* the last output stopped at cwnd */
#define PCBF_EMBRYO       PCBF_BIT(26) /* passive, nobody owns it yet */
#define PCBF_QUEUED       PCBF_BIT(27) /* in an accept queue */
#define PCBF_FORCE_RTX    PCBF_BIT(28) /* send one segment again whatever cwnd says */
#define PCBF_SYN_RTX      PCBF_BIT(29) /* the SYN was sent more than once */
#define PCBF_OVERRIDE     PCBF_BIT(31) /* send a small segment that Nagle or SWS held back */
#define PCBF_ECN          PCBF_BIT(32) /* agreed in the handshake */
#define PCBF_ECN_ASKED    PCBF_BIT(33) /* our last SYN asked for it */
#define PCBF_ECN_ECHO     PCBF_BIT(34) /* a mark came and no CWR since: ECE on all we send */
#define PCBF_ECN_CWR      PCBF_BIT(35) /* the window was reduced: the next new text says so */
#define PCBF_ECN_SEEN     PCBF_BIT(36) /* the peer's packets were ECN-capable */
#define PCBF_OOBINLINE    PCBF_BIT(37) /* urgent text stays in the stream */
#define PCBF_FASTOPEN \
	PCBF_BIT(38) /* began with the peer's SYN, which we have not seen acknowledged */
#define PCBF_FASTOPEN_CONNECT PCBF_BIT(39) /* option: connect by Fast Open */
#define PCBF_FASTOPEN_WAIT    PCBF_BIT(40) /* the SYN waits for text to go with it */
#define PCBF_FASTOPEN_ASKED   PCBF_BIT(41) /* our SYN has the option */
#define PCBF_SYN_TEXT         PCBF_BIT(42) /* text of the SYN was taken, ours or the peer's */
#define PCBF_FASTOPEN_RENEW   PCBF_BIT(43) /* our SYN-ACK carries a new cookie */
#define PCBF_HELD             PCBF_BIT(48) /* passive, the SYN is not answered yet: hold.c */
#define PCBF_UNPUSHED         PCBF_BIT(49) /* last send said MSG_MORE: no PSH behind it */

#define TCP_BASE_HLEN         20u
#define TCP_TS_OPT_BYTES      12u
#define TCP_MIN_MSS           216u /* floor of what a peer may announce (CVE-2019-11479) */
#define TCP_BUF_MAX           (UINT32_C(1) << 30) /* SNDBUF, RCVBUF: sequence arithmetic needs < 2^31 */
#define TCP_LEAST_MSS         48u                 /* payload of a full segment, whatever was said */

/* True memory of the send queue allowed for each byte of its limit. */
#define TCP_SND_MEM_FACTOR 2u

/* What the sender is doing about loss. */
enum tcp_recovery {
	TCP_REC_OPEN,
	TCP_REC_FAST, /* RFC 8985 / RFC 6582 */
	TCP_REC_LOSS, /* after a timeout */
};

/* Events of one segment or timer, delivered at its end. */
#define TCP_EV_CONNECTED  0x01u
#define TCP_EV_READABLE   0x02u
#define TCP_EV_WRITABLE   0x04u
#define TCP_EV_ERROR      0x08u
#define TCP_EV_ACCEPTABLE 0x10u
#define TCP_EV_GONE       0x20u

/* Options of the program, which accepted connections inherit. */
struct tcp_prefs {
	uint64_t flags; /* PCBF_, options of the program only */
	uint32_t sndbuf, rcvbuf;
	uint32_t user_timeout_ms;
	uint32_t user_mss;      /* MAXSEG, 0: from the path */
	uint32_t window_clamp;  /* 0: none */
	uint32_t notsent_lowat; /* 0: that of all */
	uint32_t keep_idle_s, keep_intvl_s;
	int32_t linger2_s; /* 0: that of all; -1: no FIN-WAIT-2 without a holder */
	uint8_t keep_cnt, tos, ttl, cc;
	uint8_t syn_cnt;        /* 0: that of all */
	uint8_t defer_accept;   /* SYN-ACKs for which a listener waits for text */
	uint32_t fastopen_qlen; /* of a listener: pending ones, 0: no Fast Open */
};

struct tcp_pcb {
	/* input, every segment */
	struct tcp_flow flow;
	uint8_t state; /* enum tcp_state, written by tcp_set_state() only */
	uint8_t snd_scale, rcv_scale;
	struct stack *stack;
	uint64_t flags; /* PCBF_ */
	uint32_t rcv_nxt;
	uint32_t rcv_adv;  /* right edge that was offered: never moves left */
	uint32_t last_ack; /* Last.ACK.sent (RFC 7323 4.3) */
	uint32_t ts_recent;
	uint32_t ts_off;       /* our timestamps: clock + offset */
	uint64_t ts_recent_ns; /* when ts_recent was taken (RFC 7323 5.5) */
	uint32_t snd_una, snd_nxt;
	uint32_t snd_wnd; /* scaled */
	uint32_t snd_wl1, snd_wl2;
	uint32_t snd_wnd_max;
	uint8_t events;    /* TCP_EV_ to be delivered */
	uint8_t quickacks; /* acknowledgements still to be sent at once */
	uint8_t dupacks;
	uint8_t recovery; /* enum tcp_recovery */
	uint64_t last_rx_ns, last_text_ns;
	struct tcp_rcvbuf rcv;

	/* output, every round with something to send */
	struct stack_work work;
	struct tcp_sndbuf snd;
	uint32_t write_seq;  /* end of the queued data; a FIN sits behind it */
	uint32_t snd_notify; /* space that the program waits for, 0: none in particular */
	uint32_t snd_small;  /* end of the last segment below MSS (Minshall's Nagle) */
	uint16_t mss;        /* payload of a full segment with our usual options, 1.. */
	uint16_t peer_mss;   /* as the peer said, floored */
	uint16_t rcv_mss;    /* estimate of the size of the peer's segments */
	uint8_t tos, ttl;
	uint32_t recover;   /* RFC 6675 RecoveryPoint */
	uint32_t cwr_seq;   /* SND.NXT when cwnd was last reduced for ECN */
	uint32_t dup_bytes; /* without SACK: what the duplicates say has left the network */
	uint32_t rtt_seq;   /* the timed segment ends here */
	uint64_t rtt_start_ns;
	uint64_t last_data_ns; /* text or FIN was sent */
	struct inet_dst dst;
	struct tcp_cc cc;
	struct tcp_rtt rtt;
	struct tcp_rack rack;
	struct tcp_rate rate;
	struct tcp_prr prr;
	struct tcp_undo undo;
	uint64_t pace_next_ns; /* not before, when paced (pace.h) */
	struct tcp_sent sent;

	/* timers */
	struct wheel_timer timer;
	uint64_t deadline[TCP_TIMER_COUNT];

	/* rare */
	void *so;
	struct tcp_listener *listener; /* EMBRYO, QUEUED */
	struct list link;              /* accept queue, or the dead */
	struct ooo ooo;
	struct sack_rcv sack_rcv;
	uint32_t iss, irs;
	uint32_t fin_seq;
	uint32_t bind_hash;
	uint32_t flow_label;
	uint64_t stuck_ns;     /* first timeout or zero window since progress */
	uint64_t challenge_ns; /* RFC 5961 7: window of challenge_n */
	uint32_t challenge_n;
	struct tcp_pmtud pmtud;
	struct tcp_prefs prefs; /* those that are kept nowhere else */
	uint32_t ts_echo_syn;   /* tsval sent with the SYN */
	uint8_t keep_sent;
	uint8_t rexmits; /* timeouts in a row */
	uint8_t probes;  /* zero-window probes in a row */
	uint8_t probes_unanswered;
	int err;      /* pending error, positive */
	int soft_err; /* of ICMP, told when the connection times out */
	/* totals for tcp_info */
	uint64_t bytes_acked, bytes_received, bytes_sent, bytes_retrans;
	uint32_t text_segs_in, text_segs_out, ooo_segs_in;
	uint32_t segs_in, segs_out, total_retrans, delivered_ce;
};

/* Limits, and what new connections begin with: see the table in sysctl.h. */
struct tcp_limits {
	uint32_t timestamps, window_scaling, sack, dsack;
	uint32_t ecn;              /* enum tcp_ecn_mode */
	uint32_t rmem[3], wmem[3]; /* TCP_MEM_: bytes of payload */
	uint32_t moderate_rcvbuf;
	uint32_t notsent_lowat;
	uint32_t cc; /* enum tcp_cc_kind */
	uint32_t slow_start_after_idle;
	uint32_t syncookies;
	uint32_t syn_retries, synack_retries;
	uint32_t retries1, retries2, orphan_retries;
	uint32_t keepalive_time_s, keepalive_intvl_s, keepalive_probes;
	uint32_t fin_timeout_s;
	uint32_t tw_reuse;
	uint32_t mtu_probing; /* enum tcp_pmtud_mode */
	uint32_t base_mss, mtu_probe_floor, probe_interval_s;
	uint32_t fastopen; /* TCP_FASTOPEN_ */
	uint32_t abort_on_overflow;
	uint32_t ports[2];  /* lowest, highest */
	uint32_t half_open; /* per stack */
	uint32_t timewait;
	uint32_t orphans;
	uint64_t timewait_ns;
};

enum {
	TCP_MEM_MIN,
	TCP_MEM_INIT,
	TCP_MEM_MAX,
};

struct tcp {
	struct htab flows;
	struct htab binds; /* struct tcp_pcb by local address and port */
	struct slab pcbs;
	struct slab halves;
	struct slab timewaits;
	struct slab runs; /* struct ooo_run */
	struct list dead;
	unsigned depth; /* inside input, timer or call: tcp_reap() waits for 0 */
	uint32_t n_orphans;
	uint32_t next_port; /* RFC 6056 algorithm 3 */
	struct tcp_limits limits;
	const struct tcp_events *ev;
	struct tcp_isn isn;
	struct tcp_listeners *listeners;
	struct tcp_rules *rules;
	struct tcp_synq synq;
	struct tcp_timewaitq timewaitq;
	struct tcp_fastopen fastopen;
	struct tcp_counters cnt;
};

/* ---- pcb.c ---- */

/* In state CLOSED, with the default options; not owned by the socket layer yet. NULL: no memory. */
struct tcp_pcb *tcp_pcb_create(struct stack *s);
/* The only place where a state changes; arms and disarms what belongs to it. */
void tcp_set_state(struct tcp_pcb *pcb, enum tcp_state state);
/* Drop all it holds, take it out of the tables; freed by the next tcp_leave(). */
void tcp_pcb_kill(struct tcp_pcb *pcb);
/* End with an error: the program is told, the pcb waits for tcp_close(), or dies if an orphan. */
void tcp_pcb_fail(struct tcp_pcb *pcb, int err);
/* Ended well: CLOSED without an error; dies if an orphan. */
void tcp_pcb_finish(struct tcp_pcb *pcb);
/* Both directions are closed: leave a TIME-WAIT entry behind and finish. */
void tcp_pcb_timewait(struct tcp_pcb *pcb);
/* Every entry from outside runs between these two; the outermost leave frees the dead. */
void tcp_enter(struct stack *s);
void tcp_leave(struct stack *s);
/* Tell the program what pcb->events holds. */
void tcp_events_deliver(struct tcp_pcb *pcb);
/* Set up both ends, the timestamp offset and the flow label; the flow is not inserted. */
void tcp_pcb_name(struct tcp_pcb *pcb, const struct ipaddr *local, uint16_t lport,
		  const struct ipaddr *remote, uint16_t rport);
/* Another congestion control. -ENOMEM: the old one stays. */
int tcp_pcb_set_cc(struct tcp_pcb *pcb, enum tcp_cc_kind kind);
/* What a congestion control that has a model begins with. */
struct tcp_cc_start tcp_pcb_cc_start(const struct tcp_pcb *pcb);
/* The MSS for the way to the peer as it is now: path, peer, program. */
void tcp_pcb_update_mss(struct tcp_pcb *pcb);
/* What path, peer and program allow, before our options and what probing found. */
uint32_t tcp_pcb_path_mss(const struct tcp_pcb *pcb);
/* Look the way up again when routing changed. 0, -ENETUNREACH, -EHOSTUNREACH. */
NODISCARD int tcp_pcb_route(struct tcp_pcb *pcb);
/* prefs.c: what a connection through the listener inherits. */
void tcp_prefs_get(const struct tcp_pcb *pcb, struct tcp_prefs *out);
void tcp_prefs_set(struct tcp_pcb *pcb, const struct tcp_prefs *p);

static inline bool tcp_pcb_synchronised(const struct tcp_pcb *pcb)
{
	return pcb->state >= TCPS_ESTABLISHED;
}

/* Text may be sent: synchronised, or opened by a SYN with a cookie (RFC 7413 4.2.2). */
static inline bool tcp_pcb_may_send(const struct tcp_pcb *pcb)
{
	return tcp_pcb_synchronised(pcb) ||
	       (pcb->state == TCPS_SYN_RECEIVED && (pcb->flags & PCBF_FASTOPEN));
}

/* FIN queued and acknowledged? */
static inline bool tcp_pcb_fin_acked(const struct tcp_pcb *pcb)
{
	return (pcb->flags & PCBF_FIN_QUEUED) != 0 && pcb->snd_una == pcb->write_seq + 1;
}

/* RFC 7323 5.5: idle for so long, the peer's clock may have gone half round: ts_recent says nothing
 * any more. */
#define TCP_TS_RECENT_MAX_NS (UINT64_C(24) * 24 * 3600 * 1000000000)

static inline bool tcp_pcb_ts_outdated(const struct tcp_pcb *pcb)
{
	return pcb->stack->now_ns - pcb->ts_recent_ns > TCP_TS_RECENT_MAX_NS;
}

/* One past everything that is to be sent, the FIN included. */
static inline uint32_t tcp_pcb_snd_end(const struct tcp_pcb *pcb)
{
	return pcb->write_seq + ((pcb->flags & PCBF_FIN_QUEUED) != 0);
}

static inline struct tcp_pcb *tcp_pcb_of_flow(struct tcp_flow *f)
{
	return CONTAINER_OF(f, struct tcp_pcb, flow);
}

#endif
