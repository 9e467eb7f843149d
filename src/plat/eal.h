/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start of DPDK's environment layer, once per process, with or without huge pages, without root
 * where no device needs it. It leaves no file behind (an empty /run/dpdk at most), blocks every
 * signal in the threads that it starts, and leaves the calling thread on the processors where it
 * was.
 */
#ifndef LEAT_PLAT_EAL_H
#define LEAT_PLAT_EAL_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum plat_huge {
	PLAT_HUGE_AUTO,   /* huge pages as far as they are free */
	PLAT_HUGE_NEVER,  /* tests: ordinary memory, asks the kernel for transparent huge pages */
	PLAT_HUGE_ALWAYS, /* all memory is the EAL's, in huge pages; or it does not start */
};

/* Levels of a log line, as in syslog(3). */
enum plat_log {
	PLAT_LOG_ERROR = 3,
	PLAT_LOG_WARNING = 4,
	PLAT_LOG_NOTICE = 5,
	PLAT_LOG_INFO = 6,
	PLAT_LOG_DEBUG = 7,
};

struct plat_eal_conf {
	enum plat_huge huge;
	uint32_t mem_mb;   /* memory for pools and tables; 0: PLAT_EAL_MEM_MB */
	bool pci;          /* look for PCI devices; pools then lie where devices can reach them */
	bool share_memory; /* vhost-user and virtio-user: the other process maps our pools */
	const char *const *extra_args; /* further EAL options, ended by NULL; may be NULL */
	enum plat_log log_level;       /* 0: PLAT_LOG_WARNING */
	/* One line of DPDK's log, without newline; any thread. NULL: to stderr. */
	void (*log)(void *ctx, enum plat_log level, const char *line);
	void *log_ctx;
};

#define PLAT_EAL_MEM_MB 512u

/*
 * Start the EAL. Later calls, from any thread and with whatever conf, return what the first one
 * returned: the EAL cannot be started twice. conf may be NULL for the defaults; log and log_ctx
 * must stay valid. On failure returns -errno and one line in err. The calling thread is
 * registered with DPDK by this; other threads that run a worker call plat_thread_register().
 */
NODISCARD int plat_eal_init(const struct plat_eal_conf *conf, char *err, size_t err_size);

/* Has plat_eal_init() succeeded? */
bool plat_eal_up(void);

/* Should large memory come from plat_mem_map() (mem.h) rather than from the EAL? So when nobody
 * else must reach it. */
bool plat_eal_private_memory(void);
/* May plat_mem_map() take pages from the reserved huge ones? */
bool plat_eal_may_huge(void);

/* Give the calling thread a DPDK identity; harmless when it has one. -ENOMEM: too many threads. */
NODISCARD int plat_thread_register(void);
void plat_thread_unregister(void);

#endif
