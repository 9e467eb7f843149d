/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multicast memberships of UDP sockets: the options of ip(7) and ipv6(7), and the same for both
 * families of RFC 3678. Each becomes one change of the socket's filter for a group on an interface;
 * numbers, shapes and errors are Linux's. Worker thread.
 */
#include "sock/opt.h"

#include "inet/inet.h"

#include <stddef.h>
#include <string.h>

/* Which group on which interface, and for which source. */
struct request {
	struct ipaddr group, source;
	int iface; /* -1: none was named */
};

/* ---- what the program's structures name ---- */

static int family_of(int level)
{
	return level == IPPROTO_IPV6 ? AF_INET6 : AF_INET;
}

static struct ipaddr addr_of4(const struct in_addr *a)
{
	return ipaddr_v4(load_be32(a));
}

/* By index, or by an address of it. -ENODEV. */
static int find_iface(const struct socket *so, uint32_t index, const struct ipaddr *addr, int *out)
{
	struct stack *s = udp_stack(so->udp);

	*out = -1;
	if (index) {
		if (!inet_iface_exists(s, index - 1))
			return -ENODEV;
		*out = (int)index - 1;
	} else if (addr && !ipaddr_is_unspecified(addr)) {
		*out = inet_addr_iface(s, addr);
		return *out < 0 ? -ENODEV : 0;
	}
	return 0;
}

/* The one that packets to the group leave by. */
static int routed_iface(const struct socket *so, struct request *r)
{
	struct inet_dst d;

	if (r->iface >= 0)
		return 0;
	if (inet_dst_lookup(udp_stack(so->udp), &r->group, &d) < 0)
		return -ENODEV;
	r->iface = (int)d.iface;
	return 0;
}

/* A leave that names no interface means the first membership. */
static void member_iface(const struct socket *so, struct request *r)
{
	if (r->iface < 0)
		r->iface = udp_group_iface(so->udp, &r->group);
}

static int parse_storage(const struct sockaddr_storage *ss, int family, struct ipaddr *out)
{
	const struct sockaddr_in *sin = (const struct sockaddr_in *)ss;
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ss;

	if (ss->ss_family != family)
		return family == AF_INET6 ? -EADDRNOTAVAIL : -EINVAL;
	*out = family == AF_INET ? addr_of4(&sin->sin_addr) : ipaddr_v6(sin6->sin6_addr.s6_addr);
	return 0;
}

/* ---- changes ---- */

static const struct inet_filter *filter_of(const struct socket *so, const struct request *r)
{
	return r->iface < 0 ? NULL : udp_group_get(so->udp, (unsigned)r->iface, &r->group);
}

static int change(struct socket *so, const struct request *r, const struct inet_filter *to)
{
	return udp_group_set(so->udp, (unsigned)r->iface, &r->group, to);
}

static int join(struct socket *so, struct request *r)
{
	struct inet_filter any = {.exclude = true};
	int rc;

	if (!ipaddr_is_multicast(&r->group))
		return -EINVAL;
	rc = routed_iface(so, r);
	if (rc < 0)
		return rc;
	return filter_of(so, r) ? -EADDRINUSE : change(so, r, &any);
}

static int leave(struct socket *so, struct request *r)
{
	if (!ipaddr_is_multicast(&r->group))
		return -EINVAL;
	member_iface(so, r);
	return filter_of(so, r) ? change(so, r, NULL) : -EADDRNOTAVAIL;
}

static int index_of(const struct inet_filter *f, const struct ipaddr *source)
{
	for (int i = 0; i < f->n; i++)
		if (ipaddr_eq(&f->src[i], source))
			return i;
	return -1;
}

/* A source into the filter or out of it; exclude: the mode that makes sense. Taking the last one
 * that was included leaves the group. */
static int set_source(struct socket *so, const struct request *r, bool exclude, bool add)
{
	const struct inet_filter *now = filter_of(so, r);
	struct inet_filter f;
	int i;

	if (!now)
		return -EINVAL;
	f = *now;
	if (f.exclude != exclude) {
		if (f.n > 0)
			return -EINVAL;
		f.exclude = exclude;
	}
	i = index_of(&f, &r->source);
	if ((i >= 0) == add)
		return -EADDRNOTAVAIL;
	if (add) {
		if (f.n == INET_FILTER_MAX)
			return -ENOBUFS;
		f.src[f.n++] = r->source;
	} else {
		f.src[i] = f.src[--f.n];
	}
	return change(so, r, !f.exclude && f.n == 0 ? NULL : &f);
}

