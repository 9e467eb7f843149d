/* SPDX-License-Identifier: BSD-2-Clause */
/* Longest prefix over a short list: asked once for each bind, connect and unconnected send. */
#include "preload/rules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

void rules_init(struct rules *r)
{
	r->n = 0;
	(void)rules_add(r, "::/0", RULES_LEAT);
	(void)rules_add(r, "0.0.0.0/0", RULES_LEAT);
	(void)rules_add(r, "::1/128", RULES_KERNEL);
	(void)rules_add(r, "127.0.0.0/8", RULES_KERNEL);
}

static int parse_prefix(const char *text, struct rule *out)
{
	const char *slash = strchr(text, '/');
	char addr[INET6_ADDRSTRLEN];
	unsigned max = 128;
	char *end;
	unsigned long bits;

	if (!slash || (size_t)(slash - text) >= sizeof(addr) || slash[1] < '0' || slash[1] > '9')
		return -EINVAL;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	if (inet_pton(AF_INET, addr, out->addr + 12) == 1) {
		memcpy(out->addr, mapped, sizeof(mapped));
		max = 32;
	} else if (inet_pton(AF_INET6, addr, out->addr) != 1) {
		return -EINVAL;
	}
	bits = strtoul(slash + 1, &end, 10);
	if (*end != '\0' || bits > max)
		return -EINVAL;
	out->bits = (uint8_t)(128 - max + bits);
	return 0;
}

int rules_add(struct rules *r, const char *prefix, enum rules_way way)
{
	struct rule rule = {.way = (uint8_t)way};
	int rc = parse_prefix(prefix, &rule);

	if (rc < 0)
		return rc;
	if (r->n == RULES_MAX)
		return -ENOSPC;
	r->rule[r->n++] = rule;
	return 0;
}

static bool covers(const struct rule *rule, const uint8_t addr[16])
{
	unsigned bytes = rule->bits / 8, rest = rule->bits % 8;

	if (memcmp(rule->addr, addr, bytes) != 0)
		return false;
	return rest == 0 || ((rule->addr[bytes] ^ addr[bytes]) >> (8 - rest)) == 0;
}

static bool address_of(const struct sockaddr *sa, socklen_t len, uint8_t out[16])
{
	if (!sa || len < sizeof(sa->sa_family))
		return false;
	if (sa->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		memcpy(out, mapped, sizeof(mapped));
		memcpy(out + 12, &in.sin_addr, 4);
		return true;
	}
	/* RFC 2133 had no scope: 24 bytes will do. */
	if (sa->sa_family == AF_INET6 && len >= 24) {
		memcpy(out, (const char *)sa + offsetof(struct sockaddr_in6, sin6_addr), 16);
		return true;
	}
	return false;
}

enum rules_way rules_find(const struct rules *r, const struct sockaddr *addr, socklen_t len)
{
	const struct rule *best = NULL;
	uint8_t bytes[16];

	if (!address_of(addr, len, bytes))
		return RULES_KERNEL;
	for (unsigned i = 0; i < r->n; i++)
		if (covers(&r->rule[i], bytes) && (!best || r->rule[i].bits >= best->bits))
			best = &r->rule[i];
	return best && best->way == RULES_LEAT ? RULES_LEAT : RULES_KERNEL;
}
