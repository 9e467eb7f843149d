/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals that EVFILT_SIGNAL watches: what the socket layer is given. */
#ifndef LEAT_API_SIGNALS_H
#define LEAT_API_SIGNALS_H

#include "sock/sock.h"

extern const struct sock_signals api_signals;

#endif
