/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP sockets: events into the readiness word, datagrams with their addresses, the error queue.
 * Linux's udp(7), ip(7), ipv6(7). Worker thread.
 */
#include "sock/socket.h"

#include "sock/wait.h"

#include <stddef.h>
#include <string.h>

/* Of IPv6; IPv4 has 20 less, which UDP knows. */
#define UDP_MAX_PAYLOAD 65527u

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
	if (err)
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

int udpso_connect(struct socket *so, const struct ipaddr *addr, uint16_t port, uint32_t iface)
{
	int rc;

	if (is_broadcast(addr) && !(so->flags & SOF_BROADCAST))
		return -EACCES;
	rc = udp_connect(so->udp, addr, port, iface);
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

/* Where it came from; a link-local address is one only together with its interface. */
static void put_name(const struct socket *so, const struct ipaddr *addr, uint16_t port,
		     unsigned iface, struct msghdr *msg)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (!msg->msg_name)
		return;
	addr_emit(so->flags & SOF_V6, addr, port, (struct sockaddr *)&ss, &len);
	if (so->flags & SOF_V6 && !ipaddr_is_v4(addr) && ipaddr_is_link_local(addr)) {
		uint32_t scope = iface + 1;

		memcpy((char *)&ss + offsetof(struct sockaddr_in6, sin6_scope_id), &scope,
		       sizeof(scope));
	}
	memcpy(msg->msg_name, &ss, min_u32(len, msg->msg_namelen));
	msg->msg_namelen = len;
}

/* MSG_ERRQUEUE: never waits. */
static ssize_t recv_error(struct socket *so, struct msghdr *msg, size_t room, int flags)
{
	struct udp_err e;
	size_t full;
	ssize_t r = udp_err_recv(so->udp, msg->msg_iov, (int)msg->msg_iovlen, &e, &full,
				 flags & MSG_PEEK);

	if (r < 0)
		return r;
	msg->msg_flags = MSG_ERRQUEUE | (full > room ? MSG_TRUNC : 0);
	put_name(so, &e.dst, e.dport, e.iface, msg);
	udpso_put_error(so, &e, msg);
	if (flags & MSG_PEEK)
		return r;
	/* Linux: the pending error becomes that of the next one, if a router sent it. */
	so->err = udp_err_pending(so->udp);
	if (!so->err && udp_err_count(so->udp) == 0)
		ev_clear(&so->f.src, RDY_ERR);
	return r;
}

ssize_t udpso_recv(struct stack *s, struct socket *so, struct msghdr *msg, int flags)
{
	ssize_t total = iov_total(msg->msg_iov, (int)msg->msg_iovlen, false);
	struct udp_from from;
	size_t full;
	ssize_t r;
	int rc;

	if (total < 0)
		return total;
	if (flags & MSG_ERRQUEUE)
		return recv_error(so, msg, (size_t)total, flags);
	rc = wait_datagram(s, so, flags);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	r = udp_recv(so->udp, msg->msg_iov, (int)msg->msg_iovlen, &from, &full, flags & MSG_PEEK);
	if (r < 0)
		return r;
	if (udp_rcv_count(so->udp) == 0 && !(so->flags & SOF_RDSHUT))
		ev_clear(&so->f.src, RDY_READABLE);
	msg->msg_flags = full > (size_t)total ? MSG_TRUNC : 0;
	put_name(so, &from.src, from.sport, from.iface, msg);
	udpso_put_control(s, so, &from, msg);
	return flags & MSG_TRUNC ? (ssize_t)full : r;
}

/* ---- sending ---- */

static int parse_to(const struct socket *so, const struct msghdr *msg, struct ipaddr *addr,
		    struct udp_to *to)
{
	int rc = addr_parse_to(so, msg->msg_name, msg->msg_namelen, addr, &to->port);

	if (rc < 0)
		return rc == -EAFNOSUPPORT && so->flags & SOF_V6 ? -EINVAL : rc;
	if (to->port == 0)
		return -EINVAL;
	if (is_broadcast(addr) && !(so->flags & SOF_BROADCAST))
		return -EACCES;
	if (so->flags & SOF_V6ONLY && ipaddr_is_v4(addr))
		return -ENETUNREACH;
	to->addr = addr;
	to->iface = addr_iface(msg->msg_name, msg->msg_namelen);
	return 0;
}

/* As Linux: a name without a family is none, on IPv6. */
static bool is_named(const struct socket *so, const struct msghdr *msg)
{
	const struct sockaddr *sa = msg->msg_name;

	return sa && !(so->flags & SOF_V6 && msg->msg_namelen >= sizeof(sa->sa_family) &&
		       sa->sa_family == AF_UNSPEC);
}

/* What is wrong with the socket, whatever it is to send. */
static int may_send(struct socket *so, bool named, ssize_t total, int flags)
{
	if (flags & MSG_OOB && !(so->flags & SOF_V6))
		return -EOPNOTSUPP;
	if (total < 0)
		return (int)total;
	if (so->err)
		return socket_take_error(so);
	if (so->flags & SOF_WRSHUT && (named || so->phase == SOCK_CONNECTED))
		return -EPIPE;
	return total > (ssize_t)UDP_MAX_PAYLOAD ? -EMSGSIZE : 0;
}

ssize_t udpso_send(struct stack *s, struct socket *so, const struct msghdr *msg, int flags)
{
	ssize_t total = iov_total(msg->msg_iov, (int)msg->msg_iovlen, false);
	struct udp_to to = {.ttl = -1, .tos = -1, .dontfrag = -1, .gso_size = -1};
	bool named = is_named(so, msg);
	ssize_t r = may_send(so, named, total, flags);
	struct ipaddr addr, src;

	if (r < 0)
		return r;
	if (named)
		r = parse_to(so, msg, &addr, &to);
	if (r == 0 && msg->msg_controllen > 0)
		r = udpso_parse_control(so, msg, &to, &src);
	if (r < 0)
		return r;
	udp_opts(so->udp)->foreign = (so->flags & (SOF_TRANSPARENT | SOF_FREEBIND)) != 0;
	r = udp_send(so->udp, msg->msg_iov, (int)msg->msg_iovlen, &to);
	if (r >= 0)
		sock_caused_output(s, so);
	return r;
}
