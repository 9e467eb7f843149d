/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The limit of open descriptors. A connection is accepted only when there are two: whoever has to
 * wait then waits in the backlog instead of being reset.
 */
#include "descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

/* Two sockets for a connection; listeners, the event set, the log, ports. */
enum { PER_CONNECTION = 2, OTHERS = 32 };

uint64_t descriptors_for(uint64_t connections)
{
	return PER_CONNECTION * connections + OTHERS;
}

uint64_t descriptors_enough_for(uint64_t sockets)
{
	return sockets > OTHERS + PER_CONNECTION ? (sockets - OTHERS) / PER_CONNECTION : 1;
}

uint64_t descriptors_raise(uint64_t connections, const struct log *log)
{
	rlim_t want = descriptors_for(connections);
	struct rlimit limit;
	uint64_t enough;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= want)
		return connections;
	limit.rlim_cur = want < limit.rlim_max ? want : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_msg(log, LOG_WARN, "setrlimit: %s", strerror(errno));
	if (limit.rlim_cur >= want)
		return connections;
	enough = descriptors_enough_for(limit.rlim_cur);
	log_msg(log, LOG_INFO, "open files are limited to %llu: at most %llu connections",
		(unsigned long long)limit.rlim_cur, (unsigned long long)enough);
	return enough;
}
