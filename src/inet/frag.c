/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fragmentation (RFC 791 3.2, RFC 8200 4.5): a packet becomes fragments with a copy of its data
 * each, all of them or none. Copies and not shared buffers: a fragment fits one buffer, every
 * driver takes it, and its header goes in front.
 *
 * Called by output.c and forward.c; consumes the packet.
 */
#include "inet/state.h"

#include "wire/udp.h"

#include <errno.h>

/* A fragment's checksum cannot be finished by a port: hlen bytes of headers are before what it
 * covers. False: the headers lie about the place. */
static bool finish_csum(struct mbuf *m, uint32_t hlen)
{
	uint32_t field = hlen + m->meta.csum_field, sum;

	if (m->meta.csum != MBUF_CSUM_PARTIAL)
		return true;
	if (field + 2 > mbuf_seg_len(m))
		return false;
	sum = mbuf_csum(m, hlen, mbuf_len(m) - hlen, 0);
	store_native16(mbuf_data(m) + field, m->meta.csum_field == UDP_OFF_CSUM
						     ? csum_fold_nonzero(sum)
						     : csum_fold(sum));
	m->meta.csum = MBUF_CSUM_NONE;
	return true;
}

/* A packet with bytes [off, off + len) of m and hlen bytes in front for headers; NULL: no buffer.
 */
static mbuf_own piece(struct stack *s, const struct mbuf *m, uint32_t off, uint32_t len,
		      uint32_t hlen)
{
	MBUF(f, mbuf_copy(s->pool, m, off, len, MBUF_PRIO_BULK));

	if (!f)
		return MBUF_NULL;
	if (!mbuf_prepend(f, hlen)) {
		mbuf_drop(&f, DROP_NOBUF);
		return MBUF_NULL;
	}
	f->meta.l3_off = mbuf_here(f);
	f->meta.csum = MBUF_CSUM_NONE;
	f->meta.gso_size = 0;
	return mbuf_move(&f);
}

static int no_buffers(struct mbuf **mp, struct mbufq *out)
{
	mbufq_purge(out, DROP_NOBUF);
	mbuf_drop(mp, DROP_NOBUF);
	return -ENOBUFS;
}

static int cut4(struct stack *s, struct ip4 *h, uint32_t mtu, struct mbuf **mp, struct mbufq *out)
{
	uint32_t hlen = h->ihl_bytes, total = mbuf_len(*mp), n;
	uint16_t base = h->frag_off_bytes;
	uint8_t opts[IP4_OPTS_MAX];
	bool more = h->mf;

	for (uint32_t off = hlen; off < total; off += n) {
		mbuf_own f;

		n = min_u32(total - off, (mtu - hlen) & ~7u);
		f = piece(s, *mp, off, n, hlen);
		if (!f.m)
			return no_buffers(mp, out);
		h->total_len = (uint16_t)(hlen + n);
		h->frag_off_bytes = (uint16_t)(base + off - h->ihl_bytes);
		h->mf = more || off + n < total;
		ip4_emit(mbuf_data(f.m), h);
		mbufq_push(out, f);
		if (h->opts_len > 0 &&
		    off == h->ihl_bytes) { /* RFC 791 3.1: later ones have fewer */
			h->opts_len = (uint8_t)ip4_opts_copied(opts, h);
			h->opts = opts;
			hlen = IP4_HLEN + h->opts_len;
		}
	}
	return 0;
}

int frag_ip4(struct stack *s, uint32_t mtu, mbuf_own in, struct mbufq *out)
{
	struct ip4_opts o;
	struct ip4 h;
	MBUF(m, in);
	int err;

	if (ip4_parse_first(&h, mbuf_view(m), mbuf_len(m), false) < 0 ||
	    ip4_opts_parse(&o, &h) < 0 || !finish_csum(m, h.ihl_bytes)) {
		mbuf_drop(&m, DROP_IP4_MALFORMED);
		return -EINVAL;
	}
	if (mtu < h.ihl_bytes + 8u) {
		mbuf_drop(&m, DROP_IP_TOO_BIG);
		return -EMSGSIZE;
	}
	err = cut4(s, &h, mtu, &m, out);
	if (err < 0)
		return err;
	s->inet->cnt[0].frag_ok++;
	s->inet->cnt[0].frag_out += out->count;
	mbuf_done(&m);
	return 0;
}

/* The headers that every fragment has, and its fragment header. */
static void emit6(uint8_t *to, const struct mbuf *m, const struct frag6 *f, uint32_t off, bool more,
		  uint32_t len)
{
	const uint8_t *from = mbuf_data(m);
	uint8_t *fh = to + f->unfrag_len;

	memcpy(to, from, f->unfrag_len);
	to[f->next_off] = PROTO_FRAGMENT;
	store_be16(to + IP6_OFF_PAYLOAD_LEN,
		   (uint16_t)((uint32_t)f->unfrag_len - IP6_HLEN + IP6_FRAG_HLEN + len));
	fh[0] = from[f->next_off];
	fh[1] = 0;
	store_be16(fh + 2, (uint16_t)(off | (more ? 1u : 0u)));
	store_be32(fh + 4, f->id);
}

int frag_ip6(struct stack *s, const struct frag6 *f, mbuf_own in, struct mbufq *out)
{
	uint32_t hlen = (uint32_t)f->unfrag_len + IP6_FRAG_HLEN;
	uint32_t total, n;
	MBUF(m, in);

	if (f->mtu < hlen + 8 || mbuf_seg_len(m) < f->unfrag_len) {
		mbuf_drop(&m, DROP_IP_TOO_BIG);
		return -EMSGSIZE;
	}
	if (!finish_csum(m, f->unfrag_len)) {
		mbuf_drop(&m, DROP_IP6_MALFORMED);
		return -EINVAL;
	}
	total = mbuf_len(m);
	for (uint32_t off = f->unfrag_len; off < total; off += n) {
		mbuf_own p;

		n = min_u32(total - off, (f->mtu - hlen) & ~7u);
		p = piece(s, m, off, n, hlen);
		if (!p.m)
			return no_buffers(&m, out);
		emit6(mbuf_data(p.m), m, f, off - f->unfrag_len, off + n < total, n);
		mbufq_push(out, p);
	}
	s->inet->cnt[1].frag_ok++;
	s->inet->cnt[1].frag_out += out->count;
	mbuf_done(&m);
	return 0;
}
