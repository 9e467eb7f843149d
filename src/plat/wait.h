/* SPDX-License-Identifier: BSD-2-Clause */
/* Sleep until a descriptor is ready or a time has passed. */
#ifndef LEAT_PLAT_WAIT_H
#define LEAT_PLAT_WAIT_H

#include "base/compiler.h"

#include <poll.h>
#include <signal.h>
#include <stdint.h>

#define PLAT_WAIT_FOREVER UINT64_MAX

/*
 * Wait on n descriptors (n may be 0) for at most timeout_ns. sigmask, when not NULL, holds during
 * the sleep only, as in ppoll(2). Returns how many entries have revents set, 0 after the timeout,
 * -EINTR after a signal, or another -errno.
 */
NODISCARD int plat_wait(struct pollfd *fds, unsigned n, uint64_t timeout_ns,
			const sigset_t *sigmask);

/* Let the calling thread's sleeps end on time: the kernel otherwise adds up to 50 us to save
 * wake-ups. Inherited by threads it starts later. 0 or -errno. */
NODISCARD int plat_wait_on_time(void);

#endif
