/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration file of leat exec: the keys of a stack, as leat-proxy has them, and its own. */
#ifndef LEAT_TOOL_EXEC_CONF_H
#define LEAT_TOOL_EXEC_CONF_H

#include "statements.h"

/* Read a file into statements. 0, or -1 with one line in error. */
int exec_conf_read(const char *path, struct statements *s, char *error, size_t len);

/* The table of the keys that are leat exec's own, for --help. */
void exec_conf_help(FILE *out);

#endif
