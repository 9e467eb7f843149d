/* SPDX-License-Identifier: BSD-2-Clause */
/* Drawing and building worlds. See simworld.h. */
#include "simworld.h"

#include "link/link.h"
#include "tcp/isn.h"
#include "tcp/pcb.h"

#include <string.h>

#define US  UINT64_C(1000)
#define MS  UINT64_C(1000000)
#define SEC UINT64_C(1000000000)

const char *const simworld_name[SIMWORLDS] = {
#define X(id, name, weight) [SIMWORLD_##id] = (name),
	SIMWORLD_TABLE(X)
#undef X
};

int simworld_by_name(const char *name)
{
	for (int i = 0; i < SIMWORLDS; i++)
		if (strcmp(name, simworld_name[i]) == 0)
			return i;
	return -1;
}

/* ---- paths ---- */

static void draw_plain(struct simnet *n, struct sim_path *p)
{
	p->delay_ns = simnet_range(n, 10 * US, simnet_chance(n, 4) ? 150 * MS : 5 * MS);
	if (!simnet_chance(n, 3))
		p->jitter_ns = simnet_range(n, 0, p->delay_ns);
	p->keep_order = simnet_chance(n, 2);
	if (!simnet_chance(n, 3))
		p->loss_ppm = (uint32_t)simnet_range(n, 0, simnet_chance(n, 3) ? 50000 : 10000);
	if (simnet_chance(n, 6)) {
		p->burst_ppm = 2000;
		p->burst_end_ppm = 200000;
	}
	if (simnet_chance(n, 3))
		p->dup_ppm = (uint32_t)simnet_range(n, 0, 30000);
	if (simnet_chance(n, 3))
		p->corrupt_ppm = (uint32_t)simnet_range(n, 0, 20000);
	if (simnet_chance(n, 4)) {
		p->reorder_ppm = (uint32_t)simnet_range(n, 1000, 100000);
		p->reorder_ns = simnet_range(n, MS, 20 * MS);
	}
	if (simnet_chance(n, 3)) {
		p->rate_bps = simnet_range(n, 1000000, 1000000000);
		p->queue_bytes = (uint32_t)simnet_range(n, 20000, 500000);
	}
}

/* Delay in order, a little loss at times. */
static void draw_calm(struct simnet *n, struct sim_path *p, uint64_t max_delay_ns)
{
	p->delay_ns = simnet_range(n, 100 * US, max_delay_ns);
	p->keep_order = true;
	if (simnet_chance(n, 2))
		p->loss_ppm = (uint32_t)simnet_range(n, 0, 5000);
}

static void draw_rate(struct simnet *n, struct sim_path *p, uint64_t lo_bps, uint64_t hi_bps,
		      uint64_t queue_ns)
{
	p->rate_bps = simnet_range(n, lo_bps, hi_bps);
	p->queue_bytes = (uint32_t)max_u64(p->rate_bps / 8 * (queue_ns / US) / 1000000, 20000);
}

static void draw_both_calm(struct simworld *w, struct simnet *n, uint64_t max_delay_ns)
{
	draw_calm(n, &w->wire.ab, max_delay_ns);
	draw_calm(n, &w->wire.ba, max_delay_ns);
}

/*
 * One direction, or both, some times for some seconds. All together they stay below half a minute:
 * a connection that its program has closed gives up after 8 timeouts, 50 s at least.
 */
static void draw_holes(struct simworld *w, struct simnet *n)
{
	uint64_t at = 0;

	while (at < 14 * SEC && w->n_turns + 2 <= SIMWORLD_TURNS &&
	       !(w->n_turns && simnet_chance(n, 3))) {
		enum sim_dir dir = simnet_chance(n, 2) ? SIM_AB : SIM_BA;

		at += simnet_range(n, 0, 300 * MS);
		w->turn[w->n_turns++] = (struct simturn){.at_ns = at, .dir = dir, .hole = true};
		at += simnet_range(n, 50 * MS, simnet_chance(n, 3) ? 12 * SEC : 3 * SEC);
		w->turn[w->n_turns++] = (struct simturn){.at_ns = at, .dir = dir};
	}
}

/* The link widths of the real world, and any. */
static uint32_t draw_mtu(struct simnet *n, bool v6)
{
	static const uint32_t known[] = {576, 1006, 1280, 1400, 1420, 1492, 1500, 4000};
	uint32_t mtu = known[simnet_range(n, 0, ARRAY_LEN(known) - 1)];

	if (simnet_chance(n, 3))
		mtu = (uint32_t)simnet_range(n, 576, 1500);
	return v6 ? max_u32(mtu, 1280) : mtu;
}

