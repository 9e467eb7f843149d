/* SPDX-License-Identifier: BSD-2-Clause */
/* What reass.c (the table, its limits and times) and reass_frag.c (one datagram) share. */
#ifndef LEAT_INET_REASS_STATE_H
#define LEAT_INET_REASS_STATE_H

#include "base/htab.h"
#include "base/rbtree.h"
#include "base/slab.h"
#include "base/wheel.h"
#include "inet/reass.h"

struct frag {
	struct rb_node node;
	struct mbuf *m; /* the first fragment with its headers, the others without */
	uint32_t start, end;
	uint32_t size; /* true size */
};

struct source {
	struct ipaddr addr; /* IPv6: the /64 */
	uint32_t bytes;
	uint32_t count;
	struct list dgrams; /* oldest first */
};

struct dgram {
	struct reass *r;
	struct source *src;
	struct list by_age, by_src;
	struct ipaddr from, to;
	uint32_t id;
	uint32_t hash;
	uint64_t deadline_ns;
	struct rb_root frags;
	struct frag *last; /* the one with the highest offset */
	uint32_t n_frags;
	uint32_t bytes; /* true size */
	uint32_t have;  /* payload bytes that came */
	uint32_t total; /* payload bytes there are; 0: not known */
	uint32_t frag_max;
	uint16_t hlen; /* of the first fragment */
	uint16_t next_off;
	uint8_t next;
	uint8_t proto;
	uint8_t ecn_seen; /* bit for each codepoint */
	bool v6;
	bool local;
	bool dead; /* overlapped: all that still comes is dropped */
};

struct reass {
	struct stack *s;
	struct htab dgrams, sources;
	struct slab dgram_slab, source_slab, frag_slab;
	struct list by_age[2]; /* IPv4, IPv6: their timeouts differ */
	struct wheel_timer timer;
	uint32_t bytes, max_bytes, max_src_bytes;
};

/* ---- reass.c ---- */

/* Room for size bytes more in d. False: it would be over the limit all alone. */
bool reass_make_room(struct dgram *d, uint32_t size);
/* Take a fragment out of the tree and the sums; its packet is the caller's. */
void reass_frag_forget(struct dgram *d, struct frag *f);
/* The end of a datagram that was not completed. */
void dgram_drop(struct dgram *d, enum drop_reason why);
void dgram_free(struct dgram *d);
/* An overlap (RFC 5722 4, RFC 8200 4.5): d may be gone after it. */
void dgram_overlap(struct dgram *d);

/* ---- reass_frag.c ---- */

/* Add a fragment to its datagram, which may be gone after it. Consumes in; the whole, or NULL. */
mbuf_own dgram_add(struct dgram *d, const struct reass_frag_in *f, mbuf_own in,
		   struct reass_out *out);

#endif
