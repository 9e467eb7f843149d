/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control messages of UDP sockets: what a datagram or an error carries besides its bytes, in
 * Linux's order and shapes, and what a program says about one that it sends (ip(7), ipv6(7),
 * udp(7), RFC 3542). Worker thread.
 */
#include "sock/socket.h"

#include "inet/inet.h"

#include <linux/errqueue.h>
#include <netinet/udp.h>
#include <string.h>

#ifndef UDP_GRO /* <netinet/udp.h> of glibc has it, others may not */
#define UDP_GRO 104
#endif

#define WALL_S_NS  UINT64_C(1000000000)
#define WALL_US_NS UINT64_C(1000)

/* ---- to the program ---- */

struct cmsg_out {
	char *p;
	size_t room;
	size_t used;
	bool cut;
};

static void put_cmsg(struct cmsg_out *c, int level, int type, const void *data, size_t len)
{
	struct cmsghdr h = {.cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type};

	size_t left = c->room - c->used;

	/* As Linux: the one that does not fit is cut, the rest left out. */
	c->cut |= left < h.cmsg_len;
	if (left < sizeof(h))
		return;
	h.cmsg_len = min_size(h.cmsg_len, left);
	memcpy(c->p + c->used, &h, sizeof(h));
	memcpy(c->p + c->used + CMSG_LEN(0), data, h.cmsg_len - CMSG_LEN(0));
	c->used += min_size(CMSG_SPACE(h.cmsg_len - CMSG_LEN(0)), left);
}

static void put_int(struct cmsg_out *c, int level, int type, int v)
{
	put_cmsg(c, level, type, &v, sizeof(v));
}

static struct cmsg_out open_control(const struct msghdr *msg)
{
	return (struct cmsg_out){.p = msg->msg_control,
				 .room = msg->msg_control ? msg->msg_controllen : 0};
}

static void close_control(const struct cmsg_out *c, struct msghdr *msg)
{
	msg->msg_controllen = c->used;
	msg->msg_flags |= c->cut ? MSG_CTRUNC : 0;
}

/* Arrival on the wall clock: as long ago as the stack's clock says. */
static void put_stamp(struct stack *s, const struct udp_opts *o, const struct udp_from *from,
		      struct cmsg_out *c)
{
	uint64_t ago, wall;

	if (o->stamp == UDP_STAMP_NONE)
		return;
	ago = s->env.mono_ns(s->env.ctx) - from->arrived_ns;
	wall = s->env.wall_ns(s->env.ctx) - ago;
	if (o->stamp == UDP_STAMP_NS) {
		struct timespec ts = {.tv_sec = (time_t)(wall / WALL_S_NS),
				      .tv_nsec = (long)(wall % WALL_S_NS)};

		put_cmsg(c, SOL_SOCKET, SO_TIMESTAMPNS, &ts, sizeof(ts));
	} else {
		struct timeval tv = {.tv_sec = (time_t)(wall / WALL_S_NS),
				     .tv_usec = (suseconds_t)(wall % WALL_S_NS / WALL_US_NS)};

		put_cmsg(c, SOL_SOCKET, SO_TIMESTAMP, &tv, sizeof(tv));
	}
}

/* Where the datagram was sent to, as the program of that family names it. */
static void put_original_dst(struct cmsg_out *c, bool v6, const struct udp_from *from)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	addr_emit(v6, &from->dst, from->dport, (struct sockaddr *)&ss, &len);
	put_cmsg(c, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_ORIGDSTADDR : IP_ORIGDSTADDR, &ss,
		 len);
}

static void put_pktinfo4(struct stack *s, const struct udp_from *from, struct cmsg_out *c)
{
	struct in_pktinfo pi = {.ipi_ifindex = (int)from->iface + 1};
	struct ipaddr local = from->dst;
	struct inet_dst d;

	/* Our own address on that way: what an answer would come from. */
	if (ipaddr_is_multicast(&from->dst) || ipaddr_is_v4_broadcast(&from->dst)) {
		if (inet_dst_lookup_on(s, from->iface, &from->dst, &d) < 0 ||
		    inet_src_select(s, &d, &from->dst, &local) < 0)
			local = ipaddr_any4();
	}
	memcpy(&pi.ipi_addr, &from->dst.b[12], sizeof(pi.ipi_addr));
	memcpy(&pi.ipi_spec_dst, &local.b[12], sizeof(pi.ipi_spec_dst));
	put_cmsg(c, IPPROTO_IP, IP_PKTINFO, &pi, sizeof(pi));
}