/* Join for the sake of one source: a membership that is there already gets it too. */
static int join_source(struct socket *so, struct request *r)
{
	int rc;

	if (!ipaddr_is_multicast(&r->group))
		return -EINVAL;
	rc = routed_iface(so, r);
	if (rc < 0)
		return rc;
	if (!filter_of(so, r)) {
		struct inet_filter one = {.n = 1, .src = {r->source}};

		return change(so, r, &one);
	}
	return set_source(so, r, false, true);
}

enum source_op {
	SOURCE_JOIN,
	SOURCE_LEAVE,
	SOURCE_BLOCK,
	SOURCE_UNBLOCK,
};

static int source_op(struct socket *so, struct request *r, enum source_op op)
{
	if (op == SOURCE_JOIN)
		return join_source(so, r);
	if (!ipaddr_is_multicast(&r->group))
		return -EINVAL;
	member_iface(so, r);
	switch (op) {
	case SOURCE_BLOCK:
		return set_source(so, r, true, true);
	case SOURCE_UNBLOCK:
		return set_source(so, r, true, false);
	case SOURCE_LEAVE:
	case SOURCE_JOIN:
		break;
	}
	return set_source(so, r, false, false);
}

/* ---- options of IPv4 ---- */

/* struct ip_mreq, or ip_mreqn with an index. */
static int parse_mreq4(const struct socket *so, const void *buf, socklen_t len, struct request *r)
{
	struct ip_mreqn mreq = {.imr_ifindex = 0};
	struct ipaddr local;

	if (len < sizeof(struct ip_mreq))
		return -EINVAL;
	memcpy(&mreq, buf, min_u32(len, sizeof(mreq)));
	if (len < sizeof(mreq))
		mreq.imr_ifindex = 0;
	r->group = addr_of4(&mreq.imr_multiaddr);
	local = addr_of4(&mreq.imr_address);
	return find_iface(so, (uint32_t)mreq.imr_ifindex, &local, &r->iface);
}

static int add_membership4(struct socket *so, const void *buf, socklen_t len)
{
	struct request r;
	int rc = parse_mreq4(so, buf, len, &r);

	return rc < 0 ? rc : join(so, &r);
}

static int drop_membership4(struct socket *so, const void *buf, socklen_t len)
{
	struct request r;
	int rc = parse_mreq4(so, buf, len, &r);

	return rc < 0 ? rc : leave(so, &r);
}

static int source4(struct socket *so, const void *buf, socklen_t len, enum source_op op)
{
	struct ip_mreq_source m;
	struct ipaddr local;
	struct request r;
	int rc;

	if (len != sizeof(m))
		return -EINVAL;
	memcpy(&m, buf, sizeof(m));
	r.group = addr_of4(&m.imr_multiaddr);
	r.source = addr_of4(&m.imr_sourceaddr);
	local = addr_of4(&m.imr_interface);
	rc = find_iface(so, 0, &local, &r.iface);
	return rc < 0 ? rc : source_op(so, &r, op);
}

static int set_group_if4(struct socket *so, const void *buf, socklen_t len)
{
	struct udp_opts *o = udp_opts(so->udp);
	struct ip_mreqn m = {.imr_ifindex = 0};
	struct ipaddr local;
	int iface;

	if (len >= sizeof(m))
		memcpy(&m, buf, sizeof(m));
	else if (len >= sizeof(struct ip_mreq))
		memcpy(&m, buf, sizeof(struct ip_mreq));
	else if (len >= sizeof(struct in_addr))
		memcpy(&m.imr_address, buf, sizeof(struct in_addr));
	else
		return -EINVAL;
	local = addr_of4(&m.imr_address);
	if (find_iface(so, (uint32_t)m.imr_ifindex, &local, &iface) < 0)
		return -EADDRNOTAVAIL;
	o->mc_iface[0] = iface < 0 ? 0 : (uint32_t)iface + 1;
	o->mc_src4 = iface < 0 ? ipaddr_any4() : local;
	return 0;
}

static int get_group_if4(struct socket *so, void *buf, socklen_t *len)
{
	const struct udp_opts *o = udp_opts(so->udp);
	struct in_addr a;

	store_be32(&a, ipaddr_to_v4(&o->mc_src4));
	*len = min_u32(*len, sizeof(a));
	memcpy(buf, &a, *len);
	return 0;
}

/* ---- options of IPv6 ---- */

