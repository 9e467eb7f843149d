/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two ends of simulated TCP connections: each sends so many patterned bytes, checks every byte
 * it receives, half-closes when done, and keeps books of how it ended.
 */
#ifndef LEAT_TESTS_SIMAPP_H
#define LEAT_TESTS_SIMAPP_H

#include "simnet.h"
#include "tcp/tcp.h"

#define SIMAPP_ENDS 64u

struct simapp;

struct simend {
	struct simapp *app;
	struct tcp_pcb *pcb;    /* NULL: gone */
	struct ipaddr peer;     /* of an accepted connection */
	uint64_t pattern_out;   /* what we send: seed of the pattern */
	uint64_t pattern_in;    /* what we must receive */
	uint64_t to_send, sent; /* bytes */
	uint64_t to_recv, received;
	uint64_t pause_until_ns; /* the program does not read before this */
	uint64_t pause_at;       /* stop reading once when so many bytes came, 0: never */
	uint64_t pause_ns;
	uint64_t pause_again; /* and again after so many more bytes; 0: once */
	bool connected;
	bool shut;  /* FIN sent */
	bool eof;   /* FIN received */
	bool done;  /* closed by us in good order */
	bool wrong; /* a byte was not what it should be */
	int err;    /* as told by TCP */
};

/* One stack's side: a client that connects or a server that accepts. */
struct simapp {
	struct stack *stack;
	struct simend end[SIMAPP_ENDS];
	unsigned n_ends;
	/* What accepted connections are to do, in order of the client's port. */
	struct tcp_listener *listener;
	unsigned accepted;
	/* Options of the connections, 0: the default. */
	uint32_t maxseg, rcvbuf, sndbuf;
	bool mixed_cc; /* each congestion control in turn */
	bool dirty;    /* an event came */
};

/* The byte of the pattern at an offset. */
uint8_t simapp_byte(uint64_t pattern, uint64_t offset);

/* Make tcp with this app's events on a host. */
NODISCARD int simapp_init(struct simapp *a, struct stack *s);
NODISCARD int simapp_listen(struct simapp *a, bool v6, uint16_t port);
NODISCARD int simapp_connect(struct simapp *a, unsigned end, const struct ipaddr *to,
			     uint16_t port);
/* Let every end send and receive what it can. Returns whether anything happened. */
bool simapp_step(struct simapp *a);
/* When a paused reader goes on; UINT64_MAX: none is paused. */
uint64_t simapp_next_ns(const struct simapp *a);
/* All n ends closed in good order, or failed. */
bool simapp_done(const struct simapp *a);
void simapp_fini(struct simapp *a);

#endif
