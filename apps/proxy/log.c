/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines. The stream is line-buffered, so that a reader sees each line whole and at once. */
#include "log.h"

static const char *const level_names[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warning",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

__attribute__((format(printf, 3, 0))) static void write_line(const struct log *log,
							     enum log_level level, const char *fmt,
							     va_list ap, uint64_t suppressed)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (suppressed > 0)
		fprintf(log->out, "%s: %s: %s (and %llu more since)\n", log->program,
			level_names[level], text, (unsigned long long)suppressed);
	else
		fprintf(log->out, "%s: %s: %s\n", log->program, level_names[level], text);
}

void log_msg(const struct log *log, enum log_level level, const char *fmt, ...)
{
	va_list ap;

	if (level > log->level)
		return;
	va_start(ap, fmt);
	write_line(log, level, fmt, ap, 0);
	va_end(ap);
}

void log_limited(const struct log *log, struct log_limit *limit, uint64_t now_ns, const char *fmt,
		 ...)
{
	va_list ap;

	if (log->level < LOG_WARN)
		return;
	if (now_ns < limit->next_ns) {
		limit->suppressed++;
		return;
	}
	va_start(ap, fmt);
	write_line(log, LOG_WARN, fmt, ap, limit->suppressed);
	va_end(ap);
	limit->suppressed = 0;
	limit->next_ns = now_ns + 1000000000u;
}