static void put_info4(struct stack *s, struct socket *so, const struct udp_from *from,
		      struct cmsg_out *c)
{
	if (so->flags & SOF_PKTINFO)
		put_pktinfo4(s, from, c);
	if (so->flags & SOF_RECVTTL)
		put_int(c, IPPROTO_IP, IP_TTL, from->ttl);
	if (so->flags & SOF_RECVTOS)
		put_cmsg(c, IPPROTO_IP, IP_TOS, &from->tos, sizeof(from->tos));
	if (udp_opts(so->udp)->recvorigdst[0])
		put_original_dst(c, false, from);
}

static void put_pktinfo6(const struct udp_from *from, struct cmsg_out *c)
{
	struct in6_pktinfo pi = {.ipi6_ifindex = from->iface + 1};

	memcpy(&pi.ipi6_addr, from->dst.b, sizeof(pi.ipi6_addr));
	put_cmsg(c, IPPROTO_IPV6, IPV6_PKTINFO, &pi, sizeof(pi));
}

static void put_info6(struct socket *so, const struct udp_from *from, struct cmsg_out *c)
{
	if (so->flags & SOF_RECVHOPS)
		put_int(c, IPPROTO_IPV6, IPV6_HOPLIMIT, from->ttl);
	if (so->flags & SOF_RECVTCLASS)
		put_int(c, IPPROTO_IPV6, IPV6_TCLASS, from->tos);
	if (udp_opts(so->udp)->recvorigdst[1])
		put_original_dst(c, true, from);
}

void udpso_put_control(struct stack *s, struct socket *so, const struct udp_from *from,
		       struct msghdr *msg)
{
	const struct udp_opts *o = udp_opts(so->udp);
	struct cmsg_out c = open_control(msg);

	put_stamp(s, o, from, &c);
	if (o->rxq_ovfl && udp_rcv_lost(so->udp) > 0)
		put_int(&c, SOL_SOCKET, SO_RXQ_OVFL, (int)udp_rcv_lost(so->udp));
	if (o->gro && from->n_segs > 1)
		put_int(&c, IPPROTO_UDP, UDP_GRO, from->seg_bytes);
	/* A v6 socket hears of IPv4 by its own kind of address and by IPv4's options. */
	if (so->flags & SOF_V6 && so->flags & SOF_PKTINFO6)
		put_pktinfo6(from, &c);
	if (ipaddr_is_v4(&from->dst))
		put_info4(s, so, from, &c);
	else
		put_info6(so, from, &c);
	close_control(&c, msg);
}

void udpso_put_error(const struct socket *so, const struct udp_err *e, struct msghdr *msg)
{
	struct cmsg_out c = open_control(msg);
	bool v6 = so->flags & SOF_V6;
	struct {
		struct sock_extended_err ee;
		union {
			struct sockaddr_in sin;
			struct sockaddr_in6 sin6;
		} offender;
	} data = {.ee = {.ee_errno = (uint32_t)e->err,
			 .ee_origin = e->origin,
			 .ee_type = e->type,
			 .ee_code = e->code,
			 .ee_info = e->info}};
	socklen_t len = v6 ? sizeof(data.offender.sin6) : sizeof(data.offender.sin);

	if (e->origin != SO_EE_ORIGIN_LOCAL)
		addr_emit(v6, &e->from, 0, (struct sockaddr *)&data.offender, &len);
	put_cmsg(&c, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &data,
		 sizeof(data.ee) + len);
	close_control(&c, msg);
}

/* ---- from the program ---- */

struct cmsg_in {
	const struct cmsghdr *h;
	const void *data;
	size_t len;
};

static bool get_int(const struct cmsg_in *c, int lo, int hi, int *out)
{
	if (c->len != sizeof(*out))
		return false;
	memcpy(out, c->data, sizeof(*out));
	return *out >= lo && *out <= hi;
}

/* The named interface must be the one of the address, if that names one. */
static bool set_iface(struct udp_to *to, uint32_t index)
{
	if (index && to->iface && to->iface != index)
		return false;
	to->iface = index ? index : to->iface;
	return true;
}

static bool parse_pktinfo4(const struct cmsg_in *c, struct udp_to *to, struct ipaddr *src)
{
	struct in_pktinfo pi;

	if (c->len != sizeof(pi))
		return false;
	memcpy(&pi, c->data, sizeof(pi));
	if (pi.ipi_ifindex < 0 || !set_iface(to, (uint32_t)pi.ipi_ifindex))
		return false;
	*src = ipaddr_v4(load_be32(&pi.ipi_spec_dst));
	if (!ipaddr_is_unspecified(src))
		to->src = src;
	return true;
}

