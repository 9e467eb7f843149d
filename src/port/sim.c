/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two ports of a simulated wire and what observes it. The lanes (sim_lane.c) do the rest.
 */
#include "port/sim.h"

#include "port/driver.h"
#include "port/pcapng.h"
#include "port/sim_lane.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_MTU 1500u
#define GSO_BYTES   65535u
/* The longest frame that the hook is shown. */
#define SCRATCH_LEN (GSO_BYTES + ETH_HLEN_MAX)

const char *const sim_event_text[SIM_EVENTS] = {
#define X(id, text) [SIM_##id] = (text),
	SIM_EVENT_TABLE(X)
#undef X
};

struct sim_end {
	struct port port;
	struct sim_wire *wire;
	struct sim_lane *out, *in;
	bool open;
};

struct sim_wire {
	struct sim_wire_conf conf;
	const uint64_t *now_ns;
	struct sim_lane lane[SIM_DIRS];
	struct sim_end end[SIM_DIRS]; /* the sender of each direction */
	bool up;
	void (*hook)(void *ctx, const struct sim_report *r);
	void *hook_ctx;
	struct pcapng *pcap;
	uint8_t *scratch; /* SCRATCH_LEN, when somebody looks */
};

static struct sim_end *end_of(struct port *p)
{
	return CONTAINER_OF(p, struct sim_end, port);
}

/* ---- for the lanes ---- */

uint64_t sim_wire_now(const struct sim_wire *w)
{
	return *w->now_ns;
}

bool sim_wire_is_up(const struct sim_wire *w)
{
	return w->up && w->end[SIM_AB].open && w->end[SIM_BA].open;
}

const struct sim_wire_conf *sim_wire_conf(const struct sim_wire *w)
{
	return &w->conf;
}

static void show(struct sim_lane *l, enum sim_event event, struct view frame)
{
	struct sim_wire *w = l->wire;
	struct sim_report r = {
		.dir = l->dir,
		.event = event,
		.now_ns = *w->now_ns,
		.frame = frame,
	};

	if (w->hook)
		w->hook(w->hook_ctx, &r);
	if (w->pcap)
		(void)pcapng_write(w->pcap, l->dir, r.now_ns, frame, sim_event_text[event]);
}

void sim_wire_event(struct sim_lane *l, enum sim_event event, const struct mbuf *m,
		    struct view frame)
{
	l->stats.n[event]++;
	if (!l->wire->scratch)
		return;
	if (m)
		frame = view_make(l->wire->scratch,
				  mbuf_copy_out(m, 0, l->wire->scratch, SCRATCH_LEN));
	show(l, event, frame);
}

/* ---- ports ---- */

static uint16_t sim_rx(struct port *p, struct mbuf **pkts, uint16_t max)
{
	struct sim_end *e = end_of(p);
	uint16_t n = 0;

	while (n < max) {
		struct mbuf *m = sim_lane_receive(e->in, p);

		if (!m)
			break;
		port_count_rx(p, m);
		pkts[n++] = m;
	}
	return n;
}

static uint16_t sim_tx(struct port *p, struct mbuf **pkts, uint16_t n)
{
	struct sim_end *e = end_of(p);

	for (uint16_t i = 0; i < n; i++) {
		if (e->out->path.full_stops && sim_lane_full(e->out))
			return i;
		port_count_tx(p, pkts[i]);
		sim_lane_send(e->out, mbuf_own_of(pkts[i]));
	}
	return n;
}

static int sim_wait_fd(struct port *p)
{
	(void)p;
	return -1;
}

static uint64_t sim_next_ns(struct port *p)
{
	return sim_lane_next_ns(end_of(p)->in);
}

static bool sim_link_up(struct port *p)
{
	return sim_wire_is_up(end_of(p)->wire);
}

static void wire_destroy(struct sim_wire *w)
{
	const struct mem *mem = w->conf.mem;

	sim_lane_fini(&w->lane[SIM_AB]);
	sim_lane_fini(&w->lane[SIM_BA]);
	if (w->pcap)
		pcapng_destroy(w->pcap);
	mem_free(mem, w->scratch, SCRATCH_LEN);
	mem_free(mem, w, sizeof(*w));
}

static void sim_destroy(struct port *p)
{
	struct sim_end *e = end_of(p);
	struct sim_wire *w = e->wire;

	e->open = false;
	sim_lane_purge(e->in);
	if (!w->end[SIM_AB].open && !w->end[SIM_BA].open)
		wire_destroy(w);
}

