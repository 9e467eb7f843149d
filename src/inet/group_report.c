/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What multicast routers are told: reports of changes at once and again (RFC 3376 5.1, RFC 3810
 * 6.1), answers to queries put off at random (5.2, 6.2), and the older versions while a router that
 * knows no better is on the link (RFC 3376 7.2, RFC 3810 8.2). IGMPv3 and MLDv2 differ in the size
 * of an address only, so do the two after them.
 *
 * Called by group.c, igmp.c, mld.c and timers, on the worker's thread.
 */
#include "inet/group.h"

#include "inet/state.h"

#include "wire/nd.h"

#define REPORT_HLEN 8u
#define RECORD_HLEN 4u /* type, auxiliary length, number of sources; then the group */
#define ROBUST_MAX  7u

bool group_is_silent(unsigned iface, const struct ipaddr *addr)
{
	struct ipaddr all_nodes = nd_all_nodes();

	if (iface == INET_IFACE_LOOPBACK)
		return true;
	if (ipaddr_is_v4(addr))
		return ipaddr_to_v4(addr) == 0xe0000001;
	return ipaddr_eq(addr, &all_nodes) || (addr->b[1] & 0x0f) < 2;
}

/* 3, or the version of the oldest querier that was heard lately; MLDv1 counts as 2. */
static unsigned version_of(const struct stack *s, const struct group_family *f)
{
	if (s->now_ns < f->v1_until_ns)
		return 1;
	return s->now_ns < f->v2_until_ns ? 2 : 3;
}

static uint64_t random_ns(struct stack *s, uint32_t max_ms)
{
	return stack_random_u32(s) % ((uint64_t)max_ms * 1000 + 1) * 1000;
}

static struct group_family *family_of(struct stack *s, const struct group *g)
{
	return group_family_of(s, g->iface, !ipaddr_is_v4(&g->addr));
}

/* ---- a report under construction ---- */

struct report {
	struct stack *s;
	struct group_family *f;
	struct mbuf *m;
	unsigned n_records;
	uint32_t room; /* bytes of a packet */
};

static uint32_t addr_len(const struct group_family *f)
{
	return f->v6 ? 16 : 4;
}

static void report_send(struct report *r)
{
	if (!r->m)
		return;
	if (r->f->v6)
		mld_send_report(r->s, r->f->iface, r->n_records, mbuf_move(&r->m));
	else
		igmp_send_report(r->s, r->f->iface, r->n_records, mbuf_move(&r->m));
	r->n_records = 0;
}

/* Room for a record of so many sources; the packet before goes out when it is full. */
static uint8_t *report_room(struct report *r, uint32_t len)
{
	if (r->m && mbuf_len(r->m) + len > r->room)
		report_send(r);
	if (!r->m) {
		r->m = mbuf_alloc(r->s->pool, MBUF_SMALL, MBUF_PRIO_CTL, MBUF_TX).m;
		if (!r->m) {
			mbuf_pool_count_drop(r->s->pool, DROP_NOBUF);
			return NULL;
		}
		memset(mbuf_append(r->m, REPORT_HLEN), 0, REPORT_HLEN);
	}
	return mbuf_append(r->m, len);
}

static void put_addr(uint8_t *p, const struct ipaddr *a, uint32_t alen)
{
	memcpy(p, &a->b[16 - alen], alen);
}

typedef bool (*pick_fn)(const struct group *g, const struct group_source *src);

static unsigned picked(const struct group *g, pick_fn pick)
{
	unsigned n = 0;

	for (unsigned i = 0; pick && i < g->n_sources; i++)
		n += pick(g, &g->source[i]);
	return n;
}

/* One record with the sources that pick chooses; NULL: none. GROUP_MAX_SOURCES fit every MTU that
 * IPv6 allows; on a smaller IPv4 link the list is cut (RFC 3376 4.2.16). */
