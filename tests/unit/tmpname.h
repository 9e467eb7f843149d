/* SPDX-License-Identifier: BSD-2-Clause */
/* Names for temporary files of tests, where TMPDIR says. */
#ifndef TESTS_UNIT_TMPNAME_H
#define TESTS_UNIT_TMPNAME_H

#include <stdio.h>
#include <stdlib.h>

#define TMPNAME_LEN 80u

/* A template for mkstemp(3) or mkdtemp(3). */
static inline void tmpname(char *buf, size_t size)
{
	const char *dir = getenv("TMPDIR");

	(void)snprintf(buf, size, "%s/leat-ut-XXXXXX", dir && dir[0] ? dir : "/tmp");
}

#endif
