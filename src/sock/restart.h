/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals and blocking calls on sockets, signal(7): a handler with SA_RESTART does not end them.
 *
 * The kernel's waits end for every handler and do not tell which one ran. So such a call sleeps
 * with signals held back, on a signalfd that says when one is there; then those that are pending
 * are let in, after a look at what is set for them. Worker thread.
 */
#ifndef LEAT_SOCK_RESTART_H
#define LEAT_SOCK_RESTART_H

#include "sock/socket.h"

#include <signal.h>

/* Readable while a signal that mask lets in is pending. -errno. */
NODISCARD int restart_fd(struct sock_layer *l, const sigset_t *mask);
/* Let in what mask lets in of the pending ones. -EINTR: a handler without SA_RESTART has run. */
NODISCARD int restart_let_in(const sigset_t *mask);

#endif
