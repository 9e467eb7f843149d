/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP sockets: events into the readiness word, datagrams with their addresses and control
 * messages. Linux's udp(7), ip(7), ipv6(7). Worker thread.
 */
#include "sock/socket.h"

#include "sock/wait.h"

#include <stddef.h>
#include <string.h>

/* What the program asked for with MSG_TRUNC is the datagram's length. */
#define UDP_MAX_PAYLOAD 65507u

static void on_readable(struct stack *s, void *arg)
{
	struct socket *so = arg;

	(void)s;
	ev_activate(&so->f.src, RDY_READABLE);
}

static void on_error(struct stack *s, void *arg, int err)
{
	struct socket *so = arg;

	(void)s;
	so->err = err;
	ev_activate(&so->f.src, RDY_ERR);
}

const struct udp_events udpso_events = {
	.readable = on_readable,
	.error = on_error,
};

static unsigned bind_flags(const struct socket *so)
{
	return (so->flags & (SOF_TRANSPARENT | SOF_FREEBIND) ? UDP_BIND_FOREIGN : 0) |
	       (so->flags & SOF_REUSEADDR ? UDP_BIND_REUSEADDR : 0) |
	       (so->flags & SOF_REUSEPORT ? UDP_BIND_REUSEPORT : 0) |
	       (so->flags & SOF_V6ONLY ? UDP_BIND_V6ONLY : 0);
}

int udpso_bind(struct socket *so, const struct ipaddr *addr, uint16_t port)
{
	int rc;

	if (so->flags & SOF_BOUND)
		return -EINVAL;
	rc = udp_bind(so->udp, addr, port, bind_flags(so));
	if (rc == 0)
		so->flags |= SOF_BOUND;
	return rc;
}

static bool is_broadcast(const struct ipaddr *a)
{
	return ipaddr_is_v4_broadcast(a);
}

int udpso_connect(struct socket *so, const struct ipaddr *addr, uint16_t port)
{
	int rc;

	if (is_broadcast(addr) && !(so->flags & SOF_BROADCAST))
		return -EACCES;
	rc = udp_connect(so->udp, addr, port);
	if (rc == 0)
		so->phase = SOCK_CONNECTED;
	return rc;
}

int udpso_disconnect(struct socket *so)
{
	udp_disconnect(so->udp);
	so->phase = SOCK_NEW;
	so->flags &= ~(SOF_RDSHUT | SOF_WRSHUT);
	ev_clear(&so->f.src, RDY_RDHUP | RDY_HUP | RDY_WREOF);
	ev_activate(&so->f.src, RDY_ROOM);
	return 0;
}

int udpso_shutdown(struct socket *so, int how)
{
	uint32_t bits = 0;

	/* As Linux: an unconnected socket is told so, and shut down all the same. */
	if (how != SHUT_WR) {
		so->flags |= SOF_RDSHUT;
		bits |= RDY_IN | RDY_RDNORM | RDY_RDHUP;
	}
	if (how != SHUT_RD) {
		so->flags |= SOF_WRSHUT;
		bits |= RDY_WREOF;
	}
	if ((so->flags & SOF_RDSHUT) && (so->flags & SOF_WRSHUT))
		bits |= RDY_HUP;
	ev_activate(&so->f.src, bits);
	return so->phase == SOCK_CONNECTED ? 0 : -ENOTCONN;
}

/* ---- control messages ---- */

struct cmsg_out {
	char *p;
	size_t room;
	size_t used;
	bool cut;
};

static void put_cmsg(struct cmsg_out *c, int level, int type, const void *data, size_t len)
{
	struct cmsghdr h = {.cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type};

	if (c->room - c->used < CMSG_LEN(len)) {
		c->cut = true;
		return;
	}
	memcpy(c->p + c->used, &h, sizeof(h));
	memcpy(c->p + c->used + CMSG_LEN(0), data, len);
	c->used += min_size(CMSG_SPACE(len), c->room - c->used);
}

