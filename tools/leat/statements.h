/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The environment variable LEAT_PRELOAD being written: statements between ';', words between
 * blanks. What it may say stands in src/preload/config.h and leat-exec(1).
 */
#ifndef LEAT_TOOL_STATEMENTS_H
#define LEAT_TOOL_STATEMENTS_H

#include <stdarg.h>
#include <stdio.h>

struct statements {
	FILE *out;
	char *text;
	size_t len;
	const char *bad; /* a word that cannot be written, or NULL */
};

/* 0, or -1 without memory. */
int statements_init(struct statements *s);
/* The words up to NULL make one statement. A word with a blank or ';' in it is bad. */
void statements_add(struct statements *s, const char *word, ...) __attribute__((sentinel));
/* The whole text; s owns it. NULL without memory. */
const char *statements_text(struct statements *s);
void statements_fini(struct statements *s);

#endif
