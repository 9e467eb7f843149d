/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walk over IPv6 extension headers (RFC 8200 4, RFC 5095, RFC 6946, RFC 7112, RFC 8504 5.3). Called
 * by inet for packets that have any, and for what ICMP errors quote. Every length is a size_t, is
 * compared with what is left before it is added, and the walk is bounded in headers, bytes and
 * options: a packet of nothing but headers costs no more than another.
 */
#include "wire/ip6.h"

#include "base/endian.h"

#include <assert.h>

#define OPT_PAD1         0
#define OPT_PADN         1
#define OPT_ROUTER_ALERT 5

#define FRAG_MORE        0x0001u
#define FRAG_OFF_MASK    0xfff8u

/* What a node does with an option it does not know: highest two bits of the type (RFC 8200 4.2). */
enum opt_action {
	OPT_SKIP,
	OPT_DISCARD,
	OPT_REPORT,
	OPT_REPORT_UNICAST,
};

struct walk {
	struct ip6_ext *x;
	const uint8_t *p;  /* the IPv6 header */
	size_t packet_end; /* as the payload length says */
	size_t end;        /* of what can be read: not behind packet_end */
	size_t off;        /* of the header at hand; never behind end */
	size_t next_off;   /* of the byte that named it */
	uint8_t next;
	enum ip6_role role;
	bool first_frag; /* we are inside a first fragment: its options come again when reassembled
			  */
};

static int refuse(struct walk *w, int err, enum ip6_pp code, size_t ptr)
{
	w->x->pp_code = code;
	w->x->pp_ptr = (uint32_t)ptr;
	return err;
}

static int discard(struct walk *w, int err)
{
	return refuse(w, err, IP6_PP_NONE, 0);
}

/* Go on to the header behind the one at hand, whose len bytes are there. */
static void step(struct walk *w, size_t len)
{
	w->next_off = w->off;
	w->next = w->p[w->off];
	w->off += len;
}

/* Can n bytes of the header at hand be read? */
static int check_room(struct walk *w, size_t n)
{
	if (n <= w->end - w->off)
		return 0;
	if (w->end < w->packet_end)
		return discard(w, IP6_EXT_ELIMIT);
	/* RFC 7112 5: the pointer is zero. */
	if (w->first_frag)
		return refuse(w, IP6_EXT_ECHAIN, IP6_PP_CHAIN, 0);
	return discard(w, IP6_EXT_ESHORT);
}

static int check_unknown_option(struct walk *w, size_t off)
{
	switch ((enum opt_action)(w->p[off] >> 6)) {
	case OPT_SKIP:
		return 0;
	case OPT_DISCARD:
		return discard(w, IP6_EXT_EOPT);
	case OPT_REPORT:
		w->x->pp_multicast = true;
		return refuse(w, IP6_EXT_EOPT, IP6_PP_OPTION, off);
	case OPT_REPORT_UNICAST:
		return refuse(w, IP6_EXT_EOPT, IP6_PP_OPTION, off);
	}
	UNREACHABLE();
}

/* An option of len bytes, its type and length included. */
static int check_option(struct walk *w, size_t off, size_t len)
{
	if (w->p[off] != OPT_ROUTER_ALERT || w->next != PROTO_HOPOPTS)
		return check_unknown_option(w, off);
	if (len != 4)
		return discard(w, IP6_EXT_EOPTLEN);
	w->x->router_alert = true;
	w->x->router_alert_value = load_be16(w->p + off + 2);
	return 0;
}

/* RFC 4942 2.1.9.5: PadN that carries something is a covert channel. */
static bool pad_is_zero(const uint8_t *p, size_t len)
{
	uint8_t any = 0;

	for (size_t i = 2; i < len; i++)
		any |= p[i];
	return any == 0;
}

/* The options of the header at hand, which ends at end. */
static int walk_options(struct walk *w, size_t end)
{
	unsigned n_opts = 0;
	size_t off = w->off + 2;
	size_t pad = 0;

	while (off < end) {
		size_t len = 1;
		int err = 0;

		if (w->p[off] != OPT_PAD1) {
			if (end - off < 2 || w->p[off + 1] > end - off - 2)
				return discard(w, IP6_EXT_EOPTLEN);
			len = 2 + (size_t)w->p[off + 1];
		}
		if (w->p[off] == OPT_PAD1 || w->p[off] == OPT_PADN) {
			pad += len;
			if (pad > IP6_EXT_MAX_PAD || !pad_is_zero(w->p + off, len))
				err = discard(w, IP6_EXT_EPAD);
		} else {
			pad = 0;
			err = ++n_opts > IP6_EXT_MAX_OPTS ? discard(w, IP6_EXT_ELIMIT)
							  : check_option(w, off, len);
		}
		if (err != 0)
			return err;
		off += len;
	}
	return 0;
}

/* Does the looker act on the options of the header at hand? */
static bool acts_on_options(const struct walk *w)
{
	if (w->next == PROTO_HOPOPTS)
		return w->role != IP6_OBSERVER;
	return w->role == IP6_HOST && !w->first_frag;
}

