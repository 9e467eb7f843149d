/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input: a TCP segment. What the option parser understood, written by emit and parsed again, is the
 * same. A second walk, written the plainest way, must agree on which options there are.
 */
#include "fuzz.h"

#include "base/endian.h"
#include "wire/tcp.h"

#include <string.h>

/* Kinds with the length that they must have; of those with a variable one, all that are legal. */
static uint32_t plain_bit(const uint8_t *p)
{
	switch (p[0] << 8 | p[1]) {
	case 0x0204:
		return TCPOPTS_MSS;
	case 0x0303:
		return TCPOPTS_WSCALE;
	case 0x0402:
		return TCPOPTS_SACK_PERMITTED;
	case 0x050a:
	case 0x0512:
	case 0x051a:
	case 0x0522:
		return TCPOPTS_SACK;
	case 0x080a:
		return TCPOPTS_TS;
	case 0x2202:
	case 0x2206:
	case 0x2208:
	case 0x220a:
	case 0x220c:
	case 0x220e:
	case 0x2210:
	case 0x2212:
		return TCPOPTS_FASTOPEN;
	default:
		return 0;
	}
}

static uint32_t plain_walk(const uint8_t *p, const uint8_t *end)
{
	uint32_t present = 0;

	while (p < end && *p != 0) {
		if (*p == 1) {
			p++;
		} else {
			if (end - p < 2 || p[1] < 2 || p[1] > end - p)
				return present;
			present |= plain_bit(p);
			p += p[1];
		}
	}
	return present;
}

static void check_same(const struct tcpopts *a, const struct tcpopts *b)
{
	FUZZ_CHECK((a->present & ~(uint32_t)TCPOPTS_SACK) ==
		   (b->present & ~(uint32_t)TCPOPTS_SACK));
	if ((a->present & TCPOPTS_MSS) != 0)
		FUZZ_CHECK(a->mss == b->mss);
	if ((a->present & TCPOPTS_WSCALE) != 0)
		FUZZ_CHECK(a->wscale == b->wscale && !b->wscale_clamped);
	if ((a->present & TCPOPTS_TS) != 0)
		FUZZ_CHECK(a->tsval == b->tsval && a->tsecr == b->tsecr);
	if ((a->present & TCPOPTS_FASTOPEN) != 0)
		FUZZ_CHECK(view_eq(a->cookie, b->cookie));
	FUZZ_CHECK(b->n_sack <= a->n_sack);
	for (unsigned i = 0; i < b->n_sack; i++)
		FUZZ_CHECK(a->sack[i].start == b->sack[i].start &&
			   a->sack[i].end == b->sack[i].end);
}

static void fuzz_options(struct view opts)
{
	uint8_t out[TCP_OPTS_MAX];
	struct tcpopts o, back;
	size_t len;

	tcpopts_parse(&o, opts);
	FUZZ_CHECK(o.present == plain_walk(opts.p, opts.p + opts.len));
	FUZZ_CHECK(o.n_sack <= TCP_SACK_MAX);
	FUZZ_CHECK((o.n_sack != 0) == ((o.present & TCPOPTS_SACK) != 0));
	if ((o.present & TCPOPTS_WSCALE) != 0)
		FUZZ_CHECK(o.wscale <= TCP_WSCALE_MAX);
	len = tcpopts_emit(out, &o);
	FUZZ_CHECK(len == tcpopts_len(&o) && len <= TCP_OPTS_MAX && len % 4 == 0);
	tcpopts_parse(&back, view_make(out, len));
	FUZZ_CHECK(!back.malformed);
	check_same(&o, &back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t out[TCP_HLEN];
	struct tcphdr h;

	if (tcphdr_parse(&h, view_make(data, size)) != 0)
		return 0;
	FUZZ_CHECK(h.hlen >= TCP_HLEN && h.hlen <= size);
	FUZZ_CHECK(tcphdr_emit(out, &h) == TCP_HLEN);
	out[TCP_OFF_DOFF] |= data[TCP_OFF_DOFF] & 0x0e; /* reserved bits are not kept */
	FUZZ_CHECK(memcmp(out, data, TCP_HLEN) == 0);
	fuzz_options(view_make(data + TCP_HLEN, (size_t)h.hlen - TCP_HLEN));
	return 0;
}
