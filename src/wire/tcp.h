/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP header and options (RFC 9293 3.1 and 3.2, RFC 7323, RFC 2018, RFC 7413). Checksum: with
 * wire/pseudo.h, by whoever holds all the bytes.
 */
#ifndef LEAT_WIRE_TCP_H
#define LEAT_WIRE_TCP_H

#include "base/compiler.h"
#include "base/view.h"
#include "wire/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCP_HLEN     20
#define TCP_HLEN_MAX 60
#define TCP_OPTS_MAX 40

/* Where fields lie: for those who rewrite a header in place. */
#define TCP_OFF_SEQ   4
#define TCP_OFF_ACK   8
#define TCP_OFF_DOFF  12
#define TCP_OFF_FLAGS 13
#define TCP_OFF_WND   14
#define TCP_OFF_CSUM  16
#define TCP_OFF_URG   18

enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
};

struct tcphdr {
	uint32_t seq, ack;
	uint16_t sport, dport;
	uint16_t wnd;  /* not scaled */
	uint16_t csum; /* as it lies in the packet (store_native16) */
	uint16_t urg;
	uint8_t flags; /* TCP_FIN .. TCP_CWR */
	uint8_t hlen;  /* 20..60, a multiple of 4 */
	bool ae;       /* accurate ECN (RFC 9768), formerly NS */
};

/* v begins at the TCP header and ends with the segment or before: the whole header must be in it.
 * TCP_ESHORT, TCP_EHLEN. */
NODISCARD int tcphdr_parse(struct tcphdr *h, struct view v);
/* Writes the fixed 20 bytes; csum is stored as it is, hlen says what the options will make of it.
 * Returns TCP_HLEN. */
size_t tcphdr_emit(uint8_t *buf, const struct tcphdr *h);

/* ---- options ---- */

enum tcp_opt_kind {
	TCP_KIND_EOL = 0,
	TCP_KIND_NOP = 1,
	TCP_KIND_MSS = 2,
	TCP_KIND_WSCALE = 3,
	TCP_KIND_SACK_PERMITTED = 4,
	TCP_KIND_SACK = 5,
	TCP_KIND_TS = 8,
	TCP_KIND_FASTOPEN = 34,
};

/* Bits of tcpopts.present. */
enum tcp_opt_bit {
	TCPOPTS_MSS = 0x01,
	TCPOPTS_WSCALE = 0x02,
	TCPOPTS_SACK_PERMITTED = 0x04,
	TCPOPTS_SACK = 0x08,
	TCPOPTS_TS = 0x10,
	TCPOPTS_FASTOPEN = 0x20,
};

#define TCP_WSCALE_MAX 14 /* RFC 7323 2.3 */
#define TCP_SACK_MAX   4  /* blocks that fit; 3 beside timestamps */
#define TCP_TS_LEN     12 /* NOP NOP TS: what timestamps take of every segment */
#define TCP_COOKIE_MIN 4  /* RFC 7413 4.1.1 */
#define TCP_COOKIE_MAX 16

/* [start, end), as received: not checked against any window. */
struct tcp_sackblk {
	uint32_t start, end;
};

struct tcpopts {
	uint32_t present; /* TCPOPTS_*; the fields of others are not set, except those of SACK */
	uint32_t tsval, tsecr;
	uint16_t mss;        /* as sent: 0 and 65535 are possible */
	uint8_t wscale;      /* 0..14 */
	bool wscale_clamped; /* it was larger */
	bool sack_permitted;
	bool malformed; /* the walk ended at a length under 2 or past the end */
	uint8_t n_sack; /* 0 without SACK */
	struct tcp_sackblk sack[TCP_SACK_MAX];
	struct view cookie; /* fast open: empty asks for one */
};

/*
 * Parse the bytes between the fixed header and hlen. Never fails: an option with a wrong length for
 * its kind is ignored, one with a length under 2 or past the end stops the walk (RFC 9293 3.1
 * MUST-7), what was seen before it counts. Of an option given twice the last counts. 40 steps at
 * most. Options that belong on SYN only are reported wherever they are.
 */
void tcpopts_parse(struct tcpopts *o, struct view opts);

/*
 * Write the options that present names, aligned as everyone does it; as many SACK blocks as fit
 * beside the others, 4 at most. Returns the length, a multiple of 4, 0..TCP_OPTS_MAX. buf has
 * TCP_OPTS_MAX bytes. cookie is at most TCP_COOKIE_MAX long, so that all but SACK always fit.
 */
size_t tcpopts_emit(uint8_t *buf, const struct tcpopts *o);

/* What tcpopts_emit() would return. */
size_t tcpopts_len(const struct tcpopts *o);

#endif
