/* SPDX-License-Identifier: BSD-2-Clause */
/* A short visit to another network namespace, to make or find an interface there. */
#ifndef LEAT_PORT_NETNS_H
#define LEAT_PORT_NETNS_H

#include "base/compiler.h"

struct netns_visit {
	int home_fd; /* -1: stayed at home */
};

/* Open a namespace by its path or its name in /run/netns; NULL makes *fd -1. 0 or -errno. */
NODISCARD int netns_open(const char *ns, int *fd);

/*
 * Move the calling thread to the namespace fd; -1: stay. Sockets and TAP descriptors opened during
 * the visit belong to it for good. 0 or -errno.
 */
NODISCARD int netns_enter(struct netns_visit *v, int fd);
void netns_leave(struct netns_visit *v);

#endif
