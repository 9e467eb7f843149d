/* SPDX-License-Identifier: BSD-2-Clause */
/* The limit of open descriptors. Sockets of either platform count. */
#ifndef PROXY_DESCRIPTORS_H
#define PROXY_DESCRIPTORS_H

#include <stdint.h>

#include "log.h"

/*
 * Raise the soft limit for so many connections, as far as the hard one allows; say so when it does
 * not. Returns how many connections there are descriptors for, at most as many as asked for.
 */
uint64_t descriptors_raise(uint64_t connections, const struct log *log);

/* How many sockets so many connections need, and the few others. */
uint64_t descriptors_for(uint64_t connections);

/* How many connections so many sockets are enough for; at least one. */
uint64_t descriptors_enough_for(uint64_t sockets);

#endif
