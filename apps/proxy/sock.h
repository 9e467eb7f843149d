/* SPDX-License-Identifier: BSD-2-Clause */
/* What the proxy asks of a socket beyond the plain calls. */
#ifndef PROXY_SOCK_H
#define PROXY_SOCK_H

#include <stdbool.h>

#include "addr.h"

/* Addresses that are not ours may be used: by a listener to accept for them, else to bind. 0 or
 * -errno. */
int sock_set_transparent(int fd, int family);

/* What one peer sent as one piece is not to wait for the acknowledgement of the last one. 0 or
 * -errno. */
int sock_set_nodelay(int fd);

/* Take the pending error, 0: none. */
int sock_error(int fd);

/* Close so that the peer gets a reset. */
void sock_reset(int fd);

/* Is this one of our own addresses? Connecting there would come back to us. */
bool sock_is_own(const union addr *addr);

#endif
