/* SPDX-License-Identifier: BSD-2-Clause */
/* Delivery-rate samples, draft-ietf-ccwg-bbr 4.1: see rate.h. */
#include "tcp/rate.h"

#include "base/compiler.h"
#include "base/seq.h"

struct tcp_tx_stamp tcp_rate_on_send(struct tcp_rate *r, uint64_t now_ns, uint32_t pipe_bytes,
				     uint32_t len)
{
	if (pipe_bytes == 0)
		r->first_us = r->delivered_us = tcp_rate_us(now_ns);
	return (struct tcp_tx_stamp){
		.delivered = r->delivered,
		.delivered_us = r->delivered_us,
		.first_us = r->first_us,
		.in_flight = pipe_bytes + len,
		.lost = r->lost,
		.app_limited = r->app_limited,
	};
}

/* GenerateRateSample() for the newest segment that was delivered. */
static void sample(struct tcp_rate *r, const struct tcp_delivery *d, struct tcp_rate_sample *out)
{
	const struct tcp_tx *tx = &d->newest;
	uint32_t send_us = tcp_rate_us(tx->sent_ns) - tx->stamp.first_us;
	uint32_t ack_us = r->delivered_us - tx->stamp.delivered_us;

	r->first_us = tcp_rate_us(tx->sent_ns);
	out->prior_delivered = tx->stamp.delivered;
	out->delivered = r->delivered - tx->stamp.delivered;
	out->in_flight = tx->stamp.in_flight;
	out->lost = r->lost - tx->stamp.lost;
	out->app_limited = tx->stamp.app_limited;
	out->rtt_us = (uint32_t)min_u64((d->now_ns - tx->sent_ns + 999) / 1000, UINT32_MAX);
	/* Acknowledgements may come in a bunch, sending may have been faster: the longer of the two
	 * is the time that the path needed at most (4.1.1.2). */
	out->interval_us = max_u32(send_us, ack_us);
	/* Shorter than the path is: the segment was acknowledged by mistake (4.1.2.3). */
	if (out->interval_us < d->min_rtt_ns / 1000)
		out->interval_us = 0;
}

void tcp_rate_on_ack(struct tcp_rate *r, const struct tcp_delivery *d, uint32_t bytes,
		     struct tcp_rate_sample *out)
{
	*out = (struct tcp_rate_sample){0};
	if (bytes == 0)
		return;
	r->delivered += bytes;
	r->delivered_us = tcp_rate_us(d->now_ns);
	if (r->app_limited && seq_gt(r->delivered, r->limited_to))
		r->app_limited = false;
	if (d->any)
		sample(r, d, out);
}

void tcp_rate_app_limited(struct tcp_rate *r, uint32_t pipe_bytes)
{
	r->limited_to = r->delivered + max_u32(pipe_bytes, 1);
	r->app_limited = true;
}
