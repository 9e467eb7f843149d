/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the program's struct sockaddr and struct ipaddr. The lengths and families that are
 * refused, and how, are those of Linux's inet_bind, inet6_bind and connect. Stateless.
 */
#include "sock/socket.h"

#include <string.h>

#define SIN6_LEN_RFC2133 24u /* without the scope, which came later */

static int parse4(const struct sockaddr *sa, socklen_t len, struct ipaddr *addr, uint16_t *port)
{
	struct sockaddr_in sin;

	if (len < sizeof(sin))
		return -EINVAL;
	memcpy(&sin, sa, sizeof(sin));
	/* Linux lets AF_UNSPEC pass for the any address, for old programs. */
	if (sin.sin_family != AF_INET &&
	    (sin.sin_family != AF_UNSPEC || sin.sin_addr.s_addr != INADDR_ANY))
		return -EAFNOSUPPORT;
	*addr = ipaddr_v4(load_be32(&sin.sin_addr));
	*port = load_be16(&sin.sin_port);
	return 0;
}

static int parse6(const struct sockaddr *sa, socklen_t len, struct ipaddr *addr, uint16_t *port)
{
	struct sockaddr_in6 sin6;

	if (len < SIN6_LEN_RFC2133)
		return -EINVAL;
	memcpy(&sin6, sa, SIN6_LEN_RFC2133);
	if (sin6.sin6_family != AF_INET6)
		return -EAFNOSUPPORT;
	*addr = ipaddr_v6(sin6.sin6_addr.s6_addr);
	*port = load_be16(&sin6.sin6_port);
	return 0;
}

int addr_parse(const struct socket *so, const struct sockaddr *sa, socklen_t len,
	       struct ipaddr *addr, uint16_t *port)
{
	if (!sa)
		return -EFAULT;
	return so->flags & SOF_V6 ? parse6(sa, len, addr, port) : parse4(sa, len, addr, port);
}

int addr_parse_peer(const struct socket *so, const struct sockaddr *sa, socklen_t len,
		    struct ipaddr *addr, uint16_t *port)
{
	int rc = addr_parse(so, sa, len, addr, port);

	if (rc == 0 && ipaddr_is_unspecified(addr))
		*addr = ipaddr_is_v4(addr) ? ipaddr_loopback4() : ipaddr_loopback6();
	return rc;
}

uint32_t addr_iface(const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_in6 sin6;
	struct ipaddr a;

	if (len < sizeof(sin6) || sa->sa_family != AF_INET6)
		return 0;
	memcpy(&sin6, sa, min_u32(len, sizeof(sin6)));
	a = ipaddr_v6(sin6.sin6_addr.s6_addr);
	return ipaddr_is_link_local(&a) || ipaddr_is_multicast(&a) ? sin6.sin6_scope_id : 0;
}

int addr_parse_to(const struct socket *so, const struct sockaddr *sa, socklen_t len,
		  struct ipaddr *addr, uint16_t *port)
{
	struct sockaddr_in sin;

	int rc;

	if (!sa || len < sizeof(sin) || sa->sa_family != (so->flags & SOF_V6 ? AF_INET : AF_UNSPEC))
		return addr_parse_peer(so, sa, len, addr, port);
	memcpy(&sin, sa, sizeof(sin));
	sin.sin_family = AF_INET;
	rc = parse4((const struct sockaddr *)&sin, sizeof(sin), addr, port);
	if (rc == 0 && ipaddr_is_unspecified(addr))
		*addr = ipaddr_loopback4();
	return rc;
}

/* A v6 socket shows an IPv4 address in its mapped form, and 0.0.0.0 as the any address it is. */
static void emit6(const struct ipaddr *addr, uint16_t port, struct sockaddr_in6 *sin6)
{
	*sin6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
	store_be16(&sin6->sin6_port, port);
	if (!ipaddr_is_unspecified(addr))
		memcpy(&sin6->sin6_addr, addr->b, sizeof(addr->b));
}

static void emit4(const struct ipaddr *addr, uint16_t port, struct sockaddr_in *sin)
{
	*sin = (struct sockaddr_in){.sin_family = AF_INET};
	store_be16(&sin->sin_port, port);
	if (ipaddr_is_v4(addr))
		store_be32(&sin->sin_addr, ipaddr_to_v4(addr));
}

void addr_emit(bool v6, const struct ipaddr *addr, uint16_t port, struct sockaddr *sa,
	       socklen_t *len)
{
	union {
		struct sockaddr_in sin;
		struct sockaddr_in6 sin6;
	} u;
	socklen_t size = v6 ? sizeof(u.sin6) : sizeof(u.sin);

	if (v6)
		emit6(addr, port, &u.sin6);
	else
		emit4(addr, port, &u.sin);
	memcpy(sa, &u, size < *len ? size : *len);
	*len = size;
}