static void put_info4(const struct socket *so, const struct udp_from *from, struct cmsg_out *c)
{
	int ttl = from->ttl;

	if (so->flags & SOF_PKTINFO) {
		struct in_pktinfo pi = {.ipi_ifindex = (int)from->iface + 1};

		memcpy(&pi.ipi_addr, &from->dst.b[12], sizeof(pi.ipi_addr));
		pi.ipi_spec_dst = pi.ipi_addr;
		put_cmsg(c, IPPROTO_IP, IP_PKTINFO, &pi, sizeof(pi));
	}
	if (so->flags & SOF_RECVTOS)
		put_cmsg(c, IPPROTO_IP, IP_TOS, &from->tos, sizeof(from->tos));
	if (so->flags & SOF_RECVTTL)
		put_cmsg(c, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
}

static void put_info6(const struct socket *so, const struct udp_from *from, struct cmsg_out *c)
{
	int tos = from->tos;
	int ttl = from->ttl;

	if (so->flags & SOF_PKTINFO6) {
		struct in6_pktinfo pi = {.ipi6_ifindex = from->iface + 1};

		memcpy(&pi.ipi6_addr, from->dst.b, sizeof(pi.ipi6_addr));
		put_cmsg(c, IPPROTO_IPV6, IPV6_PKTINFO, &pi, sizeof(pi));
	}
	if (so->flags & SOF_RECVTCLASS)
		put_cmsg(c, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	if (so->flags & SOF_RECVHOPS)
		put_cmsg(c, IPPROTO_IPV6, IPV6_HOPLIMIT, &ttl, sizeof(ttl));
}

static void put_control(const struct socket *so, const struct udp_from *from, struct msghdr *msg)
{
	struct cmsg_out c = {.p = msg->msg_control, .room = msg->msg_controllen};

	if (!c.p)
		c.room = 0;
	if (ipaddr_is_v4(&from->dst))
		put_info4(so, from, &c);
	if (so->flags & SOF_V6)
		put_info6(so, from, &c);
	msg->msg_controllen = c.used;
	msg->msg_flags |= c.cut ? MSG_CTRUNC : 0;
}

/* ---- receiving ---- */

static int wait_datagram(struct stack *s, struct socket *so, int flags)
{
	for (;;) {
		if (so->err)
			return socket_take_error(so);
		if (udp_rcv_count(so->udp) > 0)
			return 0;
		if (!socket_blocking(so, flags))
			return -EAGAIN;
		if (so->flags & SOF_RDSHUT)
			return 1;
		int rc = sock_wait_bits(s, so, RDY_IN | RDY_ERR, so->rcvtimeo_ns, false);

		if (rc < 0)
			return rc;
	}
}

ssize_t udpso_recv(struct stack *s, struct socket *so, struct msghdr *msg, int flags)
{
	ssize_t total = iov_total(msg->msg_iov, (int)msg->msg_iovlen, false);
	struct udp_from from;
	size_t full;
	ssize_t r;
	int rc;

	if (flags & (MSG_OOB | MSG_ERRQUEUE))
		return flags & MSG_OOB ? -EOPNOTSUPP : -EAGAIN;
	if (total < 0)
		return total;
	rc = wait_datagram(s, so, flags);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	r = udp_recv(so->udp, msg->msg_iov, (int)msg->msg_iovlen, &from, &full, flags & MSG_PEEK);
	if (r < 0)
		return r;
	if (udp_rcv_count(so->udp) == 0 && !(so->flags & SOF_RDSHUT))
		ev_clear(&so->f.src, RDY_READABLE);
	msg->msg_flags = full > (size_t)total ? MSG_TRUNC : 0;
	if (msg->msg_name)
		addr_emit(so->flags & SOF_V6, &from.src, from.sport, msg->msg_name,
			  &msg->msg_namelen);
	put_control(so, &from, msg);
	return flags & MSG_TRUNC ? (ssize_t)full : r;
}

/* ---- sending ---- */

static int parse_to(const struct socket *so, const struct msghdr *msg, struct ipaddr *addr,
		    uint16_t *port)
{
	int rc = addr_parse_peer(so, msg->msg_name, msg->msg_namelen, addr, port);

	if (rc < 0)
		return rc;
	if (*port == 0)
		return -EINVAL;
	if (is_broadcast(addr) && !(so->flags & SOF_BROADCAST))
		return -EACCES;
	if (so->flags & SOF_V6ONLY && ipaddr_is_v4(addr))
		return -ENETUNREACH;
	return 0;
}

ssize_t udpso_send(struct stack *s, struct socket *so, const struct msghdr *msg, int flags)
{
	ssize_t total = iov_total(msg->msg_iov, (int)msg->msg_iovlen, false);
	struct ipaddr to;
	uint16_t port = 0;
	ssize_t r;

	if (flags & MSG_OOB && !(so->flags & SOF_V6))
		return -EOPNOTSUPP;
	if (total < 0)
		return total;
	if (so->err)
		return socket_take_error(so);
	if (so->flags & SOF_WRSHUT && (msg->msg_name || so->phase == SOCK_CONNECTED))
		return -EPIPE;
	if (total > (ssize_t)UDP_MAX_PAYLOAD)
		return -EMSGSIZE;
	if (msg->msg_name) {
		r = parse_to(so, msg, &to, &port);
		if (r < 0)
			return r;
	}
	r = udp_send(so->udp, msg->msg_iov, (int)msg->msg_iovlen, msg->msg_name ? &to : NULL, port);
	if (r >= 0)
		sock_caused_output(s, so);
	return r;
}
