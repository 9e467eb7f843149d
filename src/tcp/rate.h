/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Delivery-rate samples (draft-ietf-ccwg-bbr 4.1): each acknowledgement tells how many bytes
 * arrived since the newest segment that it covers was sent, and how long that took. Bytes and
 * microseconds are 32 bits and wrap: an interval is that of a segment in flight.
 *
 * Pure; called by emit.c for what is sent and by recovery.c for what is acknowledged.
 */
#ifndef LEAT_TCP_RATE_H
#define LEAT_TCP_RATE_H

#include "tcp/sent.h"

struct tcp_rate {
	uint32_t delivered;    /* C.delivered */
	uint32_t delivered_us; /* C.delivered_time */
	uint32_t first_us;     /* C.first_send_time */
	uint32_t lost;         /* C.lost */
	uint32_t limited_to;   /* C.app_limited: until so much is delivered, when app_limited */
	bool app_limited;
};

struct tcp_rate_sample {
	uint32_t delivered;       /* bytes in the interval, RS.delivered */
	uint32_t interval_us;     /* 0: no sample */
	uint32_t prior_delivered; /* C.delivered when the newest segment left */
	uint32_t in_flight;       /* when it left, with it */
	uint32_t lost;            /* since it left */
	uint32_t rtt_us;          /* of that segment, 0: unknown */
	bool app_limited;
};

static inline uint32_t tcp_rate_us(uint64_t ns)
{
	return (uint32_t)(ns / 1000);
}

/* About to send: pipe_bytes are in flight without what goes now, len bytes. */
struct tcp_tx_stamp tcp_rate_on_send(struct tcp_rate *r, uint64_t now_ns, uint32_t pipe_bytes,
				     uint32_t len);
/* bytes arrived, d tells how; fills the sample. */
void tcp_rate_on_ack(struct tcp_rate *r, const struct tcp_delivery *d, uint32_t bytes,
		     struct tcp_rate_sample *out);
/* The program, not the network, is what holds the sender now (CheckIfApplicationLimited). */
void tcp_rate_app_limited(struct tcp_rate *r, uint32_t pipe_bytes);

#endif