static int parse_mreq6(const struct socket *so, const void *buf, socklen_t len, struct request *r)
{
	struct ipv6_mreq m;

	if (len < sizeof(m))
		return -EINVAL;
	memcpy(&m, buf, sizeof(m));
	r->group = ipaddr_v6(m.ipv6mr_multiaddr.s6_addr);
	return find_iface(so, m.ipv6mr_interface, NULL, &r->iface);
}

static int join6(struct socket *so, const void *buf, socklen_t len)
{
	struct request r;
	int rc = parse_mreq6(so, buf, len, &r);

	return rc < 0 ? rc : join(so, &r);
}

static int leave6(struct socket *so, const void *buf, socklen_t len)
{
	struct request r;
	int rc = parse_mreq6(so, buf, len, &r);

	return rc < 0 ? rc : leave(so, &r);
}

/* ---- options of RFC 3678, for either family ---- */

static int parse_group_req(const struct socket *so, int level, const void *buf, socklen_t len,
			   struct request *r)
{
	struct group_req g;
	int rc;

	if (len < sizeof(g))
		return -EINVAL;
	memcpy(&g, buf, sizeof(g));
	rc = parse_storage(&g.gr_group, family_of(level), &r->group);
	return rc < 0 ? rc : find_iface(so, g.gr_interface, NULL, &r->iface);
}

static int parse_source_req(const struct socket *so, int level, const void *buf, socklen_t len,
			    struct request *r)
{
	struct group_source_req g;
	int rc;

	if (len < sizeof(g))
		return -EINVAL;
	memcpy(&g, buf, sizeof(g));
	rc = parse_storage(&g.gsr_group, family_of(level), &r->group);
	if (rc == 0)
		rc = parse_storage(&g.gsr_source, family_of(level), &r->source);
	return rc < 0 ? rc : find_iface(so, g.gsr_interface, NULL, &r->iface);
}

/* The whole filter at once: RFC 3678 3, 4.1.3, 4.2.3. */
static int set_filter(struct socket *so, const struct request *r, uint32_t mode,
		      const struct inet_filter *f)
{
	if (mode != MCAST_INCLUDE && mode != MCAST_EXCLUDE)
		return -EINVAL;
	if (!filter_of(so, r))
		return -EINVAL;
	return change(so, r, mode == MCAST_INCLUDE && f->n == 0 ? NULL : f);
}

static int set_msfilter4(struct socket *so, const void *buf, socklen_t len)
{
	size_t head = offsetof(struct ip_msfilter, imsf_slist);
	struct ip_msfilter m;
	struct inet_filter f;
	struct ipaddr local;
	struct request r;
	int rc;

	if (len < head)
		return -EINVAL;
	memcpy(&m, buf, head);
	if (m.imsf_numsrc > INET_FILTER_MAX)
		return -ENOBUFS;
	if (len < head + m.imsf_numsrc * sizeof(struct in_addr))
		return -EINVAL;
	f.exclude = m.imsf_fmode == MCAST_EXCLUDE;
	f.n = (uint16_t)m.imsf_numsrc;
	for (unsigned i = 0; i < f.n; i++)
		f.src[i] = ipaddr_v4(load_be32((const char *)buf + head + i * (size_t)4));
	r.group = addr_of4(&m.imsf_multiaddr);
	local = addr_of4(&m.imsf_interface);
	rc = find_iface(so, 0, &local, &r.iface);
	if (rc < 0)
		return rc;
	if (!ipaddr_is_multicast(&r.group))
		return -EINVAL;
	member_iface(so, &r);
	return set_filter(so, &r, m.imsf_fmode, &f);
}

static int get_msfilter4(struct socket *so, void *buf, socklen_t *len)
{
	size_t head = offsetof(struct ip_msfilter, imsf_slist), room;
	const struct inet_filter *f;
	struct ip_msfilter m;
	struct ipaddr local;
	struct request r;
	int rc;

	if (*len < head)
		return -EINVAL;
	memcpy(&m, buf, head);
	r.group = addr_of4(&m.imsf_multiaddr);
	local = addr_of4(&m.imsf_interface);
	rc = find_iface(so, 0, &local, &r.iface);
	if (rc < 0)
		return rc;
	member_iface(so, &r);
	f = filter_of(so, &r);
	if (!f)
		return -EADDRNOTAVAIL;
	room = min_size(m.imsf_numsrc, (*len - head) / 4);
	m.imsf_fmode = f->exclude ? MCAST_EXCLUDE : MCAST_INCLUDE;
	m.imsf_numsrc = f->n;
	memcpy(buf, &m, head);
	for (unsigned i = 0; i < min_size(f->n, room); i++)
		store_be32((char *)buf + head + i * (size_t)4, ipaddr_to_v4(&f->src[i]));
	*len = (socklen_t)(head + min_size(f->n, room) * 4);
	return 0;
}

