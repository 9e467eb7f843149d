/* SPDX-License-Identifier: BSD-2-Clause */
/* Telling handlers with SA_RESTART from others; see restart.h. Worker thread. */
#include "sock/restart.h"

#include "plat/wait.h"

#include <string.h>
#include <sys/signalfd.h>

static sigset_t all_but(const sigset_t *mask)
{
	sigset_t set;

	sigfillset(&set);
	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(mask, sig) == 1)
			(void)sigdelset(&set, sig);
	return set;
}

int restart_fd(struct sock_layer *l, const sigset_t *mask)
{
	sigset_t want = all_but(mask);
	int fd;

	if (l->signal_fd >= 0 && memcmp(&want, &l->signal_set, sizeof(want)) == 0)
		return l->signal_fd;
	fd = signalfd(l->signal_fd, &want, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (l->signal_fd < 0)
		fdtab_hide(&l->fds, fd);
	l->signal_fd = fd;
	l->signal_set = want;
	return fd;
}

/* Would its handler end the call? */
static bool ends_call(int sig)
{
	struct sigaction sa;

	if (sigaction(sig, NULL, &sa) < 0 || sa.sa_flags & SA_RESTART)
		return false;
	return sa.sa_flags & SA_SIGINFO || (sa.sa_handler != SIG_DFL && sa.sa_handler != SIG_IGN);
}

int restart_let_in(const sigset_t *mask)
{
	sigset_t pending, held;
	bool any = false, ends = false;

	if (sigpending(&pending) < 0)
		return 0;
	sigfillset(&held);
	for (int sig = 1; sig < NSIG; sig++) {
		if (sigismember(&pending, sig) != 1 || sigismember(mask, sig) == 1)
			continue;
		(void)sigdelset(&held, sig);
		ends = ends || ends_call(sig);
		any = true;
	}
	/* One that came since is not among them: it waits for the next look. */
	if (any)
		(void)!plat_wait(NULL, 0, 0, &held);
	return ends ? -EINTR : 0;
}
