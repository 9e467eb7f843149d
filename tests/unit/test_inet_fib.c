/* SPDX-License-Identifier: BSD-2-Clause */
/* Routes: the trie against a plain list, with random prefixes of both families. */
#include "inet/fib.h"

#include "base/memfail.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#define N_ROUTES 600u

struct row {
	struct ipprefix dst;
	struct fib_route r;
	bool used;
};

struct naive {
	struct row rows[N_ROUTES];
};

static uint64_t rng_state;

static uint32_t rnd(void)
{
	rng_state = rng_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(rng_state >> 33);
}

/* Addresses from a small set, so that prefixes nest and collide. */
static struct ipaddr rnd_addr(bool v6)
{
	struct ipaddr a = {.b = {0x20, 0x01}};

	if (!v6)
		return ipaddr_v4(0x0a000000u | (rnd() & 0x000f0f0fu));
	for (unsigned i = 2; i < 16; i++)
		a.b[i] = (uint8_t)(rnd() % 3 == 0 ? rnd() & 0x81 : 0);
	return a;
}

static struct ipprefix rnd_prefix(bool v6)
{
	struct ipaddr a = rnd_addr(v6);

	return ipprefix_make(&a, v6 ? rnd() % 129 : 96 + rnd() % 33);
}

static const struct row *naive_lookup(const struct naive *n, const struct ipaddr *a)
{
	const struct row *best = NULL;

	for (unsigned i = 0; i < N_ROUTES; i++) {
		const struct row *r = &n->rows[i];

		if (!r->used || ipprefix_is_v4(&r->dst) != ipaddr_is_v4(a) ||
		    !ipprefix_match(&r->dst, a))
			continue;
		if (!best || r->dst.len > best->dst.len ||
		    (r->dst.len == best->dst.len && r->r.metric < best->r.metric))
			best = r;
	}
	return best;
}

static bool same_key(const struct row *a, const struct row *b)
{
	return a->dst.len == b->dst.len && ipaddr_eq(&a->dst.addr, &b->dst.addr) &&
	       a->r.iface == b->r.iface && a->r.has_gateway == b->r.has_gateway &&
	       (!a->r.has_gateway || ipaddr_eq(&a->r.gateway, &b->r.gateway));
}

static void step(struct fib *f, struct naive *n, bool v6)
{
	struct row *slot = &n->rows[rnd() % N_ROUTES], want = {0};
	int expect = 0;

	if (slot->used) {
		const struct ipaddr *gw = slot->r.has_gateway ? &slot->r.gateway : NULL;

		assert_int_equal(fib_del(f, &slot->dst, gw, slot->r.iface), 0);
		assert_int_equal(fib_del(f, &slot->dst, gw, slot->r.iface), -ESRCH);
		slot->used = false;
		return;
	}
	want.dst = rnd_prefix(v6);
	/* A metric each, so that the naive list has no ties to break. */
	want.r = (struct fib_route){.iface = (uint8_t)(rnd() % 4),
				    .metric = (uint32_t)(slot - n->rows),
				    .has_gateway = rnd() % 2 == 0,
				    .gateway = rnd_addr(v6)};
	for (unsigned i = 0; i < N_ROUTES; i++)
		if (n->rows[i].used && same_key(&n->rows[i], &want))
			expect = -EEXIST;
	assert_int_equal(fib_add(f, &want.dst, &want.r), expect);
	if (expect == 0) {
		*slot = want;
		slot->used = true;
	}
}

static void check(const struct fib *f, const struct naive *n, bool v6)
{
	struct ipaddr a = rnd_addr(v6);
	const struct row *want = naive_lookup(n, &a);
	const struct fib_route *got = fib_lookup(f, &a);

	if (!want) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_int_equal(got->metric, want->r.metric);
	assert_int_equal(got->iface, want->r.iface);
}

static void count_route(void *arg, const struct ipprefix *dst, const struct fib_route *r)
{
	unsigned *n = arg;

	(void)dst;
	(void)r;
	(*n)++;
}

