/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals. They are blocked except while the loop waits for events, so that none can come between
 * looking at the counts and falling asleep.
 */
#ifndef PROXY_SIGNALS_H
#define PROXY_SIGNALS_H

#include <signal.h>

/* Install; mask is what to give to epoll_pwait(). Returns 0 or -1 with errno. */
int signals_init(sigset_t *mask);

/*
 * Let in what waits. A wait that has events to return at once lets no signal in, whatever its mask:
 * a busy loop has to do it now and then.
 */
void signals_let_in(const sigset_t *mask);

/* How many times the process was asked to stop, and to report, so far. */
unsigned signals_stops(void);
unsigned signals_reports(void);

#endif
