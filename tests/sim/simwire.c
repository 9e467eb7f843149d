/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model's view of the wire: what each side has sent and said, and what has arrived at the other
 * one. Frames that arrive damaged count for nothing; so do resets.
 */
#include "simmodel.h"

#include "tcp/isn.h"
#include "tcp/pcb.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/pseudo.h"
#include "wire/tcp.h"

/* A segment on the wire, and who sent it. */
struct simseg {
	struct tcphdr h;
	struct tcpopts o;
	struct view text;
	struct simconn *conn;
	struct simhalf *own, *peer;
	enum simside from;
	uint32_t seq; /* from the sender's ISN */
	uint32_t end;
};

static bool parse_ip(struct view frame, struct ipaddr *src, struct ipaddr *dst, struct view *seg)
{
	struct view ip;
	struct eth e;
	struct ip4 h4;
	struct ip6 h6;

	if (eth_parse(&e, frame) < 0)
		return false;
	ip = view_skip(frame, e.hlen);
	if (e.type == ETHERTYPE_IP4 && ip4_parse(&h4, ip, true) == 0 && h4.proto == PROTO_TCP &&
	    !ip4_is_fragment(&h4)) {
		*seg = ip4_payload(&h4, ip);
		*src = h4.src;
		*dst = h4.dst;
		return true;
	}
	if (e.type == ETHERTYPE_IP6 && ip6_parse(&h6, ip) == 0 && h6.next_header == PROTO_TCP) {
		/* A superpacket may be longer than its length field can tell. */
		*seg = view_first(view_skip(ip, IP6_HLEN), h6.payload_len);
		*src = h6.src;
		*dst = h6.dst;
		return true;
	}
	return false;
}

/* Unfinished checksums are right when they are just that. */
static bool whole(const struct simmodel *m, struct view seg, const struct ipaddr *src,
		  const struct ipaddr *dst, uint16_t field)
{
	if (pseudo_ok(seg, src, dst, PROTO_TCP))
		return true;
	return m->offload && field == pseudo_partial(src, dst, PROTO_TCP, (uint32_t)seg.len);
}

static bool parse_segment(struct simmodel *m, struct view frame, struct simseg *s)
{
	struct ipaddr src, dst;
	struct view v;

	if (!parse_ip(frame, &src, &dst, &v) || tcphdr_parse(&s->h, v) < 0 || s->h.hlen > v.len ||
	    !whole(m, v, &src, &dst, s->h.csum))
		return false;
	tcpopts_parse(&s->o, view_make(v.p + TCP_HLEN, (size_t)s->h.hlen - TCP_HLEN));
	s->text = view_skip(v, s->h.hlen);
	return true;
}

static bool assign(struct simmodel *m, struct simseg *s, enum simside from)
{
	s->from = from;
	s->conn = simmodel_conn(m, from == SIM_CLIENT ? s->h.sport : s->h.dport);
	if (!s->conn)
		return false;
	s->own = &s->conn->half[from];
	s->peer = &s->conn->half[!from];
	s->seq = s->h.seq - s->own->iss;
	s->end = s->seq + (uint32_t)s->text.len + ((s->h.flags & TCP_SYN) != 0) +
		 ((s->h.flags & TCP_FIN) != 0);
	return true;
}

static unsigned scale_of(const struct simconn *c, enum simside side)
{
	bool both = c->half[SIM_CLIENT].has_scale && c->half[SIM_SERVER].has_scale;

	return both ? c->half[side].scale : 0;
}

static uint32_t edge_of(const struct simseg *s)
{
	unsigned scale = s->h.flags & TCP_SYN ? 0 : scale_of(s->conn, s->from);

	return s->h.ack - s->peer->iss + ((uint32_t)s->h.wnd << scale);
}

#define BREAK(m, rule, s, fmt, ...) \
	simmodel_break(m, SIMRULE_##rule, "port %u, %s, seq %u..%u ack %u: " fmt, \
		       (unsigned)(20000 + ((s)->conn - (m)->conn)), \
		       (s)->from == SIM_CLIENT ? "client" : "server", (s)->seq, (s)->end, \
		       (s)->h.ack - (s)->peer->iss, __VA_ARGS__)

/* ---- sent ---- */

