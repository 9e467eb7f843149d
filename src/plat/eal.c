/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rte_eal_init() and the precautions around it. Called at start-up, from any thread.
 *
 * The one static variable mirrors what is one per process by DPDK's own design: the EAL and its
 * log stream.
 */
#include "plat/eal.h"

#include "plat/cpu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>

#define ARGS_MAX   64u
#define LOG_LINE   256u
#define HUGE_DIR   "/sys/kernel/mm/hugepages"
#define HUGE_ENTRY "hugepages-%ukB"

/*
 * Without huge pages the EAL maps all its memory at the start and keeps 48 bytes for every 4 KB of
 * it; when the packet pools lie elsewhere, this much does for the rest.
 */
#define PRIVATE_EAL_MB 128u

/* The EAL keeps pointers to its arguments, so they live as long as the process. */
struct args {
	char *argv[ARGS_MAX];
	unsigned argc;
	char lcores[8u + 5u * PLAT_CPU_MAX]; /* "0@(" and four digits and a comma for each */
	char mem[16];
	char prefix[48];
};

static struct {
	pthread_mutex_t lock;
	bool tried;
	bool up;
	bool private_memory;
	int error;
	struct plat_eal_conf conf;
	struct args *args;
	/* The stream's own lock guards what follows. */
	FILE *log;
	char line[LOG_LINE];
	size_t line_len;
	char last_error[LOG_LINE];
} eal = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- log ---- */

static void log_to_stderr(void *ctx, enum plat_log level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)fprintf(stderr, "%s\n", line);
}

static void end_line(void)
{
	int level = rte_log_cur_msg_loglevel() - 1; /* DPDK counts from 1, syslog from 0 */

	eal.line[eal.line_len] = '\0';
	eal.line_len = 0;
	if (eal.line[0] == '\0')
		return;
	if (level <= PLAT_LOG_ERROR) {
		(void)snprintf(eal.last_error, sizeof(eal.last_error), "%s", eal.line);
		level = PLAT_LOG_ERROR;
	}
	eal.conf.log(eal.conf.log_ctx, (enum plat_log)level, eal.line);
}

/* Called by stdio with the stream locked. A line may come in pieces; an overlong one is cut. */
static ssize_t write_log(void *cookie, const char *buf, size_t len)
{
	(void)cookie;
	for (size_t i = 0; i < len; i++) {
		if (buf[i] == '\n')
			end_line();
		else if (eal.line_len < LOG_LINE - 1)
			eal.line[eal.line_len++] = buf[i];
	}
	return (ssize_t)len;
}

static int open_log(void)
{
	const cookie_io_functions_t io = {.write = write_log};

	eal.log = fopencookie(NULL, "w", io);
	if (eal.log == NULL)
		return -ENOMEM;
	(void)rte_openlog_stream(eal.log);
	rte_log_set_global_level((uint32_t)eal.conf.log_level + 1);
	return 0;
}

/* ---- memory ---- */

/* Free huge pages of one size (the name of its folder), in MB. */
static uint64_t free_huge_mb(const char *folder)
{
	char path[300];
	unsigned long long pages = 0;
	unsigned page_kb;
	FILE *f;

	if (sscanf(folder, HUGE_ENTRY, &page_kb) != 1)
		return 0;
	(void)snprintf(path, sizeof(path), HUGE_DIR "/%s/free_hugepages", folder);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%llu", &pages) != 1)
		pages = 0;
	(void)fclose(f);
	return pages * page_kb / 1024;
}

static bool enough_huge(uint32_t mem_mb)
{
	DIR *d = opendir(HUGE_DIR);
	struct dirent *e;
	uint64_t mb = 0;

	if (d == NULL)
		return false;
	while ((e = readdir(d)) != NULL)
		mb += free_huge_mb(e->d_name);
	(void)closedir(d);
	return mb >= mem_mb;
}

/* Must what large memory there is be the EAL's own? */
static bool eal_owns_memory(const struct plat_eal_conf *conf)
{
	return conf->pci || conf->share_memory;
}

/*
 * The EAL takes its huge pages in one go and does not start when another process was quicker: so
 * it gets none where plat_mem_map() does as well, which finds out for each mapping.
 */
static bool use_huge(const struct plat_eal_conf *conf)
{
	switch (conf->huge) {
	case PLAT_HUGE_AUTO:
		return eal_owns_memory(conf) && enough_huge(conf->mem_mb);
	case PLAT_HUGE_NEVER:
		return false;
	case PLAT_HUGE_ALWAYS:
		return true;
	}
	UNREACHABLE();
}

/* ---- arguments ---- */

/* Copies the pointer; room for the closing NULL stays. */
static int add_arg(struct args *a, char *arg)
{
	if (arg == NULL)
		return -ENOMEM;
	if (a->argc >= ARGS_MAX - 1)
		return -E2BIG;
	a->argv[a->argc++] = arg;
	return 0;
}

static int add_const_arg(struct args *a, const char *arg)
{
	char *copy = strdup(arg);
	int r = add_arg(a, copy);

	if (r < 0)
		free(copy);
	return r;
}

/*
 * One lcore that floats over all processors of the calling thread. By default the EAL starts a
 * thread on every processor and pins the caller to the first.
 */
static int format_lcores(struct args *a)
{
	unsigned cpus[PLAT_CPU_MAX];
	int n = plat_cpu_allowed(cpus, PLAT_CPU_MAX);
	size_t len;

	if (n < 0)
		return n;
	len = (size_t)snprintf(a->lcores, sizeof(a->lcores), "0@(");
	for (int i = 0; i < n; i++)
		len += (size_t)snprintf(a->lcores + len, sizeof(a->lcores) - len, "%s%u",
					i == 0 ? "" : ",", cpus[i]);
	(void)snprintf(a->lcores + len, sizeof(a->lcores) - len, ")");
	return 0;
}

