/* SPDX-License-Identifier: BSD-2-Clause */
/* See sysctl.h. */
#include "sysctl.h"

#include "tcp/sysctl.h"

#include <errno.h>
#include <string.h>

#define NAME_MAX_BYTES 64u

int sysctl_apply(struct stack *s, const char *assignment)
{
	const char *eq = strchr(assignment, '=');
	char name[NAME_MAX_BYTES];

	if (!eq)
		return -EINVAL;
	if ((size_t)(eq - assignment) >= sizeof(name))
		return -ENOENT;
	memcpy(name, assignment, (size_t)(eq - assignment));
	name[eq - assignment] = '\0';
	return tcp_sysctl_set(s, name, eq + 1);
}
