/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Software GRO. Within a burst, the segments of a flow that follow each other are chained into one
 * superpacket when cutting it again gives the same packets: equal IP and TCP headers with equal
 * options (so equal timestamps, acknowledgement and window), no flags but ACK and PSH, full
 * segments but for the last, PSH on the last only. Linux's GRO has the same rules. Nothing waits
 * for the next burst, so there is no delay and no state between bursts.
 *
 * Called by link input on the worker's thread; the packets stay the burst's.
 */
#include "link/gro.h"

#include "base/bits.h"
#include "base/csum.h"
#include "base/hash.h"
#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/pseudo.h"
#include "wire/tcp.h"

#include <string.h>

#define GRO_FLOWS    64u /* open at a time; a further one takes the place of another */
#define GRO_SEGS     64u /* buffers in a superpacket */
#define GRO_MAX      65535u

#define OFF_SPORT    0
#define TCP_FLAGS_OK ((unsigned)TCP_ACK | TCP_PSH)

/* A TCP segment with data that could be merged. */
struct seg {
	struct mbuf *m;
	uint8_t *l3, *l4;
	uint16_t l3_len, l4_len; /* of the headers */
	uint16_t size;           /* payload of each wire segment */
	uint8_t iface;
	bool v6;
	bool psh;
	bool verified; /* every checksum is right */
	uint32_t seq;
	uint32_t payload; /* all of it */
};

/* A segment that others may be merged into. */
struct flow {
	struct seg head;
	struct mbuf *last; /* its last buffer */
	uint32_t next_seq;
	uint16_t merged; /* packets taken in; 0: the head is as it came */
	bool open;       /* one more may follow */
};

struct gro {
	struct flow flows[GRO_FLOWS];
	uint64_t used; /* which of flows */
};

/* ---- is it a candidate? ---- */

static bool parse_ip4(struct seg *g, struct mbuf *m)
{
	uint8_t *p = mbuf_data(m);
	uint32_t total;

	if (mbuf_seg_len(m) < IP4_HLEN + TCP_HLEN || p[0] != 0x45 || p[IP4_OFF_PROTO] != PROTO_TCP)
		return false;
	/* More fragments, an offset, or the reserved bit: no. */
	if ((load_be16(p + IP4_OFF_FRAG) & 0xbfff) != 0)
		return false;
	total = load_be16(p + IP4_OFF_TOTAL_LEN);
	if (total < IP4_HLEN + TCP_HLEN || total > mbuf_len(m))
		return false;
	g->l3_len = IP4_HLEN;
	g->payload = total - IP4_HLEN;
	return true;
}

static bool parse_ip6(struct seg *g, struct mbuf *m)
{
	uint8_t *p = mbuf_data(m);

	if (mbuf_seg_len(m) < IP6_HLEN + TCP_HLEN || p[0] >> 4 != 6 || p[IP6_OFF_NEXT] != PROTO_TCP)
		return false;
	g->payload = load_be16(p + IP6_OFF_PAYLOAD_LEN);
	if (g->payload < TCP_HLEN || IP6_HLEN + g->payload > mbuf_len(m))
		return false;
	g->l3_len = IP6_HLEN;
	return true;
}

static bool parse_tcp(struct seg *g, const struct mbuf *m)
{
	uint8_t flags = g->l4[TCP_OFF_FLAGS];

	g->l4_len = (uint16_t)((g->l4[TCP_OFF_DOFF] >> 4) * 4);
	if (g->l4_len < TCP_HLEN || (g->l4[TCP_OFF_DOFF] & 0x0f) != 0)
		return false;
	/* An empty segment is an acknowledgement on its own: the sender counts them. */
	if (g->payload <= g->l4_len || mbuf_seg_len(m) < (uint32_t)g->l3_len + g->l4_len)
		return false;
	if ((flags & ~TCP_FLAGS_OK) != 0 || (flags & TCP_ACK) == 0)
		return false;
	g->payload -= g->l4_len;
	g->psh = (flags & TCP_PSH) != 0;
	g->seq = load_be32(g->l4 + TCP_OFF_SEQ);
	return true;
}

enum verdict {
	GRO_OTHER,   /* no TCP that we would merge anything with */
	GRO_BARRIER, /* of a flow, but not to be merged: what follows must not pass it */
	GRO_SEGMENT,
};

static enum verdict seg_parse(struct seg *g, const struct link_pkt *p)
{
	struct mbuf *m = p->m;