static void put_record(struct report *r, const struct group *g, enum group_record type,
		       pick_fn pick)
{
	uint32_t alen = addr_len(r->f);
	unsigned most = (r->room - REPORT_HLEN - RECORD_HLEN - alen) / alen;
	unsigned n = min_uint(picked(g, pick), most);
	uint8_t *p = report_room(r, RECORD_HLEN + alen * (n + 1));

	if (!p)
		return;
	p[0] = (uint8_t)type;
	p[1] = 0;
	store_be16(p + 2, (uint16_t)n);
	put_addr(p + RECORD_HLEN, &g->addr, alen);
	p += RECORD_HLEN + alen;
	for (unsigned i = 0; n > 0 && i < g->n_sources; i++) {
		if (!pick(g, &g->source[i]))
			continue;
		put_addr(p, &g->source[i].addr, alen);
		p += alen;
		n--;
	}
	r->n_records++;
}

static struct report report_open(struct stack *s, struct group_family *f)
{
	const struct iface *ifc = link_iface(s, f->iface);
	uint32_t overhead = f->v6 ? 48 : 24; /* IP with router alert */

	return (struct report){
		.s = s,
		.f = f,
		.room = clamp_u32(ifc ? ifc->mtu : 0, 576, 1500) - overhead,
	};
}

static bool is_listed(const struct group *g, const struct group_source *src)
{
	return group_lists(g, src);
}

static void put_current(struct report *r, const struct group *g)
{
	if (group_excludes(g))
		put_record(r, g, GROUP_IS_EXCLUDE, is_listed);
	else if (picked(g, is_listed) > 0)
		put_record(r, g, GROUP_IS_INCLUDE, is_listed);
}

/* ---- changes ---- */

static bool is_allowed(const struct group *g, const struct group_source *src)
{
	(void)g;
	return src->pending && src->allow;
}

static bool is_blocked(const struct group *g, const struct group_source *src)
{
	(void)g;
	return src->pending && !src->allow;
}

static bool has_pending(const struct group *g)
{
	for (unsigned i = 0; i < g->n_sources; i++)
		if (g->source[i].pending)
			return true;
	return g->pending > 0;
}

/* The next report about g; RFC 3376 5.1: a new mode first, and it tells the whole list. */
static void put_change(struct report *r, struct group *g)
{
	if (g->pending > 0) {
		put_record(r, g, group_excludes(g) ? GROUP_TO_EXCLUDE : GROUP_TO_INCLUDE,
			   is_listed);
		g->pending--;
	} else {
		if (picked(g, is_allowed) > 0)
			put_record(r, g, GROUP_ALLOW, is_allowed);
		if (picked(g, is_blocked) > 0)
			put_record(r, g, GROUP_BLOCK, is_blocked);
	}
	for (unsigned i = 0; i < g->n_sources; i++)
		if (g->source[i].pending > 0)
			g->source[i].pending--;
}

void group_change_timer(void *ctx, struct wheel_timer *t)
{
	struct group_family *f = CONTAINER_OF(t, struct group_family, change);
	struct stack *s = ctx;
	struct report r = report_open(s, f);
	struct list *l, *tmp;
	bool more = false;

	LIST_FOR_EACH_SAFE (l, tmp, &f->groups) {
		struct group *g = CONTAINER_OF(l, struct group, link);

		if (!has_pending(g))
			continue;
		put_change(&r, g);
		more |= has_pending(g);
		group_put_if_done(s, g);
	}
	report_send(&r);
	if (more)
		wheel_arm(&s->wheel, t, s->now_ns + random_ns(s, GROUP_UNSOLICIT_MS));
}

static void send_older(struct stack *s, const struct group *g, unsigned version, bool leave)
{
	if (!ipaddr_is_v4(&g->addr))
		mld_send_older(s, g, leave);
	else if (version == 2 || !leave)
		igmp_send_older(s, g, version == 1, leave);
}

/* No answer is due any more. */
static void forget_question(struct group *g)
{
	for (unsigned i = 0; i < g->n_sources; i++)
		g->source[i].asked = false;
	g->asked_sources = false;
}

