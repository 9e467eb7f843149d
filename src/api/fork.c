/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork(2): the stack stays the parent's. Its ports are closed in the child, which would otherwise
 * keep them from going away, and the numbers of Leat's sockets stay behind as what they are to the
 * kernel: descriptors that can only be closed. Runs in the child, before fork() returns there.
 */
#include "api/fork.h"

#include "api/current.h"

#include <errno.h>
#include <unistd.h>

static void give_up_number(int fd)
{
	bool hidden = owner_of(&process.owners, fd) > OWNER_WORKERS;

	owner_set(&process.owners, fd, OWNER_NONE);
	if (hidden)
		(void)close(fd);
}

static void in_child(void)
{
	int fd = -1;

	for (unsigned i = 1; i <= OWNER_WORKERS; i++) {
		atomic_store(&process.workers[i].taken, false);
		atomic_store(&process.workers[i].inbox, NULL);
	}
	current.stack = NULL;
	current.instance = NULL;
	current.id = 0;
	current.wake = 0;
	while ((fd = owner_next(&process.owners, (unsigned)fd + 1, UINT32_MAX)) >= 0)
		give_up_number(fd);
	process.forked = true;
}

static void watch_forks(void)
{
	(void)pthread_atfork(NULL, NULL, in_child);
}

void fork_prepare(void)
{
	(void)pthread_once(&process.fork_once, watch_forks);
}
