/* SPDX-License-Identifier: BSD-2-Clause */
/* The report. A JSON report is one object on one line, so that a reader of a log can pick it out.
 */
#include "stats.h"

#include <inttypes.h>
#include <sys/resource.h>

#include "platform.h"

static void write_name(struct stats_report *report, const char *name)
{
	fprintf(report->out, "%s\"%s\": ", report->any ? ", " : "{", name);
	report->any = true;
}

void stats_value(struct stats_report *report, const char *name, const char *text, uint64_t value)
{
	if (report->json) {
		write_name(report, name);
		fprintf(report->out, "%" PRIu64, value);
	} else {
		fprintf(report->out, "%20" PRIu64 "  %s\n", value, text);
	}
}

void stats_detail(struct stats_report *report, const char *name, const char *text, uint64_t value)
{
	if (report->json)
		stats_value(report, name, text, value);
	else if (value != 0)
		fprintf(report->out, "%20" PRIu64 "  %s: %s\n", value, name, text);
}

void stats_ratio(struct stats_report *report, const char *name, const char *text, double value)
{
	if (report->json) {
		write_name(report, name);
		fprintf(report->out, "%.6f", value);
	} else {
		fprintf(report->out, "%20.3f  %s\n", value, text);
	}
}

static double seconds(const struct timeval *tv)
{
	return (double)tv->tv_sec + (double)tv->tv_usec / 1e6;
}

static void report_time(struct stats_report *report, uint64_t run_ns)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	stats_ratio(report, "seconds", "seconds since the start", (double)run_ns / 1e9);
	stats_ratio(report, "cpu_user_seconds", "seconds of processor time, user",
		    seconds(&usage.ru_utime));
	stats_ratio(report, "cpu_system_seconds", "seconds of processor time, system",
		    seconds(&usage.ru_stime));
}

void stats_print(const struct stats *stats, FILE *out, bool json, uint64_t now_ns)
{
	struct stats_report report = {.out = out, .json = json};

	report_time(&report, now_ns - stats->start_ns);
	stats_value(&report, "open", "connections open", stats->open);
	stats_value(&report, "open_peak", "connections open at the peak", stats->open_peak);
	stats_value(&report, "handled_v4", "connections over IPv4", stats->handled[0]);
	stats_value(&report, "handled_v6", "connections over IPv6", stats->handled[1]);
#define STATS_ROW(name, text) stats_value(&report, #name, text, stats->name);
	STATS_COUNTERS(STATS_ROW)
#undef STATS_ROW
	stats_value(&report, "bytes_up_v4", "bytes to servers over IPv4", stats->bytes[0][0]);
	stats_value(&report, "bytes_down_v4", "bytes to clients over IPv4", stats->bytes[0][1]);
	stats_value(&report, "bytes_up_v6", "bytes to servers over IPv6", stats->bytes[1][0]);
	stats_value(&report, "bytes_down_v6", "bytes to clients over IPv6", stats->bytes[1][1]);
	stats_value(&report, "buffers", "buffers in use", stats->buffers);
	stats_value(&report, "buffers_peak", "buffers in use at the peak", stats->buffers_peak);
	platform_stats(&report);
	if (json)
		fputs("}\n", out);
	fflush(out);
}
