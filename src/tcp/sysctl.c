/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of sysctl.h read and written as text. Called by the public interface. */
#include "tcp/sysctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum type {
	NUM,   /* one number */
	MEM,   /* three that do not fall */
	PORTS, /* two that do not fall */
	CC,    /* name of an algorithm */
	CCS,   /* all names */
};

struct row {
	const char *name;
	enum type type;
	size_t off; /* of the uint32_t, or the first of several, in tcp_limits */
	uint32_t lo, hi;
	const char *text;
};

static const struct row rows[] = {
#define X(name, type, field, lo, hi, text) \
	{name, type, offsetof(struct tcp_limits, field), lo, hi, text},
	TCP_SYSCTL_TABLE(X)
#undef X
};

#define VALUES_MAX 3u
#define PREFIX     "net.ipv4."

static const struct row *find(const char *name)
{
	if (strncmp(name, PREFIX, sizeof(PREFIX) - 1) == 0)
		name += sizeof(PREFIX) - 1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static unsigned values_of(const struct row *r)
{
	return r->type == MEM ? 3 : r->type == PORTS ? 2 : 1;
}

static int print_numbers(const uint32_t *v, unsigned n, char *text, size_t size)
{
	switch (n) {
	case 3:
		return snprintf(text, size, "%" PRIu32 "\t%" PRIu32 "\t%" PRIu32, v[0], v[1], v[2]);
	case 2:
		return snprintf(text, size, "%" PRIu32 "\t%" PRIu32, v[0], v[1]);
	default:
		return snprintf(text, size, "%" PRIu32, v[0]);
	}
}

static int print_names(char *text, size_t size)
{
	size_t used = 0;

	for (int i = 0; i < TCP_CC_COUNT; i++) {
		int n = snprintf(text + used, size - used, "%s%s", i ? " " : "",
				 tcp_cc_name((enum tcp_cc_kind)i));

		if (n < 0 || (size_t)n >= size - used)
			return -ERANGE;
		used += (size_t)n;
	}
	return (int)used;
}

int tcp_sysctl_get(const struct stack *s, const char *name, char *text, size_t size)
{
	const struct row *r = find(name);
	uint32_t v[VALUES_MAX];
	int n;

	if (!r)
		return -ENOENT;
	if (size == 0)
		return -ERANGE;
	memcpy(v, (const char *)&s->tcp->limits + r->off, values_of(r) * sizeof(v[0]));
	if (r->type == CCS)
		return print_names(text, size);
	if (r->type == CC)
		n = snprintf(text, size, "%s", tcp_cc_name((enum tcp_cc_kind)v[0]));
	else
		n = print_numbers(v, values_of(r), text, size);
	return n < 0 || (size_t)n >= size ? -ERANGE : n;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* Exactly n decimal numbers in range that do not fall, and nothing else. */
static int parse_numbers(const struct row *r, const char *text, uint32_t *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned long long x;
		char *end;

		while (is_space(*text))
			text++;
		if (*text < '0' || *text > '9')
			return -EINVAL;
		errno = 0;
		x = strtoull(text, &end, 10);
		if (errno != 0 || x < r->lo || x > r->hi || (i > 0 && x < v[i - 1]))
			return -EINVAL;
		v[i] = (uint32_t)x;
		text = end;
	}
	while (is_space(*text))
		text++;
	return *text == '\0' ? 0 : -EINVAL;
}

int tcp_sysctl_set(struct stack *s, const char *name, const char *text)
{
	const struct row *r = find(name);
	uint32_t v[VALUES_MAX];
	int err = 0;

	if (!r)
		return -ENOENT;
	if (r->type == CCS)
		return -EPERM;
	if (r->type == CC) {
		int kind = tcp_cc_by_name(text);

		if (kind < 0)
			return -EINVAL;
		v[0] = (uint32_t)kind;
	} else {
		err = parse_numbers(r, text, v, values_of(r));
	}
	if (err == 0)
		memcpy((char *)&s->tcp->limits + r->off, v, values_of(r) * sizeof(v[0]));
	return err;
}

void tcp_sysctl_each(void (*fn)(void *ctx, const char *name, const char *text), void *ctx)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		fn(ctx, rows[i].name, rows[i].text);
}
