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

static void set_mss(struct tcp_pcb *pcb, int64_t v)
{
	pcb->user_mss = (uint32_t)v;
	if (pcb->state != TCPS_CLOSED)
		tcp_pcb_update_mss(pcb);
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
		set_flag(pcb, PCBF_QUICKACK, v);
		if (v && (pcb->flags & PCBF_ACK_LATER))
			tcp_ack_now(pcb);
		break;
	case TCP_OPT_KEEPALIVE:
		set_flag(pcb, PCBF_KEEPALIVE, v);
		tcp_timer_keep(pcb);
		break;
	case TCP_OPT_KEEPIDLE_S:
		pcb->keep_idle_s = (uint32_t)v;
		tcp_timer_keep(pcb);
		break;
	case TCP_OPT_KEEPINTVL_S:
		pcb->keep_intvl_s = (uint32_t)v;
		break;
	case TCP_OPT_KEEPCNT:
		pcb->keep_cnt = (uint8_t)v;
		break;
	case TCP_OPT_MAXSEG:
		set_mss(pcb, v);
		break;
	case TCP_OPT_USER_TIMEOUT_MS:
		pcb->user_timeout_ms = (uint32_t)v;
		break;
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
	case TCP_OPT_TOS:
		pcb->tos = (uint8_t)v;
		break;
	case TCP_OPT_TTL:
		pcb->ttl = (uint8_t)v;
		break;
	case TCP_OPT_COUNT:
		break;
	}
	return 0;
}

static int64_t get(const struct tcp_pcb *pcb, enum tcp_opt opt)
{
	switch (opt) {
	case TCP_OPT_NODELAY:
		return (pcb->flags & PCBF_NODELAY) != 0;
	case TCP_OPT_CORK:
		return (pcb->flags & PCBF_CORK) != 0;
	case TCP_OPT_QUICKACK:
		return (pcb->flags & PCBF_QUICKACK) != 0;
	case TCP_OPT_KEEPALIVE:
		return (pcb->flags & PCBF_KEEPALIVE) != 0;
	case TCP_OPT_KEEPIDLE_S:
		return pcb->keep_idle_s;
	case TCP_OPT_KEEPINTVL_S:
		return pcb->keep_intvl_s;
	case TCP_OPT_KEEPCNT:
		return pcb->keep_cnt;
	case TCP_OPT_MAXSEG:
		/* tcp(7): what was asked for, until the peer and the path have had their say. */
		return tcp_pcb_synchronised(pcb) || !pcb->user_mss ? pcb->mss : pcb->user_mss;
	case TCP_OPT_USER_TIMEOUT_MS:
		return pcb->user_timeout_ms;
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

void tcp_opts_inherit(struct tcp_pcb *to, const struct tcp_pcb *from)
{
	struct tcp_prefs p;

	tcp_prefs_get(from, &p);
	tcp_prefs_set(to, &p);
	if (to->state != TCPS_CLOSED)
		tcp_pcb_update_mss(to);
	tcp_timer_keep(to);
}
