/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole stack as an IPv6 host and a listener of groups: router advertisements with options out of
 * a small set of prefixes, redirects, claims to addresses under test, IGMP and MLD of all versions
 * with right checksums, listeners that come, go and change their minds, time. What is learned stays
 * within its bounds, what is configured stays (RFC 4861 6.3, RFC 4862, RFC 3376, RFC 3810).
 */
#include "stackfuzz.h"

#include "inet/group.h"
#include "inet/host.h"
#include "wire/icmp6.h"
#include "wire/igmp.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/nd.h"

#include <string.h>

#define OPS_MAX   64u
#define LISTENERS 8u
#define SOURCES   4u
/* The longest time that a query may give for its answer (RFC 3810 5.1.3), and some. */
#define ANSWER_NS UINT64_C(9000000000000)

struct listener {
	bool on;
	struct ipaddr group;
	struct inet_filter filter;
};

struct hostfuzz {
	struct stackfuzz f;
	struct listener listeners[LISTENERS];
	struct ipaddr routed; /* on the link by configuration */
	size_t groups;        /* at first */
};

static struct ipaddr addr_of(const char *text)
{
	struct ipaddr a;

	FUZZ_CHECK(ipaddr_parse(text, &a) == 0);
	return a;
}

/* A neighbour's link-local address; now and then our own, or none at all. */
static struct ipaddr pick_ll(struct hostfuzz *h, uint8_t how)
{
	struct ipaddr a = addr_of("fe80::2");

	if ((how & 31) == 31 && addr_link_local(h->f.raw.s, 0, &a))
		return a;
	if ((how & 31) == 30)
		return ipaddr_any6();
	a.b[15] = (uint8_t)(2 + (how & 15));
	return a;
}

static struct ipaddr pick_far(uint8_t how)
{
	struct ipaddr a = addr_of((how & 0x80) ? "fd09::" : "2001:db8::");

	a.b[5] = (how >> 4) & 7;
	a.b[15] = how & 15;
	return a;
}

/* ---- frames ---- */

struct sent_as {
	struct ipaddr src, dst;
	uint8_t ttl;
	bool alert;
};

/* Message n bytes long, its checksum made right, which begins with type, code, checksum. */
static void put(struct hostfuzz *h, const struct sent_as *as, uint8_t *msg, uint32_t n)
{
	static const uint8_t alert6[8] = {PROTO_ICMP6, 0, 5, 2};
	static const uint8_t alert4[4] = {IP4_OPT_RA, 4};
	bool v6 = !ipaddr_is_v4(&as->src);
	struct eth e = {.dst = h->f.raw.mac,
			.src = {{2, 0, 0, 0, 0, 9}},
			.type = v6 ? ETHERTYPE_IP6 : ETHERTYPE_IP4};
	struct ip6 h6 = {.next_header = as->alert ? PROTO_HOPOPTS : PROTO_ICMP6,
			 .hop_limit = as->ttl,
			 .payload_len = (uint16_t)(n + (as->alert ? sizeof(alert6) : 0)),
			 .src = as->src,
			 .dst = as->dst};
	struct ip4 h4 = {.ttl = as->ttl,
			 .proto = PROTO_IGMP,
			 .opts = alert4,
			 .opts_len = as->alert ? sizeof(alert4) : 0,
			 .src = as->src,
			 .dst = as->dst};
	uint8_t frame[1024];
	size_t at;

	if (ipaddr_is_multicast(&as->dst))
		e.dst = eth_multicast(&as->dst);
	store_native16(msg + 2, 0);
	store_native16(msg + 2,
		       csum_fold(csum_partial(
			       msg, n, v6 ? csum_pseudo(&as->src, &as->dst, PROTO_ICMP6, n) : 0)));
	h4.total_len = (uint16_t)(IP4_HLEN + h4.opts_len + n);
	at = eth_emit(frame, &e);
	at += v6 ? ip6_emit(frame + at, &h6) : ip4_emit(frame + at, &h4);
	if (v6 && as->alert) {
		memcpy(frame + at, alert6, sizeof(alert6));
		at += sizeof(alert6);
	}
	memcpy(frame + at, msg, n);
	(void)simraw_put(&h->f.raw, frame, (uint32_t)at + n);
}

/* ---- neighbour discovery ---- */

static uint32_t lifetime(uint8_t how)
{
	static const uint32_t some[] = {0, 1, 60, 1800, 7200, 7201, 86400, UINT32_MAX};

	return some[how & 7];
}

