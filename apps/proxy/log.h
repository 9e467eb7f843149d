/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log lines on one stream, one line each, "leat-proxy: level: text". Nothing is logged per packet,
 * and per connection only at level debug.
 */
#ifndef PROXY_LOG_H
#define PROXY_LOG_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log {
	FILE *out;
	const char *program;
	enum log_level level;
};

/* A message that may repeat: at most one line a second, the suppressed ones are counted in the
 * next. */
struct log_limit {
	uint64_t next_ns;
	uint64_t suppressed;
};

void log_msg(const struct log *log, enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void log_limited(const struct log *log, struct log_limit *limit, uint64_t now_ns, const char *fmt,
		 ...) __attribute__((format(printf, 4, 5)));

#endif