#define GF_HEAD offsetof(struct group_filter, gf_slist)

static int parse_group_filter(const struct socket *so, int level, const void *buf, socklen_t len,
			      struct group_filter *g, struct request *r)
{
	int rc;

	if (len < GF_HEAD)
		return -EINVAL;
	memcpy(g, buf, GF_HEAD);
	rc = parse_storage(&g->gf_group, family_of(level), &r->group);
	if (rc == 0)
		rc = find_iface(so, g->gf_interface, NULL, &r->iface);
	if (rc == 0 && !ipaddr_is_multicast(&r->group))
		rc = -EINVAL;
	if (rc == 0)
		member_iface(so, r);
	return rc;
}

static int set_group_filter(struct socket *so, int level, const void *buf, socklen_t len)
{
	struct group_filter g;
	struct inet_filter f;
	struct request r;
	int rc = parse_group_filter(so, level, buf, len, &g, &r);

	if (rc < 0)
		return rc;
	if (g.gf_numsrc > INET_FILTER_MAX)
		return -ENOBUFS;
	if (len < GF_HEAD + g.gf_numsrc * sizeof(struct sockaddr_storage))
		return -EINVAL;
	f.exclude = g.gf_fmode == MCAST_EXCLUDE;
	f.n = (uint16_t)g.gf_numsrc;
	for (unsigned i = 0; i < f.n; i++) {
		struct sockaddr_storage ss;

		memcpy(&ss, (const char *)buf + GF_HEAD + i * sizeof(ss), sizeof(ss));
		rc = parse_storage(&ss, family_of(level), &f.src[i]);
		if (rc < 0)
			return rc;
	}
	return set_filter(so, &r, g.gf_fmode, &f);
}

static int get_group_filter(struct socket *so, int level, void *buf, socklen_t *len)
{
	const struct inet_filter *f;
	struct group_filter g;
	struct request r;
	size_t n;
	int rc = parse_group_filter(so, level, buf, *len, &g, &r);

	if (rc < 0)
		return rc;
	f = filter_of(so, &r);
	if (!f)
		return -EADDRNOTAVAIL;
	n = min_size(min_size(g.gf_numsrc, f->n),
		     (*len - GF_HEAD) / sizeof(struct sockaddr_storage));
	g.gf_fmode = f->exclude ? MCAST_EXCLUDE : MCAST_INCLUDE;
	g.gf_numsrc = f->n;
	memcpy(buf, &g, GF_HEAD);
	for (size_t i = 0; i < n; i++) {
		struct sockaddr_storage ss = {0};
		socklen_t size = sizeof(ss);

		addr_emit(level == IPPROTO_IPV6, &f->src[i], 0, (struct sockaddr *)&ss, &size);
		memcpy((char *)buf + GF_HEAD + i * sizeof(ss), &ss, sizeof(ss));
	}
	*len = (socklen_t)(GF_HEAD + n * sizeof(struct sockaddr_storage));
	return 0;
}

/* ---- the table ---- */

/* Each option is a function of its own; most differ in one argument. */
#define SOURCE4(name, op) \
	static int name(struct socket *so, const void *buf, socklen_t len) \
	{ \
		return source4(so, buf, len, op); \
	}
SOURCE4(join_source4, SOURCE_JOIN)
SOURCE4(leave_source4, SOURCE_LEAVE)
SOURCE4(block_source4, SOURCE_BLOCK)
SOURCE4(unblock_source4, SOURCE_UNBLOCK)

#define GROUP(suffix, level) \
	static int mcast_join##suffix(struct socket *so, const void *buf, socklen_t len) \
	{ \
		struct request r; \
		int rc = parse_group_req(so, level, buf, len, &r); \
\
		return rc < 0 ? rc : join(so, &r); \
	} \
	static int mcast_leave##suffix(struct socket *so, const void *buf, socklen_t len) \
	{ \
		struct request r; \
		int rc = parse_group_req(so, level, buf, len, &r); \
\
		return rc < 0 ? rc : leave(so, &r); \
	} \
	static int mcast_set##suffix(struct socket *so, const void *buf, socklen_t len) \
	{ \
		return set_group_filter(so, level, buf, len); \
	} \
	static int mcast_get##suffix(struct socket *so, void *buf, socklen_t *len) \
	{ \
		return get_group_filter(so, level, buf, len); \
	}
