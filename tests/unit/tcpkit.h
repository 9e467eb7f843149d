/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP alone, for unit tests: a stack on virtual time whose internet layer is the test. Segments go
 * in as numbers and come out as numbers; every segment that TCP sends is checked for what must
 * always hold (checksum, lengths, segment size against the path, no option malformed).
 *
 * Sequence numbers are relative: `seq` counts from the ISN of the side that sends, `ack` from that
 *of the side that receives, so that the SYN has 0 and the first byte 1. Every test runs for IPv4
 *and IPv6: TK_TEST().
 *
 *	tk_connect(tk);                        // SYN, SYN-ACK, ACK; we are the client
 *	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .data = "x", .len = 1});
 *	tk_expect_ack(tk, 2);
 */
#ifndef LEAT_TESTS_TCPKIT_H
#define LEAT_TESTS_TCPKIT_H

#include "fakeport.h"
#include "inet/inet.h"
#include "tcp/tcp.h"
#include "wire/tcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS           UINT64_C(1000000)
#define S            UINT64_C(1000000000)

#define TK_PORT_US   5000u
#define TK_PORT_PEER 80u
#define TK_IRS       0xfffff000u /* the peer's ISN: numbers wrap early in every test */
#define TK_PEER_TS   1000u
#define TK_TEXT_MAX  70000u

/* What the program was told. */
struct tk_so {
	unsigned connected, acceptable, readable, writable, error, gone;
	int err;
	struct tcp_pcb *pcb;
	/* Done inside the event of the same name, once. */
	bool close_in_readable, abort_in_readable, close_in_connected;
};

/* One segment; relative numbers. */
struct tk_seg {
	uint8_t flags;
	uint32_t seq, ack;
	uint32_t wnd; /* the field; in: 0 means 65535, TK_WND_ZERO zero */
	uint32_t len;
	const void *data; /* in: NULL with len: pattern by sequence number */
	uint32_t opts;    /* TCPOPTS_; in: TS is added when agreed, unless no_ts */
	uint16_t mss;
	uint8_t wscale;
	uint32_t tsval, tsecr;
	bool no_ts;
	unsigned n_sack;
	struct tcp_sackblk sack[4]; /* relative */
	uint16_t gso_size;
	uint16_t urg;
	uint16_t sport;     /* in: 0 the usual */
	struct view cookie; /* with TCPOPTS_FASTOPEN */
	uint8_t tos;
	bool bad_csum, multicast;
};

#define TK_WND_ZERO 0x10000u

struct tk_pkt {
	struct list link;
	uint64_t at_ns;
	struct ipaddr src, dst;
	uint8_t tos, ttl;
	uint8_t zone; /* inet_zone() of where it goes */
	uint16_t gso_size;
	bool gso_ecn;
	struct tcphdr h;
	struct tcpopts o;
	uint8_t cookie[TCP_COOKIE_MAX];
	uint32_t len;
	uint8_t data[];
};

struct inet {
	struct tk *tk;
	struct inet_proto tcp;
	struct list sent;
	unsigned n_sent;
	uint32_t mtu, max_gso, gen;
	int fail; /* inet_output and look-ups return this */
};

struct tk {
	struct fakehost h;
	struct stack *s;
	struct inet inet;
	struct tk_so so, lso;
	struct tcp_pcb *pcb;
	struct tcp_listener *l;
	bool v6;
	unsigned iface; /* that the peer's segments come by */
	struct ipaddr us, peer;
	uint16_t port_us, port_peer;
	uint32_t iss; /* ours, absolute */
	uint32_t irs;
	bool ts; /* agreed: put timestamps in */
	uint32_t peer_ts;
	uint32_t last_tsval; /* of ours */
};

/* What the peer's SYN (or SYN-ACK) offers. */
struct tk_peer {
	uint16_t mss; /* 0: 1460 or 1440 */
	int wscale;   /* -1: none; 0 is sent as 0 */
	bool no_sack, no_ts;
	uint8_t flags; /* beside SYN and ACK */
	uint32_t wnd;
};

void tk_create(struct tk *tk, bool v6);
void tk_destroy(struct tk *tk);

/* Open actively; all three segments are checked. */
void tk_connect(struct tk *tk, const struct tk_peer *p);
/* Listen, take a SYN, finish, accept. */
void tk_listen(struct tk *tk, uint32_t backlog);
void tk_accept(struct tk *tk, const struct tk_peer *p);
/* SYN of a new connection from the peer; leaves the answer queued. */
void tk_syn(struct tk *tk, uint16_t port, const struct tk_peer *p);

/* Feed a segment, run a round. */
void tk_in(struct tk *tk, const struct tk_seg *seg);
/* As tk_in, but nothing runs afterwards. */
void tk_in_quiet(struct tk *tk, const struct tk_seg *seg);
void tk_run(struct tk *tk);
void tk_advance(struct tk *tk, uint64_t ns);

/* The next segment sent; valid until the next call. NULL: none. */
const struct tk_pkt *tk_sent(struct tk *tk);
void tk_expect_none(struct tk *tk);
/* The next segment must be this; returns it. flags exact (PSH of a
 * superpacket need not be said), seq/ack/len relative. */
const struct tk_pkt *tk_expect(struct tk *tk, uint8_t flags, uint32_t seq, uint32_t ack,
			       uint32_t len);
/* Our SYN: its number becomes the one that others count from. */
const struct tk_pkt *tk_expect_syn(struct tk *tk);
/* A pure ACK of that number, and no other segment. */
const struct tk_pkt *tk_expect_ack(struct tk *tk, uint32_t ack);
void tk_forget(struct tk *tk);

/* Pattern bytes by relative sequence number. */
uint8_t tk_byte(uint32_t seq);
/* Write n pattern bytes that begin at relative number seq. Returns what tcp_send did. */
ssize_t tk_send(struct tk *tk, uint32_t seq, uint32_t n);
/* Read and check up to n bytes of the peer's pattern from seq on. Returns what tcp_recv did. */
ssize_t tk_recv(struct tk *tk, uint32_t seq, uint32_t n);

uint64_t tk_drops(struct tk *tk, enum drop_reason why);

#define TK_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, tk_setup4, tk_teardown), \
		cmocka_unit_test_setup_teardown(fn, tk_setup6, tk_teardown)

int tk_setup4(void **state);
int tk_setup6(void **state);
int tk_teardown(void **state);

#endif
