/* SPDX-License-Identifier: BSD-2-Clause */
/* Bringing the stack up in this process, and what fork and exit do to it. */
#ifndef LEAT_PRELOAD_ATTACH_H
#define LEAT_PRELOAD_ATTACH_H

#include <stdbool.h>

/* The stack is there, or is brought up now, with the calling thread as its worker. False: this
 * process has none and will have none; said on stderr the first time. Keeps errno. */
bool attach(void);
/* Before the process ends: closes what is Leat's and lets it deliver what it holds, within limits.
 * Only the worker can. */
void attach_leave(void);

#endif
