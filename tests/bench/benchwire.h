/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A wire that costs nothing: two ports in one thread that hand packet pointers to each other, so a
 * receiver holds buffers of the sender's pool. What a bench measures on top of it is the stack
 * alone.
 */
#ifndef LEAT_TESTS_BENCHWIRE_H
#define LEAT_TESTS_BENCHWIRE_H

#include "port/port.h"

enum benchwire_mode {
	BENCHWIRE_NIC,   /* MTU frames, checksums done by the hardware, as with an ordinary NIC */
	BENCHWIRE_PLAIN, /* MTU frames, all checksums in software */
	BENCHWIRE_SUPER, /* superpackets with unfinished checksums, as with virtio-net */
};

/* number: makes the link addresses unique. 0 or -ENOMEM. The stacks close the ports. */
NODISCARD int benchwire_create(enum benchwire_mode mode, struct mbuf_pool *pool_a,
			       struct mbuf_pool *pool_b, unsigned number, struct port **a,
			       struct port **b);

#endif