static uint32_t put_option(struct fuzzin *in, uint8_t *p)
{
	uint8_t how = fuzzin_u8(in), times;
	struct ipaddr prefix;

	memset(p, 0, 32);
	switch (how & 3) {
	case 0:
		p[0] = ND_OPT_PREFIX;
		p[1] = 4;
		p[2] = how & 4 ? 64 : fuzzin_u8(in);
		p[3] = how & 0xc0;
		times = fuzzin_u8(in);
		store_be32(p + 4, lifetime(times));
		store_be32(p + 8, lifetime(times >> 4));
		prefix = pick_far(fuzzin_u8(in));
		memcpy(p + 16, prefix.b, 16);
		return 32;
	case 1:
		p[0] = ND_OPT_MTU;
		p[1] = 1;
		store_be32(p + 4, how & 4 ? fuzzin_u16(in) : fuzzin_u32(in));
		return 8;
	case 2:
		p[0] = how & 4 ? ND_OPT_SLLA : ND_OPT_TLLA;
		p[1] = 1;
		(void)fuzzin_bytes(in, p + 2, 6);
		return 8;
	default:
		return (uint32_t)fuzzin_bytes(in, p, how >> 3 & 31);
	}
}

static void op_advert(struct hostfuzz *h, struct fuzzin *in)
{
	uint8_t msg[256] = {ICMP6_RA}, how = fuzzin_u8(in);
	struct sent_as as = {.src = pick_ll(h, fuzzin_u8(in)), .dst = nd_all_nodes(), .ttl = 255};
	uint32_t n = 16;

	msg[4] = fuzzin_u8(in);
	store_be16(msg + 6, (uint16_t)lifetime(how));
	for (unsigned i = 0; i < (how >> 4 & 3u) + 1; i++)
		n += put_option(in, msg + n);
	put(h, &as, msg, n);
}

static void op_redirect(struct hostfuzz *h, struct fuzzin *in)
{
	uint8_t msg[128] = {ICMP6_REDIRECT}, how = fuzzin_u8(in);
	struct sent_as as = {.src = pick_ll(h, how), .dst = h->f.us, .ttl = 255};
	struct ipaddr dst = pick_far(fuzzin_u8(in)), target = pick_ll(h, fuzzin_u8(in));
	uint32_t n = 40;

	if (how & 0x40)
		target = dst;
	memcpy(msg + 8, target.b, 16);
	memcpy(msg + 24, dst.b, 16);
	if (how & 0x80)
		n += put_option(in, msg + n);
	put(h, &as, msg, n);
}

/* Somebody tests, has or claims an address of ours, whatever its state. */
static void op_claim(struct hostfuzz *h, struct fuzzin *in)
{
	const struct inet_iface *ii = &h->f.raw.s->inet->ifaces[0];
	uint8_t how = fuzzin_u8(in), msg[64] = {how & 1 ? ICMP6_NS : ICMP6_NA};
	const struct inet_addr *ia = ii->addrs[(how >> 3) % ii->n_addrs];
	struct sent_as as = {.src = pick_ll(h, fuzzin_u8(in)), .ttl = 255};

	if (ipaddr_is_v4(&ia->addr))
		return;
	as.dst = how & 1 ? nd_solicited_node(&ia->addr) : nd_all_nodes();
	memcpy(msg + 8, ia->addr.b, 16);
	if (how & 2) { /* our own question, looped back, or nearly */
		msg[24] = ND_OPT_NONCE;
		msg[25] = 1;
		memcpy(msg + 26, ia->nonce, sizeof(ia->nonce));
		msg[31] ^= how & 4;
	}
	put(h, &as, msg, how & 2 ? 32 : 24);
}

/* ---- groups ---- */

static struct ipaddr pick_group(bool v6, uint8_t how)
{
	struct ipaddr a = addr_of(v6 ? "ff05::9:1" : "239.255.9.1");

	a.b[15] = how & 3;
	return a;
}

static struct ipaddr pick_source(bool v6, uint8_t how)
{
	struct ipaddr a = addr_of(v6 ? "2001:db8::1" : "192.0.2.1");

	a.b[15] = 1 + how % (2 * SOURCES);
	return a;
}

/* IGMP or MLD: a query of any version, a report, or anything. */
static void op_group(struct hostfuzz *h, struct fuzzin *in)
{
	uint8_t msg[300] = {0}, how = fuzzin_u8(in), what = fuzzin_u8(in), which = fuzzin_u8(in);
	bool v6 = how & 1;
	struct ipaddr group = pick_group(v6, which);
	struct sent_as as = {.src = v6 ? pick_ll(h, which >> 2) : simraw_addr(false, 0, 9),
			     .dst = group,
			     .ttl = how & 0x40 ? 2 : 1,
			     .alert = !(how & 0x80)};
	uint32_t alen = v6 ? 16 : 4, n = v6 ? 24 : 8;

	msg[0] = v6 ? (uint8_t)(ICMP6_MLD_QUERY + (what & 1))
		    : (uint8_t)(what & 1 ? IGMP_V2_REPORT : IGMP_QUERY);
	if (v6)
		store_be16(msg + 4, fuzzin_u16(in));
	else
		msg[1] = fuzzin_u8(in);
	if (what & 2) /* general */
		as.dst = v6 ? nd_all_nodes() : ipaddr_v4(0xe0000001);
	else
		memcpy(msg + (v6 ? 8 : 4), &group.b[16 - alen], alen);
	if (what & 4) {
		msg[n] = fuzzin_u8(in);
		store_be16(msg + n + 2, what >> 4);
		n += 4;
		for (unsigned i = 0; i < (what >> 4 & 7u); i++, n += alen) {
			struct ipaddr a = pick_source(v6, fuzzin_u8(in));

			memcpy(msg + n, &a.b[16 - alen], alen);
		}
	}
	if (what & 8) /* cut */
		n = min_u32(n, fuzzin_u8(in));
	put(h, &as, msg, max_u32(n, 4));
}

