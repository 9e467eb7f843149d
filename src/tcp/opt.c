/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of a connection: ranges from the table in tcp.h, and what each does. Called by the socket
 * layer, in any state.
 */
#include "tcp/output.h"
#include "tcp/pcb.h"

#include <errno.h>

struct range {
	int64_t lo, hi;
};

static const struct range ranges[TCP_OPT_COUNT] = {
#define X(id, low, high) [TCP_OPT_##id] = {low, high},
	TCP_OPT_TABLE(X)
#undef X
};

static void set_flag(struct tcp_pcb *pcb, uint64_t flag, int64_t on)
{
	pcb->flags = on ? pcb->flags | flag : pcb->flags & ~flag;
}

static void send_held(struct tcp_pcb *pcb)
{
	if (tcp_pcb_synchronised(pcb) && pcb->snd_nxt != tcp_pcb_snd_end(pcb))
		tcp_output_later(pcb);
}

#define MAXSEG_MIN 88 /* Linux's TCP_MIN_MSS */

static int set_mss(struct tcp_pcb *pcb, int64_t v)
{
	if (v != 0 && v < MAXSEG_MIN)
		return -EINVAL;
	pcb->prefs.user_mss = (uint32_t)v;
	if (pcb->state != TCPS_CLOSED)
		tcp_pcb_update_mss(pcb);
	return 0;
}

/* Not a lasting mode (tcp(7)): the next answer ends it again. */
static void set_quickack(struct tcp_pcb *pcb, int64_t v)
{
	if (v == 0) {
		pcb->flags |= PCBF_PINGPONG;
		return;
	}
	pcb->flags &= ~PCBF_PINGPONG;
	pcb->quickacks = TCP_QUICKACKS;
	if (pcb->flags & PCBF_ACK_LATER)
		tcp_ack_now(pcb);
	if (v % 2 == 0)
		pcb->flags |= PCBF_PINGPONG;
}

#define WINDOW_CLAMP_MIN 1152u /* half of Linux's SOCK_MIN_RCVBUF */

static int set_window_clamp(struct tcp_pcb *pcb, int64_t v)
{
	if (v == 0 && pcb->state != TCPS_CLOSED)
		return -EINVAL;
	pcb->prefs.window_clamp = v ? max_u32((uint32_t)v, WINDOW_CLAMP_MIN) : 0;
	return 0;
}

#define LINGER2_MAX_S 120

static void set_linger2(struct tcp_pcb *pcb, int64_t v)
{
	pcb->prefs.linger2_s = v < 0 ? -1 : v > LINGER2_MAX_S ? LINGER2_MAX_S : (int32_t)v;
}

/* Linux keeps seconds as a number of SYN-ACKs, sent again after 1, 2, 4 ... 120 s. */
static uint32_t defer_period_s(unsigned n)
{
	uint32_t period = 0, wait = 1;

	for (unsigned i = 0; i < n; i++) {
		period += wait;
		wait = min_u32(2 * wait, 120);
	}
	return period;
}

static void set_defer_accept(struct tcp_pcb *pcb, int64_t v)
{
	unsigned n = 0;

	while (n < UINT8_MAX && v > (int64_t)defer_period_s(n))
		n++;
	pcb->prefs.defer_accept = (uint8_t)n;
}

/* Options that are only looked at when their time comes. */
static void set_number(struct tcp_pcb *pcb, enum tcp_opt opt, int64_t v)
{
	struct tcp_prefs *p = &pcb->prefs;

	if (opt == TCP_OPT_KEEPINTVL_S)
		p->keep_intvl_s = (uint32_t)v;
	else if (opt == TCP_OPT_KEEPCNT)
		p->keep_cnt = (uint8_t)v;
	else if (opt == TCP_OPT_USER_TIMEOUT_MS)
		p->user_timeout_ms = (uint32_t)v;
	else if (opt == TCP_OPT_NOTSENT_LOWAT)
		p->notsent_lowat = (uint32_t)v;
	else if (opt == TCP_OPT_SYNCNT)
		p->syn_cnt = (uint8_t)v;
	else if (opt == TCP_OPT_FASTOPEN)
		p->fastopen_qlen = (uint32_t)v;
	else if (opt == TCP_OPT_LINGER2_S)
		set_linger2(pcb, v);
	else if (opt == TCP_OPT_TOS)
		pcb->tos = (uint8_t)v;
	else if (opt == TCP_OPT_TTL)
		pcb->ttl = (uint8_t)v;
}