/* Older routers know joins and leaves only (RFC 2236 3, RFC 2710 4). */
static void changed_older(struct stack *s, struct group *g, const struct group_before *before,
			  unsigned version)
{
	bool listens = group_has_listener(g);

	g->pending = 0;
	if (listens == before->listened)
		return;
	if (listens) {
		g->pending_older = family_of(s, g)->robustness;
		wheel_arm(&s->wheel, &g->timer, s->now_ns);
		return;
	}
	wheel_disarm(&s->wheel, &g->timer);
	if (g->last_reporter)
		send_older(s, g, version, true);
}

/* Which sources came to the list, or left it? */
static void mark_sources(struct group *g, const struct group_before *before, uint8_t times)
{
	for (unsigned i = 0; i < g->n_sources; i++) {
		struct group_source *src = &g->source[i];
		bool was = before->listed >> i & 1, is = group_lists(g, src);

		if (was == is)
			continue;
		src->allow = group_excludes(g) ? was : is;
		src->pending = times;
	}
}

void group_changed(struct stack *s, struct group *g, const struct group_before *before)
{
	struct group_family *f = family_of(s, g);
	unsigned version = version_of(s, f);

	if (group_is_silent(g->iface, &g->addr))
		return;
	if (version < 3) {
		changed_older(s, g, before, version);
		return;
	}
	if (group_excludes(g) != before->excluded) {
		g->pending = f->robustness;
		for (unsigned i = 0; i < g->n_sources; i++)
			g->source[i].pending = 0;
	} else {
		mark_sources(g, before, f->robustness);
	}
	if (has_pending(g))
		wheel_arm(&s->wheel, &f->change, s->now_ns);
}

/* ---- queries ---- */

void group_general_timer(void *ctx, struct wheel_timer *t)
{
	struct group_family *f = CONTAINER_OF(t, struct group_family, general);
	struct report r = report_open(ctx, f);
	struct list *l;

	LIST_FOR_EACH (l, &f->groups) {
		const struct group *g = CONTAINER_OF(l, struct group, link);

		if (group_has_listener(g) && !group_is_silent(g->iface, &g->addr))
			put_current(&r, g);
	}
	report_send(&r);
}

/* Asked for and wanted: what of the sources in the query we listen to. */
static bool is_answer(const struct group *g, const struct group_source *src)
{
	return src->asked && (group_excludes(g) ? !group_lists(g, src) : group_lists(g, src));
}

static void answer_group(struct stack *s, struct group *g)
{
	struct report r = report_open(s, family_of(s, g));

	if (!g->asked_sources)
		put_current(&r, g);
	else if (picked(g, is_answer) > 0)
		put_record(&r, g, GROUP_IS_INCLUDE, is_answer);
	report_send(&r);
	forget_question(g);
}

void group_timer(void *ctx, struct wheel_timer *t)
{
	struct group *g = CONTAINER_OF(t, struct group, timer);
	struct stack *s = ctx;
	unsigned version = version_of(s, family_of(s, g));

	if (!group_has_listener(g)) { /* left before the answer was due */
		forget_question(g);
		group_put_if_done(s, g);
		return;
	}
	if (version == 3) {
		g->pending_older = 0;
		answer_group(s, g);
		return;
	}
	send_older(s, g, version, false);
	g->last_reporter = true;
	if (g->pending_older > 1) {
		g->pending_older--;
		wheel_arm(&s->wheel, t, s->now_ns + random_ns(s, GROUP_UNSOLICIT_V2_MS));
	}
}

/* At that time, or sooner when one is due sooner. */
static void arm_sooner(struct stack *s, struct wheel_timer *t, uint64_t at_ns)
{
	if (!wheel_armed(t) || t->expires_ns > at_ns)
		wheel_arm(&s->wheel, t, at_ns);
}

