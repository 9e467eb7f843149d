/* SPDX-License-Identifier: BSD-2-Clause */
/* See fakenet.h. */
#include "fakenet.h"

#include "base/bits.h"
#include "wire/arp.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/nd.h"
#include "wire/pseudo.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

/* ---- the transport ---- */

/* The socket layer's place in the stack is free here. */
static struct fakenet *net_of(struct stack *s)
{
	return (struct fakenet *)(void *)s->sock;
}

static void note_input(struct stack *s, const struct inet_in *in, mbuf_own own)
{
	struct fakenet *n = net_of(s);
	MBUF(m, own);

	n->n_in++;
	n->in = *in;
	n->len = mbuf_len(m);
	n->csum = m->meta.csum;
	n->gso_size = m->meta.gso_size;
	assert_true(mbuf_seg_len(m) >= min_u32(mbuf_len(m), 60));
	assert_true(n->len <= FAKENET_MAX);
	mbuf_copy_out(m, 0, n->data, n->len);
	if (n->answer_port)
		inet_error_output(s, m, INET_ERR_PORT, 0, 0);
	mbuf_done(&m);
}

static void note_error(struct stack *s, const struct inet_err *e)
{
	struct fakenet *n = net_of(s);

	n->n_err++;
	n->err = *e;
}

static bool note_claim(struct stack *s, const struct inet_in *in, struct mbuf *m)
{
	struct fakenet *n = net_of(s);

	assert_true(in->foreign);
	assert_true(mbuf_seg_len(m) >= min_u32(mbuf_len(m), 60));
	n->n_claim++;
	return n->claim;
}

static bool note_claim_error(struct stack *s, const struct inet_err *e)
{
	struct fakenet *n = net_of(s);

	n->n_claim_err++;
	n->err = *e;
	return n->claim_error;
}

static const struct inet_proto udp_ops = {.input = note_input, .error = note_error};
static const struct inet_proto tcp_ops = {.input = note_input,
					  .error = note_error,
					  .claim = note_claim,
					  .claim_error = note_claim_error};

/* ---- addresses ---- */

struct ipaddr fakenet_addr(bool v6, unsigned iface, unsigned host)
{
	struct ipaddr a = {
		.b = {0xfd, 0, 0,
		      (uint8_t)iface, [14] = (uint8_t)(host >> 8), [15] = (uint8_t)host}};

	return v6 ? a : ipaddr_v4(0x0a000000u | iface << 8 | host);
}

struct ipaddr fakenet_ll(unsigned host)
{
	return (struct ipaddr){
		.b = {0xfe, 0x80, [14] = (uint8_t)(host >> 8), [15] = (uint8_t)host}};
}

struct ipaddr fakenet_own_ll(const struct fakenet *n, unsigned iface)
{
	return addr_link_local_make(n->s, iface, 0);
}

struct ethaddr fakenet_mac(unsigned iface, unsigned host)
{
	return (struct ethaddr){{2, 0xaa, 0, (uint8_t)iface, (uint8_t)(host >> 8), (uint8_t)host}};
}

struct ethaddr fakenet_own_mac(const struct fakenet *n, unsigned iface)
{
	return n->h.port[link_iface(n->s, iface)->port]->port.mac;
}

struct neigh *fakenet_neigh(struct fakenet *n, bool v6, unsigned iface, unsigned host)
{
	struct ipaddr a = fakenet_addr(v6, iface, host);
	struct ethaddr mac = fakenet_mac(iface, host);
	struct neigh *nb = neigh_get(n->s, iface, &a);

	assert_non_null(nb);
	neigh_on_advert(n->s, nb, &mac, NEIGH_SOLICITED | NEIGH_OVERRIDE);
	assert_int_equal(nb->state, NEIGH_REACHABLE);
	return nb;
}

/* ---- life ---- */

void fakenet_settle(struct fakenet *n)
{
	fakehost_run(&n->h);
	for (unsigned i = 0; i < n->h.n_ports; i++)
		fakeport_forget(n->h.port[i]);
}

