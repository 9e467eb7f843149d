/* SPDX-License-Identifier: BSD-2-Clause */
/* Initial sequence numbers that wrap early: the linker sends tcp_isn_make() through here. */
#include "simworld.h"

#include "tcp/isn.h"

#define BEFORE_WRAP 100000u

static struct simnet *near_wrap;

uint32_t __real_tcp_isn_make(const struct stack *s, const struct tcp_flow *f);
uint32_t __wrap_tcp_isn_make(const struct stack *s, const struct tcp_flow *f);

uint32_t __wrap_tcp_isn_make(const struct stack *s, const struct tcp_flow *f)
{
	if (!near_wrap)
		return __real_tcp_isn_make(s, f);
	return (uint32_t)-simnet_range(near_wrap, 1, BEFORE_WRAP);
}

void simisn_near_wrap(struct simnet *n)
{
	near_wrap = n;
}
