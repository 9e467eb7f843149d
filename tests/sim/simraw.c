/* SPDX-License-Identifier: BSD-2-Clause */
/* A wire whose far end belongs to the test. See simraw.h. */
#include "simraw.h"

#include "link/neigh.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/proto.h"
#include "wire/pseudo.h"

#include <stdio.h>
#include <string.h>

static const struct ethaddr raw_mac = {{0x02, 0x66, 0, 0, 0, 2}};

struct ipaddr simraw_addr(bool v6, unsigned net_number, unsigned host)
{
	struct ipaddr a = ipaddr_any4();
	char text[64];

	(void)snprintf(text, sizeof(text), v6 ? "fd09:%x::%x" : "10.9.%u.%u", net_number,
		       v6 ? host : host % 256);
	if (v6 && net_number == 0)
		(void)snprintf(text, sizeof(text), "fd09::%x", host);
	return ipaddr_parse(text, &a) == 0 ? a : ipaddr_any4();
}

static int add_addresses(struct simnet *n, unsigned host, unsigned iface, unsigned net_number)
{
	char text[64];
	int rc;

	(void)snprintf(text, sizeof(text), "10.9.%u.1/24", net_number);
	rc = simnet_addr(n, host, iface, text);
	if (net_number)
		(void)snprintf(text, sizeof(text), "fd09:%x::1/64", net_number);
	else
		(void)snprintf(text, sizeof(text), "fd09::1/64");
	return rc < 0 ? rc : simnet_addr(n, host, iface, text);
}

int simraw_attach(struct simraw *r, struct simnet *n, unsigned host, unsigned net_number)
{
	struct simhost *h = &n->host[host];
	struct sim_wire_conf conf = {.seed = 1, .number = 100 + net_number, .mem = n->mem};
	struct port *own;
	int iface, rc = sim_wire_create(&conf, &n->now_ns, h->pool, h->pool, &own, &r->port);

	if (rc < 0)
		return rc;
	r->s = h->stack;
	r->now_ns = &n->now_ns;
	r->mac = own->mac;
	iface = stack_port_add(h->stack, own);
	if (iface < 0)
		return iface;
	rc = inet_iface_add(h->stack, (unsigned)iface);
	return rc < 0 ? rc : add_addresses(n, host, (unsigned)iface, net_number);
}

void simraw_known(struct simraw *r, const struct ipaddr *addr)
{
	struct neigh *nb = neigh_get(r->s, r->s->n_ports - 1, addr);

	if (nb)
		neigh_on_advert(r->s, nb, &raw_mac, NEIGH_SOLICITED | NEIGH_OVERRIDE);
}

bool simraw_put(struct simraw *r, const void *frame, uint32_t len)
{
	enum mbuf_class cls = len > MBUF_SMALL_ROOM ? MBUF_BIG : MBUF_SMALL;
	struct mbuf *m = mbuf_alloc(r->s->pool, cls, MBUF_PRIO_BULK, MBUF_TEST).m;

	if (!m)
		return false;
	if (mbuf_append_bytes(m, frame, len, MBUF_PRIO_BULK) < 0 || port_tx(r->port, &m, 1) != 1) {
		mbuf_done(&m);
		return false;
	}
	return true;
}

static uint32_t put_headers(const struct simraw *r, uint8_t *buf, const struct ipaddr *src,
			    const struct ipaddr *dst, uint8_t proto, uint32_t len)
{
	bool v6 = !ipaddr_is_v4(src);
	struct eth e = {.dst = r->mac, .src = raw_mac, .type = v6 ? ETHERTYPE_IP6 : ETHERTYPE_IP4};
	struct ip4 h4 = {.ttl = 255,
			 .proto = proto,
			 .total_len = (uint16_t)(IP4_HLEN + len),
			 .df = true,
			 .src = *src,
			 .dst = *dst};
	struct ip6 h6 = {.next_header = proto,
			 .hop_limit = 255,
			 .payload_len = (uint16_t)len,
			 .src = *src,
			 .dst = *dst};
	size_t n = eth_emit(buf, &e);

	n += v6 ? ip6_emit(buf + n, &h6) : ip4_emit(buf + n, &h4);
	return (uint32_t)n;
}

bool simraw_put_ip(struct simraw *r, const struct ipaddr *src, const struct ipaddr *dst,
		   uint8_t proto, uint8_t *payload, uint32_t len, uint32_t csum_off)
{
	uint8_t frame[SIMRAW_MAX];
	uint32_t sum, n = put_headers(r, frame, src, dst, proto, len);

	if (n + len > sizeof(frame))
		return false;
	if (csum_off + 2 <= len) {
		store_native16(payload + csum_off, 0);
		/* ICMP over IPv4 has no pseudo header. */
		sum = proto == PROTO_ICMP4 ? 0 : pseudo_sum(src, dst, proto, len);
		store_native16(payload + csum_off, csum_fold(csum_partial(payload, len, sum)));
	}
	memcpy(frame + n, payload, len);
	return simraw_put(r, frame, n + len);
}

bool simraw_put_tcp(struct simraw *r, const struct ipaddr *src, const struct ipaddr *dst,
		    struct tcphdr *h, const uint8_t *opts, uint32_t opts_len, const uint8_t *text,
		    uint32_t text_len)
{
	uint8_t seg[SIMRAW_MAX - 100];

	h->hlen = (uint8_t)(TCP_HLEN + opts_len);
	if (opts_len > TCP_OPTS_MAX || h->hlen + text_len > sizeof(seg))
		return false;
	tcphdr_emit(seg, h);
	if (opts_len)
		memcpy(seg + TCP_HLEN, opts, opts_len);
	if (text_len)
		memcpy(seg + h->hlen, text, text_len);
	return simraw_put_ip(r, src, dst, PROTO_TCP, seg, h->hlen + text_len, TCP_OFF_CSUM);
}

struct view simraw_get(struct simraw *r)
{
	struct mbuf *m;
	uint32_t len;

	if (port_rx(r->port, &m, 1) == 0)
		return view_make(NULL, 0);
	len = mbuf_copy_out(m, 0, r->last, min_u32(mbuf_len(m), sizeof(r->last)));
	mbuf_done(&m);
	return view_make(r->last, len);
}

void simraw_detach(struct simraw *r)
{
	while (simraw_get(r).len > 0)
		;
	port_close(r->port);
}
