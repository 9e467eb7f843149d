/* SPDX-License-Identifier: BSD-2-Clause */
/* What a received frame may take of the pool; for the ports that choose its buffer themselves. */
#ifndef LEAT_PORT_RXPRIO_H
#define LEAT_PORT_RXPRIO_H

#include "mbuf/mbuf.h"

/*
 * The priority for a frame of len bytes, of which v holds the first. While the pool has more than
 * its reserve every frame is bulk, and none is looked at. Below that ARP, ICMP, ND, and TCP without
 * data (ACK, SYN, FIN, RST) still come in: none of them waits for a program, and what gives
 * buffers back is among them. A small datagram or a byte of data may stay unread for ever.
 */
enum mbuf_prio rxprio(const struct mbuf_pool *pool, struct view v, uint32_t len);

#endif
