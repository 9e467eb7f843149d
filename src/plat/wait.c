/* SPDX-License-Identifier: BSD-2-Clause */
/* ppoll(2) with a plain nanosecond count; any thread. */
#include "plat/wait.h"

#include "plat/clock.h"

#include <errno.h>
#include <time.h>

#include <sys/prctl.h>

#define SLACK_NS 1ul /* 0 would mean: back to the default */

int plat_wait(struct pollfd *fds, unsigned n, uint64_t timeout_ns, const sigset_t *sigmask)
{
	struct timespec ts = {
		.tv_sec = (time_t)(timeout_ns / PLAT_NS_PER_S),
		.tv_nsec = (long)(timeout_ns % PLAT_NS_PER_S),
	};
	int r = ppoll(fds, n, timeout_ns == PLAT_WAIT_FOREVER ? NULL : &ts, sigmask);

	return r < 0 ? -errno : r;
}

int plat_wait_on_time(void)
{
	return prctl(PR_SET_TIMERSLACK, SLACK_NS, 0ul, 0ul, 0ul) < 0 ? -errno : 0;
}
