/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One stack and, at the other end of its wire, nobody: whoever holds this writes and reads the
 * packets. For fuzz targets and attacks. Addresses as in the other simulations.
 *
 *	stack 10.9.0.1 / fd09::1 ======== raw end 10.9.0.2 / fd09::2
 */
#ifndef LEAT_TESTS_SIMRAW_H
#define LEAT_TESTS_SIMRAW_H

#include "simnet.h"
#include "wire/eth.h"
#include "wire/tcp.h"

#define SIMRAW_MAX 9000u

struct simraw {
	struct stack *s;
	struct port *port; /* the raw end */
	const uint64_t *now_ns;
	struct ethaddr mac;       /* of the stack */
	uint8_t last[SIMRAW_MAX]; /* of the frame that simraw_get() took */
};

/* Put a raw end on a new wire of host number `host`; gives it addresses of both families that end
 * in .1 of the network "10.9.N.0/24" and "fd09:N::/64"; N = 0: as drawn above. 0 or -errno. */
NODISCARD int simraw_attach(struct simraw *r, struct simnet *n, unsigned host, unsigned net_number);
/* An address behind the wire. */
struct ipaddr simraw_addr(bool v6, unsigned net_number, unsigned host);
/* The raw end's address is known to the stack from now on. */
void simraw_known(struct simraw *r, const struct ipaddr *addr);
/* Bytes of an Ethernet frame. False: no buffer. */
bool simraw_put(struct simraw *r, const void *frame, uint32_t len);
/* An IP payload from src to dst, with right headers; its transport checksum, at csum_off, is made
 * right too (csum_off >= len: left as it is). */
bool simraw_put_ip(struct simraw *r, const struct ipaddr *src, const struct ipaddr *dst,
		   uint8_t proto, uint8_t *payload, uint32_t len, uint32_t csum_off);
/* A segment; hlen and checksum are made here. opts: opts_len bytes, a multiple of 4. */
bool simraw_put_tcp(struct simraw *r, const struct ipaddr *src, const struct ipaddr *dst,
		    struct tcphdr *h, const uint8_t *opts, uint32_t opts_len, const uint8_t *text,
		    uint32_t text_len);
/* The next frame that the stack sent; .len 0: none. Valid until the next call. */
struct view simraw_get(struct simraw *r);
/* Before the host goes. */
void simraw_detach(struct simraw *r);

#endif
