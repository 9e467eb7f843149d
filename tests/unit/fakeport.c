/* SPDX-License-Identifier: BSD-2-Clause */
/* See fakeport.h. Aborts where a test could not go on. */
#include "fakeport.h"

#include "plat/eal.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_NS UINT64_C(1000000000)

struct fakeframe *fakeframe_alloc(uint32_t len)
{
	struct fakeframe *f = calloc(1, sizeof(*f) + len);

	MUST(f != NULL);
	list_init(&f->link);
	f->len = len;
	return f;
}

void fakeframe_free(struct fakeframe *f)
{
	free(f);
}

void fakeport_feed_frame(struct fakeport *fp, struct fakeframe *f)
{
	list_add_tail(&fp->rx, &f->link);
	fp->n_rx++;
}

void fakeport_feed(struct fakeport *fp, const void *frame, uint32_t len)
{
	struct fakeframe *f = fakeframe_alloc(len);

	if (len > 0)
		memcpy(f->data, frame, len);
	fakeport_feed_frame(fp, f);
}

struct fakeframe *fakeport_sent(struct fakeport *fp)
{
	struct list *l = list_pop_head(&fp->tx);

	if (!l)
		return NULL;
	fp->n_tx--;
	return CONTAINER_OF(l, struct fakeframe, link);
}

unsigned fakeport_forget(struct fakeport *fp)
{
	struct fakeframe *f;
	unsigned n = 0;

	for (; (f = fakeport_sent(fp)) != NULL; n++)
		fakeframe_free(f);
	return n;
}

/* Append part of a frame in a further buffer. */
static int rx_more(struct mbuf *m, const uint8_t *p, uint32_t n)
{
	mbuf_own seg = mbuf_alloc(m->meta.pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_RX);
	uint8_t *to;

	if (!seg.m)
		return -1;
	to = mbuf_append(seg.m, n);
	MUST(to != NULL);
	memcpy(to, p, n);
	return mbuf_join(m, seg);
}

static mbuf_own rx_build(struct fakeport *fp, const struct fakeframe *f)
{
	mbuf_own own = mbuf_alloc(fp->port.pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_RX);
	uint32_t step = fp->rx_seg ? fp->rx_seg : MBUF_SMALL_ROOM;
	uint32_t n = min_u32(f->len, step);
	uint8_t *to;

	if (!own.m)
		return own;
	to = mbuf_append(own.m, n);
	MUST(to != NULL);
	if (n > 0)
		memcpy(to, f->data, n);
	for (uint32_t off = n; off < f->len; off += n) {
		n = min_u32(f->len - off, step);
		if (rx_more(own.m, f->data + off, n) < 0) {
			mbuf_drop_own(own, DROP_NOBUF);
			return MBUF_NULL;
		}
	}
	own.m->meta.gso_size = f->gso_size;
	own.m->meta.gso_type = f->gso_type;
	own.m->meta.csum = f->csum;
	own.m->meta.csum_field = f->csum_field;
	own.m->meta.l4_off = (uint16_t)(mbuf_here(own.m) + f->l4_off);
	return own;
}

/* The same bytes, looked at by another packet until the next burst. */
static mbuf_own rx_share(struct fakeport *fp, mbuf_own own)
{
	mbuf_own shared = MBUF_NULL;
	struct mbuf_meta *to;

	if (own.m)
		shared = mbuf_share(fp->port.pool, own.m, 0, mbuf_len(own.m), MBUF_PRIO_BULK);
	if (shared.m) {
		to = &shared.m->meta;
		to->gso_size = own.m->meta.gso_size;
		to->gso_type = own.m->meta.gso_type;
		to->csum = own.m->meta.csum;
		to->csum_field = own.m->meta.csum_field;
		to->l4_off =
			(uint16_t)(mbuf_here(shared.m) + own.m->meta.l4_off - mbuf_here(own.m));
	}
	if (own.m)
		mbufq_push(&fp->others, own);
	return shared;
}

static void forget_others(struct fakeport *fp)
{
	struct mbuf *m;

	while ((m = mbufq_pop(&fp->others).m) != NULL)
		mbuf_done(&m);
}