static bool parse_pktinfo6(const struct cmsg_in *c, struct udp_to *to, struct ipaddr *src)
{
	struct in6_pktinfo pi;

	if (c->len < sizeof(pi))
		return false;
	memcpy(&pi, c->data, sizeof(pi));
	if (!set_iface(to, pi.ipi6_ifindex))
		return false;
	*src = ipaddr_v6(pi.ipi6_addr.s6_addr);
	if (!ipaddr_is_unspecified(src))
		to->src = src;
	return true;
}

static bool parse_tos4(const struct cmsg_in *c, struct udp_to *to)
{
	if (c->len == 1) {
		to->tos = *(const uint8_t *)c->data;
		return true;
	}
	return get_int(c, 0, 255, &to->tos);
}

static bool parse_ip4(const struct cmsg_in *c, struct udp_to *to, struct ipaddr *src)
{
	switch (c->h->cmsg_type) {
	case IP_PKTINFO:
		return parse_pktinfo4(c, to, src);
	case IP_TTL:
		return get_int(c, 1, 255, &to->ttl);
	case IP_TOS:
		return parse_tos4(c, to);
	default: /* a number from the program */
		return false;
	}
}

static bool parse_ip6(const struct cmsg_in *c, struct udp_to *to, struct ipaddr *src)
{
	switch (c->h->cmsg_type) {
	case IPV6_PKTINFO:
		return parse_pktinfo6(c, to, src);
	case IPV6_HOPLIMIT:
		return get_int(c, -1, 255, &to->ttl);
	case IPV6_TCLASS:
		return get_int(c, -1, 255, &to->tos);
	case IPV6_DONTFRAG:
		return get_int(c, 0, 1, &to->dontfrag);
	default: /* a number from the program */
		return false;
	}
}

static bool parse_segment(const struct cmsg_in *c, struct udp_to *to)
{
	uint16_t v;

	if (c->h->cmsg_type != UDP_SEGMENT || c->len != sizeof(v))
		return false;
	memcpy(&v, c->data, sizeof(v));
	to->gso_size = v;
	return true;
}

/* Is the datagram one of IPv4: by its address, or the peer's? */
static bool is_ip4(const struct socket *so, const struct udp_to *to)
{
	struct ipaddr peer;
	uint16_t port;

	if (!(so->flags & SOF_V6) || to->addr)
		return !(so->flags & SOF_V6) || ipaddr_is_v4(to->addr);
	udp_peer(so->udp, &peer, &port);
	return ipaddr_is_v4(&peer);
}

/* Each level hears its own; of the others Linux takes no notice, but of a kind it does not know. */
static bool parse_one(const struct socket *so, const struct cmsg_in *c, struct udp_to *to,
		      struct ipaddr *src)
{
	bool v4 = is_ip4(so, to);

	switch (c->h->cmsg_level) {
	case IPPROTO_UDP:
		return parse_segment(c, to);
	case IPPROTO_IP:
		return !v4 || parse_ip4(c, to, src);
	case IPPROTO_IPV6:
		if (v4 && c->h->cmsg_type == IPV6_PKTINFO && so->flags & SOF_V6)
			return parse_pktinfo6(c, to, src) && (!to->src || ipaddr_is_v4(to->src));
		return v4 || parse_ip6(c, to, src);
	case SOL_SOCKET:
		return c->h->cmsg_type == SO_MARK || c->h->cmsg_type == SO_PRIORITY;
	default: /* a number from the program */
		return true;
	}
}

int udpso_parse_control(const struct socket *so, const struct msghdr *msg, struct udp_to *to,
			struct ipaddr *src)
{
	size_t off = 0;

	/* Every message takes at least its header. */
	while (msg->msg_controllen - off >= sizeof(struct cmsghdr)) {
		const char *p = (const char *)msg->msg_control + off;
		struct cmsghdr h;
		struct cmsg_in c;

		memcpy(&h, p, sizeof(h));
		if (h.cmsg_len < sizeof(h) || h.cmsg_len > msg->msg_controllen - off)
			return -EINVAL;
		c = (struct cmsg_in){&h, p + CMSG_LEN(0), h.cmsg_len - CMSG_LEN(0)};
		if (!parse_one(so, &c, to, src))
			return -EINVAL;
		off += min_size(CMSG_ALIGN(h.cmsg_len), msg->msg_controllen - off);
	}
	return 0;
}
