/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Software segmentation of TCP superpackets (and of the UDP ones a kernel may hand over), IPv4 and
 * IPv6, link tags, IP options and extension headers kept. Called by port_tx() for ports without
 * TSO and by the simulated wire, in the worker's thread.
 *
 * Payload is copied, not shared: a shared frame takes two buffers and two descriptors, and the
 * checksum has to read the bytes anyway, so the copy is folded into it.
 */
#include "port/gso.h"

#include "base/csum.h"
#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/proto.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <errno.h>
#include <string.h>

#define UDP_OFF_LEN 4u

/* DF is allowed; offset and MF make it a fragment, which no superpacket is. */
#define IP4_FRAG_BITS 0x3fffu

/* What holds for all frames of one superpacket. */
struct plan {
	struct mbuf_pool *pool;
	const uint8_t *hdr; /* all headers, contiguous */
	uint32_t hlen;
	uint32_t l3_off, l4_off; /* from the start of the frame */
	uint32_t payload;
	uint32_t mss;
	uint32_t pseudo; /* of the pseudo header without its length */
	uint8_t proto;
	bool v6;
	bool partial;
};

/* Where the next payload byte lies. */
struct cursor {
	const struct mbuf *seg;
	uint32_t off;
};

/* ---- parse ---- */

static int need(struct mbuf *m, uint32_t n)
{
	return mbuf_seg_len(m) >= n ? 0 : mbuf_pull(m, n);
}

/* Length of the IP packet, headers included. */
static int parse_ip4(struct plan *g, const uint8_t *ip, uint32_t *ip_len)
{
	uint32_t ihl = (ip[0] & 0xfu) * 4;

	if (ip[0] >> 4 != 4 || g->l3_off + ihl != g->l4_off || ihl < IP4_HLEN)
		return -EINVAL;
	if (ip[IP4_OFF_PROTO] != g->proto || (load_be16(ip + IP4_OFF_FRAG) & IP4_FRAG_BITS) != 0)
		return -EINVAL;
	*ip_len = load_be16(ip + IP4_OFF_TOTAL_LEN);
	g->pseudo = csum_partial(ip + IP4_OFF_SRC, 8, csum_add_u16(0, g->proto));
	g->v6 = false;
	return 0;
}

static int parse_ip6(struct plan *g, const uint8_t *ip, uint32_t *ip_len)
{
	uint32_t ext = g->l4_off - g->l3_off - IP6_HLEN;

	if (ip[0] >> 4 != 6 || g->l4_off < g->l3_off + IP6_HLEN)
		return -EINVAL;
	if (ext == 0 && ip[IP6_OFF_NEXT] != g->proto)
		return -EINVAL;
	*ip_len = load_be16(ip + IP6_OFF_PAYLOAD_LEN) + (uint32_t)IP6_HLEN;
	g->pseudo = csum_partial(ip + IP6_OFF_SRC, 32, csum_add_u16(0, g->proto));
	g->v6 = true;
	return 0;
}

static int parse_tcp(struct plan *g, struct mbuf *m)
{
	struct tcphdr th;
	uint32_t doff = (mbuf_data(m)[g->l4_off + TCP_OFF_DOFF] >> 4) * 4u;

	if (need(m, g->l4_off + doff) < 0)
		return -EINVAL;
	if (tcphdr_parse(&th, view_skip(mbuf_view(m), g->l4_off)) < 0)
		return -EINVAL;
	if ((th.flags & (TCP_SYN | TCP_RST)) != 0)
		return -EINVAL;
	g->hlen = g->l4_off + th.hlen;
	return 0;
}

