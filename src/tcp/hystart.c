/* SPDX-License-Identifier: BSD-2-Clause */
/* HyStart++, RFC 9406 4.2 with the constants of 4.3: see hystart.h. */
#include "tcp/hystart.h"

#include "base/compiler.h"
#include "base/seq.h"

#define MIN_RTT_THRESH_US  4000u
#define MAX_RTT_THRESH_US  16000u
#define MIN_RTT_DIVISOR    8u
#define N_RTT_SAMPLE       8u
#define CSS_GROWTH_DIVISOR 4u
#define CSS_ROUNDS         5u

#define NO_RTT             UINT32_MAX

void tcp_hystart_init(struct tcp_hystart *h)
{
	*h = (struct tcp_hystart){.last_us = NO_RTT, .now_us = NO_RTT, .base_us = NO_RTT};
}

void tcp_hystart_stop(struct tcp_hystart *h)
{
	h->phase = TCP_HYSTART_DONE;
}

static void next_round(struct tcp_hystart *h, uint32_t nxt)
{
	h->begun = true;
	h->window_end = nxt;
	h->last_us = h->now_us;
	h->now_us = NO_RTT;
	h->samples = 0;
	if (h->phase == TCP_HYSTART_CSS && ++h->rounds >= CSS_ROUNDS)
		h->phase = TCP_HYSTART_DONE;
}

static void look_for_delay(struct tcp_hystart *h)
{
	uint32_t thresh;

	if (h->samples < N_RTT_SAMPLE || h->now_us == NO_RTT || h->last_us == NO_RTT)
		return;
	thresh = max_u32(MIN_RTT_THRESH_US,
			 min_u32(h->last_us / MIN_RTT_DIVISOR, MAX_RTT_THRESH_US));
	if (h->now_us < h->last_us + thresh)
		return;
	h->base_us = h->now_us;
	h->rounds = 0;
	h->phase = TCP_HYSTART_CSS;
}

/* Shorter again than when it began: slow start goes on. */
static void look_for_whim(struct tcp_hystart *h)
{
	if (h->samples < N_RTT_SAMPLE || h->now_us >= h->base_us)
		return;
	h->base_us = NO_RTT;
	h->phase = TCP_HYSTART_SLOW_START;
}

enum tcp_hystart_phase tcp_hystart_on_ack(struct tcp_hystart *h, uint32_t una, uint32_t nxt,
					  uint32_t rtt_us)
{
	if (h->phase == TCP_HYSTART_DONE)
		return TCP_HYSTART_DONE;
	if (!h->begun || seq_geq(una, h->window_end))
		next_round(h, nxt);
	if (rtt_us == 0)
		return h->phase;
	h->now_us = min_u32(h->now_us, rtt_us);
	if (h->samples < UINT8_MAX)
		h->samples++;
	if (h->phase == TCP_HYSTART_SLOW_START)
		look_for_delay(h);
	else if (h->phase == TCP_HYSTART_CSS)
		look_for_whim(h);
	return h->phase;
}

uint32_t tcp_hystart_growth(const struct tcp_hystart *h, uint32_t bytes)
{
	return h->phase == TCP_HYSTART_CSS ? bytes / CSS_GROWTH_DIVISOR : bytes;
}