static void test_random(void **state)
{
	struct memfail mf;
	struct naive *n = calloc(1, sizeof(*n));
	struct fib f;
	unsigned used = 0, seen = 0;

	(void)state;
	assert_non_null(n);
	memfail_init(&mf, mem_libc());
	fib_init(&f, memfail_mem(&mf));
	rng_state = 1;
	for (unsigned i = 0; i < 20000; i++) {
		step(&f, n, rnd() % 2 == 0);
		check(&f, n, false);
		check(&f, n, true);
	}
	for (unsigned i = 0; i < N_ROUTES; i++)
		used += n->rows[i].used;
	fib_for_each(&f, count_route, &seen);
	assert_int_equal(seen, used);
	for (unsigned i = 0; i < N_ROUTES; i++)
		if (n->rows[i].used)
			assert_int_equal(
				fib_del(&f, &n->rows[i].dst,
					n->rows[i].r.has_gateway ? &n->rows[i].r.gateway : NULL,
					n->rows[i].r.iface),
				0);
	assert_null(f.root[0]);
	assert_null(f.root[1]);
	assert_int_equal(slab_count(&f.nodes), 0);
	assert_int_equal(slab_count(&f.routes), 0);
	fib_fini(&f);
	assert_int_equal(memfail_outstanding(&mf), 0);
	free(n);
}

/* An IPv6 default route is none for IPv4, nor the other way round. */
static void test_families_apart(void **state)
{
	struct ipaddr any6 = ipaddr_any6(), any4 = ipaddr_any4(), a4 = ipaddr_v4(0x01020304);
	struct ipaddr a6 = {.b = {0x20, 1}};
	struct ipprefix p6 = ipprefix_make(&any6, 0), p4 = ipprefix_make(&any4, 96);
	struct fib_route r = {.iface = 6};
	struct fib f;

	(void)state;
	fib_init(&f, mem_libc());
	assert_int_equal(fib_add(&f, &p6, &r), 0);
	assert_null(fib_lookup(&f, &a4));
	assert_non_null(fib_lookup(&f, &a6));
	r.iface = 4;
	assert_int_equal(fib_add(&f, &p4, &r), 0);
	assert_int_equal(fib_lookup(&f, &a4)->iface, 4);
	assert_int_equal(fib_lookup(&f, &a6)->iface, 6);
	fib_fini(&f);
}

/* The lowest metric of a prefix wins, whatever the order; of equal ones the first. */
static void test_metric(void **state)
{
	struct ipaddr net = ipaddr_v4(0x0a000000), a = ipaddr_v4(0x0a000001);
	struct ipprefix p = ipprefix_make(&net, 104);
	struct fib f;

	(void)state;
	fib_init(&f, mem_libc());
	for (unsigned i = 0; i < 6; i++) {
		struct fib_route r = {.iface = (uint8_t)i, .metric = 10 - (i & ~1u)};

		assert_int_equal(fib_add(&f, &p, &r), 0);
	}
	assert_int_equal(fib_lookup(&f, &a)->iface, 4);
	assert_int_equal(fib_del(&f, &p, NULL, 4), 0);
	assert_int_equal(fib_lookup(&f, &a)->iface, 5);
	fib_fini(&f);
}

/* Every allocation fails once: nothing half done stays behind. */
static void test_no_memory(void **state)
{
	struct ipaddr x = ipaddr_v4(0x0a000000), y = ipaddr_v4(0x0b800000);
	struct ipprefix px = ipprefix_make(&x, 120), py = ipprefix_make(&y, 120);
	struct fib_route r = {0};
	struct memfail mf;

	(void)state;
	for (uint64_t n = 1;; n++) {
		struct fib f;
		int a, b;

		memfail_init(&mf, mem_libc());
		memfail_arm(&mf, n, true);
		fib_init(&f, memfail_mem(&mf));
		a = fib_add(&f, &px, &r);
		b = fib_add(&f, &py, &r);
		assert_true(a == 0 || a == -ENOMEM);
		assert_true(b == 0 || b == -ENOMEM);
		assert_int_equal(fib_lookup(&f, &x) != NULL, a == 0);
		assert_int_equal(fib_lookup(&f, &y) != NULL, b == 0);
		fib_fini(&f);
		assert_int_equal(memfail_outstanding(&mf), 0);
		if (!memfail_hit(&mf))
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_families_apart),
		cmocka_unit_test(test_metric),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
