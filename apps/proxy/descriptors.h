/* SPDX-License-Identifier: BSD-2-Clause */
/* The limit of open descriptors. Sockets of either platform count. */
#ifndef PROXY_DESCRIPTORS_H
#define PROXY_DESCRIPTORS_H

#include <stdint.h>

#include "log.h"

/* Raise the soft limit for so many connections, as far as the hard one allows; say so when it does
 * not. */
void descriptors_raise(uint64_t connections, const struct log *log);

#endif
