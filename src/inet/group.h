/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multicast groups that we are in: state shared by the files group.c (who listens to what),
 * group_report.c (what routers are told, when), igmp.c and mld.c (how). For inet and its tests.
 */
#ifndef LEAT_INET_GROUP_H
#define LEAT_INET_GROUP_H

#include "base/htab.h"
#include "base/list.h"
#include "base/slab.h"
#include "base/wheel.h"
#include "inet/inet.h"
#include "link/link.h"

#define GROUP_MAX         4096u
#define GROUP_MAX_SOURCES 64u /* of one group, over all listeners: a record fits every MTU */
#define GROUP_IFACES      (LINK_MAX_IFACES + 1) /* the last is loopback */

/* RFC 3376 8, RFC 3810 9. */
#define GROUP_ROBUSTNESS      2u
#define GROUP_UNSOLICIT_MS    1000u
#define GROUP_UNSOLICIT_V2_MS 10000u
/* Older Version Querier Present: robustness times 125 s and one response interval of 10 s. */
#define GROUP_OLDER_NS (UINT64_C(260) * 1000000000)

/* Record types of IGMPv3 and MLDv2. */
enum group_record {
	GROUP_IS_INCLUDE = 1,
	GROUP_IS_EXCLUDE,
	GROUP_TO_INCLUDE,
	GROUP_TO_EXCLUDE,
	GROUP_ALLOW,
	GROUP_BLOCK,
};

/* A source that some listener names. */
struct group_source {
	struct ipaddr addr;
	uint16_t n_incl, n_excl; /* listeners */
	uint8_t pending;         /* reports of its change still to be sent */
	bool allow;              /* the change: ALLOW or BLOCK */
	bool asked;              /* a query for this source waits for its answer */
};

struct group {
	struct list link; /* of its interface and family */
	struct ipaddr addr;
	unsigned iface;
	uint32_t n_incl, n_excl;  /* listeners by mode */
	uint8_t pending;          /* reports of a new mode still to be sent */
	uint8_t pending_older;    /* IGMPv2, MLDv1: reports of the join still to be sent */
	bool last_reporter;       /* IGMPv2, MLDv1: nobody reported after us */
	bool asked_sources;       /* the answer due is about some sources only */
	struct wheel_timer timer; /* the answer to a query for this group, or an older report */
	unsigned n_sources;
	struct group_source source[GROUP_MAX_SOURCES];
};

struct group_family {
	struct list groups;
	struct wheel_timer general;        /* answer to a general query */
	struct wheel_timer change;         /* next report of changes */
	uint64_t v1_until_ns, v2_until_ns; /* an older querier was heard: IGMPv1; IGMPv2, MLDv1 */
	uint8_t robustness;
	bool v6;
	uint8_t iface;
};

struct group_table {
	struct htab by_addr;
	struct slab slab;
	struct group_family fam[GROUP_IFACES][2]; /* IPv4, IPv6 */
};

int group_init(struct stack *s) NODISCARD;
void group_fini(struct stack *s);
/* NULL: nobody listens, and nothing is still to be said about it. */
struct group *group_find(const struct stack *s, unsigned iface, const struct ipaddr *addr);
/* Forget one that nobody listens to when all is said. */
void group_put_if_done(struct stack *s, struct group *g);

/* ---- group.c: what the listeners together want (RFC 3376 3.2) ---- */

static inline bool group_has_listener(const struct group *g)
{
	return g->n_excl + g->n_incl > 0;
}

static inline bool group_excludes(const struct group *g)
{
	return g->n_excl > 0;
}

/* Is the source in the group's list: of what is wanted, or of what is not? */
static inline bool group_lists(const struct group *g, const struct group_source *src)
{
	return group_excludes(g) ? src->n_excl == g->n_excl && src->n_incl == 0 : src->n_incl > 0;
}

/* ---- group_report.c ---- */

/* Groups whose routers need not know (RFC 3376 5, RFC 3810 6), and the loopback interface. */
bool group_is_silent(unsigned iface, const struct ipaddr *addr);
/* The filter of g has changed; before: what it was. */
struct group_before {
	bool listened, excluded;
	uint64_t listed; /* bit k: source[k] was in the list */
};
void group_changed(struct stack *s, struct group *g, const struct group_before *before);
/* A query (RFC 3376 5.2, RFC 3810 6.2). group unspecified: general. sources in network order. */
struct group_query {
	struct ipaddr group;
	uint32_t max_ms;
	uint8_t version; /* IGMP's numbers; MLD is one behind */
	uint8_t robustness;
	uint16_t n_sources;
	const uint8_t *sources;
};
void group_query(struct stack *s, struct group_family *f, const struct group_query *q);
/* Somebody else reported a group to an older router. */
void group_heard(struct stack *s, struct group_family *f, const struct ipaddr *addr);
void group_general_timer(void *ctx, struct wheel_timer *t);
void group_change_timer(void *ctx, struct wheel_timer *t);
void group_timer(void *ctx, struct wheel_timer *t);

/* ---- igmp.c, mld.c ---- */

/* Complete the report, which begins with 8 bytes for its header, and send it. */
void igmp_send_report(struct stack *s, unsigned iface, unsigned n_records, mbuf_own in);
void mld_send_report(struct stack *s, unsigned iface, unsigned n_records, mbuf_own in);
/* Versions 1 and 2 of IGMP, 1 of MLD: one group. */
void igmp_send_older(struct stack *s, const struct group *g, bool v1, bool leave);
void mld_send_older(struct stack *s, const struct group *g, bool leave);

#endif
