/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP options (RFC 9293 3.2, RFC 7323, RFC 2018, RFC 7413). Called by tcp: parse for every segment,
 * emit for every header that is built.
 */
#include "wire/tcp.h"

#include "base/endian.h"

#include <assert.h>
#include <string.h>

#define LEN_MSS            4
#define LEN_WSCALE         3
#define LEN_SACK_PERMITTED 2
#define LEN_TS             10
#define LEN_SACK_BLOCK     8
/* NOP NOP TS: what nearly every segment of an established connection carries, and nothing else. */
#define NOP_NOP_TS 0x0101080au

/* p[0..len-1] is one option, len is at least 2. */
static void parse_sack(struct tcpopts *o, const uint8_t *p, size_t len)
{
	size_t n = (len - 2) / LEN_SACK_BLOCK;

	if (n == 0 || n > TCP_SACK_MAX || (len - 2) % LEN_SACK_BLOCK != 0)
		return;
	for (size_t i = 0; i < n; i++) {
		o->sack[i].start = load_be32(p + 2 + i * LEN_SACK_BLOCK);
		o->sack[i].end = load_be32(p + 6 + i * LEN_SACK_BLOCK);
	}
	o->n_sack = (uint8_t)n;
	o->present |= TCPOPTS_SACK;
}

/* RFC 7413 4.1.1: no cookie (a request), or 4 to 16 bytes, an even number. */
static void parse_cookie(struct tcpopts *o, const uint8_t *p, size_t len)
{
	size_t n = len - 2;

	if (n != 0 && (n < TCP_COOKIE_MIN || n > TCP_COOKIE_MAX || n % 2 != 0))
		return;
	o->cookie = view_make(p + 2, n);
	o->present |= TCPOPTS_FASTOPEN;
}

static void parse_wscale(struct tcpopts *o, uint8_t shift)
{
	o->wscale_clamped = shift > TCP_WSCALE_MAX;
	o->wscale = o->wscale_clamped ? TCP_WSCALE_MAX : shift;
	o->present |= TCPOPTS_WSCALE;
}

static void parse_ts(struct tcpopts *o, const uint8_t *p)
{
	o->tsval = load_be32(p + 2);
	o->tsecr = load_be32(p + 6);
	o->present |= TCPOPTS_TS;
}

static void parse_option(struct tcpopts *o, const uint8_t *p, size_t len)
{
	switch (p[0]) {
	case TCP_KIND_MSS:
		if (len == LEN_MSS) {
			o->mss = load_be16(p + 2);
			o->present |= TCPOPTS_MSS;
		}
		break;
	case TCP_KIND_WSCALE:
		if (len == LEN_WSCALE)
			parse_wscale(o, p[2]);
		break;
	case TCP_KIND_SACK_PERMITTED:
		if (len == LEN_SACK_PERMITTED) {
			o->sack_permitted = true;
			o->present |= TCPOPTS_SACK_PERMITTED;
		}
		break;
	case TCP_KIND_SACK:
		parse_sack(o, p, len);
		break;
	case TCP_KIND_TS:
		if (len == LEN_TS)
			parse_ts(o, p);
		break;
	case TCP_KIND_FASTOPEN:
		parse_cookie(o, p, len);
		break;
	default:
		break; /* RFC 9293 MUST-6: ignore, it has a length */
	}
}

void tcpopts_parse(struct tcpopts *o, struct view opts)
{
	size_t i = 0;

	o->present = 0;
	o->n_sack = 0;
	o->sack_permitted = false;
	o->wscale_clamped = false;
	o->malformed = false;
	if (LIKELY(opts.len == TCP_TS_LEN && load_be32(opts.p) == NOP_NOP_TS)) {
		parse_ts(o, opts.p + 2);
		return;
	}
	while (i < opts.len && opts.p[i] != TCP_KIND_EOL) {
		size_t left = opts.len - i;

		if (opts.p[i] == TCP_KIND_NOP) {
			i++;
			continue;
		}
		/* RFC 9293 MUST-7: an illegal length, zero among them, must not stop progress. */
		if (left < 2 || opts.p[i + 1] < 2 || opts.p[i + 1] > left) {
			o->malformed = true;
			return;
		}
		parse_option(o, opts.p + i, opts.p[i + 1]);
		i += opts.p[i + 1];
	}
}

/* ---- emit ---- */

