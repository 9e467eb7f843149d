/* SPDX-License-Identifier: BSD-2-Clause */
/* Which addresses go to Leat and which stay with the kernel. */
#ifndef LEAT_PRELOAD_RULES_H
#define LEAT_PRELOAD_RULES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { RULES_MAX = 256 };

enum rules_way { RULES_LEAT, RULES_KERNEL };

struct rule {
	uint8_t addr[16]; /* IPv4 as v4-mapped */
	uint8_t bits;     /* 96 and more for IPv4 */
	uint8_t way;
};

struct rules {
	unsigned n;
	struct rule rule[RULES_MAX];
};

/* Loopback addresses to the kernel, all others to Leat. */
void rules_init(struct rules *r);
/* "10.0.0.0/8", "2001:db8::/32"; a later one of the same prefix wins. 0, -EINVAL, -ENOSPC. */
int rules_add(struct rules *r, const char *prefix, enum rules_way way);
/* An address of another family than AF_INET and AF_INET6, or cut short, is the kernel's. A
 * wildcard goes by the rule for 0.0.0.0 or ::. */
enum rules_way rules_find(const struct rules *r, const struct sockaddr *addr, socklen_t len);

#endif
