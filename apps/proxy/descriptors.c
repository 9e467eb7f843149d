/* SPDX-License-Identifier: BSD-2-Clause */
/* The limit of open descriptors. What it leaves short is no error: accepting pauses when they run
 * out. */
#include "descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

/* Two sockets for a connection; listeners, the event set, the log, ports. */
enum { PER_CONNECTION = 2, OTHERS = 64 };

void descriptors_raise(uint64_t connections, const struct log *log)
{
	rlim_t want = PER_CONNECTION * connections + OTHERS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= want)
		return;
	limit.rlim_cur = want < limit.rlim_max ? want : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_msg(log, LOG_WARN, "setrlimit: %s", strerror(errno));
	else if (limit.rlim_cur < want)
		log_msg(log, LOG_INFO, "open files are limited to %llu, about %llu connections",
			(unsigned long long)limit.rlim_cur,
			(unsigned long long)limit.rlim_cur / PER_CONNECTION);
}