/* Bytes of all but SACK, with the padding that tcpopts_emit() gives each. */
static size_t plain_len(const struct tcpopts *o)
{
	size_t len = 0;

	if ((o->present & TCPOPTS_MSS) != 0)
		len += 4;
	if ((o->present & (TCPOPTS_TS | TCPOPTS_SACK_PERMITTED)) == TCPOPTS_SACK_PERMITTED)
		len += 4;
	if ((o->present & TCPOPTS_TS) != 0)
		len += TCP_TS_LEN;
	if ((o->present & TCPOPTS_WSCALE) != 0)
		len += 4;
	if ((o->present & TCPOPTS_FASTOPEN) != 0)
		len += (2 + o->cookie.len + 3) & ~(size_t)3;
	return len;
}

/* How many SACK blocks fit behind plain bytes. */
static size_t sack_fit(const struct tcpopts *o, size_t plain)
{
	size_t room = TCP_OPTS_MAX - plain;
	size_t n = o->n_sack < TCP_SACK_MAX ? o->n_sack : TCP_SACK_MAX;

	if ((o->present & TCPOPTS_SACK) == 0 || room < 4 + LEN_SACK_BLOCK)
		return 0;
	return n < (room - 4) / LEN_SACK_BLOCK ? n : (room - 4) / LEN_SACK_BLOCK;
}

size_t tcpopts_len(const struct tcpopts *o)
{
	size_t plain = plain_len(o);
	size_t n = sack_fit(o, plain);

	return plain + (n != 0 ? 4 + n * LEN_SACK_BLOCK : 0);
}

/* SACK-permitted takes the place of the two NOPs before a timestamp; alone it stands behind two, as
 * in the SYNs of Linux, which middleboxes have seen before. */
static uint8_t *emit_ts_sack_permitted(uint8_t *p, const struct tcpopts *o)
{
	bool ts = (o->present & TCPOPTS_TS) != 0;
	bool permitted = (o->present & TCPOPTS_SACK_PERMITTED) != 0;

	if (!ts && !permitted)
		return p;
	if (!ts) {
		p[0] = TCP_KIND_NOP;
		p[1] = TCP_KIND_NOP;
		p[2] = TCP_KIND_SACK_PERMITTED;
		p[3] = LEN_SACK_PERMITTED;
		return p + 4;
	}
	p[0] = permitted ? TCP_KIND_SACK_PERMITTED : TCP_KIND_NOP;
	p[1] = permitted ? LEN_SACK_PERMITTED : TCP_KIND_NOP;
	p[2] = TCP_KIND_TS;
	p[3] = LEN_TS;
	store_be32(p + 4, o->tsval);
	store_be32(p + 8, o->tsecr);
	return p + TCP_TS_LEN;
}

static uint8_t *emit_cookie(uint8_t *p, const struct tcpopts *o)
{
	size_t pad = (size_t) - (2 + o->cookie.len) % 4;

	memset(p, TCP_KIND_NOP, pad);
	p += pad;
	p[0] = TCP_KIND_FASTOPEN;
	p[1] = (uint8_t)(2 + o->cookie.len);
	if (o->cookie.len != 0)
		memcpy(p + 2, o->cookie.p, o->cookie.len);
	return p + 2 + o->cookie.len;
}

static uint8_t *emit_sack(uint8_t *p, const struct tcpopts *o, size_t n)
{
	p[0] = TCP_KIND_NOP;
	p[1] = TCP_KIND_NOP;
	p[2] = TCP_KIND_SACK;
	p[3] = (uint8_t)(2 + n * LEN_SACK_BLOCK);
	p += 4;
	for (size_t i = 0; i < n; i++, p += LEN_SACK_BLOCK) {
		store_be32(p, o->sack[i].start);
		store_be32(p + 4, o->sack[i].end);
	}
	return p;
}

size_t tcpopts_emit(uint8_t *buf, const struct tcpopts *o)
{
	size_t n = sack_fit(o, plain_len(o));
	uint8_t *p = buf;

	assert((o->present & TCPOPTS_FASTOPEN) == 0 || o->cookie.len <= TCP_COOKIE_MAX);
	if ((o->present & TCPOPTS_MSS) != 0) {
		p[0] = TCP_KIND_MSS;
		p[1] = LEN_MSS;
		store_be16(p + 2, o->mss);
		p += 4;
	}
	p = emit_ts_sack_permitted(p, o);
	if ((o->present & TCPOPTS_WSCALE) != 0) {
		p[0] = TCP_KIND_NOP;
		p[1] = TCP_KIND_WSCALE;
		p[2] = LEN_WSCALE;
		p[3] = o->wscale;
		p += 4;
	}
	if ((o->present & TCPOPTS_FASTOPEN) != 0)
		p = emit_cookie(p, o);
	if (n != 0)
		p = emit_sack(p, o, n);
	return (size_t)(p - buf);
}