/* Link and IP header; l4_off is known and its header is contiguous. */
static int parse_below(struct plan *g, struct mbuf *m, uint32_t *ip_len)
{
	struct eth eh;
	const uint8_t *ip;

	if (eth_parse(&eh, mbuf_view(m)) < 0)
		return -EINVAL;
	g->l3_off = eh.hlen;
	if (g->l4_off < g->l3_off + IP4_HLEN)
		return -EINVAL;
	ip = mbuf_data(m) + g->l3_off;
	if (eh.type == ETHERTYPE_IP4)
		return parse_ip4(g, ip, ip_len);
	return eh.type == ETHERTYPE_IP6 ? parse_ip6(g, ip, ip_len) : -EINVAL;
}

static int plan_init(struct plan *g, struct mbuf *m, enum gso_kind kind)
{
	uint32_t ip_len;

	g->proto = kind == GSO_TCP ? PROTO_TCP : PROTO_UDP;
	g->mss = m->meta.gso_size;
	if (m->meta.l4_off <= mbuf_here(m) || g->mss == 0)
		return -EINVAL;
	g->l4_off = (uint32_t)m->meta.l4_off - mbuf_here(m);
	g->hlen = g->l4_off + (kind == GSO_TCP ? TCP_HLEN : UDP_HLEN);
	if (need(m, g->hlen) < 0 || parse_below(g, m, &ip_len) < 0)
		return -EINVAL;
	if (kind == GSO_TCP && parse_tcp(g, m) < 0)
		return -EINVAL;
	if (g->l3_off + ip_len > mbuf_len(m) || g->l3_off + ip_len < g->hlen)
		return -EINVAL;
	if (g->hlen + g->mss > MBUF_BIG_ROOM)
		return -EINVAL;
	g->payload = g->l3_off + ip_len - g->hlen;
	g->hdr = mbuf_data(m);
	return 0;
}

/* ---- build ---- */

/* Copy n payload bytes; returns their sum when sum_it. At most one step per segment. */
static uint32_t take(struct cursor *c, uint8_t *dst, uint32_t n, bool sum_it)
{
	uint32_t sum = 0;

	for (uint32_t done = 0; done < n;) {
		const uint8_t *src = mbuf_data(c->seg) + c->off;
		uint32_t k = min_u32(n - done, mbuf_seg_len(c->seg) - c->off);

		if (sum_it)
			sum = csum_block_add(sum, csum_copy(dst + done, src, k, 0), done);
		else
			memcpy(dst + done, src, k);
		done += k;
		c->off += k;
		if (c->off == mbuf_seg_len(c->seg)) {
			c->seg = mbuf_seg_next(c->seg);
			c->off = 0;
		}
	}
	return sum;
}

static void fix_ip(const struct plan *g, uint8_t *ip, uint32_t index, uint32_t l4_len)
{
	uint32_t ip_len = g->l4_off - g->l3_off + l4_len;

	if (g->v6) {
		store_be16(ip + IP6_OFF_PAYLOAD_LEN, (uint16_t)(ip_len - IP6_HLEN));
		return;
	}
	store_be16(ip + IP4_OFF_TOTAL_LEN, (uint16_t)ip_len);
	store_be16(ip + IP4_OFF_ID, (uint16_t)(load_be16(ip + IP4_OFF_ID) + index));
	store_native16(ip + IP4_OFF_CSUM, 0);
	store_native16(ip + IP4_OFF_CSUM, csum_fold(csum_partial(ip, g->l4_off - g->l3_off, 0)));
}

/* The urgent pointer counts from the segment's own sequence number (RFC 9293 3.1). */
static void fix_urg(uint8_t *th, uint32_t off)
{
	uint16_t urg = load_be16(th + TCP_OFF_URG);

	if ((th[TCP_OFF_FLAGS] & TCP_URG) == 0)
		return;
	if (urg < off) {
		th[TCP_OFF_FLAGS] &= (uint8_t)~TCP_URG;
		urg = (uint16_t)off;
	}
	store_be16(th + TCP_OFF_URG, (uint16_t)(urg - off));
}