/* RFC 8200 4.4 and RFC 5095 3: no type is known here, so segments left must be 0. */
static int walk_routing(struct walk *w)
{
	w->x->has_routing = true;
	w->x->routing_type = w->p[w->off + 2];
	w->x->routing_left = w->p[w->off + 3];
	if (w->role == IP6_HOST && w->x->routing_left != 0)
		return refuse(w, IP6_EXT_EROUTING, IP6_PP_FIELD, w->off + 2);
	return 0;
}

/* Hop-by-hop, routing, destination options. */
static int walk_header(struct walk *w)
{
	size_t len;
	int err = check_room(w, 8);

	if (err != 0)
		return err;
	len = ((size_t)w->p[w->off + 1] + 1) * 8;
	err = check_room(w, len);
	if (err != 0)
		return err;
	if (w->next == PROTO_ROUTING) {
		err = walk_routing(w);
	} else {
		*(w->next == PROTO_HOPOPTS ? &w->x->has_hopopts : &w->x->has_dstopts) = true;
		if (acts_on_options(w))
			err = walk_options(w, w->off + len);
	}
	if (err == 0)
		step(w, len);
	return err;
}

/* RFC 8200 4.5: what only this fragment's own length tells. */
static int check_fragment(struct walk *w)
{
	size_t data = w->packet_end - w->off - IP6_FRAG_HLEN;
	size_t before = w->off - IP6_HLEN;

	if (w->x->frag_more && data % 8 != 0)
		return refuse(w, IP6_EXT_EFRAGLEN, IP6_PP_FIELD, IP6_OFF_PAYLOAD_LEN);
	if (before + w->x->frag_off_bytes + data > IP6_PAYLOAD_MAX)
		return refuse(w, IP6_EXT_EFRAGEND, IP6_PP_FIELD, w->off + 2);
	return 0;
}

static int walk_fragment(struct walk *w)
{
	struct ip6_ext *x = w->x;
	int err = check_room(w, IP6_FRAG_HLEN);
	uint16_t field;

	if (err != 0)
		return err;
	if (x->has_frag)
		return refuse(w, IP6_EXT_EDUP, IP6_PP_FIELD, w->off);
	field = load_be16(w->p + w->off + 2);
	x->has_frag = true;
	x->frag_next = w->p[w->off];
	x->frag_off_bytes = field & FRAG_OFF_MASK;
	x->frag_more = (field & FRAG_MORE) != 0;
	x->frag_id = load_be32(w->p + w->off + 4);
	x->frag_hdr_off = w->off;
	x->frag_next_off = w->next_off;
	if (w->role == IP6_HOST)
		err = check_fragment(w);
	w->first_frag = x->frag_more && x->frag_off_bytes == 0;
	if (err == 0)
		step(w, IP6_FRAG_HLEN);
	return err;
}

static int walk_one(struct walk *w)
{
	if (++w->x->n_headers > IP6_EXT_MAX_HEADERS || w->off - IP6_HLEN > IP6_EXT_MAX_BYTES)
		return discard(w, IP6_EXT_ELIMIT);
	/* RFC 8200 4.1: elsewhere than first it is a next header that nobody knows. */
	if (w->next == PROTO_HOPOPTS && w->off != IP6_HLEN)
		return refuse(w, IP6_EXT_EORDER, IP6_PP_NEXT, w->next_off);
	return w->next == PROTO_FRAGMENT ? walk_fragment(w) : walk_header(w);
}

/* RFC 7112 5: a first fragment holds the upper-layer header too. */
static int check_chain(struct walk *w)
{
	size_t n = 1;

	if (w->next == PROTO_TCP)
		n = 20;
	else if (w->next == PROTO_UDP || w->next == PROTO_ICMP6)
		n = 8;
	else if (w->next == PROTO_NONE)
		n = 0;
	return check_room(w, n);
}

/* Is what is wrong with the header at hand the looker's business? */
static bool is_concerned(const struct walk *w)
{
	if (w->role == IP6_ROUTER)
		return w->next == PROTO_HOPOPTS && w->off == IP6_HLEN;
	return w->role == IP6_HOST;
}

static int walk_chain(struct walk *w)
{
	while (ip6_is_ext(w->next)) {
		int err = walk_one(w);

		if (err != 0 && is_concerned(w))
			return err;
		if (err != 0) {
			discard(w, 0);
			return 0;
		}
		/* The bytes behind a later fragment's header are no header. */
		if (w->x->frag_off_bytes != 0)
			return 0;
	}
	return w->first_frag && w->role == IP6_HOST ? check_chain(w) : 0;
}

int ip6_ext_parse(struct ip6_ext *x, const struct ip6 *h, struct view first, enum ip6_role role)
{
	struct walk w = {
		.x = x,
		.p = first.p,
		.packet_end = IP6_HLEN + (size_t)h->payload_len,
		.off = IP6_HLEN,
		.next_off = IP6_OFF_NEXT,
		.next = h->next_header,
		.role = role,
	};
	int err;

	assert(first.len >= IP6_HLEN);
	w.end = min_size(w.packet_end, first.len);
	*x = (struct ip6_ext){.pp_code = IP6_PP_NONE};
	err = walk_chain(&w);
	x->proto = w.next;
	x->upper_off = w.off;
	x->next_off = w.next_off;
	return err;
}