static void sent_syn(struct simseg *s)
{
	struct simhalf *own = s->own;

	if (own->syn && own->iss == s->h.seq)
		return;
	if (own->syn)
		s->conn->odd = true;
	own->syn = true;
	own->iss = s->h.seq;
	own->mss = s->o.present & TCPOPTS_MSS ? s->o.mss : 536;
	own->has_scale = (s->o.present & TCPOPTS_WSCALE) != 0;
	own->scale = s->o.wscale;
	own->has_ts = (s->o.present & TCPOPTS_TS) != 0;
	own->tsval_sent = s->o.tsval;
	s->seq = 0;
	s->end = 1 + (uint32_t)s->text.len;
}

static void check_text(struct simmodel *m, const struct simseg *s)
{
	const struct simend *e = &m->app[s->from]->end[s->conn - m->conn];
	size_t last = s->text.len - 1;

	if (s->text.p[0] != simapp_byte(e->pattern_out, s->seq - 1) ||
	    s->text.p[last] != simapp_byte(e->pattern_out, s->seq - 1 + last))
		BREAK(m, BYTES, s, "%zu bytes", s->text.len);
	/* A tiny MSS is a way to make the sender work (CVE-2019-11479): there is a floor. */
	if (!m->offload && s->text.len > max_u32(s->peer->mss, TCP_MIN_MSS))
		BREAK(m, SEGMENT_SIZE, s, "%zu bytes, MSS %u", s->text.len, s->peer->mss);
}

/* Packets were lost between TCP and the wire: no buffer, no neighbour. */
static bool lost_below(const struct simmodel *m, enum simside side)
{
	return simmodel_lost_below(m->app[side]->stack) != m->lost_below[side];
}

/* It was made some time ago and has waited below TCP, as for a neighbour's answer. */
static bool waited(const struct simmodel *m, const struct simseg *s)
{
	uint32_t clock = tcp_ts_clock(m->app[s->from]->stack);

	return (s->o.present & TCPOPTS_TS) && s->o.tsval - clock != s->own->ts_skew;
}

static void learn_skew(const struct simmodel *m, struct simseg *s)
{
	uint32_t skew = s->o.tsval - tcp_ts_clock(m->app[s->from]->stack);

	if ((s->o.present & TCPOPTS_TS) &&
	    (s->own->sent_end == 0 || (int32_t)(skew - s->own->ts_skew) > 0))
		s->own->ts_skew = skew;
}

/* Numbers that take room: they must follow on, be wanted, and fit the window. */
static void check_sequence(struct simmodel *m, const struct simseg *s)
{
	const struct simhalf *own = s->own;

	/* A gap is what a lack of buffers lost on the way down. */
	if ((int32_t)(s->seq - own->sent_end) > 0 && !lost_below(m, s->from))
		BREAK(m, SEQUENCE, s, "%u was sent so far", own->sent_end);
	if (s->end == s->seq || (s->h.flags & TCP_SYN))
		return;
	if ((int32_t)s->seq < 1)
		BREAK(m, SEQUENCE, s, "%s", "text before the first byte");
	if ((int32_t)(s->end - own->ack_counts) <= 0 && !waited(m, s))
		BREAK(m, USELESS, s, "%u is acknowledged", own->ack_counts);
	if ((int32_t)(s->end - own->edge_seen) > 0)
		BREAK(m, WINDOW, s, "the window ends at %u", own->edge_seen);
	if (s->text.len > 0 && (int32_t)s->seq >= 1)
		check_text(m, s);
}

static void check_sack(struct simmodel *m, const struct simseg *s)
{
	for (unsigned i = 0; i < s->o.n_sack; i++) {
		uint32_t from = s->o.sack[i].start - s->peer->iss;
		uint32_t to = s->o.sack[i].end - s->peer->iss;
		bool below = (int32_t)(from - (s->h.ack - s->peer->iss)) < 0;

		/* Only the first may speak of what is acknowledged already (RFC 2883 4). */
		if ((int32_t)(to - from) <= 0 || !simset_has(&s->peer->got, from, to) ||
		    (below && i > 0))
			BREAK(m, SACK_SENT, s, "block %u is %u..%u", i, from, to);
	}
}

