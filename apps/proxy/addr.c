/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket addresses of both families as one value, and their text (RFC 5952 for IPv6, RFC 3986
 * brackets). */
#include "addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int parse_port(const char *text, uint16_t *port)
{
	char *end;
	unsigned long value;

	if (text[0] < '0' || text[0] > '9')
		return -1;
	value = strtoul(text, &end, 10);
	if (*end != '\0' || value == 0 || value > UINT16_MAX)
		return -1;
	*port = htons((uint16_t)value);
	return 0;
}

int addr_parse(union addr *a, const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t len;

	memset(a, 0, sizeof(*a));
	if (!colon)
		return -1;
	len = (size_t)(colon - text);
	if (len == 0 || len >= sizeof(host))
		return -1;
	memcpy(host, text, len);
	host[len] = '\0';
	if (host[0] != '[') {
		a->in.sin_family = AF_INET;
		if (inet_pton(AF_INET, host, &a->in.sin_addr) != 1)
			return -1;
		return parse_port(colon + 1, &a->in.sin_port);
	}
	if (host[len - 1] != ']')
		return -1;
	host[len - 1] = '\0';
	a->in6.sin6_family = AF_INET6;
	if (inet_pton(AF_INET6, host + 1, &a->in6.sin6_addr) != 1)
		return -1;
	return parse_port(colon + 1, &a->in6.sin6_port);
}

const char *addr_format(const union addr *a, char *buf)
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (a->sa.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
		snprintf(buf, ADDR_TEXT, "[%s]:%u", host, addr_port(a));
	} else {
		inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host));
		snprintf(buf, ADDR_TEXT, "%s:%u", host, addr_port(a));
	}
	return buf;
}

socklen_t addr_len(const union addr *a)
{
	return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

uint16_t addr_port(const union addr *a)
{
	return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port : a->in.sin_port);
}

void addr_set_port(union addr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = htons(port);
	else
		a->in.sin_port = htons(port);
}