static int add_memory_args(struct args *a, bool huge)
{
	uint32_t mb = eal.private_memory ? PRIVATE_EAL_MB : eal.conf.mem_mb;
	int r;

	/* Huge pages are taken from unnamed files, when needed; the rest is mapped now. */
	if (huge)
		return add_const_arg(a, "--in-memory");
	(void)snprintf(a->mem, sizeof(a->mem), "%u", mb);
	r = add_const_arg(a, "--no-huge");
	if (r == 0)
		r = add_const_arg(a, "--no-shconf");
	if (r == 0)
		r = add_const_arg(a, "-m");
	return r == 0 ? add_arg(a, a->mem) : r;
}

static int add_device_args(struct args *a)
{
	/* Only a real device can need physical addresses. */
	int r = eal.conf.pci ? 0 : add_const_arg(a, "--no-pci");

	if (r == 0 && !eal.conf.pci)
		r = add_const_arg(a, "--iova-mode=va");
	for (const char *const *p = eal.conf.extra_args; r == 0 && p != NULL && *p != NULL; p++)
		r = add_const_arg(a, *p);
	return r;
}

static int build_args(struct args *a, bool huge)
{
	int r = format_lcores(a);

	(void)snprintf(a->prefix, sizeof(a->prefix), "--file-prefix=leat-%ld", (long)getpid());
	if (r == 0)
		r = add_const_arg(a, "leat");
	if (r == 0)
		r = add_const_arg(a, "--no-telemetry");
	if (r == 0)
		r = add_arg(a, a->prefix);
	if (r == 0)
		r = add_const_arg(a, "--lcores");
	if (r == 0)
		r = add_arg(a, a->lcores);
	if (r == 0)
		r = add_memory_args(a, huge);
	return r == 0 ? add_device_args(a) : r;
}

/* ---- start ---- */

/*
 * The EAL makes its folder even when it fails or puts nothing there; rmdir() spares one in use. The
 * one above, common to all, stays: another process may be between making it and making its own.
 */
static void remove_runtime_dir(void)
{
	const char *dir = rte_eal_get_runtime_dir();

	if (dir[0] != '\0')
		(void)rmdir(dir);
}

/*
 * The EAL's own threads inherit the signal mask: with all blocked, every signal reaches a thread
 * of the program as if the EAL were not there.
 */
static int call_eal(const struct args *a)
{
	char *argv[ARGS_MAX]; /* rte_eal_init() writes to it */
	sigset_t all, old;
	int r;

	memcpy(argv, a->argv, sizeof(argv));
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = rte_eal_init((int)a->argc, argv);
	if (r < 0)
		r = rte_errno > 0 ? -rte_errno : -EIO;
	/* Before a signal that came meanwhile can end the program. */
	remove_runtime_dir();
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r < 0 ? r : 0;
}

static int start(const struct plat_eal_conf *conf)
{
	bool huge;
	int r;

	if (conf != NULL)
		eal.conf = *conf;
	if (eal.conf.mem_mb == 0)
		eal.conf.mem_mb = PLAT_EAL_MEM_MB;
	if (eal.conf.log_level == 0)
		eal.conf.log_level = PLAT_LOG_WARNING;
	if (eal.conf.log == NULL)
		eal.conf.log = log_to_stderr;
	huge = use_huge(&eal.conf);
	eal.private_memory = !huge && !eal_owns_memory(&eal.conf);
	eal.args = calloc(1, sizeof(*eal.args));
	if (eal.args == NULL)
		return -ENOMEM;
	r = build_args(eal.args, huge);
	if (r == 0)
		r = open_log();
	if (r == 0)
		r = call_eal(eal.args);
	return r;
}

static void explain_error(char *err, size_t err_size)
{
	char text[LOG_LINE] = "";

	if (eal.log != NULL) {
		flockfile(eal.log);
		memcpy(text, eal.last_error, sizeof(text));
		funlockfile(eal.log);
	}
	(void)snprintf(err, err_size, "cannot start DPDK: %s",
		       text[0] != '\0' ? text : strerror(-eal.error));
}

int plat_eal_init(const struct plat_eal_conf *conf, char *err, size_t err_size)
{
	int r;

	(void)pthread_mutex_lock(&eal.lock);
	if (!eal.tried) {
		eal.tried = true;
		eal.error = start(conf);
		__atomic_store_n(&eal.up, eal.error == 0, __ATOMIC_RELEASE);
	}
	r = eal.error;
	if (r < 0)
		explain_error(err, err_size);
	(void)pthread_mutex_unlock(&eal.lock);
	return r;
}

bool plat_eal_up(void)
{
	return __atomic_load_n(&eal.up, __ATOMIC_ACQUIRE);
}

bool plat_eal_private_memory(void)
{
	return plat_eal_up() && eal.private_memory;
}

bool plat_eal_may_huge(void)
{
	return plat_eal_up() && eal.conf.huge != PLAT_HUGE_NEVER;
}

int plat_thread_register(void)
{
	if (rte_lcore_id() != LCORE_ID_ANY)
		return 0;
	return rte_thread_register() < 0 ? -rte_errno : 0;
}

void plat_thread_unregister(void)
{
	/* Refuses by itself for a thread that the EAL started. */
	rte_thread_unregister();
}
