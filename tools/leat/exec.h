/* SPDX-License-Identifier: BSD-2-Clause */
/* leat exec: start a program with the library that turns its sockets into Leat's. */
#ifndef LEAT_TOOL_EXEC_H
#define LEAT_TOOL_EXEC_H

/* Returns only when the program was not started: 0 after --help, 2 for wrong usage, 126, 127. */
int exec_main(int argc, char **argv);

#endif
