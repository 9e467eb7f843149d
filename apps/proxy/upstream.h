/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection to the server, made in the client's name. */
#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H

#include <stdbool.h>

#include "addr.h"
#include "config.h"

/*
 * Start to connect. Returns the socket, or -errno. When the client's own port cannot be used (its
 * previous connection to the same server is still closing on our side) another port is bound, and
 * *fallback set.
 */
int upstream_connect(const union addr *client, const union addr *server,
		     enum upstream_source source, bool *fallback);

#endif