/* FIN and PSH belong to the last segment, CWR to the first (RFC 3168 6.1.2: once per window). */
static void fix_tcp(uint8_t *th, uint32_t off, bool last)
{
	store_be32(th + TCP_OFF_SEQ, load_be32(th + TCP_OFF_SEQ) + off);
	if (!last)
		th[TCP_OFF_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (off > 0)
		th[TCP_OFF_FLAGS] &= (uint8_t)~TCP_CWR;
	fix_urg(th, off);
}

static void fix_csum(const struct plan *g, struct mbuf *f, uint32_t l4_len, uint32_t payload_sum)
{
	uint8_t *l4 = mbuf_data(f) + g->l4_off;
	uint32_t l4_hlen = g->hlen - g->l4_off;
	uint8_t field = g->proto == PROTO_TCP ? TCP_OFF_CSUM : UDP_OFF_CSUM;
	uint32_t sum = csum_add_u16(g->pseudo, (uint16_t)l4_len);

	if (g->partial) {
		store_native16(l4 + field, csum_reduce(sum));
		f->meta.csum = MBUF_CSUM_PARTIAL;
		f->meta.csum_field = field;
		return;
	}
	store_native16(l4 + field, 0);
	sum = csum_add(csum_partial(l4, l4_hlen, sum), payload_sum);
	store_native16(l4 + field, g->proto == PROTO_TCP ? csum_fold(sum) : csum_fold_nonzero(sum));
}

/* One frame with n payload bytes from offset off on; NULL without a buffer. */
static struct mbuf *cut_one(const struct plan *g, struct cursor *c, uint32_t off, uint32_t n)
{
	enum mbuf_class cls = g->hlen + n <= MBUF_SMALL_ROOM ? MBUF_SMALL : MBUF_BIG;
	struct mbuf *f = mbuf_alloc(g->pool, cls, MBUF_PRIO_BULK, MBUF_TX).m;
	uint32_t l4_len = g->hlen - g->l4_off + n;
	uint32_t sum;
	uint8_t *p;

	if (!f)
		return NULL;
	p = mbuf_append(f, g->hlen + n);
	memcpy(p, g->hdr, g->hlen);
	sum = take(c, p + g->hlen, n, !g->partial);
	fix_ip(g, p + g->l3_off, off / g->mss, l4_len);
	if (g->proto == PROTO_TCP)
		fix_tcp(p + g->l4_off, off, off + n == g->payload);
	else
		store_be16(p + g->l4_off + UDP_OFF_LEN, (uint16_t)l4_len);
	f->meta.l2_off = mbuf_here(f);
	f->meta.l3_off = (uint16_t)(mbuf_here(f) + g->l3_off);
	f->meta.l4_off = (uint16_t)(mbuf_here(f) + g->l4_off);
	fix_csum(g, f, l4_len, sum);
	return f;
}

unsigned gso_cut(struct mbuf_pool *pool, mbuf_own in, enum gso_kind kind, bool partial,
		 struct mbufq *out)
{
	MBUF(m, in);
	struct plan g = {.pool = pool, .partial = partial};
	struct cursor c = {.seg = m};
	uint32_t off = 0;
	unsigned made = 0;

	if (plan_init(&g, m, kind) < 0) {
		mbuf_drop(&m, DROP_GSO_MALFORMED);
		return 0;
	}
	for (c.off = g.hlen; c.seg && c.off >= mbuf_seg_len(c.seg); c.seg = mbuf_seg_next(c.seg))
		c.off -= mbuf_seg_len(c.seg);
	do { /* a superpacket without payload is one bare header */
		uint32_t n = min_u32(g.mss, g.payload - off);
		struct mbuf *f = cut_one(&g, &c, off, n);

		if (!f) {
			mbuf_drop(&m, DROP_NOBUF);
			return made;
		}
		mbufq_push(out, mbuf_own_of(f));
		made++;
		off += n;
	} while (off < g.payload);
	mbuf_done(&m);
	return made;
}
