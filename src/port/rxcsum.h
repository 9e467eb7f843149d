/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Received packets whose checksum somebody else vouches for, though the one in the header is not
 * that of the packet: superpackets put together by a NIC or a host.
 */
#ifndef LEAT_PORT_RXCSUM_H
#define LEAT_PORT_RXCSUM_H

#include "mbuf/mbuf.h"

#include <stdbool.h>

/*
 * Put the sum of the pseudo header in the field of the TCP or UDP header and set meta.csum, l4_off,
 * csum_field and, when gso_size is set, gso_type: from then on the packet is as one from a
 * local sender. False: no such header where the packet begins.
 */
bool rxcsum_unfinish(struct mbuf *m);

#endif