	*g = (struct seg){.m = m, .iface = p->iface, .v6 = p->type == ETHERTYPE_IP6};
	if (p->type == ETHERTYPE_IP4 ? !parse_ip4(g, m) : !g->v6 || !parse_ip6(g, m))
		return GRO_OTHER;
	g->l3 = mbuf_data(m);
	g->l4 = g->l3 + g->l3_len;
	if (!parse_tcp(g, m) || m->meta.l2_flags != 0)
		return GRO_BARRIER;
	g->size = m->meta.gso_size ? m->meta.gso_size : (uint16_t)g->payload;
	if (m->meta.gso_size && m->meta.gso_type != (g->v6 ? MBUF_GSO_TCP6 : MBUF_GSO_TCP4))
		return GRO_BARRIER;
	return GRO_SEGMENT;
}

/* ---- may it be merged? ---- */

static bool same_flow(const struct seg *a, const struct seg *b)
{
	size_t off = a->v6 ? IP6_OFF_SRC : IP4_OFF_SRC;

	return a->v6 == b->v6 && a->iface == b->iface &&
	       load_native32(a->l4 + OFF_SPORT) == load_native32(b->l4 + OFF_SPORT) &&
	       memcmp(a->l3 + off, b->l3 + off, a->v6 ? 32 : 8) == 0;
}

/* All that a cut would copy from the head into every segment. */
static bool same_headers(const struct flow *f, const struct seg *g)
{
	const uint8_t *a = f->head.l3, *b = g->l3;
	const uint8_t *ta = f->head.l4, *tb = g->l4;

	if (f->head.l4_len != g->l4_len || memcmp(ta + TCP_OFF_ACK, tb + TCP_OFF_ACK, 4) != 0 ||
	    memcmp(ta + TCP_OFF_WND, tb + TCP_OFF_WND, 2) != 0 ||
	    memcmp(ta + TCP_HLEN, tb + TCP_HLEN, (size_t)g->l4_len - TCP_HLEN) != 0)
		return false;
	if (g->v6) /* version, class, flow label; hop limit */
		return load_native32(a) == load_native32(b) && a[IP6_OFF_HOPS] == b[IP6_OFF_HOPS];
	if (a[IP4_OFF_TOS] != b[IP4_OFF_TOS] || a[IP4_OFF_TTL] != b[IP4_OFF_TTL] ||
	    load_native16(a + IP4_OFF_FRAG) != load_native16(b + IP4_OFF_FRAG))
		return false;
	/* Under DF the identification means nothing (RFC 6864 4.1). */
	if ((load_be16(a + IP4_OFF_FRAG) & 0x4000) != 0)
		return true;
	return (uint16_t)(load_be16(a + IP4_OFF_ID) +
			  (f->head.payload + f->head.size - 1) / f->head.size) ==
	       load_be16(b + IP4_OFF_ID);
}

/* A header without options: five words. */
static bool ip4_csum_ok(const uint8_t *h)
{
	uint32_t sum = load_native32(h);

	for (unsigned i = 4; i < IP4_HLEN; i += 4)
		sum = csum_add(sum, load_native32(h + i));
	return csum_fold(sum) == 0;
}

static bool csum_ok(const struct seg *g)
{
	uint32_t len = (uint32_t)g->l4_len + g->payload, sum;

	if (!g->v6 && !ip4_csum_ok(g->l3))
		return false;
	if (g->m->meta.csum != MBUF_CSUM_NONE)
		return true;
	sum = csum_add_u16(csum_add_u16(0, PROTO_TCP), (uint16_t)len);
	sum = g->v6 ? csum_partial(g->l3 + IP6_OFF_SRC, 32, sum)
		    : csum_partial(g->l3 + IP4_OFF_SRC, 8, sum);
	return csum_fold(mbuf_csum(g->m, g->l3_len, len, sum)) == 0;
}

static bool seg_verify(struct seg *g)
{
	if (g->verified)
		return true;
	g->verified = csum_ok(g);
	/* Also when it is not merged after all: then nobody sums it up again. */
	if (g->verified && g->m->meta.csum == MBUF_CSUM_NONE)
		g->m->meta.csum = MBUF_CSUM_GOOD;
	return g->verified;
}

static bool may_merge(struct flow *f, struct seg *g)
{
	uint32_t len = f->head.l3_len + f->head.l4_len + f->head.payload + g->payload;

	if (!f->open || g->seq != f->next_seq || len > GRO_MAX)
		return false;
	if (f->head.m->rte.nb_segs + g->m->rte.nb_segs > GRO_SEGS)
		return false;
	/* The head's headers are rewritten. */
	if (f->merged == 0 && !mbuf_writable(f->head.m))
		return false;
	if (g->m->meta.gso_size ? g->size != f->head.size : g->size > f->head.size)
		return false;
	return same_headers(f, g) && seg_verify(&f->head) && seg_verify(g);
}

/* ---- merge ---- */