GROUP(4, IPPROTO_IP)
GROUP(6, IPPROTO_IPV6)

#define GROUP_SOURCE(name, level, op) \
	static int name(struct socket *so, const void *buf, socklen_t len) \
	{ \
		struct request r; \
		int rc = parse_source_req(so, level, buf, len, &r); \
\
		return rc < 0 ? rc : source_op(so, &r, op); \
	}
GROUP_SOURCE(mcast_join_source4, IPPROTO_IP, SOURCE_JOIN)
GROUP_SOURCE(mcast_leave_source4, IPPROTO_IP, SOURCE_LEAVE)
GROUP_SOURCE(mcast_block4, IPPROTO_IP, SOURCE_BLOCK)
GROUP_SOURCE(mcast_unblock4, IPPROTO_IP, SOURCE_UNBLOCK)
GROUP_SOURCE(mcast_join_source6, IPPROTO_IPV6, SOURCE_JOIN)
GROUP_SOURCE(mcast_leave_source6, IPPROTO_IPV6, SOURCE_LEAVE)
GROUP_SOURCE(mcast_block6, IPPROTO_IPV6, SOURCE_BLOCK)
GROUP_SOURCE(mcast_unblock6, IPPROTO_IPV6, SOURCE_UNBLOCK)

#define V6 (OPT_UDP | OPT_V6)

static const struct opt_blob blobs[] = {
	{IPPROTO_IP, IP_MULTICAST_IF, OPT_UDP, get_group_if4, set_group_if4},
	{IPPROTO_IP, IP_ADD_MEMBERSHIP, OPT_UDP, NULL, add_membership4},
	{IPPROTO_IP, IP_DROP_MEMBERSHIP, OPT_UDP, NULL, drop_membership4},
	{IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, OPT_UDP, NULL, join_source4},
	{IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, OPT_UDP, NULL, leave_source4},
	{IPPROTO_IP, IP_BLOCK_SOURCE, OPT_UDP, NULL, block_source4},
	{IPPROTO_IP, IP_UNBLOCK_SOURCE, OPT_UDP, NULL, unblock_source4},
	{IPPROTO_IP, IP_MSFILTER, OPT_UDP, get_msfilter4, set_msfilter4},
	{IPPROTO_IP, MCAST_JOIN_GROUP, OPT_UDP, NULL, mcast_join4},
	{IPPROTO_IP, MCAST_LEAVE_GROUP, OPT_UDP, NULL, mcast_leave4},
	{IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, OPT_UDP, NULL, mcast_join_source4},
	{IPPROTO_IP, MCAST_LEAVE_SOURCE_GROUP, OPT_UDP, NULL, mcast_leave_source4},
	{IPPROTO_IP, MCAST_BLOCK_SOURCE, OPT_UDP, NULL, mcast_block4},
	{IPPROTO_IP, MCAST_UNBLOCK_SOURCE, OPT_UDP, NULL, mcast_unblock4},
	{IPPROTO_IP, MCAST_MSFILTER, OPT_UDP, mcast_get4, mcast_set4},
	{IPPROTO_IPV6, IPV6_JOIN_GROUP, V6, NULL, join6},
	{IPPROTO_IPV6, IPV6_LEAVE_GROUP, V6, NULL, leave6},
	{IPPROTO_IPV6, MCAST_JOIN_GROUP, V6, NULL, mcast_join6},
	{IPPROTO_IPV6, MCAST_LEAVE_GROUP, V6, NULL, mcast_leave6},
	{IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP, V6, NULL, mcast_join_source6},
	{IPPROTO_IPV6, MCAST_LEAVE_SOURCE_GROUP, V6, NULL, mcast_leave_source6},
	{IPPROTO_IPV6, MCAST_BLOCK_SOURCE, V6, NULL, mcast_block6},
	{IPPROTO_IPV6, MCAST_UNBLOCK_SOURCE, V6, NULL, mcast_unblock6},
	{IPPROTO_IPV6, MCAST_MSFILTER, V6, mcast_get6, mcast_set6},
};

const struct opt_blob *opt_group_find(int level, int name)
{
	for (size_t i = 0; i < ARRAY_LEN(blobs); i++)
		if (blobs[i].level == level && blobs[i].name == name)
			return &blobs[i];
	return NULL;
}
