/* SPDX-License-Identifier: BSD-2-Clause */
/* Black-hole detection and probing of the path MTU (RFC 4821 7, RFC 8899 4.3). See pmtud.h. */
#include "tcp/pmtud.h"

#include "tcp/output.h"
#include "tcp/pace.h"
#include "tcp/recovery.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

/* Close enough: a search ends when less than this is to be gained. */
#define WORTH 8u
/* Segments behind a probe, so that its loss is found without a timeout (RFC 4821 7.4). */
#define BEHIND 3u
#define S_NS   UINT64_C(1000000000)

static uint16_t whole_path(const struct tcp_pcb *pcb)
{
	uint32_t mss = min_u32(tcp_pcb_path_mss(pcb), UINT16_MAX);

	return (uint16_t)mss;
}

/* What every way takes: IPv6 says so (RFC 8200 5), and of IPv4 we assume it when ICMP speaks too.
 * Below that, silence has other reasons than the size. */
#define LEAST4 (552u - IP4_HLEN - TCP_BASE_HLEN)
#define LEAST6 (IP6_MIN_MTU - IP6_HLEN - TCP_BASE_HLEN)

static void search_from(struct tcp_pcb *pcb, uint32_t low)
{
	uint32_t least = ipaddr_is_v4(&pcb->flow.remote) ? LEAST4 : LEAST6;

	least = max_u32(least, pcb->stack->tcp->limits.mtu_probe_floor);
	pcb->pmtud.low = (uint16_t)min_u32(max_u32(low, least), whole_path(pcb));
	pcb->pmtud.high = whole_path(pcb);
	pcb->pmtud.probe = 0;
	tcp_pcb_update_mss(pcb);
}

void tcp_pmtud_start(struct tcp_pcb *pcb)
{
	const struct tcp_limits *lim = &pcb->stack->tcp->limits;

	if (lim->mtu_probing == TCP_PMTUD_ALWAYS)
		search_from(pcb, lim->base_mss);
}

void tcp_pmtud_doubt(struct tcp_pcb *pcb)
{
	const struct tcp_limits *lim = &pcb->stack->tcp->limits;
	struct tcp_pmtud *d = &pcb->pmtud;
	uint32_t low = d->low ? min_u32(d->low / 2, lim->base_mss) : lim->base_mss;
	uint16_t mss = pcb->mss;

	if (lim->mtu_probing == TCP_PMTUD_OFF)
		return;
	search_from(pcb, low);
	pcb->stack->tcp->cnt.pmtu_doubted += pcb->mss < mss;
	/* Whatever ails the way, not at once again. */
	d->again_ns = pcb->stack->now_ns + lim->probe_interval_s * S_NS;
}

/* Our options take part of what TCP_MAXSEG counts. */
static uint32_t options_of(const struct tcp_pcb *pcb)
{
	return pcb->flags & PCBF_TS ? TCP_TS_OPT_BYTES : 0;
}

int tcp_pmtud_probe(struct tcp_pcb *pcb, uint32_t avail, uint32_t room)
{
	struct tcp_pmtud *d = &pcb->pmtud;
	uint32_t high = min_u32(d->high, whole_path(pcb));
	uint32_t size = (d->low + high + 1u) / 2 - options_of(pcb);
	struct tcp_emit e = {.seq = pcb->snd_nxt, .len = size, .tcp_flags = TCP_ACK};
	int n;

	if (d->probe || high < d->low + WORTH || pcb->stack->now_ns < d->again_ns ||
	    pcb->recovery != TCP_REC_OPEN || min_u32(avail, room) < size + BEHIND * pcb->mss ||
	    !tcp_pace_ready(pcb))
		return 0;
	e.how = TCP_EMIT_WHOLE;
	n = tcp_emit(pcb, &e);
	/* Fewer when buffers are short: that tries nothing. */
	if (n < (int)size)
		return n < 0 ? n : 0;
	pcb->stack->tcp->cnt.pmtu_probes++;
	d->probe = (uint16_t)n;
	d->end = e.seq + (uint32_t)n;
	d->again = 0;
	d->others = false;
	return 0;
}

void tcp_pmtud_on_rexmit(struct tcp_pcb *pcb, uint32_t seq, uint32_t end)
{
	struct tcp_pmtud *d = &pcb->pmtud;
	uint32_t from = seq_max(seq, d->end - d->probe);
	uint32_t to = seq_min(end, d->end);

	if (seq_lt(from, to))
		d->again += to - from;
	if (seq_lt(seq, d->end - d->probe) || seq_gt(end, d->end))
		d->others = true;
}

void tcp_pmtud_on_ack(struct tcp_pcb *pcb)
{
	struct tcp_pmtud *d = &pcb->pmtud;
	uint32_t size = d->probe + options_of(pcb);

	if (seq_lt(pcb->snd_una, d->end))
		return;
	if (d->again == 0) {
		d->low = (uint16_t)size;
		d->probe = 0;
		tcp_pcb_update_mss(pcb);
		pcb->stack->tcp->cnt.pmtu_raised++;
		return;
	}
	d->high = (uint16_t)(size - 1);
	/* Nothing but the probe was lost: that is its size, not congestion (RFC 4821 7.7). */
	if (!d->others)
		tcp_recovery_forgive(pcb);
	d->probe = 0;
	if (d->high < d->low + WORTH) {
		d->again_ns = pcb->stack->now_ns + pcb->stack->tcp->limits.probe_interval_s * S_NS;
		d->high = whole_path(pcb);
	}
}
