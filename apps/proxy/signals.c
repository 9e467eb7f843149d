/* SPDX-License-Identifier: BSD-2-Clause */
/* SIGTERM, SIGINT and SIGHUP stop, SIGUSR1 reports. */
#include "signals.h"

#include <stddef.h>

/* A handler has no argument to hang state on: the only mutable variables of the program outside its
 * structs. */
static volatile sig_atomic_t stops, reports;

static void on_stop(int signal)
{
	(void)signal;
	stops = stops + 1;
}

static void on_report(int signal)
{
	(void)signal;
	reports = reports + 1;
}

static int catch_signal(int number, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};

	return sigaction(number, &action, NULL);
}

int signals_init(sigset_t *mask)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGHUP);
	sigaddset(&blocked, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &blocked, mask) < 0)
		return -1;
	/* Whoever started us may have blocked them: while we wait they have to come through. */
	sigdelset(mask, SIGTERM);
	sigdelset(mask, SIGINT);
	sigdelset(mask, SIGHUP);
	sigdelset(mask, SIGUSR1);
	if (catch_signal(SIGTERM, on_stop) < 0 || catch_signal(SIGINT, on_stop) < 0 ||
	    catch_signal(SIGHUP, on_stop) < 0)
		return -1;
	if (catch_signal(SIGPIPE, SIG_IGN) < 0)
		return -1;
	return catch_signal(SIGUSR1, on_report);
}

void signals_let_in(const sigset_t *mask)
{
	sigset_t blocked;

	sigprocmask(SIG_SETMASK, mask, &blocked);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
}

unsigned signals_stops(void)
{
	return (unsigned)stops;
}

unsigned signals_reports(void)
{
	return (unsigned)reports;
}