static void note_sources(struct group *g, const struct group_query *q, uint32_t alen)
{
	for (unsigned k = 0; k < q->n_sources; k++) {
		const uint8_t *p = q->sources + (size_t)k * alen;
		struct ipaddr a = alen == 16 ? ipaddr_v6(p) : ipaddr_v4(load_be32(p));
		unsigned i = 0;

		while (i < g->n_sources && !ipaddr_eq(&g->source[i].addr, &a))
			i++;
		/* One that nobody names is wanted when the group excludes, and need not be kept
		 * otherwise. */
		if (i == g->n_sources) {
			if (!group_excludes(g) || i == GROUP_MAX_SOURCES)
				continue;
			g->source[g->n_sources++] = (struct group_source){.addr = a};
		}
		g->source[i].asked = true;
	}
}

static void query_group(struct stack *s, struct group_family *f, struct group *g,
			const struct group_query *q, uint64_t at_ns)
{
	bool waits = wheel_armed(&g->timer);

	/* RFC 3376 5.2, rules 3 to 5; in the older versions (7.2.1) groups answer, not sources. */
	if (q->n_sources == 0 || version_of(s, f) < 3) {
		g->asked_sources = false;
	} else if (!waits || g->asked_sources) {
		g->asked_sources = true;
		note_sources(g, q, addr_len(f));
	}
	arm_sooner(s, &g->timer, at_ns);
}

/* What was to be said in a newer version is not understood now (RFC 3376 7.2.1). */
static void cancel_pending(struct stack *s, struct group_family *f)
{
	struct list *l, *tmp;

	wheel_disarm(&s->wheel, &f->general);
	wheel_disarm(&s->wheel, &f->change);
	LIST_FOR_EACH_SAFE (l, tmp, &f->groups) {
		struct group *g = CONTAINER_OF(l, struct group, link);

		wheel_disarm(&s->wheel, &g->timer);
		forget_question(g);
		g->pending = g->pending_older = 0;
		for (unsigned i = 0; i < g->n_sources; i++)
			g->source[i].pending = 0;
		group_put_if_done(s, g);
	}
}

static void note_version(struct stack *s, struct group_family *f, const struct group_query *q)
{
	unsigned before = version_of(s, f);

	if (q->version == 1)
		f->v1_until_ns = s->now_ns + GROUP_OLDER_NS;
	else if (q->version == 2)
		f->v2_until_ns = s->now_ns + GROUP_OLDER_NS;
	else /* RFC 3376 4.1.6: the querier's robustness, or the default */
		f->robustness = q->robustness ? (uint8_t)min_u32(q->robustness, ROBUST_MAX)
					      : (uint8_t)GROUP_ROBUSTNESS;
	if (version_of(s, f) != before)
		cancel_pending(s, f);
}

void group_query(struct stack *s, struct group_family *f, const struct group_query *q)
{
	uint64_t at_ns;
	struct group *g;
	struct list *l;

	note_version(s, f, q);
	at_ns = s->now_ns + random_ns(s, q->max_ms);
	/* Rule 1: a general answer that is due sooner says it all. */
	if (wheel_armed(&f->general) && f->general.expires_ns <= at_ns)
		return;
	if (!ipaddr_is_unspecified(&q->group)) {
		g = group_find(s, f->iface, &q->group);
		if (g && group_has_listener(g) && !group_is_silent(g->iface, &g->addr))
			query_group(s, f, g, q, at_ns);
		return;
	}
	if (version_of(s, f) == 3) {
		wheel_arm(&s->wheel, &f->general, at_ns);
		return;
	}
	LIST_FOR_EACH (l, &f->groups) { /* a time for each, so that others can answer for us */
		g = CONTAINER_OF(l, struct group, link);
		if (group_has_listener(g) && !group_is_silent(g->iface, &g->addr))
			arm_sooner(s, &g->timer, s->now_ns + random_ns(s, q->max_ms));
	}
}

void group_heard(struct stack *s, struct group_family *f, const struct ipaddr *addr)
{
	struct group *g = group_find(s, f->iface, addr);

	if (!g || version_of(s, f) == 3)
		return;
	wheel_disarm(&s->wheel, &g->timer);
	g->pending_older = 0;
	g->last_reporter = false;
}
