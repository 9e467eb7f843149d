/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trie. A node is a prefix; its children are longer prefixes under it, told apart by the bit
 * behind the node's own. Nodes without routes exist only where two branches part. IPv4 has a root
 * of its own, so that an IPv6 default route never takes mapped addresses.
 *
 * Called through dst.c and addr.c; owns nodes and routes.
 */
#include "inet/fib.h"

#include "base/bits.h"

#include <errno.h>

struct fib_node {
	struct ipaddr key; /* bits behind len are zero */
	struct fib_node *child[2];
	struct fib_route *routes; /* by rising metric */
	uint8_t len;
};

static unsigned bit_at(const struct ipaddr *a, unsigned pos)
{
	return ((unsigned)a->b[pos / 8] >> (7 - pos % 8)) & 1u;
}

/* Leading bits that a and b have in common. */
static unsigned common_bits(const struct ipaddr *a, const struct ipaddr *b)
{
	uint64_t hi = load_be64(&a->b[0]) ^ load_be64(&b->b[0]);
	uint64_t lo = load_be64(&a->b[8]) ^ load_be64(&b->b[8]);

	if (hi != 0)
		return 63u - ilog2_u64(hi);
	return lo != 0 ? 127u - ilog2_u64(lo) : 128u;
}

void fib_init(struct fib *f, const struct mem *mem)
{
	f->root[0] = NULL;
	f->root[1] = NULL;
	slab_init(&f->nodes, mem, "fib-nodes", sizeof(struct fib_node), 2 * FIB_MAX_ROUTES);
	slab_init(&f->routes, mem, "fib-routes", sizeof(struct fib_route), FIB_MAX_ROUTES);
}

void fib_fini(struct fib *f)
{
	slab_fini(&f->routes);
	slab_fini(&f->nodes);
}

static struct fib_node *const *root_of(const struct fib *f, const struct ipaddr *a)
{
	return &f->root[ipaddr_is_v4(a) ? 0 : 1];
}

const struct fib_route *fib_lookup(const struct fib *f, const struct ipaddr *addr)
{
	const struct fib_node *n = *root_of(f, addr);
	const struct fib_route *best = NULL;

	while (n) {
		struct ipaddr key = ipaddr_mask(addr, n->len);

		if (!ipaddr_eq(&key, &n->key))
			break;
		if (n->routes)
			best = n->routes;
		if (n->len == 128)
			break;
		n = n->child[bit_at(addr, n->len)];
	}
	return best;
}

static struct fib_node *node_new(struct fib *f, const struct ipaddr *key, unsigned len)
{
	struct fib_node *n = slab_get(&f->nodes);

	if (n) {
		n->key = ipaddr_mask(key, len);
		n->len = (uint8_t)len;
	}
	return n;
}

/* Put a node for key/len at *link, above what is there: they part at bit `same`. */
static struct fib_node *node_split(struct fib *f, struct fib_node **link, const struct ipaddr *key,
				   unsigned len, unsigned same)
{
	struct fib_node *below = *link, *n, *fork;

	n = node_new(f, key, len);
	if (!n)
		return NULL;
	if (same == len) { /* ours is a prefix of what is there */
		n->child[bit_at(&below->key, len)] = below;
		*link = n;
		return n;
	}
	fork = node_new(f, key, same);
	if (!fork) {
		slab_put(&f->nodes, n);
		return NULL;
	}
	fork->child[bit_at(&below->key, same)] = below;
	fork->child[bit_at(key, same)] = n;
	*link = fork;
	return n;
}

/* Find or make the node of a prefix. NULL: no memory, nothing changed. */
static struct fib_node *node_get(struct fib *f, const struct ipprefix *dst)
{
	struct fib_node **link = &f->root[ipprefix_is_v4(dst) ? 0 : 1];

	while (*link) {
		struct fib_node *n = *link;
		unsigned same = common_bits(&n->key, &dst->addr);

		same = min_uint(same, min_uint(n->len, dst->len));
		if (same < n->len)
			return node_split(f, link, &dst->addr, dst->len, same);
		if (n->len == dst->len)
			return n;
		link = &n->child[bit_at(&dst->addr, n->len)];
	}
	*link = node_new(f, &dst->addr, dst->len);
	return *link;
}

