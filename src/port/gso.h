/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cutting a superpacket into the frames that a wire can carry.
 */
#ifndef LEAT_PORT_GSO_H
#define LEAT_PORT_GSO_H

#include "mbuf/mbuf.h"

#include <stdbool.h>

/* What is in the superpacket: TCP by meta.gso_type, UDP when a kernel hands over UDP_L4. */
enum gso_kind {
	GSO_TCP,
	GSO_UDP,
};

/*
 * Cut in, whose meta has gso_size and l4_off, and push the frames onto out; each is one buffer of
 * pool with its own copy of the headers. partial: leave the checksums unfinished for the driver.
 * Consumes in. Returns how many frames were pushed. With headers that do not allow it that is 0
 * (DROP_GSO_MALFORMED); when buffers run out, what could be made is pushed and the rest counted
 * as DROP_NOBUF: TCP repairs that, and under pressure some progress is better than none.
 */
unsigned gso_cut(struct mbuf_pool *pool, mbuf_own in, enum gso_kind kind, bool partial,
		 struct mbufq *out);

#endif