static void draw_widths(struct simworld *w, struct simnet *n)
{
	uint64_t at = 0;

	w->router = true;
	w->wire.mtu = w->far.mtu = simnet_chance(n, 2) ? 1500 : 4000;
	draw_calm(n, &w->far.ab, 10 * MS);
	draw_calm(n, &w->far.ba, 10 * MS);
	w->far.seed = simnet_random(n);
	w->far.number = 1;
	w->far.offload = w->wire.offload;
	while (w->n_turns < SIMWORLD_TURNS && !(w->n_turns > 1 && simnet_chance(n, 4))) {
		w->turn[w->n_turns++] =
			(struct simturn){.at_ns = at,
					 .dir = simnet_chance(n, 2) ? SIM_AB : SIM_BA,
					 .mtu = min_u32(draw_mtu(n, w->v6), w->wire.mtu)};
		at += simnet_range(n, 0, 400 * MS);
	}
}

static void draw_small(struct simworld *w, struct simnet *n)
{
	if (simnet_chance(n, 2))
		w->maxseg = (uint32_t)simnet_range(n, 88, 536);
	else
		w->wire.mtu = w->v6 ? 1280 : (uint32_t)simnet_range(n, 296, 600);
}

/* ---- worlds ---- */

static void draw_kind(struct simworld *w, struct simnet *n)
{
	struct sim_wire_conf *c = &w->wire;

	switch (w->kind) {
	case SIMWORLD_PLAIN:
	case SIMWORLD_WRAP:
	case SIMWORLDS:
		draw_plain(n, &c->ab);
		draw_plain(n, &c->ba);
		w->wrap = w->kind == SIMWORLD_WRAP;
		break;
	case SIMWORLD_SHARED:
		draw_both_calm(w, n, 40 * MS);
		draw_rate(n, &c->ab, 2000000, 200000000, simnet_range(n, 2 * MS, 100 * MS));
		w->mixed_cc = true;
		break;
	case SIMWORLD_BLOAT:
		draw_both_calm(w, n, 20 * MS);
		draw_rate(n, &c->ab, 1000000, 20000000, simnet_range(n, 1, 5) * SEC);
		draw_rate(n, &c->ba, 1000000, 20000000, simnet_range(n, 1, 5) * SEC);
		w->mixed_cc = simnet_chance(n, 2);
		break;
	case SIMWORLD_ACKLOSS:
		draw_both_calm(w, n, 30 * MS);
		c->ba.loss_ppm = (uint32_t)simnet_range(n, 100000, 500000);
		break;
	case SIMWORLD_REORDER:
		draw_both_calm(w, n, 30 * MS);
		c->ab.keep_order = c->ba.keep_order = false;
		c->ab.reorder_ppm = c->ba.reorder_ppm = 100000;
		c->ab.reorder_ns = simnet_range(n, 100 * US, 50 * MS);
		c->ba.reorder_ns = simnet_range(n, 100 * US, 50 * MS);
		break;
	case SIMWORLD_BLACKHOLE:
		draw_both_calm(w, n, 40 * MS);
		c->ab.loss_ppm = c->ba.loss_ppm = 0;
		draw_holes(w, n);
		break;
	case SIMWORLD_LONGFAT:
		c->ab = c->ba = (struct sim_path){.delay_ns = 50 * MS,
						  .keep_order = true,
						  .rate_bps = UINT64_C(10000000000),
						  .queue_bytes = 10000000};
		c->ab.loss_ppm = simnet_chance(n, 2) ? (uint32_t)simnet_range(n, 0, 200) : 0;
		break;
	case SIMWORLD_ZEROWINDOW:
		draw_both_calm(w, n, 20 * MS);
		w->rcvbuf = simnet_chance(n, 2) ? (uint32_t)simnet_range(n, 2304, 30000) : 0;
		break;
	case SIMWORLD_SMALLMSS:
		draw_plain(n, &c->ab);
		draw_plain(n, &c->ba);
		draw_small(w, n);
		break;
	case SIMWORLD_MTU:
		draw_both_calm(w, n, 10 * MS);
		draw_widths(w, n);
		break;
	}
}

