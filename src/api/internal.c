/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which descriptors Leat has opened for itself: those that are there after a call that starts
 * something (an instance, a port) and were not before, since drivers do not say. Any thread.
 */
#include "api/internal.h"

#include "api/current.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static void each_open(void (*fn)(void *arg, unsigned fd), void *arg)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d)) != NULL) {
		unsigned long fd = strtoul(e->d_name, NULL, 10);

		if (e->d_name[0] != '.' && fd < INTERNAL_SEEN_MAX && (int)fd != dirfd(d))
			fn(arg, (unsigned)fd);
	}
	(void)closedir(d);
}

static void note(void *arg, unsigned fd)
{
	struct internal_mark *m = arg;

	m->seen[fd / 64] |= UINT64_C(1) << (fd % 64);
}

void internal_begin(struct internal_mark *m)
{
	memset(m, 0, sizeof(*m));
	each_open(note, m);
}

struct internal_new {
	const struct internal_mark *before;
};

static void claim(void *arg, unsigned fd)
{
	const struct internal_new *n = arg;
	bool seen = n->before->seen[fd / 64] >> (fd % 64) & 1;

	if (seen || owner_of(&process.owners, (int)fd) != OWNER_NONE)
		return;
	if (owner_room(&process.owners, (int)fd) == 0)
		owner_set(&process.owners, (int)fd, OWNER_INTERNAL);
}

void internal_end(const struct internal_mark *m)
{
	struct internal_new n = {m};

	each_open(claim, &n);
}
