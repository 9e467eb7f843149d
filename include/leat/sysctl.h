/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysctl.h: settings of the thread's stack by Linux's names ("tcp_rmem", "net.ipv4.tcp_rmem"), as
 * text. See leat_sysctl(3) for the list.
 */
#ifndef LEAT_SYSCTL_H
#define LEAT_SYSCTL_H

#include <leat/leat.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Longest value and the zero behind it. */
#define LEAT_SYSCTL_MAX 64

/*
 * The value of name into text, of size bytes: numbers in decimal, several separated by tabs.
 * ENOENT (no such name), ERANGE (text is too small), EINVAL (NULL), ENOTCONN (no stack).
 */
LEAT_API int leat_sysctl_get(const char *name, char *text, size_t size);
/*
 * Change it, for connections that begin from now on; what is used while a connection runs, such as
 * the numbers of retries, changes for all. ENOENT, EINVAL (no number, out of range, or NULL), EPERM
 * (read only), ENOTCONN.
 */
LEAT_API int leat_sysctl_set(const char *name, const char *text);
/* Call fn for each name with one line of what it means. ENOTCONN, EINVAL. */
LEAT_API int leat_sysctl_each(void (*fn)(void *ctx, const char *name, const char *meaning),
			      void *ctx);

#ifdef __cplusplus
}
#endif

#endif