void fakenet_create(struct fakenet *n, const struct fakenet_conf *conf)
{
	unsigned n_ports = conf->n_ports ? conf->n_ports : 1;

	memset(n, 0, sizeof(*n));
	fakehost_create(&n->h, &(struct fakehost_conf){.n_ports = n_ports,
						       .mtu = conf->mtu,
						       .caps = conf->caps,
						       .n_small = conf->n_small,
						       .max_neighbours = conf->max_neighbours});
	n->s = n->h.s;
	assert_int_equal(inet_init(n->s), 0);
	n->s->sock = (struct sock_layer *)(void *)n;
	inet_proto_register(n->s, INET_PROTO_UDP, &udp_ops);
	inet_proto_register(n->s, INET_PROTO_TCP, &tcp_ops);
	inet_forwarding_set(n->s, conf->forward, conf->forward);
	for (unsigned i = 0; i < n_ports; i++) {
		struct ipaddr a4 = fakenet_addr(false, i, 1), a6 = fakenet_addr(true, i, 1);

		assert_int_equal(inet_iface_add(n->s, i), 0);
		if (conf->no_addrs)
			continue;
		assert_int_equal(inet_addr_add(n->s, i, &a4, 24), 0);
		assert_int_equal(inet_addr_add(n->s, i, &a6, 64), 0);
	}
	fakehost_advance(&n->h, UINT64_C(3000000000)); /* the announcements are over */
	fakenet_settle(n);
}

void fakenet_destroy(struct fakenet *n)
{
	inet_fini(n->s);
	fakehost_destroy(&n->h);
}

/* ---- packets ---- */

static uint32_t emit4(uint8_t *buf, const struct fakeip *ip, const void *payload, uint32_t len)
{
	struct ip4 h = {.tos = ip->tos,
			.ttl = ip->ttl ? ip->ttl : 64,
			.proto = ip->proto,
			.id = (uint16_t)ip->id,
			.frag_off_bytes = ip->off_bytes,
			.df = ip->df,
			.mf = ip->more,
			.opts_len = ip->ext_len,
			.opts = ip->ext,
			.src = ip->src,
			.dst = ip->dst};
	uint32_t hlen = IP4_HLEN + (uint32_t)align_up(ip->ext_len, 4);

	h.total_len = (uint16_t)(hlen + len);
	ip4_emit(buf, &h);
	memcpy(buf + hlen, payload, len);
	return hlen + len;
}

static uint32_t emit6(uint8_t *buf, const struct fakeip *ip, const void *payload, uint32_t len)
{
	bool frag = ip->frag || ip->more || ip->off_bytes != 0;
	uint8_t next = frag ? (uint8_t)PROTO_FRAGMENT : ip->proto;
	uint32_t ext = ip->ext_len, all = ext + (frag ? 8 : 0) + len;
	struct ip6 h = {.traffic_class = ip->tos,
			.hop_limit = ip->ttl ? ip->ttl : 64,
			.next_header = ext ? ip->ext_first : next,
			.payload_len = (uint16_t)all,
			.src = ip->src,
			.dst = ip->dst};
	uint8_t *p = buf + IP6_HLEN;

	ip6_emit(buf, &h);
	if (ext)
		memcpy(p, ip->ext, ext); /* the last one's next header is the test's */
	p += ext;
	if (frag) {
		p[0] = ip->proto;
		p[1] = 0;
		store_be16(p + 2, (uint16_t)(ip->off_bytes | (ip->more ? 1 : 0)));
		store_be32(p + 4, ip->id);
		p += 8;
	}
	memcpy(p, payload, len);
	return IP6_HLEN + all;
}

uint32_t fakeip_emit(uint8_t *buf, const struct fakeip *ip, const void *payload, uint32_t len)
{
	return ipaddr_is_v4(&ip->src) ? emit4(buf, ip, payload, len) : emit6(buf, ip, payload, len);
}

uint32_t fakeudp_emit(uint8_t *buf, const struct ipaddr *src, const struct ipaddr *dst, uint32_t n)
{
	struct udphdr h = {.sport = 1111, .dport = 2222, .len = (uint16_t)(UDP_HLEN + n)};

	for (uint32_t i = 0; i < n; i++)
		buf[UDP_HLEN + i] = (uint8_t)(i ^ i >> 8);
	h.csum = udp_csum(&h, csum_partial(buf + UDP_HLEN, n, 0), src, dst);
	udp_emit(buf, &h);
	return UDP_HLEN + n;
}

uint32_t faketcp_emit(uint8_t *buf, const struct ipaddr *src, const struct ipaddr *dst,
		      const struct faketcp *t, const void *data, uint32_t n)
{
	struct tcphdr h = {.sport = t->sport,
			   .dport = t->dport,
			   .seq = t->seq,
			   .ack = t->ack,
			   .flags = t->flags,
			   .wnd = t->wnd,
			   .hlen = (uint8_t)(TCP_HLEN + t->opts_len)};
	uint32_t len = h.hlen + n;

	tcphdr_emit(buf, &h);
	if (t->opts_len)
		memcpy(buf + TCP_HLEN, t->opts, t->opts_len);
	if (n)
		memcpy(buf + h.hlen, data, n);
	store_native16(buf + TCP_OFF_CSUM,
		       csum_fold(csum_partial(buf, len, csum_pseudo(src, dst, PROTO_TCP, len))));
	return len;
}

