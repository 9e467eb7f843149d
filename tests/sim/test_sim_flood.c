/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An established connection under attack, in virtual time: what a transfer over a 20 Mbit/s path
 * brings in a quiet world and while the server's other interface receives 5,000 SYNs, 20,000
 * fragments or 5,000 packets of unknown neighbours a second. It must keep 90 %; what the stack
 * holds for the attacker must stay below its bounds; at the end everything is given back.
 *
 *	client 10.9.0.1 ==== 10.9.0.2 server 10.9.5.1 ==== attacker 10.9.5.0/24, 10.10.0.0/16
 *	  (fd09:: alike)
 */
#include "simapp.h"
#include "simraw.h"

#include "base/memfail.h"
#include "plat/eal.h"
#include "tcp/pcb.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/proto.h"

#include <stdio.h>
#include <string.h>

#define PORT     7000u
#define MS       UINT64_C(1000000)
#define SEC      UINT64_C(1000000000)
#define SECONDS  6u
#define ATTACKED 5u /* number of the attacker's network */
/* 10.10.0.0/16 is on its link too: IPv4 has room for neighbours there. */
#define WIDE4 0x0a0a0000u

enum attack { QUIET, SYNS, FRAGMENTS, NEIGHBOURS, ATTACKS };

static const char *const attack_name[ATTACKS] = {"quiet", "SYNs", "fragments",
						 "unknown neighbours"};
static const unsigned per_second[ATTACKS] = {0, 5000, 20000, 5000};

struct run {
	struct simnet net;
	struct simapp client, server;
	struct simraw raw;
	struct memfail mem;
	enum attack attack;
	bool v6;
	uint64_t from_ns, until_ns, next_ns;
	uint64_t sent, drops_before;
	uint64_t felt; /* what the server counted of the attack */
};

static void one_syn(struct run *r)
{
	struct ipaddr src =
		simraw_addr(r->v6, ATTACKED, 2 + (unsigned)simnet_range(&r->net, 0, 250));
	struct ipaddr dst = simraw_addr(r->v6, ATTACKED, 1);
	struct tcphdr h = {.seq = (uint32_t)simnet_random(&r->net),
			   .sport = (uint16_t)simnet_range(&r->net, 1024, 65535),
			   .dport = PORT,
			   .flags = TCP_SYN,
			   .wnd = 65535};

	(void)simraw_put_tcp(&r->raw, &src, &dst, &h, NULL, 0, NULL, 0);
}

/* The first piece of a datagram that never comes; each has another id. */
static void one_fragment(struct run *r)
{
	uint8_t frame[ETH_HLEN + IP6_HLEN + 8 + 1200] = {0};
	struct eth e = {.dst = r->raw.mac,
			.src = {{2, 0, 0, 0, 0, 9}},
			.type = r->v6 ? ETHERTYPE_IP6 : ETHERTYPE_IP4};
	uint8_t *ip = frame + eth_emit(frame, &e);
	struct ip4 h4 = {.ttl = 64,
			 .proto = PROTO_UDP,
			 .id = (uint16_t)simnet_random(&r->net),
			 .mf = true,
			 .total_len = IP4_HLEN + 1200,
			 .src = simraw_addr(false, ATTACKED, 2),
			 .dst = simraw_addr(false, ATTACKED, 1)};
	struct ip6 h6 = {.next_header = PROTO_FRAGMENT,
			 .hop_limit = 64,
			 .payload_len = 8 + 1200,
			 .src = simraw_addr(true, ATTACKED, 2),
			 .dst = simraw_addr(true, ATTACKED, 1)};
	size_t n = r->v6 ? ip6_emit(ip, &h6) : ip4_emit(ip, &h4);

	if (r->v6) {
		ip[n] = PROTO_UDP;
		store_be16(ip + n + 2, 1);
		store_be32(ip + n + 4, (uint32_t)simnet_random(&r->net));
		n += 8;
	}
	(void)simraw_put(&r->raw, frame, (uint32_t)(ETH_HLEN + n + 1200));
}

/* A ping whose answer needs a neighbour that nobody is. */
static void one_neighbour(struct run *r)
{
	unsigned host = 2 + (unsigned)simnet_range(&r->net, 0, 60000);
	struct ipaddr src = r->v6 ? simraw_addr(true, ATTACKED, host) : ipaddr_v4(WIDE4 + host);
	struct ipaddr dst = simraw_addr(r->v6, ATTACKED, 1);
	uint8_t msg[64] = {r->v6 ? 128 : 8};

	(void)simraw_put_ip(&r->raw, &src, &dst, r->v6 ? PROTO_ICMP6 : PROTO_ICMP4, msg,
			    sizeof(msg), 2);
}

static void attack(struct run *r)
{
	while (r->attack != QUIET && r->next_ns <= r->net.now_ns) {
		r->next_ns += SEC / per_second[r->attack];
		r->sent++;
		if (r->attack == SYNS)
			one_syn(r);
		else if (r->attack == FRAGMENTS)
			one_fragment(r);
		else
			one_neighbour(r);
	}
	while (simraw_get(&r->raw).len > 0)
		;
}

static bool step(void *ctx)
{
	struct run *r = ctx;
	bool any;

	attack(r);
	any = simapp_step(&r->client);
	any |= simapp_step(&r->server);
	return any;
}

static bool done(void *ctx)
{
	struct run *r = ctx;

	return r->net.now_ns >= r->until_ns;
}

static uint64_t next_ns(void *ctx)
{
	struct run *r = ctx;

	return r->attack == QUIET ? r->until_ns : r->next_ns;
}

