/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mutable variables of this library: POSIX calls carry no handle. See state.h.
 */
#include "preload/state.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

struct preload preload = {.lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP};
_Thread_local struct thread me __attribute__((tls_model("initial-exec")));

/* A receive or send time-out set: signal(7) says EINTR whatever the handler. */
static bool has_timeout(int fd)
{
	static const int names[] = {SO_RCVTIMEO, SO_SNDTIMEO};

	for (size_t i = 0; i < 2; i++) {
		struct timeval tv = {0};
		socklen_t len = sizeof(tv);

		if (INSIDE(lib(getsockopt)(fd, SOL_SOCKET, names[i], &tv, &len)) == 0 &&
		    (tv.tv_sec != 0 || tv.tv_usec != 0))
			return true;
	}
	return false;
}

bool restarts(int fd)
{
	bool all = true;

	for (int sig = 1; all && sig < NSIG; sig++) {
		struct sigaction sa;

		if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler != SIG_DFL &&
		    sa.sa_handler != SIG_IGN)
			all = (sa.sa_flags & SA_RESTART) != 0;
	}
	if (all)
		all = !has_timeout(fd);
	errno = EINTR;
	return all;
}

void say(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text) - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n > sizeof(text) - 2)
		n = (int)sizeof(text) - 2;
	text[n] = '\n';
	(void)!real(write)(STDERR_FILENO, text, (size_t)n + 1);
}
