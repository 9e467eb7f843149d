/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finishing transport checksums in software (meta.csum PARTIAL).
 */
#ifndef LEAT_PORT_TXCSUM_H
#define LEAT_PORT_TXCSUM_H

#include "mbuf/mbuf.h"

/*
 * Add the bytes from l4_off on to the pseudo-header sum in the field and store the result;
 * meta.csum becomes NONE. Consumes in; returns the packet, which is a copy from pool when others
 * look at its header. .m NULL: dropped (DROP_NOBUF, or DROP_PORT_TX_ERROR when l4_off and
 * csum_field do not lie in the packet).
 */
mbuf_own txcsum_finish(struct mbuf_pool *pool, mbuf_own in);

/* The packet with a first segment that may be written: itself, or a copy. Consumes in; .m NULL:
 * dropped (DROP_NOBUF). */
mbuf_own txcsum_own_head(struct mbuf_pool *pool, mbuf_own in);

#endif
