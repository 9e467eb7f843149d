/* SPDX-License-Identifier: BSD-2-Clause */
/* See stackfuzz.h. The EAL and the packet pool are made once and serve all inputs. */
#include "stackfuzz.h"

#include "plat/eal.h"
#include "wire/arp.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/proto.h"
#include "wire/pseudo.h"
#include "wire/udp.h"

#include <string.h>

#define ROUNDS_MAX 2000u
#define TIMERS_MAX 2000u

uint8_t fuzzin_u8(struct fuzzin *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->p++;
}

uint16_t fuzzin_u16(struct fuzzin *in)
{
	uint16_t hi = fuzzin_u8(in);

	return (uint16_t)(hi << 8 | fuzzin_u8(in));
}

uint32_t fuzzin_u32(struct fuzzin *in)
{
	uint32_t hi = fuzzin_u16(in);

	return hi << 16 | fuzzin_u16(in);
}

size_t fuzzin_bytes(struct fuzzin *in, uint8_t *out, size_t n)
{
	n = n < in->left ? n : in->left;
	if (n > 0)
		memcpy(out, in->p, n);
	in->p += n;
	in->left -= n;
	return n;
}

/* ---- what the stack sends ---- */

static bool transport_ok(uint8_t proto, struct view v, const struct ipaddr *src,
			 const struct ipaddr *dst)
{
	switch (proto) {
	case PROTO_TCP:
	case PROTO_UDP:
	case PROTO_ICMP6:
		return pseudo_ok(v, src, dst, proto);
	case PROTO_ICMP4:
		return csum_fold(csum_partial(v.p, v.len, 0)) == 0;
	default:
		return true;
	}
}

static void check_tcp(struct stackfuzz *f, struct view v)
{
	struct tcpopts o;

	FUZZ_CHECK(tcphdr_parse(&f->last, v) == 0 && f->last.hlen <= v.len);
	tcpopts_parse(&o, view_make(v.p + TCP_HLEN, (size_t)f->last.hlen - TCP_HLEN));
	FUZZ_CHECK(!o.malformed);
	/* Both at once opens nothing anywhere. */
	FUZZ_CHECK((f->last.flags & (TCP_SYN | TCP_FIN)) != (TCP_SYN | TCP_FIN));
	FUZZ_CHECK((f->last.flags & (TCP_SYN | TCP_RST)) != (TCP_SYN | TCP_RST));
}

static void check_ip4(struct stackfuzz *f, struct view ip)
{
	struct ip4 h;

	FUZZ_CHECK(ip4_parse(&h, ip, true) == 0);
	if (ip4_is_fragment(&h))
		return;
	FUZZ_CHECK(transport_ok(h.proto, ip4_payload(&h, ip), &h.src, &h.dst));
	if (h.proto == PROTO_TCP)
		check_tcp(f, ip4_payload(&h, ip));
}

static void check_ip6(struct stackfuzz *f, struct view ip)
{
	struct ip6_ext x;
	struct view v;
	struct ip6 h;

	FUZZ_CHECK(ip6_parse(&h, ip) == 0);
	FUZZ_CHECK(ip6_ext_parse(&x, &h, ip, IP6_HOST) == 0);
	if (ip6_ext_is_fragment(&x))
		return;
	v = view_skip(view_first(ip, IP6_HLEN + (size_t)h.payload_len), x.upper_off);
	FUZZ_CHECK(transport_ok(x.proto, v, &h.src, &h.dst));
	if (x.proto == PROTO_TCP)
		check_tcp(f, v);
}

static void check_frame(struct stackfuzz *f, struct view frame)
{
	struct eth e;
	struct arp a;

	FUZZ_CHECK(eth_parse(&e, frame) == 0);
	if (e.type == ETHERTYPE_IP4)
		check_ip4(f, view_skip(frame, e.hlen));
	else if (e.type == ETHERTYPE_IP6)
		check_ip6(f, view_skip(frame, e.hlen));
	else if (e.type == ETHERTYPE_ARP)
		FUZZ_CHECK(arp_parse(&a, view_skip(frame, e.hlen)) == 0);
}

void stackfuzz_run(struct stackfuzz *f)
{
	struct view frame;
	unsigned n = 0;

	while (stack_poll(f->net.host[0].stack) > 0)
		FUZZ_CHECK(n++ < ROUNDS_MAX);
	f->n_sent = 0;
	while ((frame = simraw_get(&f->raw)).len > 0) {
		check_frame(f, frame);
		f->n_sent++;
	}
}

void stackfuzz_advance(struct stackfuzz *f, uint64_t ns)
{
	uint64_t until = f->net.now_ns + ns;

	for (unsigned n = 0; n < TIMERS_MAX; n++) {
		uint64_t next = stack_next_ns(f->net.host[0].stack);

		if (next > until)
			break;
		f->net.now_ns = max_u64(next, f->net.now_ns + 1000);
		stackfuzz_run(f);
	}
	f->net.now_ns = max_u64(f->net.now_ns, until);
	stackfuzz_run(f);
}

/* ---- life ---- */

static struct mbuf_pool *the_pool(void)
{
	static struct mbuf_pool *pool;
	struct plat_eal_conf eal = {.huge = PLAT_HUGE_NEVER, .mem_mb = 64};
	struct mbuf_pool_conf pc = {.name = "fuzz", .count = {1024, 64}, .reserve = {64, 8}};
	char err[256];

	if (pool)
		return pool;
	FUZZ_CHECK(plat_eal_init(&eal, err, sizeof(err)) == 0);
	FUZZ_CHECK(mbuf_pool_create(&pc, &pool) == 0);
	return pool;
}

void stackfuzz_begin(struct stackfuzz *f, bool v6)
{
	struct mbuf_pool *pool = the_pool();

	memset(f, 0, sizeof(*f));
	f->v6 = v6;
	f->unspec = pool->stats.drops[DROP_UNSPEC];
	memfail_init(&f->mem, mem_libc());
	simnet_init(&f->net, 1, memfail_mem(&f->mem));
	FUZZ_CHECK(simnet_host(&f->net, "fuzz", &pool) == 0);
	FUZZ_CHECK(simraw_attach(&f->raw, &f->net, 0, 0) == 0);
	f->us = simraw_addr(v6, 0, 1);
	f->peer = simraw_addr(v6, 0, 2);
	FUZZ_CHECK(simapp_init(&f->app, f->net.host[0].stack) == 0);
	stackfuzz_advance(f, UINT64_C(5000000000)); /* what is announced at first */
	simraw_known(&f->raw, &f->peer);
}

void stackfuzz_end(struct stackfuzz *f)
{
	struct mbuf_pool *pool = f->net.host[0].pool;

	simapp_fini(&f->app);
	stackfuzz_run(f);
	simraw_detach(&f->raw);
	simnet_fini(&f->net);
	FUZZ_CHECK(mbuf_pool_full(pool));
	FUZZ_CHECK(pool->stats.drops[DROP_UNSPEC] == f->unspec);
	FUZZ_CHECK(memfail_outstanding(&f->mem) == 0);
}
