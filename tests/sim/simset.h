/* SPDX-License-Identifier: BSD-2-Clause */
/* A set of numbers as sorted disjoint ranges: which bytes of a stream have arrived somewhere. */
#ifndef LEAT_TESTS_SIMSET_H
#define LEAT_TESTS_SIMSET_H

#include <stdbool.h>
#include <stdint.h>

struct simrange {
	uint32_t from, to; /* [from, to) */
};

struct simset {
	struct simrange *r;
	unsigned n, cap;
};

void simset_add(struct simset *s, uint32_t from, uint32_t to);
/* All of [from, to) is in it. */
bool simset_has(const struct simset *s, uint32_t from, uint32_t to);
/* The end of the range that begins at 0; 0: there is none. */
uint32_t simset_prefix(const struct simset *s);
void simset_clear(struct simset *s);

#endif
