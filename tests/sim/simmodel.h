/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold at every step of a simulated TCP, whatever the path does. One observer sees two
 * things and compares them: the wire (every segment as it is sent and as it arrives, read by a
 * parser that knows nothing of TCP's state) and the control blocks of both stacks, after each
 * round and after each turn of the programs. The rules are the rows of SIMRULE_TABLE; the first
 * that is broken ends the run.
 *
 * Connections are told by the client's port, SIMAPP_PORT + i. One observer at a time: it is told
 * of state changes through the linker (--wrap), see simstate.c.
 */
#ifndef LEAT_TESTS_SIMMODEL_H
#define LEAT_TESTS_SIMMODEL_H

#include "port/sim.h"
#include "simapp.h"
#include "simset.h"

#define SIMRULE_TABLE(X) \
	X(WINDOW, "sent beyond the window that the peer had offered (RFC 9293 3.8.6)") \
	X(SEQUENCE, "sent a number that does not follow on (RFC 9293 3.4)") \
	X(USELESS, "sent again what was acknowledged already") \
	X(SEGMENT_SIZE, "sent a segment larger than the peer's MSS (RFC 9293 3.7.1)") \
	X(BYTES, "sent other bytes than the program wrote") \
	X(ACK, "acknowledged what was not received (RFC 9293 3.4)") \
	X(ACK_BACK, "took an acknowledgement back") \
	X(SHRINK, "moved the right edge of the window left (RFC 9293 3.8.6)") \
	X(SACK_SENT, "reported a block that was not received (RFC 2018 4)") \
	X(TIMESTAMP, "timestamps ran back, or echoed one that was never received (RFC 7323)") \
	X(STATE, "a transition that RFC 9293 figure 5 does not have") \
	X(NUMBERS, "SND.UNA, SND.NXT, RCV.NXT and the wire disagree") \
	X(QUEUE, "the send queue is not what is unacknowledged") \
	X(MEMORY, "receive queues hold more than their limit") \
	X(BOARD, "the scoreboard holds what the peer did not receive, or is out of order") \
	X(CWND_MIN, "cwnd or ssthresh below its floor (RFC 5681 3.1)") \
	X(CWND_GROWTH, "cwnd grew by more than was acknowledged (RFC 5681 3.1)") \
	X(CWND_SENT, "sent new data beyond cwnd (RFC 5681 3.1, RFC 6675 5)") \
	X(LOSS, "no reduction at a loss (RFC 5681 3.1)") \
	X(RTO_WINDOW, "more than one segment of cwnd after a timeout (RFC 5681 3.1)") \
	X(REXMIT_TIMER, "data outstanding without a timer, or a timer without (RFC 6298 5)") \
	X(PERSIST_TIMER, "data to send, nothing under way, and no timer (RFC 9293 3.8.6.1)") \
	X(WHEEL, "a deadline that the wheel does not know, or that has passed")

enum simrule {
#define X(id, text) SIMRULE_##id,
	SIMRULE_TABLE(X)
#undef X
		SIMRULES
};

enum simside { SIM_CLIENT, SIM_SERVER, SIM_SIDES };

/* The stream that one side sends and what it says about the other one. Numbers count from the
 * sender's ISN. */
struct simhalf {
	bool syn; /* ISS is known */
	uint32_t iss;
	uint32_t sent_end; /* one past the highest number sent */
	struct simset got; /* has arrived at the other side */
	bool fin;          /* the last number sent is its FIN */
	uint16_t mss;      /* as announced; 0: not */
	uint8_t scale;
	bool has_scale, has_ts;
	/* as a receiver: numbers of the other side's stream */
	uint32_t ack_sent, edge_sent;
	/* what has arrived here */
	uint32_t ack_seen, edge_seen;
	uint32_t ack_counts; /* ack_seen without what came on segments that count for nothing */
	uint32_t tsval_sent, tsval_seen;
	bool ts_seen;
	uint32_t ts_skew; /* of this side's timestamps against its clock, at most */
};

/* A control block as it was after the last step. */
struct simshadow {
	const struct tcp_pcb *pcb; /* NULL: none */
	uint32_t iss, una, nxt;
	uint32_t cwnd, ssthresh, undo_cwnd, mss, min_mss, sacked;
	uint8_t state, recovery, rexmits;
};

struct simconn {
	struct simhalf half[SIM_SIDES];
	struct simshadow shadow[SIM_SIDES];
	/* The client's side of the tuple; known once it has connected. */
	struct ipaddr local, remote;
	uint16_t lport, rport;
	bool odd; /* opened twice: the wire's numbers are two connections' */
	bool rst; /* somebody reset it */
};

struct simmodel;

/* One wire, or one end of the path: who of its two ends is an end of the connections. */
struct simtap {
	struct simmodel *model;
	bool has_client, has_server;
};

struct simmodel {
	struct simapp *app[SIM_SIDES];
	struct simtap tap[2];
	unsigned n_taps;
	struct simconn conn[SIMAPP_ENDS];
	const uint64_t *now_ns;
	uint64_t lost_below[SIM_SIDES]; /* at the beginning */
	bool offload;                   /* superpackets and unfinished checksums on the wire */
	bool faults;                    /* memory and buffers fail */
	bool broken;
	enum simrule rule;
	uint64_t at_ns;
	char detail[256];
	uint64_t n_segments, n_steps; /* looked at */
};

extern const char *const simrule_name[SIMRULES];
extern const char *const simrule_text[SIMRULES];

void simmodel_init(struct simmodel *m, struct simapp *client, struct simapp *server,
		   const uint64_t *now_ns, bool offload);
/* Look at a wire; its end A is the client's (or nearer to it). 0 or -ENOMEM. */
NODISCARD int simmodel_tap(struct simmodel *m, struct sim_wire *w, bool has_client,
			   bool has_server);
/* Look at the control blocks of both sides. */
void simmodel_step(struct simmodel *m);
/* Before the stacks go. */
void simmodel_fini(struct simmodel *m);

/* For the parts of the model. The first broken rule is kept. */
void simmodel_break(struct simmodel *m, enum simrule rule, const char *fmt, ...) PRINTF_FMT(3, 4);
/* The connection with this port on the client's side; NULL: none of ours. */
struct simconn *simmodel_conn(struct simmodel *m, uint16_t client_port);
/* Packets that a stack has lost between TCP and the wire. */
uint64_t simmodel_lost_below(const struct stack *s);
/* simstate.c: state changes are told to m from now on; NULL: to nobody. */
void simstate_watch(struct simmodel *m);
/* simwire.c */
void simwire_event(void *tap, const struct sim_report *r);

#endif
