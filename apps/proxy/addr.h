/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket addresses of both families as one value, and their text. */
#ifndef PROXY_ADDR_H
#define PROXY_ADDR_H

#include <leat/posix.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

union addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

enum { ADDR_TEXT = 64 }; /* "[39 characters]:65535" and NUL */

/* "192.0.2.1:80" or "[2001:db8::1]:80". Returns 0, or -1 when the text is neither. */
int addr_parse(union addr *a, const char *text);

/* The same text again, into a buffer of ADDR_TEXT bytes. Returns the buffer. */
const char *addr_format(const union addr *a, char *buf);

socklen_t addr_len(const union addr *a);
uint16_t addr_port(const union addr *a);
void addr_set_port(union addr *a, uint16_t port);

#endif
