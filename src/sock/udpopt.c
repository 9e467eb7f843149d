/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options that only UDP sockets have and whose value is an int: errors, path MTU, segmentation,
 * what is told about received datagrams, and how multicast is sent. Numbers, limits and errors are
 * Linux's. Worker thread.
 */
#include "sock/opt.h"

#include "inet/inet.h"

#include <netinet/udp.h>
#include <stddef.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif
#ifndef IP_RECVORIGDSTADDR
#define IP_RECVORIGDSTADDR 20
#endif

/* The byte of struct udp_opts that the row names. */
static uint8_t *byte_of(struct socket *so, const struct opt_row *row)
{
	return (uint8_t *)udp_opts(so->udp) + row->arg;
}

static int get_byte(struct socket *so, const struct opt_row *row, int *v)
{
	*v = *byte_of(so, row);
	return 0;
}

static int set_bool(struct socket *so, const struct opt_row *row, int v)
{
	*byte_of(so, row) = v != 0;
	return 0;
}

static int set_strict(struct socket *so, const struct opt_row *row, int v)
{
	return v < 0 || v > 1 ? -EINVAL : set_bool(so, row, v);
}

static int set_pmtudisc(struct socket *so, const struct opt_row *row, int v)
{
	if (v < UDP_PMTUDISC_DONT || v > UDP_PMTUDISC_OMIT)
		return -EINVAL;
	*byte_of(so, row) = (uint8_t)v;
	return 0;
}

/* -1 asks for the default, one hop. */
static int set_hops(struct socket *so, const struct opt_row *row, int v)
{
	if (v < -1 || v > 255)
		return -EINVAL;
	*byte_of(so, row) = v == -1 ? 1 : (uint8_t)v;
	return 0;
}

static int get_mtu(struct socket *so, const struct opt_row *row, int *v)
{
	(void)row;
	*v = udp_mtu(so->udp);
	return *v < 0 ? *v : 0;
}

static int get_segment(struct socket *so, const struct opt_row *row, int *v)
{
	(void)row;
	*v = udp_opts(so->udp)->gso_size;
	return 0;
}

static int set_segment(struct socket *so, const struct opt_row *row, int v)
{
	(void)row;
	if (v < 0 || v > UINT16_MAX)
		return -EINVAL;
	udp_opts(so->udp)->gso_size = (uint16_t)v;
	return 0;
}

static int get_stamp(struct socket *so, const struct opt_row *row, int *v)
{
	*v = udp_opts(so->udp)->stamp == row->arg;
	return 0;
}

static int set_stamp(struct socket *so, const struct opt_row *row, int v)
{
	struct udp_opts *o = udp_opts(so->udp);

	o->stamp = v ? (uint8_t)row->arg : (uint8_t)UDP_STAMP_NONE;
	return 0;
}

static int get_group_iface(struct socket *so, const struct opt_row *row, int *v)
{
	(void)row;
	*v = (int)udp_opts(so->udp)->mc_iface[1];
	return 0;
}

static int set_group_iface(struct socket *so, const struct opt_row *row, int v)
{
	(void)row;
	if (v < 0 || (v > 0 && !inet_iface_exists(udp_stack(so->udp), (unsigned)v - 1)))
		return -ENODEV;
	udp_opts(so->udp)->mc_iface[1] = (uint32_t)v;
	return 0;
}

#define FIELD(f) ((uint32_t)offsetof(struct udp_opts, f))

static const struct opt_row rows[] = {
	{SOL_SOCKET, SO_TIMESTAMP, OPT_UDP, get_stamp, set_stamp, UDP_STAMP_US},
	{SOL_SOCKET, SO_TIMESTAMPNS, OPT_UDP, get_stamp, set_stamp, UDP_STAMP_NS},
	{SOL_SOCKET, SO_RXQ_OVFL, OPT_UDP, get_byte, set_bool, FIELD(rxq_ovfl)},
	{IPPROTO_UDP, UDP_SEGMENT, OPT_UDP, get_segment, set_segment, 0},
	{IPPROTO_UDP, UDP_GRO, OPT_UDP, get_byte, set_bool, FIELD(gro)},
	{IPPROTO_IP, IP_RECVERR, OPT_UDP, get_byte, set_bool, FIELD(recverr[0])},
	{IPPROTO_IP, IP_MTU_DISCOVER, OPT_UDP, get_byte, set_pmtudisc, FIELD(pmtudisc[0])},
	{IPPROTO_IP, IP_MTU, OPT_UDP, get_mtu, NULL, 0},
	{IPPROTO_IP, IP_RECVORIGDSTADDR, OPT_UDP, get_byte, set_bool, FIELD(recvorigdst[0])},
	{IPPROTO_IP, IP_MULTICAST_TTL, OPT_UDP, get_byte, set_hops, FIELD(mc_ttl[0])},
	{IPPROTO_IP, IP_MULTICAST_LOOP, OPT_UDP, get_byte, set_bool, FIELD(mc_loop[0])},
	{IPPROTO_IP, IP_MULTICAST_ALL, OPT_UDP, get_byte, set_strict, FIELD(mc_all[0])},
	{IPPROTO_IPV6, IPV6_RECVERR, OPT_UDP | OPT_V6, get_byte, set_bool, FIELD(recverr[1])},
	{IPPROTO_IPV6, IPV6_MTU_DISCOVER, OPT_UDP | OPT_V6, get_byte, set_pmtudisc,
	 FIELD(pmtudisc[1])},
	{IPPROTO_IPV6, IPV6_MTU, OPT_UDP | OPT_V6, get_mtu, NULL, 0},
	{IPPROTO_IPV6, IPV6_DONTFRAG, OPT_UDP | OPT_V6, get_byte, set_bool, FIELD(dontfrag)},
	{IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, OPT_UDP | OPT_V6, get_byte, set_bool,
	 FIELD(recvorigdst[1])},
	{IPPROTO_IPV6, IPV6_MULTICAST_HOPS, OPT_UDP | OPT_V6, get_byte, set_hops, FIELD(mc_ttl[1])},
	{IPPROTO_IPV6, IPV6_MULTICAST_LOOP, OPT_UDP | OPT_V6, get_byte, set_strict,
	 FIELD(mc_loop[1])},
	{IPPROTO_IPV6, IPV6_MULTICAST_ALL, OPT_UDP | OPT_V6, get_byte, set_bool, FIELD(mc_all[1])},
	{IPPROTO_IPV6, IPV6_MULTICAST_IF, OPT_UDP | OPT_V6, get_group_iface, set_group_iface, 0},
};

const struct opt_row *opt_udp_row(int level, int name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].level == level && rows[i].name == name)
			return &rows[i];
	return NULL;
}
