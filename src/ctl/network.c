/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports, addresses and routes of an instance, from text. Every refusal is one line that names the
 * value and what is allowed. Called in the worker's thread.
 */
#include "ctl/instance.h"

#include "inet/fib.h"
#include "inet/inet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_NAME_MAX 15u
#define MTU_MIN       68u
#define MTU_MAX       65535u
#define MTU_MIN_V6    1280u

int instance_port_find(struct instance *in, const char *name)
{
	for (unsigned i = 0; i < in->stack->n_ports; i++)
		if (strcmp(in->stack->ports[i]->name, name) == 0)
			return (int)i;
	return instance_fail(in, -ENODEV, "port '%s': no such port", name);
}

static int check_port(struct instance *in, const struct leat_port *c)
{
	size_t n = c->name ? strlen(c->name) : 0;

	if (n == 0 || n > PORT_NAME_MAX ||
	    strspn(c->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") !=
		    n)
		return instance_fail(in, -EINVAL, "port name '%s': not 1 to %u of [A-Za-z0-9_.-]",
				     c->name ? c->name : "", PORT_NAME_MAX);
	if (!c->spec)
		return instance_fail(in, -EINVAL, "port %s: no spec given", c->name);
	if (c->mtu && (c->mtu < MTU_MIN || c->mtu > MTU_MAX))
		return instance_fail(in, -EINVAL, "port %s: mtu %u is not in %u..%u", c->name,
				     c->mtu, MTU_MIN, MTU_MAX);
	for (unsigned i = 0; i < in->stack->n_ports; i++)
		if (strcmp(in->stack->ports[i]->name, c->name) == 0)
			return instance_fail(in, -EEXIST, "port %s: exists already", c->name);
	if (in->stack->n_ports == STACK_MAX_PORTS)
		return instance_fail(in, -ENOSPC, "port %s: there are %u ports already", c->name,
				     STACK_MAX_PORTS);
	return 0;
}

int instance_port_add(struct instance *in, const struct leat_port *c)
{
	struct ethaddr mac;
	struct port_conf pc = {
		.name = c->name,
		.spec = c->spec,
		.pool = in->pool,
		.n_queues = 1,
		.mtu = c->mtu,
		.no_offload = c->no_offload,
	};
	struct port *p;
	int rc = check_port(in, c);
	int idx;

	if (rc < 0)
		return rc;
	if (c->mac) {
		if (ethaddr_parse(c->mac, &mac) < 0 || ethaddr_is_multicast(&mac))
			return instance_fail(
				in, -EINVAL,
				"port %s: mac '%s' is no unicast address xx:xx:xx:xx:xx:xx",
				c->name, c->mac);
		pc.mac = &mac;
	}
	rc = port_open(&pc, &p, in->err, sizeof(in->err));
	if (rc < 0)
		return rc;
	idx = stack_port_add(in->stack, p);
	if (idx < 0) {
		port_close(p);
		return instance_fail(in, idx, "port %s: %s", c->name, strerror(-idx));
	}
	rc = inet_iface_add(in->stack, (unsigned)idx);
	if (rc < 0) {
		stack_port_del(in->stack);
		return instance_fail(in, rc, "port %s: %s", c->name, strerror(-rc));
	}
	if (c->autoconf)
		rc = inet_autoconf_set(in->stack, (unsigned)idx, true);
	if (rc < 0)
		return instance_fail(in, rc, "port %s: autoconf: %s", c->name, strerror(-rc));
	return 0;
}

/* "192.0.2.1/24": the address and the length in its own family. */
static int parse_addr_len(const char *text, struct ipaddr *addr, uint8_t *len)
{
	char buf[IPADDR_STRLEN];
	const char *slash = strchr(text, '/');
	char *end;
	long v;

	if (!slash || (size_t)(slash - text) >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, text, (size_t)(slash - text));
	buf[slash - text] = '\0';
	if (ipaddr_parse(buf, addr) < 0 || slash[1] < '0' || slash[1] > '9' ||
	    (slash[1] == '0' && slash[2] != '\0'))
		return -EINVAL;
	v = strtol(slash + 1, &end, 10);
	if (*end != '\0' || v < 0 || v > (ipaddr_is_v4(addr) ? 32 : 128))
		return -EINVAL;
	*len = (uint8_t)v;
	return 0;
}

int instance_addr_add(struct instance *in, const char *port, const char *addr)
{
	struct ipaddr a;
	uint8_t len;
	int idx = instance_port_find(in, port);
	int rc;

	if (idx < 0)
		return idx;
	if (parse_addr_len(addr, &a, &len) < 0)
		return instance_fail(
			in, -EINVAL,
			"address '%s': not ADDRESS/LENGTH such as 192.0.2.1/24 or 2001:db8::1/64",
			addr);
	if (!ipaddr_is_v4(&a) && in->stack->ports[idx]->mtu < MTU_MIN_V6)
		return instance_fail(in, -EINVAL,
				     "address %s: IPv6 needs an mtu of at least %u, port %s has %u",
				     addr, MTU_MIN_V6, port, in->stack->ports[idx]->mtu);
	rc = inet_addr_add(in->stack, (unsigned)idx, &a, len);
	if (rc == -EEXIST)
		return instance_fail(in, rc, "address %s: port %s has it already", addr, port);
	if (rc == -EINVAL)
		return instance_fail(in, rc, "address %s: no address that a host may have", addr);
	if (rc < 0)
		return instance_fail(in, rc, "address %s: %s", addr, strerror(-rc));
	return 0;
}

static int parse_gateway(struct instance *in, const char *dst, bool v4, const char *text,
			 struct ipaddr *gw)
{
	if (ipaddr_parse(text, gw) < 0)
		return instance_fail(in, -EINVAL, "route %s: gateway '%s': no address such as %s",
				     dst, text, v4 ? "192.0.2.1" : "2001:db8::1");
	if (ipaddr_is_v4(gw) != v4)
		return instance_fail(in, -EINVAL, "route %s: gateway %s: not %s as the route is",
				     dst, text, v4 ? "IPv4" : "IPv6");
	if (ipaddr_is_unspecified(gw) || ipaddr_is_bad_source(gw))
		return instance_fail(in, -EINVAL,
				     "route %s: gateway %s: no address that a host may have", dst,
				     text);
	if (inet_addr_is_local(in->stack, gw))
		return instance_fail(in, -EINVAL, "route %s: gateway %s: is an address of our own",
				     dst, text);
	return 0;
}

static int find_gateway_port(struct instance *in, const char *dst, const struct ipaddr *gw,
			     const char *text)
{
	struct inet_dst d;

	/* Every link has these addresses. */
	if (!ipaddr_is_v4(gw) && ipaddr_is_link_local(gw))
		return instance_fail(
			in, -EINVAL,
			"route %s: gateway %s: is a link-local address, so name the port too", dst,
			text);
	if (inet_dst_lookup(in->stack, gw, &d) < 0 || !ipaddr_eq(&d.nexthop, gw))
		return instance_fail(in, -ENETUNREACH,
				     "route %s: gateway %s: on no port's network; add the address "
				     "first, or name the port",
				     dst, text);
	return (int)d.iface;
}

static int add_route(struct instance *in, const char *dst, const struct ipprefix *prefix,
		     const struct ipaddr *gw, int idx)
{
	int rc = inet_route_add(in->stack, prefix, gw, (unsigned)idx, 0);

	if (rc == -EEXIST)
		return instance_fail(in, rc, "route %s: exists already", dst);
	if (rc == -ENOMEM)
		return instance_fail(in, rc, "route %s: no memory, or %u routes are there already",
				     dst, FIB_MAX_ROUTES);
	if (rc < 0)
		return instance_fail(in, rc, "route %s: %s", dst, strerror(-rc));
	return 0;
}

int instance_route_add(struct instance *in, const char *dst, const char *gateway, const char *port)
{
	struct ipprefix prefix;
	struct ipaddr gw;
	int idx, rc;

	if (ipprefix_parse(dst, &prefix) < 0)
		return instance_fail(in, -EINVAL,
				     "route '%s': not PREFIX/LENGTH such as 10.0.0.0/8 or "
				     "2001:db8::/32 without bits behind the prefix",
				     dst);
	if (!gateway && !port)
		return instance_fail(in, -EINVAL, "route %s: needs a gateway or a port", dst);
	if (gateway) {
		rc = parse_gateway(in, dst, ipprefix_is_v4(&prefix), gateway, &gw);
		if (rc < 0)
			return rc;
	}
	idx = port ? instance_port_find(in, port) : find_gateway_port(in, dst, &gw, gateway);
	if (idx < 0)
		return idx;
	return add_route(in, dst, &prefix, gateway ? &gw : NULL, idx);
}
