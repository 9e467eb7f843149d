/* SPDX-License-Identifier: BSD-2-Clause */
/* Sorted disjoint ranges in an array; ranges that touch are one. */
#include "simset.h"

#include <stdlib.h>
#include <string.h>

/* The first range that ends at or behind `at`. */
static unsigned find(const struct simset *s, uint32_t at)
{
	unsigned lo = 0, hi = s->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (s->r[mid].to < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void grow(struct simset *s)
{
	unsigned cap = s->cap ? 2 * s->cap : 16;
	struct simrange *r = realloc(s->r, cap * sizeof(*r));

	if (!r)
		abort();
	s->r = r;
	s->cap = cap;
}

void simset_add(struct simset *s, uint32_t from, uint32_t to)
{
	unsigned i = find(s, from), j = i;

	if (from >= to)
		return;
	while (j < s->n && s->r[j].from <= to) {
		from = s->r[j].from < from ? s->r[j].from : from;
		to = s->r[j].to > to ? s->r[j].to : to;
		j++;
	}
	if (i == j && s->n == s->cap)
		grow(s);
	memmove(&s->r[i + 1], &s->r[j], (s->n - j) * sizeof(s->r[0]));
	s->r[i] = (struct simrange){from, to};
	s->n = s->n - (j - i) + 1;
}

bool simset_has(const struct simset *s, uint32_t from, uint32_t to)
{
	unsigned i = find(s, from + 1);

	return from >= to || (i < s->n && s->r[i].from <= from && s->r[i].to >= to);
}

uint32_t simset_prefix(const struct simset *s)
{
	return s->n > 0 && s->r[0].from == 0 ? s->r[0].to : 0;
}

void simset_clear(struct simset *s)
{
	free(s->r);
	*s = (struct simset){0};
}
