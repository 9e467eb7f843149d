/* SPDX-License-Identifier: BSD-2-Clause */
/* See sysctl.h. */
#include "sysctl.h"

#include "tcp/pcb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "net.ipv4."
#define S_NS   UINT64_C(1000000000)

struct row {
	const char *name; /* behind net.ipv4. */
	int (*set)(struct stack *s, const char *value);
};

/* "least default most", as Linux has it; the least is not used. */
static int three(const char *value, uint32_t v[3])
{
	char *end;

	for (int i = 0; i < 3; i++) {
		unsigned long long x = strtoull(value, &end, 0);

		if (end == value || x > TCP_BUF_MAX)
			return -EINVAL;
		v[i] = (uint32_t)x;
		value = end;
	}
	return 0;
}

static int set_rmem(struct stack *s, const char *value)
{
	uint32_t v[3];
	int rc = three(value, v);

	if (rc < 0)
		return rc;
	s->tcp->limits.rcvbuf = v[1];
	s->tcp->limits.rcvbuf_max = v[2];
	return 0;
}

static int set_wmem(struct stack *s, const char *value)
{
	uint32_t v[3];
	int rc = three(value, v);

	if (rc < 0)
		return rc;
	s->tcp->limits.sndbuf = v[1];
	s->tcp->limits.sndbuf_max = v[2];
	return 0;
}

static int set_cc(struct stack *s, const char *value)
{
	if (strcmp(value, "cubic") == 0)
		s->tcp->limits.cc = TCP_CC_CUBIC;
	else if (strcmp(value, "reno") == 0)
		s->tcp->limits.cc = TCP_CC_NEWRENO;
	else
		return -ENOENT;
	return 0;
}

static int set_fin_timeout(struct stack *s, const char *value)
{
	s->tcp->limits.finwait2_ns = strtoull(value, NULL, 0) * S_NS;
	return 0;
}

static const struct row rows[] = {
	{"tcp_rmem", set_rmem},
	{"tcp_wmem", set_wmem},
	{"tcp_congestion_control", set_cc},
	{"tcp_fin_timeout", set_fin_timeout},
};

int sysctl_apply(struct stack *s, const char *assignment)
{
	const char *eq = strchr(assignment, '=');
	size_t skip = strlen(PREFIX);

	if (!eq || strncmp(assignment, PREFIX, skip) != 0)
		return eq ? -ENOENT : -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = strlen(rows[i].name);

		if ((size_t)(eq - assignment) == skip + n &&
		    memcmp(assignment + skip, rows[i].name, n) == 0)
			return rows[i].set(s, eq + 1);
	}
	return -ENOENT;
}