/* Take out nodes that have become useless on the way to a prefix: no route and not a fork. */
static void prune(struct fib *f, const struct ipprefix *dst)
{
	struct fib_node **path[130]; /* at most one node for each length, and the end */
	struct fib_node **link = &f->root[ipprefix_is_v4(dst) ? 0 : 1];
	unsigned n = 0;

	while (*link && (*link)->len <= dst->len) {
		path[n++] = link;
		if ((*link)->len == 128)
			break;
		link = &(*link)->child[bit_at(&dst->addr, (*link)->len)];
	}
	while (n > 0) {
		struct fib_node *node = *path[--n];

		if (node->routes || (node->child[0] && node->child[1]))
			continue;
		*path[n] = node->child[0] ? node->child[0] : node->child[1];
		slab_put(&f->nodes, node);
	}
}

static bool route_is(const struct fib_route *r, const struct fib_route *like)
{
	return r->iface == like->iface && r->learned == like->learned &&
	       r->has_gateway == like->has_gateway &&
	       (!r->has_gateway || ipaddr_eq(&r->gateway, &like->gateway));
}

int fib_add(struct fib *f, const struct ipprefix *dst, const struct fib_route *r)
{
	struct fib_node *n = node_get(f, dst);
	struct fib_route **link, *copy;

	if (!n)
		return -ENOMEM;
	for (link = &n->routes; *link; link = &(*link)->next)
		if (route_is(*link, r))
			return -EEXIST;
	copy = slab_get(&f->routes);
	if (!copy) {
		prune(f, dst);
		return -ENOMEM;
	}
	*copy = *r;
	for (link = &n->routes; *link && (*link)->metric <= r->metric;)
		link = &(*link)->next;
	copy->next = *link;
	*link = copy;
	return 0;
}

static int del(struct fib *f, const struct ipprefix *dst, const struct fib_route *like)
{
	struct fib_node *n = f->root[ipprefix_is_v4(dst) ? 0 : 1];

	while (n && n->len < dst->len)
		n = n->child[bit_at(&dst->addr, n->len)];
	if (!n || n->len != dst->len || !ipaddr_eq(&n->key, &dst->addr))
		return -ESRCH;
	for (struct fib_route **link = &n->routes; *link; link = &(*link)->next) {
		struct fib_route *r = *link;

		if (!route_is(r, like))
			continue;
		*link = r->next;
		slab_put(&f->routes, r);
		prune(f, dst);
		return 0;
	}
	return -ESRCH;
}

static struct fib_route like(const struct ipaddr *gateway, unsigned iface, bool learned)
{
	return (struct fib_route){
		.gateway = gateway ? *gateway : ipaddr_any6(),
		.has_gateway = gateway != NULL,
		.iface = (uint8_t)iface,
		.learned = learned,
	};
}

int fib_del(struct fib *f, const struct ipprefix *dst, const struct ipaddr *gateway, unsigned iface)
{
	struct fib_route r = like(gateway, iface, false);

	return del(f, dst, &r);
}

int fib_del_learned(struct fib *f, const struct ipprefix *dst, const struct ipaddr *gateway,
		    unsigned iface)
{
	struct fib_route r = like(gateway, iface, true);

	return del(f, dst, &r);
}

static void visit(const struct fib_node *n,
		  void (*fn)(void *arg, const struct ipprefix *dst, const struct fib_route *r),
		  void *arg)
{
	const struct fib_node *stack[130]; /* a sibling for each length at most */
	unsigned depth = 0;

	while (n || depth > 0) {
		if (!n)
			n = stack[--depth];
		for (const struct fib_route *r = n->routes; r; r = r->next)
			fn(arg, &(struct ipprefix){n->key, n->len}, r);
		if (n->child[1])
			stack[depth++] = n->child[1];
		n = n->child[0];
	}
}

void fib_for_each(const struct fib *f,
		  void (*fn)(void *arg, const struct ipprefix *dst, const struct fib_route *r),
		  void *arg)
{
	visit(f->root[0], fn, arg);
	visit(f->root[1], fn, arg);
}