static uint16_t fake_rx(struct port *p, struct mbuf **pkts, uint16_t max)
{
	struct fakeport *fp = CONTAINER_OF(p, struct fakeport, port);
	uint16_t n = 0;

	forget_others(fp);
	while (n < max && fp->n_rx > 0) {
		struct fakeframe *f = CONTAINER_OF(list_pop_head(&fp->rx), struct fakeframe, link);
		mbuf_own own = rx_build(fp, f);

		if (fp->rx_shared)
			own = rx_share(fp, own);
		fp->n_rx--;
		fakeframe_free(f);
		if (!own.m) {
			p->cnt.rx_nobuf++;
			continue;
		}
		p->cnt.rx_frames++;
		pkts[n++] = own.m;
	}
	return n;
}

static struct fakeframe *tx_copy(struct mbuf *m)
{
	struct fakeframe *f = fakeframe_alloc(mbuf_len(m));

	mbuf_copy_out(m, 0, f->data, f->len);
	f->gso_size = m->meta.gso_size;
	f->gso_type = m->meta.gso_type;
	f->csum = m->meta.csum;
	f->csum_field = m->meta.csum_field;
	if (m->meta.csum == MBUF_CSUM_PARTIAL || m->meta.gso_size > 0)
		f->l4_off = (uint16_t)(m->meta.l4_off - mbuf_here(m));
	MBUF_FOR_EACH_SEG (seg, m)
		f->n_segs++;
	return f;
}

static uint16_t fake_tx(struct port *p, struct mbuf **pkts, uint16_t n)
{
	struct fakeport *fp = CONTAINER_OF(p, struct fakeport, port);

	if (fp->full)
		return 0;
	for (uint16_t i = 0; i < n; i++) {
		struct fakeframe *f = tx_copy(pkts[i]);

		list_add_tail(&fp->tx, &f->link);
		fp->n_tx++;
		fp->total_tx++;
		mbuf_done(&pkts[i]);
	}
	return n;
}

static int fake_no_fd(struct port *p)
{
	(void)p;
	return -1;
}

static bool fake_link_up(struct port *p)
{
	return !CONTAINER_OF(p, struct fakeport, port)->down;
}

static void fake_destroy(struct port *p)
{
	struct fakeport *fp = CONTAINER_OF(p, struct fakeport, port);
	struct list *l;

	while ((l = list_pop_head(&fp->rx)) != NULL)
		fakeframe_free(CONTAINER_OF(l, struct fakeframe, link));
	fakeport_forget(fp);
	forget_others(fp);
	free(fp);
}

static const struct port_ops fake_ops = {
	.name = "fake",
	.rx = fake_rx,
	.tx = fake_tx,
	.wait_fd = fake_no_fd,
	.tx_wait_fd = fake_no_fd,
	.link_up = fake_link_up,
	.destroy = fake_destroy,
};

struct fakeport *fakeport_create(const char *name, struct mbuf_pool *pool, unsigned number,
				 uint32_t mtu, uint32_t caps)
{
	struct fakeport *fp = calloc(1, sizeof(*fp));

	if (!fp)
		return NULL;
	fp->port.ops = &fake_ops;
	snprintf(fp->port.name, sizeof(fp->port.name), "%s", name);
	fp->port.mac = (struct ethaddr){{2, 0, 0, 0, 0, (uint8_t)(number + 1)}};
	fp->port.mtu = mtu;
	fp->port.caps = caps;
	fp->port.max_gso_bytes = (caps & PORT_CAP_TSO) ? 65535 : 0;
	fp->port.pool = pool;
	mbufq_init(&fp->others, MBUF_TEST);
	list_init(&fp->rx);
	list_init(&fp->tx);
	return fp;
}

/* ---- the stack around it ---- */

static uint64_t host_mono(void *ctx)
{
	return ((struct fakehost *)ctx)->now_ns;
}

static uint64_t host_wall(void *ctx)
{
	return UINT64_C(1700000000000000000) + ((struct fakehost *)ctx)->now_ns;
}

/* splitmix64: the same numbers in every run. */
static void host_random(void *ctx, void *buf, size_t len)
{
	struct fakehost *h = ctx;
	uint8_t *p = buf;

	while (len > 0) {
		uint64_t z = h->rng += UINT64_C(0x9e3779b97f4a7c15);
		size_t n = min_size(len, sizeof(z));

		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		z ^= z >> 31;
		memcpy(p, &z, n);
		p += n;
		len -= n;
	}
}

