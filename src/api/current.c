/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mutable variables of the libraries. POSIX calls carry no handle, so they need a place to find
 * their stack: per thread, since a stack belongs to one. Descriptor numbers belong to the process.
 */
#include "api/current.h"

_Thread_local struct current current;
struct process process = {
	.key_once = PTHREAD_ONCE_INIT,
	.fork_once = PTHREAD_ONCE_INIT,
	.signal_lock = PTHREAD_MUTEX_INITIALIZER,
};