uint32_t fakeicmp_emit(uint8_t *buf, const struct ipaddr *src, const struct ipaddr *dst,
		       uint8_t type, uint8_t code, uint32_t word, const void *body, uint32_t n)
{
	uint32_t len = ICMP4_HLEN + n, sum = 0;

	buf[0] = type;
	buf[1] = code;
	store_native16(buf + 2, 0);
	store_be32(buf + 4, word);
	if (n)
		memmove(buf + ICMP4_HLEN, body, n);
	if (!ipaddr_is_v4(src))
		sum = csum_pseudo(src, dst, PROTO_ICMP6, len);
	store_native16(buf + 2, csum_fold(csum_partial(buf, len, sum)));
	return len;
}

void fakenet_rx_to(struct fakenet *n, unsigned port, const struct ethaddr *to, const void *ip,
		   uint32_t len)
{
	struct eth h = {.dst = *to, .src = fakenet_mac(port, 2), .type = ETHERTYPE_IP4};
	static uint8_t buf[FAKENET_MAX + ETH_HLEN];

	if (len > 0 && *(const uint8_t *)ip >> 4 == 6)
		h.type = ETHERTYPE_IP6;
	eth_emit(buf, &h);
	memcpy(buf + ETH_HLEN, ip, len);
	fakeport_feed(n->h.port[port], buf, ETH_HLEN + len);
	fakehost_run(&n->h);
}

void fakenet_rx(struct fakenet *n, unsigned port, const void *ip, uint32_t len)
{
	fakenet_rx_to(n, port, &n->h.port[port]->port.mac, ip, len);
}

void fakenet_rx_ip(struct fakenet *n, unsigned port, const struct fakeip *ip, const void *payload,
		   uint32_t len)
{
	static uint8_t buf[FAKENET_MAX];

	fakenet_rx(n, port, buf, fakeip_emit(buf, ip, payload, len));
}

/* ---- what was sent ---- */

static void take_apart6(struct fakesent *t, struct view v)
{
	assert_int_equal(ip6_parse(&t->ip6, v), 0);
	assert_int_equal(t->ip6.payload_len, v.len - IP6_HLEN);
	assert_int_equal(ip6_ext_parse(&t->ext, &t->ip6, v, IP6_HOST), 0);
	t->v6 = true;
	t->src = t->ip6.src;
	t->dst = t->ip6.dst;
	t->proto = t->ext.proto;
	t->ttl = t->ip6.hop_limit;
	t->payload = view_skip(v, ip6_ext_is_fragment(&t->ext) ? t->ext.frag_hdr_off + 8
							       : t->ext.upper_off);
	if (ip6_ext_is_fragment(&t->ext))
		t->proto = t->ext.frag_next;
}

static void take_apart4(struct fakesent *t, struct view v)
{
	assert_int_equal(ip4_parse(&t->ip4, v, true), 0);
	assert_int_equal(t->ip4.total_len, v.len);
	t->src = t->ip4.src;
	t->dst = t->ip4.dst;
	t->proto = t->ip4.proto;
	t->ttl = t->ip4.ttl;
	t->payload = ip4_payload(&t->ip4, v);
}

struct fakesent fakenet_sent(struct fakenet *n, unsigned port)
{
	struct fakesent t = {.f = fakeport_sent(n->h.port[port])};
	struct view v;

	if (!t.f)
		return t;
	v = view_make(t.f->data, t.f->len);
	assert_int_equal(eth_parse(&t.eth, v), 0);
	v = view_skip(v, t.eth.hlen);
	t.payload = v;
	t.ip = t.eth.type == ETHERTYPE_IP4 || t.eth.type == ETHERTYPE_IP6;
	if (t.eth.type == ETHERTYPE_IP6)
		take_apart6(&t, v);
	else if (t.ip)
		take_apart4(&t, v);
	return t;
}

static bool is_talk(const struct fakesent *t)
{
	if (!t->ip)
		return true;
	return t->v6 && t->proto == PROTO_ICMP6 && !t->ext.has_frag && t->payload.len > 0 &&
	       (icmp6_is_nd(t->payload.p[0]) || t->payload.p[0] == ICMP6_MLD2_REPORT);
}

struct fakesent fakenet_sent_ip(struct fakenet *n, unsigned port)
{
	for (;;) {
		struct fakesent t = fakenet_sent(n, port);

		if (!t.f || !is_talk(&t))
			return t;
		fakesent_free(&t);
	}
}

void fakesent_free(struct fakesent *t)
{
	fakeframe_free(t->f);
	t->f = NULL;
}