static void eal_start(void)
{
	static const struct plat_eal_conf conf = {.huge = PLAT_HUGE_NEVER, .mem_mb = 64};
	char err[256] = "";

	if (plat_eal_init(&conf, err, sizeof(err)) < 0)
		fail_msg("EAL: %s", err);
}

static void add_ports(struct fakehost *h, const struct fakehost_conf *conf)
{
	MUST(conf->n_ports <= FAKEHOST_PORTS);
	for (unsigned i = 0; i < conf->n_ports; i++) {
		char name[16];

		snprintf(name, sizeof(name), "fp%u", i);
		h->port[i] =
			fakeport_create(name, h->pool, i, conf->mtu ? conf->mtu : 1500, conf->caps);
		assert_non_null(h->port[i]);
		assert_int_equal(stack_port_add(h->s, &h->port[i]->port), (int)i);
	}
	h->n_ports = conf->n_ports;
}

void fakehost_create(struct fakehost *h, const struct fakehost_conf *conf)
{
	struct mbuf_pool_conf pool = {.name = "", .core = 0};
	struct stack_conf sc = {.max_sockets = conf->max_sockets,
				.max_neighbours = conf->max_neighbours};
	static unsigned serial;
	char name[20];

	eal_start();
	memset(h, 0, sizeof(*h));
	h->now_ns = conf->start_ns ? conf->start_ns : START_NS;
	h->rng = conf->seed;
	memfail_init(&h->mem, mem_libc());
	/* Several hosts may live at once, and those of a test that failed do still. */
	snprintf(name, sizeof(name), "t%u", serial++);
	pool.name = name;
	pool.count[MBUF_SMALL] = conf->n_small ? conf->n_small : 2048;
	pool.count[MBUF_BIG] = conf->n_big ? conf->n_big : 64;
	pool.reserve[MBUF_SMALL] = pool.count[MBUF_SMALL] / 16;
	pool.reserve[MBUF_BIG] = pool.count[MBUF_BIG] / 16;
	assert_int_equal(mbuf_pool_create(&pool, &h->pool), 0);
	sc.pool = h->pool;
	sc.env = (struct stack_env){.mono_ns = host_mono,
				    .wall_ns = host_wall,
				    .random = host_random,
				    .ctx = h,
				    .mem = memfail_mem(&h->mem)};
	memset(sc.env.secret, 0x5a, sizeof(sc.env.secret));
	assert_int_equal(stack_create(&sc, &h->s), 0);
	add_ports(h, conf);
}

static void dump_line(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "  %s\n", text);
}

void fakehost_destroy(struct fakehost *h)
{
	struct mbuf_pool_stats st;

	stack_destroy(h->s);
	mbuf_pool_stats(h->pool, &st);
	if (!mbuf_pool_full(h->pool))
		mbuf_pool_dump(h->pool, 20, dump_line, NULL);
	assert_true(mbuf_pool_full(h->pool));
	assert_int_equal(st.drops[DROP_UNSPEC], 0);
	assert_int_equal(memfail_outstanding(&h->mem), 0);
	assert_int_equal(mbuf_pool_destroy(h->pool), 0);
}

unsigned fakehost_run(struct fakehost *h)
{
	unsigned n = 0;

	while (stack_poll(h->s) > 0) {
		bool stuck = false;

		/* A full port keeps the loop busy for ever. */
		for (unsigned i = 0; i < h->n_ports; i++)
			stuck |= h->port[i]->full;
		if (++n > 100000 || stuck)
			break;
	}
	return n;
}

void fakehost_advance(struct fakehost *h, uint64_t ns)
{
	uint64_t end = h->now_ns + ns;

	fakehost_run(h);
	for (;;) {
		uint64_t next = stack_next_ns(h->s);

		if (next >= end)
			break;
		/* The wheel answers with a time not after the next expiry: always go on. */
		h->now_ns = max_u64(next, h->now_ns + 1);
		fakehost_run(h);
	}
	h->now_ns = end;
	fakehost_run(h);
}

uint64_t fakehost_drops(const struct fakehost *h, enum drop_reason why)
{
	struct mbuf_pool_stats st;

	mbuf_pool_stats(h->pool, &st);
	return st.drops[why];
}

uint64_t fakehost_drops_all(const struct fakehost *h)
{
	struct mbuf_pool_stats st;
	uint64_t sum = 0;

	mbuf_pool_stats(h->pool, &st);
	for (unsigned i = 0; i < DROP_COUNT; i++)
		sum += st.drops[i];
	return sum;
}