static void flow_open(struct flow *f, const struct seg *g)
{
	f->head = *g;
	f->merged = 0;
	f->next_seq = g->seq + g->payload;
	f->open = !g->psh && g->payload % g->size == 0;
	f->last = NULL;
}

static void merge(struct flow *f, const struct seg *g)
{
	struct mbuf *head = f->head.m, *m = g->m;
	uint32_t hdr = (uint32_t)g->l3_len + g->l4_len;

	if (!f->last) {
		mbuf_trim_to(head, f->head.l3_len + f->head.l4_len + f->head.payload);
		for (f->last = head; mbuf_seg_next(f->last);)
			f->last = mbuf_seg_next(f->last);
	}
	if (g->psh)
		f->head.l4[TCP_OFF_FLAGS] |= TCP_PSH;
	mbuf_trim_to(m, hdr + g->payload); /* Ethernet's padding */
	mbuf_trim_head(m, hdr);
	mbuf_shed_head(&m);
	f->last = mbuf_join_at(head, f->last, mbuf_own_of(m));
	f->head.payload += g->payload;
	f->next_seq += g->payload;
	f->merged++;
	f->open = !g->psh && g->payload % f->head.size == 0;
}

/* Make the head of a merge a superpacket: lengths, checksums, metadata. */
static void flow_close(struct link_counters *cnt, struct flow *f)
{
	struct seg *g = &f->head;
	struct mbuf_meta *meta = &g->m->meta;
	uint32_t len = g->l4_len + g->payload, sum;

	if (f->merged == 0)
		return;
	sum = csum_add_u16(csum_add_u16(0, PROTO_TCP), (uint16_t)len);
	if (g->v6) {
		store_be16(g->l3 + IP6_OFF_PAYLOAD_LEN, (uint16_t)len);
		sum = csum_partial(g->l3 + IP6_OFF_SRC, 32, sum);
	} else {
		ip4_set16(g->l3, IP4_OFF_TOTAL_LEN, (uint16_t)(IP4_HLEN + len));
		sum = csum_partial(g->l3 + IP4_OFF_SRC, 8, sum);
	}
	store_native16(g->l4 + TCP_OFF_CSUM, csum_reduce(sum));
	meta->csum = MBUF_CSUM_PARTIAL;
	meta->csum_field = TCP_OFF_CSUM;
	meta->l4_off = (uint16_t)(mbuf_here(g->m) + g->l3_len);
	meta->gso_size = g->size;
	meta->gso_type = g->v6 ? MBUF_GSO_TCP6 : MBUF_GSO_TCP4;
	cnt->gro_merged += f->merged;
	cnt->gro_super++;
}

static unsigned flow_slot(const struct seg *g)
{
	size_t off = g->v6 ? IP6_OFF_SRC : IP4_OFF_SRC;
	uint64_t a = load_native64(g->l3 + off);
	uint64_t b = load_native32(g->l4 + OFF_SPORT);

	if (g->v6)
		a ^= load_native64(g->l3 + off + 8) ^ load_native64(g->l3 + off + 24);
	/* Not keyed: flows chosen to collide are not merged, that is all. */
	return (unsigned)(hash_mix(a ^ UINT64_C(0x9e3779b97f4a7c15),
				   b ^ UINT64_C(0xd6e8feb86659fd93)) %
			  GRO_FLOWS);
}

/* Takes p into the flow before it, or opens one with it. */
static void gro_add(struct link_counters *cnt, struct gro *gro, struct link_pkt *p)
{
	enum verdict v;
	struct flow *f;
	struct seg g;
	uint64_t bit;
	bool same;

	v = seg_parse(&g, p);
	if (v == GRO_OTHER)
		return;
	bit = UINT64_C(1) << flow_slot(&g);
	f = &gro->flows[first_bit_u64(bit)];
	if ((gro->used & bit) != 0) {
		same = same_flow(&f->head, &g);
		if (v == GRO_BARRIER && !same)
			return;
		if (v == GRO_SEGMENT && same && may_merge(f, &g)) {
			merge(f, &g);
			p->m = NULL;
			return;
		}
		flow_close(cnt, f);
		gro->used &= ~bit;
	}
	if (v == GRO_SEGMENT) {
		flow_open(f, &g);
		gro->used |= bit;
	}
}

void gro_burst(struct link_counters *cnt, struct link_pkt *pkts, unsigned n)
{
	struct gro gro;

	gro.used = 0;
	for (unsigned i = 0; i < n; i++)
		gro_add(cnt, &gro, &pkts[i]);
	for (; gro.used != 0; gro.used &= gro.used - 1)
		flow_close(cnt, &gro.flows[first_bit_u64(gro.used)]);
}