int tcp_opt_set(struct tcp_pcb *pcb, enum tcp_opt opt, int64_t v)
{
	if (opt >= TCP_OPT_COUNT)
		return -ENOPROTOOPT;
	if (v < ranges[opt].lo || v > ranges[opt].hi)
		return -EINVAL;
	switch (opt) {
	case TCP_OPT_NODELAY:
		set_flag(pcb, PCBF_NODELAY, v);
		/* tcp(7): setting it flushes what is held, TCP_CORK or not. */
		if (v && pcb->snd_nxt != pcb->write_seq)
			pcb->flags |= PCBF_OVERRIDE;
		send_held(pcb);
		break;
	case TCP_OPT_CORK:
		set_flag(pcb, PCBF_CORK, v);
		send_held(pcb);
		break;
	case TCP_OPT_QUICKACK:
		set_quickack(pcb, v);
		break;
	case TCP_OPT_KEEPALIVE:
		set_flag(pcb, PCBF_KEEPALIVE, v);
		tcp_timer_keep(pcb);
		break;
	case TCP_OPT_KEEPIDLE_S:
		pcb->prefs.keep_idle_s = (uint32_t)v;
		tcp_timer_keep(pcb);
		break;
	case TCP_OPT_MAXSEG:
		return set_mss(pcb, v);
	case TCP_OPT_DEFER_ACCEPT_S:
		set_defer_accept(pcb, v);
		break;
	case TCP_OPT_WINDOW_CLAMP:
		return set_window_clamp(pcb, v);
	case TCP_OPT_OOBINLINE:
		set_flag(pcb, PCBF_OOBINLINE, v);
		break;
	case TCP_OPT_FASTOPEN_CONNECT:
		set_flag(pcb, PCBF_FASTOPEN_CONNECT, v);
		break;
	case TCP_OPT_TIMESTAMP:
		return -EPERM;
	case TCP_OPT_SNDBUF:
		pcb->snd.limit = (uint32_t)min_u64((uint64_t)v, TCP_BUF_MAX);
		pcb->flags |= PCBF_SNDBUF_SET;
		break;
	case TCP_OPT_RCVBUF:
		pcb->rcv.limit = (uint32_t)min_u64((uint64_t)v, TCP_BUF_MAX);
		pcb->flags |= PCBF_RCVBUF_SET;
		break;
	case TCP_OPT_CONGESTION:
		return tcp_pcb_set_cc(pcb, (enum tcp_cc_kind)v);
	case TCP_OPT_KEEPINTVL_S:
	case TCP_OPT_KEEPCNT:
	case TCP_OPT_USER_TIMEOUT_MS:
	case TCP_OPT_NOTSENT_LOWAT:
	case TCP_OPT_SYNCNT:
	case TCP_OPT_FASTOPEN:
	case TCP_OPT_LINGER2_S:
	case TCP_OPT_TOS:
	case TCP_OPT_TTL:
		set_number(pcb, opt, v);
		break;
	case TCP_OPT_COUNT:
		break;
	}
	return 0;
}

static int64_t get(const struct tcp_pcb *pcb, enum tcp_opt opt)
{
	const struct tcp_limits *lim = &pcb->stack->tcp->limits;

	switch (opt) {
	case TCP_OPT_NODELAY:
		return (pcb->flags & PCBF_NODELAY) != 0;
	case TCP_OPT_CORK:
		return (pcb->flags & PCBF_CORK) != 0;
	case TCP_OPT_QUICKACK:
		return (pcb->flags & PCBF_PINGPONG) == 0;
	case TCP_OPT_KEEPALIVE:
		return (pcb->flags & PCBF_KEEPALIVE) != 0;
	case TCP_OPT_KEEPIDLE_S:
		return pcb->prefs.keep_idle_s;
	case TCP_OPT_KEEPINTVL_S:
		return pcb->prefs.keep_intvl_s;
	case TCP_OPT_KEEPCNT:
		return pcb->prefs.keep_cnt;
	case TCP_OPT_MAXSEG:
		/* tcp(7): what was asked for, until the peer and the path have had their say. */
		return tcp_pcb_synchronised(pcb) || !pcb->prefs.user_mss ? pcb->mss
									 : pcb->prefs.user_mss;
	case TCP_OPT_USER_TIMEOUT_MS:
		return pcb->prefs.user_timeout_ms;
	case TCP_OPT_DEFER_ACCEPT_S:
		return defer_period_s(pcb->prefs.defer_accept);
	case TCP_OPT_NOTSENT_LOWAT:
		return pcb->prefs.notsent_lowat;
	case TCP_OPT_LINGER2_S:
		return pcb->prefs.linger2_s ? (int64_t)pcb->prefs.linger2_s
					    : (int64_t)lim->fin_timeout_s;
	case TCP_OPT_SYNCNT:
		return pcb->prefs.syn_cnt ? pcb->prefs.syn_cnt : lim->syn_retries;
	case TCP_OPT_WINDOW_CLAMP:
		return pcb->prefs.window_clamp;
	case TCP_OPT_OOBINLINE:
		return (pcb->flags & PCBF_OOBINLINE) != 0;
	case TCP_OPT_FASTOPEN:
		return pcb->prefs.fastopen_qlen;
	case TCP_OPT_FASTOPEN_CONNECT:
		return (pcb->flags & PCBF_FASTOPEN_CONNECT) != 0;
	case TCP_OPT_TIMESTAMP:
		return tcp_ts_clock(pcb->stack) + pcb->ts_off;
	case TCP_OPT_SNDBUF:
		return pcb->snd.limit;
	case TCP_OPT_RCVBUF:
		return pcb->rcv.limit;
	case TCP_OPT_CONGESTION:
		return pcb->cc.kind;
	case TCP_OPT_TOS:
		return pcb->tos;
	case TCP_OPT_TTL:
		return pcb->ttl;
	case TCP_OPT_COUNT:
		break;
	}
	return 0;
}

int tcp_opt_get(const struct tcp_pcb *pcb, enum tcp_opt opt, int64_t *value)
{
	if (opt >= TCP_OPT_COUNT)
		return -ENOPROTOOPT;
	*value = get(pcb, opt);
	return 0;
}
