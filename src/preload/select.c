/* SPDX-License-Identifier: BSD-2-Clause */
/* select(2) and pselect(2). Event sets among the descriptors are seen with their kernel part only.
 */
#include "preload/pending.h"

/* Is it Leat's to wait: in the stack's thread, or with a socket of Leat's among them? */
static bool is_for_leat(int n, fd_set *const sets[3])
{
	bool leats = me.worker;

	if (!is_programs() || n < 0 || n > FD_SETSIZE)
		return false;
	for (int fd = 0; fd < n; fd++) {
		bool asked = false;

		for (unsigned i = 0; i < 3; i++)
			asked |= sets[i] && FD_ISSET(fd, sets[i]);
		if (asked && pending_ask(fd) > 0)
			leats = true;
	}
	return leats && is_up();
}

EXPORT int select(int n, fd_set *readable, fd_set *writable, fd_set *except,
		  struct timeval *timeout)
{
	if (is_for_leat(n, (fd_set *[]){readable, writable, except}))
		return INSIDE(lib(select)(n, readable, writable, except, timeout));
	return real(select)(n, readable, writable, except, timeout);
}

EXPORT int pselect(int n, fd_set *readable, fd_set *writable, fd_set *except,
		   const struct timespec *timeout, const sigset_t *sigmask)
{
	if (is_for_leat(n, (fd_set *[]){readable, writable, except}))
		return INSIDE(lib(pselect)(n, readable, writable, except, timeout, sigmask));
	return real(pselect)(n, readable, writable, except, timeout, sigmask);
}

int __select(int n, fd_set *readable, fd_set *writable, fd_set *except, struct timeval *timeout);
EXPORT int __select(int n, fd_set *readable, fd_set *writable, fd_set *except,
		    struct timeval *timeout)
{
	return select(n, readable, writable, except, timeout);
}
