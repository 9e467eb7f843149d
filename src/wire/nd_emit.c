/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Neighbour discovery, sent: RS, NS, NA (RFC 4861 4.1, 4.3, 4.4) and the multicast groups that go
 * with them. Called by inet.
 */
#include "wire/nd.h"

#include "base/csum.h"
#include "base/endian.h"
#include "wire/pseudo.h"

#define FLAG_ROUTER    0x80u
#define FLAG_SOLICITED 0x40u
#define FLAG_OVERRIDE  0x20u

#define FIXED_RS       8
#define FIXED_NS_NA    24
#define OPT_LEN        8

/* ff02::1:ff00:0/104 without its last three bytes. */
static const uint8_t solicited_prefix[13] = {
	0xff,
	0x02,
	[11] = 0x01,
	[12] = 0xff,
};

struct ipaddr nd_solicited_node(const struct ipaddr *a)
{
	struct ipaddr r = *a;

	memcpy(r.b, solicited_prefix, sizeof(solicited_prefix));
	return r;
}

bool nd_is_solicited_node(const struct ipaddr *a)
{
	return memcmp(a->b, solicited_prefix, sizeof(solicited_prefix)) == 0;
}

struct ipaddr nd_all_nodes(void)
{
	return (struct ipaddr){.b = {[0] = 0xff, [1] = 0x02, [15] = 0x01}};
}

struct ipaddr nd_all_routers(void)
{
	return (struct ipaddr){.b = {[0] = 0xff, [1] = 0x02, [15] = 0x02}};
}

static uint8_t *put_option(uint8_t *p, enum nd_opt_type type, const uint8_t data[ETH_ALEN])
{
	p[0] = (uint8_t)type;
	p[1] = 1; /* in units of 8 bytes */
	memcpy(p + 2, data, ETH_ALEN);
	return p + OPT_LEN;
}

static uint8_t na_flags(const struct nd *n)
{
	return (uint8_t)((n->router ? FLAG_ROUTER : 0) | (n->solicited ? FLAG_SOLICITED : 0) |
			 (n->override ? FLAG_OVERRIDE : 0));
}

size_t nd_emit(uint8_t *buf, size_t size, const struct nd *n, const struct ipaddr *src,
	       const struct ipaddr *dst)
{
	bool slla = n->has_slla && n->type != ICMP6_NA;
	bool tlla = n->has_tlla && n->type == ICMP6_NA;
	bool nonce = n->has_nonce && n->type == ICMP6_NS;
	size_t fixed = n->type == ICMP6_RS ? FIXED_RS : FIXED_NS_NA;
	size_t len = fixed + OPT_LEN * ((size_t)slla + tlla + nonce);
	uint8_t *p = buf + fixed;

	if ((n->type != ICMP6_RS && n->type != ICMP6_NS && n->type != ICMP6_NA) || size < len)
		return 0;
	memset(buf, 0, fixed);
	buf[0] = n->type;
	if (n->type == ICMP6_NA)
		buf[4] = na_flags(n);
	if (n->type != ICMP6_RS)
		memcpy(buf + 8, n->target.b, sizeof(n->target.b));
	if (slla)
		p = put_option(p, ND_OPT_SLLA, n->slla.b);
	if (tlla)
		p = put_option(p, ND_OPT_TLLA, n->tlla.b);
	if (nonce)
		put_option(p, ND_OPT_NONCE, n->nonce);
	store_native16(buf + 2,
		       csum_fold(csum_partial(buf, len,
					      pseudo_sum(src, dst, PROTO_ICMP6, (uint32_t)len))));
	return len;
}
