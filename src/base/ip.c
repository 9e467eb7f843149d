/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses and prefixes as text, for configuration and output; not for the packet path. */
#include "base/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int ipaddr_parse(const char *text, struct ipaddr *out)
{
	uint8_t b[16];

	if (inet_pton(AF_INET, text, b) == 1) {
		*out = ipaddr_v4(load_be32(b));
		return 0;
	}
	if (inet_pton(AF_INET6, text, b) == 1) {
		*out = ipaddr_v6(b);
		return 0;
	}
	return -EINVAL;
}

const char *ipaddr_format(const struct ipaddr *a, char *buf, size_t size)
{
	char text[IPADDR_STRLEN];
	bool v4 = ipaddr_is_v4(a);

	/* Cannot fail: the families are known and the buffer is large enough. */
	(void)inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? &a->b[12] : a->b, text, sizeof(text));
	(void)snprintf(buf, size, "%s", text);
	return buf;
}

/* Decimal digits without sign, blank or leading zero, at most max; negative when not. */
static int parse_len(const char *text, unsigned max)
{
	unsigned v = 0;
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > 3 || text[n] != '\0' || (n > 1 && text[0] == '0'))
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (unsigned)(text[i] - '0');
	return v <= max ? (int)v : -EINVAL;
}

int ipprefix_parse(const char *text, struct ipprefix *out)
{
	const char *slash = strchr(text, '/');
	size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
	char addr_text[IPADDR_STRLEN];
	struct ipprefix p;
	struct ipaddr a;
	bool short_form;
	int len;

	if (n >= sizeof(addr_text))
		return -EINVAL;
	memcpy(addr_text, text, n);
	addr_text[n] = '\0';
	if (ipaddr_parse(addr_text, &a) < 0)
		return -EINVAL;
	/* "::ffff:10.0.0.0/104" says its length in the 128-bit form, "10.0.0.0/8" does not. */
	short_form = strchr(addr_text, ':') == NULL;
	len = slash == NULL ? (short_form ? 32 : 128) : parse_len(slash + 1, short_form ? 32 : 128);
	if (len < 0)
		return -EINVAL;
	p = ipprefix_make(&a, (unsigned)len + (short_form ? IPPREFIX_V4_BITS : 0));
	if (!ipaddr_eq(&p.addr, &a))
		return -EINVAL;
	*out = p;
	return 0;
}

const char *ipprefix_format(const struct ipprefix *p, char *buf, size_t size)
{
	char text[IPADDR_STRLEN];
	unsigned len = ipprefix_is_v4(p) ? p->len - (unsigned)IPPREFIX_V4_BITS : p->len;

	(void)snprintf(buf, size, "%s/%u", ipaddr_format(&p->addr, text, sizeof(text)), len);
	return buf;
}
