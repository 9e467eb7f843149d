/* SPDX-License-Identifier: BSD-2-Clause */
/* setns(2) there and back. Only the calling thread moves. Used while a port is opened. */
#include "port/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NETNS_DIR "/run/netns/"
#define PATH_LEN  256

int netns_open(const char *ns, int *fd)
{
	char path[PATH_LEN];

	*fd = -1;
	if (!ns)
		return 0;
	(void)snprintf(path, sizeof(path), "%s%s", strchr(ns, '/') ? "" : NETNS_DIR, ns);
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	return *fd < 0 ? -errno : 0;
}

int netns_enter(struct netns_visit *v, int fd)
{
	int rc;

	v->home_fd = -1;
	if (fd < 0)
		return 0;
	v->home_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (v->home_fd < 0)
		return -errno;
	if (setns(fd, CLONE_NEWNET) == 0)
		return 0;
	rc = -errno;
	(void)close(v->home_fd);
	v->home_fd = -1;
	return rc;
}

void netns_leave(struct netns_visit *v)
{
	if (v->home_fd < 0)
		return;
	/* Going on in the wrong namespace would be worse than ending. */
	MUST(setns(v->home_fd, CLONE_NEWNET) == 0);
	(void)close(v->home_fd);
	v->home_fd = -1;
}