static void check_ack(struct simmodel *m, const struct simseg *s)
{
	uint32_t ack = s->h.ack - s->peer->iss, edge = edge_of(s);
	uint32_t have = simset_prefix(&s->peer->got);
	struct simhalf *own = s->own;

	if (!s->peer->syn)
		return;
	if ((int32_t)(ack - have) > 0)
		BREAK(m, ACK, s, "%u have arrived", have);
	if ((int32_t)(ack - own->ack_sent) < 0)
		BREAK(m, ACK_BACK, s, "it was %u", own->ack_sent);
	/* Behind a FIN nothing comes that a window could be for. */
	if ((int32_t)(edge - own->edge_sent) < 0 && !(s->peer->fin && ack == s->peer->sent_end))
		BREAK(m, SHRINK, s, "from %u to %u", own->edge_sent, edge);
	own->ack_sent = ack;
	own->edge_sent = edge;
	check_sack(m, s);
}

static void check_ts(struct simmodel *m, const struct simseg *s)
{
	struct simhalf *own = s->own;

	if (!(s->o.present & TCPOPTS_TS) || (s->h.flags & TCP_SYN))
		return;
	if ((int32_t)(s->o.tsval - own->tsval_sent) < 0)
		BREAK(m, TIMESTAMP, s, "tsval %u after %u", s->o.tsval, own->tsval_sent);
	if (own->ts_seen && (int32_t)(s->o.tsecr - own->tsval_seen) > 0)
		BREAK(m, TIMESTAMP, s, "tsecr %u, at most %u was received", s->o.tsecr,
		      own->tsval_seen);
	own->tsval_sent = s->o.tsval;
}

static void sent(struct simmodel *m, struct simseg *s)
{
	if (s->h.flags & TCP_RST) {
		s->conn->rst = true;
		return;
	}
	if (s->h.flags & TCP_SYN)
		sent_syn(s);
	if (!s->own->syn || s->conn->odd)
		return;
	learn_skew(m, s);
	check_sequence(m, s);
	if (s->h.flags & TCP_ACK)
		check_ack(m, s);
	check_ts(m, s);
	if (s->end != s->seq && (int32_t)(s->end - s->own->sent_end) > 0)
		s->own->sent_end = s->end;
	if (s->h.flags & TCP_FIN)
		s->own->fin = true;
}

/* ---- arrived ---- */

static void arrived(struct simseg *s)
{
	struct simhalf *to = s->peer; /* what the receiver of this segment sends */
	uint32_t ack = s->h.ack - to->iss;
	/* What is dropped as old says nothing by its ACK field either (RFC 9293 3.10.7.4 first). */
	bool counts = s->end >= simset_prefix(&s->own->got) &&
		      (!to->ts_seen || (int32_t)(s->o.tsval - to->tsval_seen) >= 0);

	if ((s->h.flags & TCP_RST) || !s->own->syn)
		return;
	simset_add(&s->own->got, s->seq, s->end);
	if (s->o.present & TCPOPTS_TS &&
	    (!to->ts_seen || (int32_t)(s->o.tsval - to->tsval_seen) > 0)) {
		to->tsval_seen = s->o.tsval;
		to->ts_seen = true;
	}
	if (!(s->h.flags & TCP_ACK) || !to->syn || (int32_t)(ack - to->sent_end) > 0)
		return;
	if ((int32_t)(ack - to->ack_seen) > 0)
		to->ack_seen = ack;
	if (counts && (int32_t)(ack - to->ack_counts) > 0)
		to->ack_counts = ack;
	if ((int32_t)(edge_of(s) - to->edge_seen) > 0)
		to->edge_seen = edge_of(s);
}

void simwire_event(void *arg, const struct sim_report *r)
{
	struct simtap *tap = arg;
	enum simside from = r->dir == SIM_AB ? SIM_CLIENT : SIM_SERVER;
	bool at_sender = from == SIM_CLIENT ? tap->has_client : tap->has_server;
	bool at_receiver = from == SIM_CLIENT ? tap->has_server : tap->has_client;
	struct simmodel *m = tap->model;
	struct simseg s;

	if (!(r->event == SIM_SENT && at_sender) && !(r->event == SIM_DELIVERED && at_receiver))
		return;
	if (m->broken || !parse_segment(m, r->frame, &s) || !assign(m, &s, from))
		return;
	m->n_segments++;
	if (r->event == SIM_SENT)
		sent(m, &s);
	else if (!s.conn->odd)
		arrived(&s);
}