static const struct port_ops sim_ops = {
	.name = "sim",
	.rx = sim_rx,
	.tx = sim_tx,
	.wait_fd = sim_wait_fd,
	.next_ns = sim_next_ns,
	.link_up = sim_link_up,
	.destroy = sim_destroy,
};

/* ---- the wire ---- */

static void end_init(struct sim_wire *w, enum sim_dir dir, struct mbuf_pool *pool)
{
	struct sim_end *e = &w->end[dir];
	uint32_t number = w->conf.number;
	struct ethaddr mac = {{0x02, 0x5e, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
			       (uint8_t)number, (uint8_t)dir}};
	char name[PORT_NAME_LEN];
	struct port_conf conf = {.name = name, .pool = pool, .mac = &mac};

	(void)snprintf(name, sizeof(name), "sim%u%c", number, dir == SIM_AB ? 'a' : 'b');
	port_setup(&e->port, &sim_ops, &conf);
	e->port.mtu = w->conf.mtu;
	e->port.now_ns = w->now_ns;
	e->port.caps = PORT_CAP_SG;
	if (w->conf.offload) {
		e->port.caps |= PORT_CAP_TX_CSUM | PORT_CAP_TSO | PORT_CAP_RX_SUPER;
		e->port.max_gso_bytes = GSO_BYTES;
	}
	e->wire = w;
	e->out = &w->lane[dir];
	e->in = &w->lane[dir == SIM_AB ? SIM_BA : SIM_AB];
	e->open = true;
	sim_lane_init(e->out, w, dir, &w->conf);
}

int sim_wire_create(const struct sim_wire_conf *conf, const uint64_t *now_ns,
		    struct mbuf_pool *pool_a, struct mbuf_pool *pool_b, struct port **a,
		    struct port **b)
{
	const struct mem *mem = conf->mem ? conf->mem : mem_libc();
	struct sim_wire *w = mem_zalloc(mem, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->conf = *conf;
	w->conf.mem = mem;
	if (w->conf.mtu == 0)
		w->conf.mtu = DEFAULT_MTU;
	w->now_ns = now_ns;
	w->up = true;
	end_init(w, SIM_AB, pool_a);
	end_init(w, SIM_BA, pool_b);
	*a = &w->end[SIM_AB].port;
	*b = &w->end[SIM_BA].port;
	return 0;
}

struct sim_wire *sim_wire_of(struct port *p)
{
	return end_of(p)->wire;
}

void sim_wire_path(struct sim_wire *w, enum sim_dir dir, const struct sim_path *path)
{
	w->lane[dir].path = *path;
	w->lane[dir].in_burst = false;
}

void sim_wire_link(struct sim_wire *w, bool up)
{
	w->up = up;
	if (up)
		return;
	sim_lane_purge(&w->lane[SIM_AB]);
	sim_lane_purge(&w->lane[SIM_BA]);
}

void sim_wire_stats(const struct sim_wire *w, enum sim_dir dir, struct sim_stats *out)
{
	*out = w->lane[dir].stats;
	out->in_flight = w->lane[dir].n_heap;
}

uint64_t sim_wire_next_ns(const struct sim_wire *w)
{
	return min_u64(sim_lane_next_ns(&w->lane[SIM_AB]), sim_lane_next_ns(&w->lane[SIM_BA]));
}

/* Whoever looks wants frames in one piece. */
static int look(struct sim_wire *w)
{
	if (!w->scratch)
		w->scratch = mem_alloc(w->conf.mem, SCRATCH_LEN);
	return w->scratch ? 0 : -ENOMEM;
}

int sim_wire_hook(struct sim_wire *w, void (*fn)(void *ctx, const struct sim_report *r), void *ctx)
{
	w->hook = fn;
	w->hook_ctx = ctx;
	return fn ? look(w) : 0;
}

int sim_wire_pcap(struct sim_wire *w, const char *path)
{
	const char *const names[SIM_DIRS] = {[SIM_AB] = "a to b", [SIM_BA] = "b to a"};
	int rc = look(w);

	if (rc == 0 && !w->pcap)
		rc = pcapng_create(w->conf.mem, path, names, SIM_DIRS, &w->pcap);
	return rc;
}
