/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv4 options (RFC 791 3.1, RFC 1122 3.2.1.8, RFC 1812 5.2.4, RFC 7126). Only looked at, never
 * followed or filled in: source routes are refused by default, and recording is optional. The
 * pointers of Parameter Problems are those that Linux gives.
 */
#include "wire/ip4.h"

#include <string.h>

#define RR_MIN_PTR 4 /* a pointer counts from 1, from the option's type */
#define TS_MIN_PTR 5

/* One option: where it lies and how long it says it is. */
struct option {
	const uint8_t *p;
	uint8_t len;
	uint8_t off; /* from the start of the header */
};

static int refuse(struct ip4_opts *o, const struct option *opt, unsigned byte)
{
	o->bad_ptr = (uint8_t)(opt->off + byte);
	return IP4_EOPT;
}

/* Record route and both source routes share their form. */
static int check_route(struct ip4_opts *o, const struct option *opt, uint8_t *seen)
{
	if (*seen != 0)
		return refuse(o, opt, 0);
	if (opt->len < 3)
		return refuse(o, opt, 1);
	/* Past the end: full. Else a whole address has to fit. */
	if (opt->p[2] < RR_MIN_PTR || (opt->p[2] <= opt->len && opt->p[2] + 3 > opt->len))
		return refuse(o, opt, 2);
	*seen = opt->off;
	return 0;
}

static int check_timestamp(struct ip4_opts *o, const struct option *opt)
{
	unsigned flags, entry;

	if (o->ts_off != 0)
		return refuse(o, opt, 0);
	if (opt->len < 4)
		return refuse(o, opt, 1);
	if (opt->p[2] < TS_MIN_PTR)
		return refuse(o, opt, 2);
	/* Flags 1 and 3: with address. Of others nothing is known; Linux lets them pass too. */
	flags = opt->p[3] & 0x0f;
	entry = flags == 1 || flags == 3 ? 8 : 4;
	if (opt->p[2] <= opt->len && opt->p[2] + entry - 1 > opt->len)
		return refuse(o, opt, 2);
	o->ts_off = opt->off;
	return 0;
}

static int check_option(struct ip4_opts *o, const struct option *opt)
{
	switch (opt->p[0]) {
	case IP4_OPT_LSRR:
	case IP4_OPT_SSRR:
		return check_route(o, opt, &o->srr_off);
	case IP4_OPT_RR:
		return check_route(o, opt, &o->rr_off);
	case IP4_OPT_TS:
		return check_timestamp(o, opt);
	case IP4_OPT_RA:
		if (opt->len < 4)
			return refuse(o, opt, 1);
		o->ra_off = opt->off;
		return 0;
	default:
		return 0; /* RFC 1122 3.2.1.8: silently ignore */
	}
}

int ip4_opts_parse(struct ip4_opts *o, const struct ip4 *h)
{
	unsigned i = 0;
	int err = 0;

	*o = (struct ip4_opts){0};
	while (err == 0 && i < h->opts_len && h->opts[i] != IP4_OPT_EOL) {
		struct option opt = {h->opts + i, 0, (uint8_t)(IP4_HLEN + i)};

		if (h->opts[i] == IP4_OPT_NOP) {
			i++;
			continue;
		}
		if (h->opts_len - i < 2 || opt.p[1] < 2 || opt.p[1] > h->opts_len - i)
			return refuse(o, &opt, 0);
		opt.len = opt.p[1];
		err = check_option(o, &opt);
		i += opt.len;
	}
	o->source_route = o->srr_off != 0;
	o->record_route = o->rr_off != 0;
	o->timestamp = o->ts_off != 0;
	o->router_alert = o->ra_off != 0;
	return err;
}

size_t ip4_opts_copied(uint8_t *out, const struct ip4 *h)
{
	size_t n = 0, i = 0;

	while (i < h->opts_len && h->opts[i] != IP4_OPT_EOL) {
		size_t len = h->opts[i] == IP4_OPT_NOP ? 1 : h->opts[i + 1];

		if ((h->opts[i] & IP4_OPT_COPIED) != 0) {
			memcpy(out + n, h->opts + i, len);
			n += len;
		}
		i += len;
	}
	while (n % 4 != 0)
		out[n++] = IP4_OPT_EOL;
	return n;
}
