/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP_INFO in the layout and the units of Linux (tcp(7), <linux/tcp.h>): microseconds, segments for
 * windows, bytes for totals. What we do not measure is 0.
 */
#include "tcp/pcb.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

#include <linux/tcp.h>

/* Linux's numbers of the states (include/net/tcp_states.h). */
static const uint8_t linux_state[TCP_STATE_COUNT] = {
	[TCPS_ESTABLISHED] = 1, [TCPS_SYN_SENT] = 2,   [TCPS_SYN_RECEIVED] = 3,
	[TCPS_FIN_WAIT_1] = 4,  [TCPS_FIN_WAIT_2] = 5, [TCPS_TIME_WAIT] = 6,
	[TCPS_CLOSED] = 7,      [TCPS_CLOSE_WAIT] = 8, [TCPS_LAST_ACK] = 9,
	[TCPS_LISTEN] = 10,     [TCPS_CLOSING] = 11,
};

/* TCP_CA_Open, TCP_CA_Recovery, TCP_CA_Loss. */
static const uint8_t linux_ca[] = {
	[TCP_REC_OPEN] = 0,
	[TCP_REC_FAST] = 3,
	[TCP_REC_LOSS] = 4,
};

static uint32_t us(uint64_t ns)
{
	return (uint32_t)min_u64(ns / 1000, UINT32_MAX);
}

static uint32_t ms_since(const struct tcp_pcb *pcb, uint64_t then_ns)
{
	return (uint32_t)min_u64((pcb->stack->now_ns - then_ns) / 1000000, UINT32_MAX);
}

static uint8_t options_of(const struct tcp_pcb *pcb)
{
	return (uint8_t)((pcb->flags & PCBF_TS ? TCPI_OPT_TIMESTAMPS : 0) |
			 (pcb->flags & PCBF_SACK ? TCPI_OPT_SACK : 0) |
			 (pcb->flags & PCBF_WSCALE ? TCPI_OPT_WSCALE : 0) |
			 (pcb->flags & PCBF_SYN_TEXT ? TCPI_OPT_SYN_DATA : 0) |
			 (pcb->flags & PCBF_ECN ? TCPI_OPT_ECN : 0) |
			 (pcb->flags & PCBF_ECN_SEEN ? TCPI_OPT_ECN_SEEN : 0));
}

/* What our SYN said, less the timestamps that take part of each segment. */
static uint32_t our_mss(const struct tcp_pcb *pcb)
{
	uint32_t head = (ipaddr_is_v4(&pcb->flow.remote) ? IP4_HLEN : IP6_HLEN) + TCP_BASE_HLEN;
	uint32_t mss = pcb->dst.mtu > head ? pcb->dst.mtu - head : TCP_MIN_MSS;

	if (pcb->prefs.user_mss)
		mss = min_u32(mss, pcb->prefs.user_mss);
	return pcb->flags & PCBF_TS && mss > TCP_TS_OPT_BYTES ? mss - TCP_TS_OPT_BYTES : mss;
}

static uint32_t rcv_limit(const struct tcp_pcb *pcb)
{
	uint32_t clamp = pcb->prefs.window_clamp;

	return clamp ? min_u32(clamp, pcb->rcv.limit) : pcb->rcv.limit;
}

static void fill_windows(const struct tcp_pcb *pcb, struct tcp_info *out)
{
	uint32_t mss = pcb->mss;

	out->tcpi_snd_wscale = (unsigned char)(pcb->snd_scale & 15u);
	out->tcpi_rcv_wscale = (unsigned char)(pcb->rcv_scale & 15u);
	out->tcpi_snd_mss = mss;
	out->tcpi_rcv_mss = pcb->rcv_mss;
	out->tcpi_advmss = our_mss(pcb);
	out->tcpi_rcv_ssthresh = rcv_limit(pcb);
	out->tcpi_reordering = TCP_DUP_THRESH;
	out->tcpi_pmtu = pcb->dst.mtu;
	out->tcpi_snd_cwnd = pcb->cc.cwnd / mss;
	out->tcpi_snd_ssthresh =
		pcb->cc.ssthresh == TCP_CC_SSTHRESH_MAX ? INT32_MAX : pcb->cc.ssthresh / mss;
	out->tcpi_unacked = (pcb->snd_nxt - pcb->snd_una + mss - 1) / mss;
	out->tcpi_sacked = pcb->sent.sacked_bytes / mss;
	out->tcpi_lost = pcb->sent.lost_bytes / mss;
	out->tcpi_rcv_space =
		pcb->rcv.space ? pcb->rcv.space : min_u32(rcv_limit(pcb), 10 * out->tcpi_advmss);
	out->tcpi_notsent_bytes =
		seq_gt(pcb->write_seq, pcb->snd_nxt) ? pcb->write_seq - pcb->snd_nxt : 0;
	out->tcpi_snd_wnd = pcb->snd_wnd;
}

static void fill_times(const struct tcp_pcb *pcb, struct tcp_info *out)
{
	out->tcpi_rto = us(tcp_rtt_rto_ns(&pcb->rtt));
	out->tcpi_ato = us(TCP_DELACK_NS);
	out->tcpi_rtt = us(pcb->rtt.srtt_ns);
	out->tcpi_rttvar = us(pcb->rtt.rttvar_ns);
	out->tcpi_min_rtt = us(tcp_rtt_min_ns(&pcb->rtt, pcb->stack->now_ns));
	out->tcpi_last_data_sent = ms_since(pcb, pcb->last_data_ns);
	out->tcpi_last_data_recv = ms_since(pcb, pcb->last_text_ns);
	out->tcpi_last_ack_recv = ms_since(pcb, pcb->last_rx_ns);
}

void tcp_info_fill(const struct tcp_pcb *pcb, struct tcp_info *out)
{
	*out = (struct tcp_info){
		.tcpi_state = linux_state[pcb->state],
		.tcpi_ca_state = linux_ca[pcb->recovery],
		.tcpi_retransmits = pcb->rexmits,
		.tcpi_probes = pcb->probes,
		.tcpi_backoff = pcb->rtt.backoff,
		.tcpi_options = options_of(pcb),
		.tcpi_total_retrans = pcb->total_retrans,
		.tcpi_bytes_acked = pcb->bytes_acked,
		.tcpi_bytes_received = pcb->bytes_received,
		.tcpi_bytes_sent = pcb->bytes_sent,
		.tcpi_bytes_retrans = pcb->bytes_retrans,
		.tcpi_segs_out = pcb->segs_out,
		.tcpi_segs_in = pcb->segs_in,
		.tcpi_pacing_rate = pcb->cc.pacing_rate ? pcb->cc.pacing_rate : UINT64_MAX,
		.tcpi_data_segs_in = pcb->text_segs_in,
		.tcpi_data_segs_out = pcb->text_segs_out,
		.tcpi_rcv_ooopack = pcb->ooo_segs_in,
		.tcpi_delivered_ce = pcb->delivered_ce,
	};
	fill_windows(pcb, out);
	fill_times(pcb, out);
}