static void listen_to(struct hostfuzz *h, struct listener *l, const struct inet_filter *to)
{
	int rc = inet_group_change(h->f.raw.s, 0, &l->group, l->on ? &l->filter : NULL, to);

	/* To want less never fails. */
	FUZZ_CHECK(to || rc == 0);
	if (rc < 0)
		return;
	l->on = to != NULL;
	if (to)
		l->filter = *to;
}

static void op_listen(struct hostfuzz *h, struct fuzzin *in)
{
	uint8_t how = fuzzin_u8(in), which = fuzzin_u8(in);
	struct listener *l = &h->listeners[how % LISTENERS];
	struct inet_filter f = {.exclude = how & 8, .n = (how >> 4 & 7u) % (SOURCES + 1)};

	if (how & 0x80) {
		listen_to(h, l, NULL);
		return;
	}
	if (!l->on)
		l->group = pick_group(which & 4, which);
	for (unsigned i = 0; i < f.n; i++)
		f.src[i] = pick_source(!ipaddr_is_v4(&l->group), (uint8_t)(which + i));
	listen_to(h, l, &f);
}

/* ---- ours ---- */

/* An address of our own in a prefix that routers speak of too, added or taken away. */
static void op_configure(struct hostfuzz *h, struct fuzzin *in)
{
	uint8_t how = fuzzin_u8(in);
	struct ipaddr a = pick_far(how & 0x7f);
	struct stack *s = h->f.raw.s;

	if ((how & 15) == 15)
		(void)!inet_autoconf_set(s, 0, how & 16);
	else if (inet_addr_add(s, 0, &a, 64) < 0)
		(void)!inet_addr_del(s, 0, &a);
}

static void count_route(void *arg, const struct ipprefix *dst, const struct fib_route *r)
{
	(void)dst;
	*(unsigned *)arg += r->learned;
}

static void check(struct hostfuzz *h)
{
	struct stack *s = h->f.raw.s;
	unsigned learned = 0;
	struct inet_dst d;

	fib_for_each(&s->inet->fib, count_route, &learned);
	FUZZ_CHECK(learned <= HOST_ROUTERS + HOST_PREFIXES + HOST_REDIRECTS);
	FUZZ_CHECK(s->inet->ifaces[0].n_addrs <= INET_ADDRS_PER_IFACE);
	FUZZ_CHECK(inet_addr_is_local(s, &h->f.us));
	FUZZ_CHECK(inet_dst_lookup(s, &h->routed, &d) == 0 && ipaddr_eq(&d.nexthop, &h->routed));
	FUZZ_CHECK(d.mtu >= IP6_MIN_MTU);
}

static void op(struct hostfuzz *h, struct fuzzin *in)
{
	uint8_t what = fuzzin_u8(in);

	switch (what & 7) {
	case 0:
		op_advert(h, in);
		break;
	case 1:
		op_redirect(h, in);
		break;
	case 2:
		op_claim(h, in);
		break;
	case 3:
	case 4:
		op_group(h, in);
		break;
	case 5:
		op_listen(h, in);
		break;
	case 6:
		stackfuzz_advance(&h->f, UINT64_C(100000000) << (what >> 4));
		break;
	default:
		op_configure(h, in);
	}
	stackfuzz_run(&h->f);
	check(h);
}

static size_t groups_known(const struct hostfuzz *h)
{
	return htab_count(&h->f.raw.s->inet->groups->by_addr);
}

static void finish(struct hostfuzz *h)
{
	struct stack *s = h->f.raw.s;

	for (unsigned i = 0; i < LISTENERS; i++)
		listen_to(h, &h->listeners[i], NULL);
	FUZZ_CHECK(inet_autoconf_set(s, 0, false) == 0);
	for (unsigned i = 0; i < 128; i++) {
		struct ipaddr a = pick_far((uint8_t)i);

		(void)!inet_addr_del(s, 0, &a);
	}
	stackfuzz_advance(&h->f, ANSWER_NS);
	/* Nothing of what was heard is kept. */
	FUZZ_CHECK(groups_known(h) == h->groups);
	stackfuzz_end(&h->f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hostfuzz h;
	struct fuzzin in = {data, size};

	memset(&h, 0, sizeof(h));
	stackfuzz_begin(&h.f, true);
	h.routed = simraw_addr(true, 0, 0x77);
	h.groups = groups_known(&h);
	FUZZ_CHECK(inet_autoconf_set(h.f.raw.s, 0, (fuzzin_u8(&in) & 1) != 0) == 0);
	stackfuzz_advance(&h.f, UINT64_C(3000000000));
	for (unsigned i = 0; i < OPS_MAX && in.left > 0; i++)
		op(&h, &in);
	finish(&h);
	return 0;
}