static enum simworld_kind draw_which(struct simnet *n)
{
	static const unsigned weight[SIMWORLDS] = {
#define X(id, name, weight) [SIMWORLD_##id] = (weight),
		SIMWORLD_TABLE(X)
#undef X
	};
	unsigned sum = 0, at;
	enum simworld_kind kind = 0;

	for (unsigned i = 0; i < SIMWORLDS; i++)
		sum += weight[i];
	at = (unsigned)simnet_range(n, 0, sum - 1);
	while (at >= weight[kind])
		at -= weight[kind++];
	return kind;
}

void simworld_draw(struct simworld *w, struct simnet *n, int kind)
{
	enum simworld_kind by_chance = draw_which(n);

	*w = (struct simworld){.kind = kind < 0 ? by_chance : (enum simworld_kind)kind};
	w->wire = (struct sim_wire_conf){.seed = simnet_random(n), .mtu = 1500};
	if (simnet_chance(n, 4))
		w->wire.mtu = (uint32_t)simnet_range(n, 1280, 9000);
	w->wire.offload = simnet_chance(n, 2);
	w->v6 = simnet_chance(n, 2);
	w->n_conns = simnet_chance(n, 3) ? (unsigned)simnet_range(n, 1, 12) : 1;
	if (w->kind == SIMWORLD_SHARED)
		w->n_conns = (unsigned)simnet_range(n, 2, 6);
	if (w->kind == SIMWORLD_LONGFAT)
		w->n_conns = (unsigned)simnet_range(n, 1, 2);
	draw_kind(w, n);
}

/* ---- programs ---- */

static uint64_t draw_size(struct simnet *n)
{
	switch (simnet_range(n, 0, 4)) {
	case 0:
		return 0;
	case 1:
		return simnet_range(n, 1, 100);
	case 2:
		return simnet_range(n, 1, 20000);
	case 3:
		return simnet_range(n, 1, 200000);
	}
	return simnet_range(n, 1, 600000);
}

static uint64_t draw_bulk(const struct simworld *w, struct simnet *n)
{
	switch (w->kind) {
	case SIMWORLD_SHARED:
	case SIMWORLD_BLOAT:
		return simnet_range(n, 100000, 1000000);
	case SIMWORLD_ACKLOSS:
	case SIMWORLD_REORDER:
	case SIMWORLD_BLACKHOLE:
	case SIMWORLD_ZEROWINDOW:
	case SIMWORLD_MTU:
		return simnet_range(n, 20000, 400000);
	case SIMWORLD_LONGFAT:
		return simnet_range(n, 1000000, 8000000);
	case SIMWORLD_SMALLMSS:
		return draw_size(n) / 4;
	case SIMWORLD_PLAIN:
	case SIMWORLD_WRAP:
	case SIMWORLDS:
		break;
	}
	return draw_size(n);
}

static void draw_pause(const struct simworld *w, struct simnet *n, struct simend *e)
{
	bool often = w->kind == SIMWORLD_ZEROWINDOW;

	if (e->to_recv == 0 || !(often || simnet_chance(n, 6)))
		return;
	e->pause_at = simnet_range(n, 1, e->to_recv);
	e->pause_ns = simnet_range(n, MS, often ? 3 * SEC : 30 * SEC);
	if (often)
		e->pause_again = simnet_range(n, 1, 100000);
}

void simworld_draw_ends(const struct simworld *w, struct simnet *n, struct simapp *client,
			struct simapp *server)
{
	client->n_ends = server->n_ends = w->n_conns;
	client->mixed_cc = server->mixed_cc = w->mixed_cc;
	client->rcvbuf = server->rcvbuf = w->rcvbuf;
	client->maxseg = w->maxseg;
	for (unsigned i = 0; i < w->n_conns; i++) {
		struct simend *c = &client->end[i], *s = &server->end[i];

		c->pattern_out = s->pattern_in = simnet_random(n);
		c->pattern_in = s->pattern_out = simnet_random(n);
		c->to_send = s->to_recv = draw_bulk(w, n);
		/* Mostly one way, where the other one is what the world is about. */
		c->to_recv = s->to_send = w->kind == SIMWORLD_ACKLOSS || w->kind == SIMWORLD_LONGFAT
						  ? draw_size(n) / 100
						  : draw_bulk(w, n);
		draw_pause(w, n, c);
		draw_pause(w, n, s);
	}
}

/* ---- building ---- */