bool fakesent_csum_ok(const struct fakesent *t)
{
	struct view v = t->payload;
	uint32_t sum = 0;

	if (t->proto != PROTO_ICMP4)
		sum = csum_pseudo(&t->src, &t->dst, t->proto, (uint32_t)v.len);
	return csum_fold(csum_partial(v.p, v.len, sum)) == 0;
}

/* ---- questions and answers ---- */

static struct fakeask ask_of(const struct fakesent *t)
{
	struct fakeask q = {.unicast = !ethaddr_is_multicast(&t->eth.dst)};
	struct arp a;
	struct nd n;

	if (t->eth.type == ETHERTYPE_ARP) {
		assert_int_equal(arp_parse(&a, t->payload), 0);
		q.any = a.op == ARP_REQUEST && a.spa != a.tpa;
		q.target = ipaddr_v4(a.tpa);
		q.from = ipaddr_v4(a.spa);
	} else if (t->v6 && t->proto == PROTO_ICMP6 && t->payload.p[0] == ICMP6_NS) {
		assert_true(fakesent_csum_ok(t));
		assert_int_equal(nd_parse(&n, t->payload, &t->ip6, false), 0);
		q.any = true;
		q.target = n.target;
		q.from = t->src;
	}
	return q;
}

struct fakeask fakenet_asked(struct fakenet *n, unsigned port)
{
	for (;;) {
		struct fakesent t = fakenet_sent(n, port);
		struct fakeask q;

		if (!t.f)
			return (struct fakeask){0};
		q = ask_of(&t);
		fakesent_free(&t);
		if (q.any)
			return q;
	}
}

void fakenet_rx_arp(struct fakenet *n, unsigned port, const struct ethaddr *to, const struct arp *a)
{
	struct eth h = {.dst = *to, .src = a->sha, .type = ETHERTYPE_ARP};
	uint8_t buf[ETH_HLEN + ARP_LEN];

	h.src.b[0] &= 0xfe;
	eth_emit(buf, &h);
	arp_emit(buf + ETH_HLEN, a);
	fakeport_feed(n->h.port[port], buf, sizeof(buf));
	fakehost_run(&n->h);
}

void fakenet_rx_nd(struct fakenet *n, unsigned port, const struct nd *nd, const struct ipaddr *src,
		   const struct ipaddr *dst)
{
	struct fakeip ip = {.src = *src, .dst = *dst, .proto = PROTO_ICMP6, .ttl = ND_HOP_LIMIT};
	uint8_t msg[ND_EMIT_MAX], buf[256];
	size_t len = nd_emit(msg, sizeof(msg), nd, src, dst);
	struct ethaddr to =
		ipaddr_is_multicast(dst) ? eth_multicast(dst) : n->h.port[port]->port.mac;

	assert_true(len > 0);
	fakenet_rx_to(n, port, &to, buf, fakeip_emit(buf, &ip, msg, (uint32_t)len));
}

void fakenet_answer(struct fakenet *n, bool v6, unsigned iface, unsigned host,
		    const struct ethaddr *mac)
{
	struct ipaddr target = fakenet_addr(v6, iface, host), us = fakenet_addr(v6, iface, 1);
	struct ethaddr own = fakenet_own_mac(n, iface);
	struct arp a = {.op = ARP_REPLY, .sha = *mac, .tha = own};
	struct nd nd = {.type = ICMP6_NA,
			.solicited = true,
			.override = true,
			.target = target,
			.has_tlla = true,
			.tlla = *mac};

	if (v6) {
		struct ipaddr ll = fakenet_own_ll(n, iface);

		fakenet_rx_nd(n, iface, &nd, &target, &ll);
		return;
	}
	a.spa = ipaddr_to_v4(&target);
	a.tpa = ipaddr_to_v4(&us);
	fakenet_rx_arp(n, iface, &own, &a);
}

int fakenet_send(struct fakenet *n, const struct ipaddr *dst, uint32_t len,
		 struct inet_dst *dst_cache)
{
	struct inet_out o = {.dst = *dst, .proto = PROTO_UDP};
	static uint8_t buf[FAKENET_MAX];
	struct inet_dst d;
	mbuf_own m;

	if (inet_dst_lookup(n->s, dst, &d) < 0 || inet_src_select(n->s, &d, dst, &o.src) < 0)
		o.src = fakenet_addr(!ipaddr_is_v4(dst), 0, 1);
	m = mbuf_alloc(n->h.pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TX);
	assert_non_null(m.m);
	len = fakeudp_emit(buf, &o.src, dst, len);
	assert_int_equal(mbuf_append_bytes(m.m, buf, len, MBUF_PRIO_BULK), 0);
	return inet_output(n->s, m, &o, dst_cache);
}
