/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What differs between the kernel's sockets and Leat's, and nothing else: bringing up ports,
 * addresses, routes and interception rules, and what the stack has to say at the end. One
 * implementation is linked per program. All calls come from the main thread.
 */
#ifndef PROXY_PLATFORM_H
#define PROXY_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "log.h"
#include "stats.h"

/* The program's name, and one line for --help. */
extern const char platform_program[];
extern const char platform_about[];

/* The platform's part of the configuration: its own keys, read by the same reader. NULL: out of
 * memory. */
struct platform_conf *platform_conf_create(void);
void platform_conf_destroy(struct platform_conf *conf);
void platform_conf_table(struct platform_conf *conf, struct conf_table *table);
int platform_conf_check(const struct config *config, char *error, size_t len);

/* Before the first socket. Returns 0, or -1 after a line in the log. */
int platform_init(const struct config *config, const struct log *log);

/* Connections to intercept go to this listening socket from now on. Returns 0, or -1 after a line.
 */
int platform_intercept(const struct config *config, const struct log *log, int fd,
		       const union addr *local);

/*
 * The client of a connection may not have been answered yet (connect_first): now it is. Or never:
 * there is nobody at the server's address. Closing the socket instead is a refusal.
 */
void platform_answer(int fd);
void platform_be_silent(int fd);

/* How many sockets the platform has, beside what descriptors allow. */
uint64_t platform_sockets(const struct config *config);

/*
 * The last connection was closed: let the stack work for a moment on what closed ones still have to
 * deliver. Returns false when nothing is left.
 */
bool platform_settle(void);

/* What the stack counted, for a report. */
void platform_stats(struct stats_report *report);

/* Returns 0, or -1 after a line when something was not given back. */
int platform_fini(const struct log *log);

#endif
