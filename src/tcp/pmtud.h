/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packetization-layer path MTU discovery (RFC 4821), beside the classic one that ICMP drives. When
 * timeouts in a row say that packets vanish without a word, segments shrink; later one larger
 * segment at a time finds out how much the way takes. Called by the retransmission timer, output.c
 * and input_ack.c.
 */
#ifndef LEAT_TCP_PMTUD_H
#define LEAT_TCP_PMTUD_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_pcb;

/* Values of tcp_limits.mtu_probing, Linux's tcp_mtu_probing. */
enum tcp_pmtud_mode {
	TCP_PMTUD_OFF,
	TCP_PMTUD_DOUBT,  /* once a black hole is suspected */
	TCP_PMTUD_ALWAYS, /* from the start */
};

/* Segment sizes are those of TCP_MAXSEG, before our options. */
struct tcp_pmtud {
	uint16_t low;   /* segments of that size arrive; 0: not searching, the path's MTU counts */
	uint16_t high;  /* larger ones do not, or the path's MTU says so */
	uint16_t probe; /* payload of the probe in flight, 0: none */
	uint32_t end;   /* behind the probe */
	uint32_t again; /* bytes of it that were sent again */
	bool others;    /* and others too */
	uint64_t again_ns; /* no probe before */
};

/* A connection begins. */
void tcp_pmtud_start(struct tcp_pcb *pcb);
/* The retransmission timer has fired again and again: smaller segments. */
void tcp_pmtud_doubt(struct tcp_pcb *pcb);
/* Send a probe if it is time and the text suffices. 0, or -errno of the output. */
int tcp_pmtud_probe(struct tcp_pcb *pcb, uint32_t avail, uint32_t room);
/* A range was sent again while a probe is in flight. */
void tcp_pmtud_on_rexmit(struct tcp_pcb *pcb, uint32_t seq, uint32_t end);
/* SND.UNA has moved and a probe is in flight. */
void tcp_pmtud_on_ack(struct tcp_pcb *pcb);

#endif