static int build(struct run *r, struct mbuf_pool **pools)
{
	struct sim_path p = {.delay_ns = 10 * MS,
			     .keep_order = true,
			     .rate_bps = 20000000,
			     .queue_bytes = 60000};
	struct sim_wire_conf w = {.seed = 3, .ab = p, .ba = p};
	unsigned ia, ib;
	int rc = simnet_host(&r->net, "client", &pools[0]);

	if (rc == 0)
		rc = simnet_host(&r->net, "server", &pools[1]);
	if (rc == 0)
		rc = simnet_wire(&r->net, 0, 1, &w, &ia, &ib);
	if (rc == 0)
		rc = simnet_addr(&r->net, 0, ia, r->v6 ? "fd09::1/64" : "10.9.0.1/24");
	if (rc == 0)
		rc = simnet_addr(&r->net, 1, ib, r->v6 ? "fd09::2/64" : "10.9.0.2/24");
	if (rc == 0)
		rc = simraw_attach(&r->raw, &r->net, 1, ATTACKED);
	return rc < 0 ? rc : simnet_addr(&r->net, 1, r->raw.s->n_ports - 1, "10.10.255.1/16");
}

static int start(struct run *r)
{
	struct ipaddr to;
	int rc = simapp_init(&r->client, r->net.host[0].stack);

	if (rc == 0)
		rc = simapp_init(&r->server, r->net.host[1].stack);
	r->client.n_ends = r->server.n_ends = 1;
	r->client.end[0].to_send = r->server.end[0].to_recv = UINT64_MAX;
	if (rc == 0)
		rc = simapp_listen(&r->server, r->v6, PORT);
	if (rc == 0)
		rc = ipaddr_parse(r->v6 ? "fd09::2" : "10.9.0.2", &to);
	return rc < 0 ? rc : simapp_connect(&r->client, 0, &to, PORT);
}

/* The counters that show the attack arrived where it hurts and met its limit. */
static uint64_t counted(const struct run *r)
{
	const struct stack *s = r->net.host[1].stack;
	const uint64_t *d = s->pool->stats.drops;

	switch (r->attack) {
	case SYNS:
		return tcp_counters(s)->syn_in;
	case FRAGMENTS:
		return d[DROP_REASS_LIMIT] + d[DROP_REASS_TIMEOUT];
	case NEIGHBOURS:
		return d[DROP_NEIGH_TABLE_FULL] + d[DROP_NEIGH_QUEUE_FULL] +
		       d[DROP_NEIGH_UNREACHABLE];
	case QUIET:
	case ATTACKS:
		break;
	}
	return 0;
}

static bool back(struct run *r, struct mbuf_pool **pools)
{
	return mbuf_pool_full(pools[0]) && mbuf_pool_full(pools[1]) &&
	       memfail_outstanding(&r->mem) == 0;
}

/* Bytes that arrived; 0: something is wrong. */
static uint64_t play(enum attack kind, bool v6, struct mbuf_pool **pools, uint64_t *felt)
{
	static struct run r;
	struct simnet_prog prog = {.step = step,
				   .done = done,
				   .next_ns = next_ns,
				   .ctx = &r,
				   .until_ns = UINT64_MAX,
				   .max_steps = UINT64_MAX};
	uint64_t got = 0;

	memset(&r, 0, sizeof(r));
	memfail_init(&r.mem, mem_libc());
	simnet_init(&r.net, 1, memfail_mem(&r.mem));
	r.attack = kind;
	r.v6 = v6;
	if (build(&r, pools) < 0 || start(&r) < 0)
		return 0;
	r.drops_before = counted(&r);
	/* The attack begins one second after the connection. */
	r.next_ns = r.net.now_ns + SEC;
	r.until_ns = r.net.now_ns + SECONDS * SEC;
	(void)simnet_run(&r.net, &prog);
	if (!r.server.end[0].wrong && r.client.end[0].err == 0 &&
	    r.sent >= (SECONDS - 1) * per_second[kind])
		got = r.server.end[0].received;
	*felt = counted(&r) - r.drops_before;
	simapp_fini(&r.client);
	simapp_fini(&r.server);
	simraw_detach(&r.raw);
	simnet_fini(&r.net);
	return back(&r, pools) ? got : 0;
}

int main(void)
{
	struct plat_eal_conf eal = {.huge = PLAT_HUGE_NEVER, .mem_mb = 128};
	struct mbuf_pool *pools[2] = {NULL, NULL};
	char err[256];
	int bad = 0;

	if (plat_eal_init(&eal, err, sizeof(err)) < 0) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	for (unsigned v6 = 0; v6 < 2; v6++) {
		uint64_t felt = 0, quiet = play(QUIET, v6, pools, &felt);

		for (unsigned kind = QUIET; kind < ATTACKS; kind++) {
			uint64_t got = kind == QUIET ? quiet : play(kind, v6, pools, &felt);
			bool ok = got > 0 && got >= quiet / 10 * 9 &&
				  felt >= per_second[kind] * (SECONDS - 1) / 2;

			bad += !ok;
			printf("%s %-18s %5u/s: %5.2f Mbit/s, %3.0f %%; %llu taken or refused%s\n",
			       v6 ? "IPv6" : "IPv4", attack_name[kind], per_second[kind],
			       (double)got * 8 / 1e6 / SECONDS,
			       quiet ? 100.0 * (double)got / (double)quiet : 0.0,
			       (unsigned long long)felt, ok ? "" : "  FAILED");
		}
	}
	return bad ? 1 : 0;
}
