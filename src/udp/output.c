/* SPDX-License-Identifier: BSD-2-Clause */
/* UDP output (RFC 768): one datagram from the program's bytes. Called by the socket layer. */
#include "udp/pcb.h"

#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/pseudo.h"
#include "wire/udp.h"

#include <errno.h>

#define CSUM_FIELD  6u
#define MAX_PAYLOAD (65535u - IP4_HLEN - UDP_HLEN)

struct where {
	struct ipaddr src, dst;
	uint16_t dport;
	struct inet_dst *way;
	struct inet_dst local;
};

static int find_way(struct udp_pcb *pcb, const struct ipaddr *to, uint16_t port, struct where *w)
{
	bool cached = !to;
	int rc;

	if (!to && pcb->hashed != UDP_HASHED_CONN)
		return -EDESTADDRREQ;
	w->dst = to ? *to : pcb->raddr;
	w->dport = to ? port : pcb->rport;
	w->way = cached ? &pcb->dst : &w->local;
	if (!cached || !inet_dst_valid(pcb->s, w->way)) {
		rc = inet_dst_lookup(pcb->s, &w->dst, w->way);
		if (rc < 0)
			return rc;
	}
	w->src = pcb->laddr;
	/* An IPv6 wildcard that talks to an IPv4 address is unspecified for it as well. */
	return ipaddr_is_unspecified(&w->src) ? inet_src_select(pcb->s, w->way, &w->dst, &w->src)
					      : 0;
}

static int fill(struct mbuf *m, const struct iovec *iov, int n_iov)
{
	for (int i = 0; i < n_iov; i++)
		if (iov[i].iov_len > 0 &&
		    mbuf_append_bytes(m, iov[i].iov_base, (uint32_t)iov[i].iov_len,
				      MBUF_PRIO_BULK) < 0)
			return -ENOBUFS;
	return 0;
}

/* The port finishes the checksum, unless the datagram is to be cut into fragments. */
static int add_header(struct mbuf *m, const struct udp_pcb *pcb, const struct where *w)
{
	struct udphdr h = {.sport = pcb->lport, .dport = w->dport};
	uint32_t ip_hlen = ipaddr_is_v4(&w->dst) ? IP4_HLEN : IP6_HLEN;
	uint32_t data_len = mbuf_len(m);
	uint8_t *p;

	h.len = (uint16_t)(data_len + UDP_HLEN);
	if (h.len + ip_hlen > w->way->mtu) {
		h.csum = udp_csum(&h, mbuf_csum(m, 0, data_len, 0), &w->src, &w->dst);
	} else {
		h.csum = pseudo_partial(&w->src, &w->dst, INET_PROTO_UDP, h.len);
		m->meta.csum = MBUF_CSUM_PARTIAL;
		m->meta.csum_field = CSUM_FIELD;
	}
	p = mbuf_prepend(m, UDP_HLEN);
	if (!p)
		return -ENOBUFS;
	(void)udp_emit(p, &h);
	return 0;
}

static ssize_t total_len(const struct iovec *iov, int n_iov)
{
	size_t sum = 0;

	for (int i = 0; i < n_iov; i++) {
		if (iov[i].iov_len > MAX_PAYLOAD - sum)
			return -EMSGSIZE;
		sum += iov[i].iov_len;
	}
	return (ssize_t)sum;
}

/* A port of its own at the first send (RFC 6056). */
static int autobind(struct udp_pcb *pcb)
{
	struct ipaddr any = pcb->v6 ? ipaddr_any6() : ipaddr_any4();

	return pcb->lport == 0 ? udp_bind(pcb, &any, 0, pcb->flags) : 0;
}

ssize_t udp_send(struct udp_pcb *pcb, const struct iovec *iov, int n_iov, const struct ipaddr *to,
		 uint16_t port)
{
	ssize_t len = total_len(iov, n_iov);
	struct inet_out out = {.proto = INET_PROTO_UDP, .tos = pcb->tos, .ttl = pcb->ttl};
	struct stack *s = pcb->s;
	struct where w;
	int rc;

	if (len < 0)
		return len;
	rc = autobind(pcb);
	if (rc == 0)
		rc = find_way(pcb, to, port, &w);
	if (rc < 0)
		return rc;
	MBUF(m, mbuf_alloc(s->pool, len > (ssize_t)MBUF_SMALL_ROOM ? MBUF_BIG : MBUF_SMALL,
			   MBUF_PRIO_BULK, MBUF_TX));
	if (!m)
		return -ENOBUFS;
	if (fill(m, iov, n_iov) < 0 || add_header(m, pcb, &w) < 0) {
		mbuf_drop(&m, DROP_NOBUF);
		return -ENOBUFS;
	}
	out.src = w.src;
	out.dst = w.dst;
	rc = inet_output(s, mbuf_move(&m), &out, w.way);
	if (rc < 0)
		return rc;
	s->udp->cnt.out++;
	return len;
}
