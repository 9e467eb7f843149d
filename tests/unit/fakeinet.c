/* SPDX-License-Identifier: BSD-2-Clause */
/* See fakeinet.h. */
#include "fakeinet.h"

#include <errno.h>
#include <stdlib.h>

struct inet {
	const struct inet_proto *udp;
	struct mbuf *sent;
	struct inet_out how;
	unsigned errors_out;
	uint32_t pmtu;
	uint32_t mtu;
	int listeners; /* of multicast groups */
};

void fakeinet_init(struct stack *s)
{
	s->inet = calloc(1, sizeof(*s->inet));
	MUST(s->inet != NULL);
	s->inet->mtu = 1500;
}

void fakeinet_fini(struct stack *s)
{
	if (s->inet->sent)
		mbuf_done(&s->inet->sent);
	free(s->inet);
	s->inet = NULL;
}

struct mbuf *fakeinet_sent(struct stack *s, struct inet_out *how)
{
	*how = s->inet->how;
	return s->inet->sent;
}

void fakeinet_input(struct stack *s, const struct inet_in *in, mbuf_own own)
{
	s->inet->udp->input(s, in, own);
}

void fakeinet_error(struct stack *s, const struct inet_err *e)
{
	s->inet->udp->error(s, e);
}

unsigned fakeinet_errors_out(struct stack *s)
{
	return s->inet->errors_out;
}

uint32_t fakeinet_pmtu(struct stack *s)
{
	return s->inet->pmtu;
}

void fakeinet_mtu_set(struct stack *s, uint32_t mtu)
{
	s->inet->mtu = mtu;
}

void inet_proto_register(struct stack *s, uint8_t proto, const struct inet_proto *ops)
{
	if (proto == INET_PROTO_UDP && s->inet)
		s->inet->udp = ops;
}

bool inet_addr_is_local(const struct stack *s, const struct ipaddr *addr)
{
	static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	struct ipaddr own4 = ipaddr_v4(0x0a000001);
	struct ipaddr own6 = ipaddr_v6(v6);

	(void)s;
	return ipaddr_is_loopback(addr) || ipaddr_eq(addr, &own4) || ipaddr_eq(addr, &own6);
}

int inet_dst_lookup(struct stack *s, const struct ipaddr *dst, struct inet_dst *out)
{
	if (ipaddr_is_v4(dst) && ipaddr_to_v4(dst) >> 8 == 0xcb0071)
		return -ENETUNREACH;
	*out = (struct inet_dst){
		.gen = 1, .mtu = s->inet->mtu, .link_mtu = s->inet->mtu, .nexthop = *dst};
	return 0;
}

int inet_dst_lookup_on(struct stack *s, unsigned iface, const struct ipaddr *dst,
		       struct inet_dst *out)
{
	int rc = inet_dst_lookup(s, dst, out);

	out->iface = iface;
	return rc;
}

int inet_addr_iface(const struct stack *s, const struct ipaddr *addr)
{
	if (ipaddr_is_loopback(addr))
		return INET_IFACE_LOOPBACK;
	return inet_addr_is_local(s, addr) ? 0 : -1;
}

bool inet_iface_exists(const struct stack *s, unsigned iface)
{
	(void)s;
	return iface == 0 || iface == INET_IFACE_LOOPBACK;
}

bool inet_filter_passes(const struct inet_filter *f, const struct ipaddr *src)
{
	for (unsigned i = 0; i < f->n; i++)
		if (ipaddr_eq(&f->src[i], src))
			return !f->exclude;
	return f->exclude;
}

int inet_group_change(struct stack *s, unsigned iface, const struct ipaddr *group,
		      const struct inet_filter *from, const struct inet_filter *to)
{
	(void)iface;
	(void)group;
	s->inet->listeners += (to != NULL) - (from != NULL);
	return 0;
}

int inet_dst_lookup_zone(struct stack *s, uint8_t zone, const struct ipaddr *dst,
			 struct inet_dst *out)
{
	(void)zone;
	return inet_dst_lookup(s, dst, out);
}

bool inet_dst_valid(const struct stack *s, const struct inet_dst *d)
{
	(void)s;
	return d->gen == 1;
}

int inet_src_select(struct stack *s, const struct inet_dst *d, const struct ipaddr *dst,
		    struct ipaddr *out)
{
	static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

	(void)s;
	(void)d;
	*out = ipaddr_is_v4(dst) ? ipaddr_v4(0x0a000001) : ipaddr_v6(v6);
	if (ipaddr_is_loopback(dst))
		*out = *dst;
	return 0;
}

static void loop_back(struct stack *s, const struct inet_out *o, mbuf_own own)
{
	struct inet_in in = {
		.src = o->src,
		.dst = o->dst,
		.proto = o->proto,
		.tos = o->tos,
		.ttl = o->ttl ? o->ttl : (uint8_t)INET_TTL_DEFAULT,
	};

	s->inet->udp->input(s, &in, own);
}

int inet_output(struct stack *s, mbuf_own own, const struct inet_out *o, struct inet_dst *dst)
{
	(void)dst;
	if (inet_addr_is_local(s, &o->dst)) {
		loop_back(s, o, own);
		return 0;
	}
	if (s->inet->sent)
		mbuf_done(&s->inet->sent);
	s->inet->sent = own.m;
	s->inet->how = *o;
	return 0;
}

void inet_pmtu_update(struct stack *s, const struct ipaddr *dst, uint32_t mtu)
{
	(void)dst;
	s->inet->pmtu = mtu;
}

void inet_error_output(struct stack *s, const struct mbuf *m, enum inet_err_kind kind, uint8_t code,
		       uint32_t mtu_or_pointer)
{
	(void)m;
	(void)kind;
	(void)code;
	(void)mtu_or_pointer;
	s->inet->errors_out++;
}
