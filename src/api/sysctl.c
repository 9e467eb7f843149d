/* SPDX-License-Identifier: BSD-2-Clause */
/* sysctl.h: argument checks and errno; the table is TCP's. */
#include "api/current.h"

#include "tcp/sysctl.h"

#include <errno.h>
#include <leat/sysctl.h>
#include <stdio.h>

static_assert(TCP_SYSCTL_TEXT_MAX <= LEAT_SYSCTL_MAX, "a value fits");

static int fail(int err, const char *why, const char *name)
{
	(void)snprintf(current.err, sizeof(current.err), "%s%s%s", name ? name : "",
		       name ? ": " : "", why);
	errno = err;
	return -1;
}

static int check(bool args)
{
	if (!args)
		return fail(EINVAL, "an argument is NULL", NULL);
	if (!current.stack)
		return fail(ENOTCONN, "this thread has no stack: call leat_init() first", NULL);
	return 0;
}

static int result(int rc, const char *name)
{
	if (rc >= 0)
		return 0;
	if (rc == -ENOENT)
		return fail(ENOENT, "there is no such setting", name);
	if (rc == -EPERM)
		return fail(EPERM, "can only be read", name);
	if (rc == -ERANGE)
		return fail(ERANGE, "the value does not fit", name);
	return fail(-rc, "the value is none that is allowed", name);
}

int leat_sysctl_get(const char *name, char *text, size_t size)
{
	if (check(name && text) < 0)
		return -1;
	return result(tcp_sysctl_get(current.stack, name, text, size), name);
}

int leat_sysctl_set(const char *name, const char *text)
{
	if (check(name && text) < 0)
		return -1;
	return result(tcp_sysctl_set(current.stack, name, text), name);
}

int leat_sysctl_each(void (*fn)(void *ctx, const char *name, const char *meaning), void *ctx)
{
	if (check(fn != NULL) < 0)
		return -1;
	tcp_sysctl_each(fn, ctx);
	return 0;
}
