/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the tests of parsers: packets as text, copies in blocks of exactly their size (so that
 * AddressSanitizer sees a read past the end), every truncation, random damage from a fixed seed.
 */
#ifndef LEAT_TESTS_UNIT_TEST_WIRE_UTIL_H
#define LEAT_TESTS_UNIT_TEST_WIRE_UTIL_H

#include "base/view.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What a parser is tried with; v is a heap block of v.len bytes. */
typedef void (*wire_try)(struct view v, void *ctx);

struct pkt {
	size_t len;
	uint8_t b[4096];
};

static inline unsigned pkt_hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = strchr(digits, c);

	assert(c != '\0' && at != NULL);
	return (unsigned)(at - digits);
}

/* Append "45 00 ..."; blanks may be anywhere between bytes. */
static inline void pkt_add(struct pkt *p, const char *hex)
{
	while (*hex != '\0') {
		if (*hex == ' ') {
			hex++;
			continue;
		}
		assert(p->len < sizeof(p->b));
		p->b[p->len++] = (uint8_t)(pkt_hex_digit(hex[0]) << 4 | pkt_hex_digit(hex[1]));
		hex += 2;
	}
}

static inline struct pkt pkt_hex(const char *hex)
{
	struct pkt p = {0};

	pkt_add(&p, hex);
	return p;
}

static inline struct view pkt_view(const struct pkt *p)
{
	return view_make(p->b, p->len);
}

static inline void wire_try_exact(struct view v, wire_try try, void *ctx)
{
	/* malloc(0) may be NULL: keep one byte and point behind it. */
	uint8_t *block = malloc(v.len + (v.len == 0));

	assert(block != NULL);
	memcpy(block, v.p, v.len);
	try(view_make(v.len == 0 ? block + 1 : block, v.len), ctx);
	free(block);
}

/* All lengths from 0 to the whole. */
static inline void wire_try_cuts(struct view v, wire_try try, void *ctx)
{
	for (size_t n = 0; n <= v.len; n++)
		wire_try_exact(view_first(v, n), try, ctx);
}

/* xorshift64*: enough to damage packets with. */
static inline uint32_t wire_random(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return (uint32_t)((*seed * UINT64_C(0x2545f4914f6cdd1d)) >> 32);
}

/* rounds copies with one to four bytes changed (to a random or an extreme value) and some cut. */
static inline void wire_try_damaged(struct view v, unsigned rounds, wire_try try, void *ctx)
{
	static const uint8_t extremes[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0x02, 0x08, 0x28};
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15) + v.len;
	struct pkt p;

	assert(v.len > 0 && v.len <= sizeof(p.b));
	for (unsigned i = 0; i < rounds; i++) {
		unsigned n = 1 + wire_random(&seed) % 4;

		memcpy(p.b, v.p, v.len);
		while (n-- > 0) {
			uint32_t r = wire_random(&seed);

			p.b[wire_random(&seed) % v.len] =
				(r & 0x100) != 0 ? (uint8_t)r : extremes[r % sizeof(extremes)];
		}
		p.len = (wire_random(&seed) & 3) == 0 ? wire_random(&seed) % (v.len + 1) : v.len;
		wire_try_exact(view_make(p.b, p.len), try, ctx);
	}
}

/* Does inner lie within outer? */
static inline bool wire_within(struct view outer, struct view inner)
{
	return inner.len == 0 || (inner.p >= outer.p && inner.len <= outer.len &&
				  (size_t)(inner.p - outer.p) <= outer.len - inner.len);
}

#endif