static int join(struct simnet *n, unsigned a, unsigned b, const struct sim_wire_conf *conf,
		const char *addr_a, const char *addr_b)
{
	unsigned ia, ib;
	int rc = simnet_wire(n, a, b, conf, &ia, &ib);

	if (rc == 0)
		rc = simnet_addr(n, a, ia, addr_a);
	return rc < 0 ? rc : simnet_addr(n, b, ib, addr_b);
}

static int build_router(const struct simworld *w, struct simnet *n, struct mbuf_pool **pool)
{
	bool v6 = w->v6;
	int rc = simnet_host(n, "router", pool);

	if (rc == 0)
		rc = join(n, 0, 2, &w->wire, v6 ? "fd09::1/64" : "10.9.0.1/24",
			  v6 ? "fd09::fe/64" : "10.9.0.254/24");
	if (rc == 0)
		rc = join(n, 2, 1, &w->far, v6 ? "fd09:1::fe/64" : "10.9.1.254/24",
			  v6 ? "fd09:1::2/64" : "10.9.1.2/24");
	if (rc == 0)
		rc = simnet_route(n, 0, v6 ? "::/0" : "0.0.0.0/0", v6 ? "fd09::fe" : "10.9.0.254",
				  0);
	if (rc == 0)
		rc = simnet_route(n, 1, v6 ? "::/0" : "0.0.0.0/0", v6 ? "fd09:1::fe" : "10.9.1.254",
				  0);
	if (rc == 0)
		inet_forwarding_set(n->host[2].stack, true, true);
	return rc;
}

int simworld_build(const struct simworld *w, struct simnet *n,
		   struct mbuf_pool *pools[SIMNET_HOSTS])
{
	int rc = simnet_host(n, "client", &pools[0]);

	if (rc == 0)
		rc = simnet_host(n, "server", &pools[1]);
	if (rc < 0)
		return rc;
	if (w->router)
		return build_router(w, n, &pools[2]);
	return join(n, 0, 1, &w->wire, w->v6 ? "fd09::1/64" : "10.9.0.1/24",
		    w->v6 ? "fd09::2/64" : "10.9.0.2/24");
}

const char *simworld_server(const struct simworld *w)
{
	if (w->router)
		return w->v6 ? "fd09:1::2" : "10.9.1.2";
	return w->v6 ? "fd09::2" : "10.9.0.2";
}

/* ---- in time ---- */

static void wrap_clock(struct stack *s, const struct ipaddr *local, const struct ipaddr *remote,
		       uint32_t ms_before)
{
	uint32_t now = tcp_ts_clock(s) + tcp_ts_offset(s, local, remote);

	s->tcp->isn.wall_off_ns += (uint64_t)(uint32_t)(-ms_before - now) * MS;
}

void simworld_wrap(const struct simworld *w, struct simnet *n)
{
	struct ipaddr a, b;

	if (!w->wrap)
		return;
	if (ipaddr_parse(w->v6 ? "fd09::1" : "10.9.0.1", &a) < 0 ||
	    ipaddr_parse(simworld_server(w), &b) < 0)
		return;
	wrap_clock(n->host[0].stack, &a, &b, (uint32_t)simnet_range(n, 1, 3000));
	wrap_clock(n->host[1].stack, &b, &a, (uint32_t)simnet_range(n, 1, 3000));
	simisn_near_wrap(n);
}

static void take_turn(const struct simworld *w, struct simnet *n, const struct simturn *t)
{
	struct sim_path path = t->dir == SIM_AB ? w->wire.ab : w->wire.ba;

	if (t->mtu) {
		/* The router sends out of its second port what goes from the client to the server.
		 */
		n->host[2].stack->link->ifaces[t->dir == SIM_AB ? 1 : 0].mtu = t->mtu;
		return;
	}
	if (t->hole)
		path.loss_ppm = SIM_PPM;
	sim_wire_path(sim_wire_of(n->host[0].stack->ports[0]), t->dir, &path);
}

void simworld_turn(struct simworld *w, struct simnet *n, uint64_t start_ns)
{
	while (simworld_next_ns(w, start_ns) <= n->now_ns)
		take_turn(w, n, &w->turn[w->next_turn++]);
}

uint64_t simworld_next_ns(const struct simworld *w, uint64_t start_ns)
{
	return w->next_turn < w->n_turns ? start_ns + w->turn[w->next_turn].at_ns : UINT64_MAX;
}
