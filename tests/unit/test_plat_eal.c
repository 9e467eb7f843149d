/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The EAL's start: what it must leave alone (affinity, signals, files) and what it must survive
 * (other processes, an empty network namespace, nonsense). It starts once per process, so what
 * fails or runs several times does so in children, and the order of the tests matters.
 */
#include "plat/eal.h"

#include "base/compiler.h"
#include "plat/cpu.h"
#include "tmpname.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_lcore.h>
#include <rte_log.h>

#include <cmocka.h>

#define CHILDREN 4u
#define SKIPPED  77

struct log {
	unsigned lines;
	enum plat_log level;
	char last[300];
};

static void keep_line(void *ctx, enum plat_log level, const char *line)
{
	struct log *l = ctx;

	l->lines++;
	l->level = level;
	(void)snprintf(l->last, sizeof(l->last), "%s", line);
}

/* Run fn in a child; returns its exit status, or 128 when a signal ended it. */
static pid_t start_child(int (*fn)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fn());
	return pid;
}

static int wait_child(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Other programs use DPDK's directory as well: look at one of our own, which DPDK is told to use.
 */
static char runtime_dir[TMPNAME_LEN];

static unsigned count_runtime_entries(void)
{
	char path[sizeof(runtime_dir) + 8];
	DIR *d;
	unsigned n = 0;

	snprintf(path, sizeof(path), "%s/dpdk", runtime_dir);
	d = opendir(path);
	if (d == NULL)
		return 0;
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

/* ---- in children ---- */

static int start_with_nonsense(void)
{
	static const char *const args[] = {"--no-such-option", NULL};
	static struct log log;
	struct plat_eal_conf conf = {
		.huge = PLAT_HUGE_NEVER,
		.extra_args = args,
		.log = keep_line,
		.log_ctx = &log,
	};
	char err[200] = "";
	int null = open("/dev/null", O_WRONLY);
	int r;

	(void)dup2(null, STDOUT_FILENO); /* the EAL prints its usage */
	(void)dup2(null, STDERR_FILENO);
	r = plat_eal_init(&conf, err, sizeof(err));
	if (r >= 0 || strncmp(err, "cannot start DPDK: ", 19) != 0 || strchr(err, '\n') != NULL)
		return 1;
	if (plat_eal_up() || plat_eal_private_memory())
		return 2;
	/* The second call says the same. */
	err[0] = '\0';
	return plat_eal_init(NULL, err, sizeof(err)) == r && err[0] != '\0' ? 0 : 3;
}

static int start_with_too_many_args(void)
{
	static const char *args[100];
	struct plat_eal_conf conf = {.huge = PLAT_HUGE_NEVER, .extra_args = args};
	char err[200] = "";

	for (size_t i = 0; i < ARRAY_LEN(args) - 1; i++)
		args[i] = "--no-hpet";
	return plat_eal_init(&conf, err, sizeof(err)) == -E2BIG && err[0] != '\0' ? 0 : 1;
}

static int start_plain(void)
{
	struct plat_eal_conf conf = {.huge = PLAT_HUGE_NEVER};
	char err[200];

	return plat_eal_init(&conf, err, sizeof(err)) == 0 ? 0 : 1;
}

static int start_shared(void)
{
	struct plat_eal_conf conf = {.huge = PLAT_HUGE_NEVER, .share_memory = true, .mem_mb = 64};
	char err[200];

	return plat_eal_init(&conf, err, sizeof(err)) == 0 && !plat_eal_private_memory() ? 0 : 1;
}

/* However many huge pages there are: nobody but us needs the memory. */
static int start_auto(void)
{
	struct plat_eal_conf conf = {.huge = PLAT_HUGE_AUTO, .mem_mb = 1};
	char err[200];

	if (plat_eal_init(&conf, err, sizeof(err)) < 0)
		return 1;
	return plat_eal_private_memory() && plat_eal_may_huge() ? 0 : 2;
}

static int start_pinned(void)
{
	unsigned cpus[2];
	cpu_set_t set;
	int n = plat_cpu_allowed(cpus, 2);

	if (n < 2)
		return SKIPPED;
	if (plat_cpu_pin(cpus[1]) < 0 || start_plain() != 0)
		return 1;
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 2;
	return CPU_COUNT(&set) == 1 && CPU_ISSET(cpus[1], &set) ? 0 : 3;
}

static int start_in_new_netns(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		return SKIPPED;
	return start_plain();
}

static void run_or_skip(int (*fn)(void))
{
	int r = wait_child(start_child(fn));

	if (r == SKIPPED)
		skip();
	assert_int_equal(r, 0);
}

static void test_bad_option(void **state)
{
	(void)state;
	run_or_skip(start_with_nonsense);
}

static void test_too_many_options(void **state)
{
	(void)state;
	run_or_skip(start_with_too_many_args);
}

static void test_pinned_caller_stays(void **state)
{
	(void)state;
	run_or_skip(start_pinned);
}

static void test_new_netns(void **state)
{
	(void)state;
	run_or_skip(start_in_new_netns);
}

static void test_share_memory(void **state)
{
	(void)state;
	run_or_skip(start_shared);
}

static void test_auto(void **state)
{
	(void)state;
	run_or_skip(start_auto);
}

/* Each takes away its own folder, none the one that all make theirs in. */
static void test_several_processes(void **state)
{
	char common[sizeof(runtime_dir) + 8];
	pid_t pid[CHILDREN];

	(void)state;
	for (unsigned i = 0; i < CHILDREN; i++)
		pid[i] = start_child(start_plain);
	for (unsigned i = 0; i < CHILDREN; i++)
		assert_int_equal(wait_child(pid[i]), 0);
	assert_int_equal(count_runtime_entries(), 0);
	(void)snprintf(common, sizeof(common), "%s/dpdk", runtime_dir);
	assert_int_equal(access(common, F_OK), 0);
}

/* ---- in this process ---- */

static void get_handlers(struct sigaction *out)
{
	memset(out, 0, NSIG * sizeof(*out));
	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, NULL, &out[sig]);
}

static void check_handlers(const struct sigaction *old)
{
	struct sigaction now[NSIG];

	get_handlers(now);
	for (int sig = 1; sig < NSIG; sig++) {
		assert_ptr_equal(now[sig].sa_handler, old[sig].sa_handler);
		assert_int_equal(now[sig].sa_flags, old[sig].sa_flags);
	}
}

/* Every thread but this one must block SIGINT and SIGTERM. Returns how many there are. */
static unsigned check_other_threads(void)
{
	const uint64_t want = 1u << (SIGINT - 1) | 1u << (SIGTERM - 1);
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		char path[300], line[200];
		FILE *f;

		if (e->d_name[0] == '.' || atoi(e->d_name) == getpid())
			continue;
		(void)snprintf(path, sizeof(path), "/proc/self/task/%s/status", e->d_name);
		f = fopen(path, "r");
		assert_non_null(f);
		while (fgets(line, sizeof(line), f) != NULL)
			if (strncmp(line, "SigBlk:", 7) == 0)
				assert_int_equal(strtoull(line + 7, NULL, 16) & want, want);
		(void)fclose(f);
		n++;
	}
	(void)closedir(d);
	return n;
}

static struct log kept;

static void test_start(void **state)
{
	struct plat_eal_conf conf = {
		.huge = PLAT_HUGE_NEVER,
		.log = keep_line,
		.log_ctx = &kept,
		.log_level = PLAT_LOG_INFO,
	};
	struct sigaction handlers[NSIG];
	sigset_t mask, mask_after;
	cpu_set_t cpus, cpus_after;
	char err[200];

	(void)state;
	assert_false(plat_eal_up());
	get_handlers(handlers);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
	assert_int_equal(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	assert_int_equal(plat_eal_init(&conf, err, sizeof(err)), 0);
	assert_true(plat_eal_up());
	assert_true(plat_eal_private_memory());
	assert_false(plat_eal_may_huge());
	check_handlers(handlers);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask_after), 0);
	for (int sig = 1; sig < NSIG; sig++)
		assert_int_equal(sigismember(&mask, sig), sigismember(&mask_after, sig));
	assert_int_equal(sched_getaffinity(0, sizeof(cpus_after), &cpus_after), 0);
	assert_true(CPU_EQUAL(&cpus, &cpus_after));
	assert_true(check_other_threads() >= 1);
	assert_int_equal(count_runtime_entries(), 0);
	assert_true(kept.lines > 0);
	assert_int_equal(kept.level, PLAT_LOG_INFO);
}

static void test_start_again(void **state)
{
	char err[8] = "same";

	(void)state;
	assert_int_equal(plat_eal_init(NULL, err, sizeof(err)), 0);
	assert_string_equal(err, "same");
}

static void test_log(void **state)
{
	char longer[600];

	(void)state;
	kept = (struct log){0};
	RTE_LOG(WARNING, USER1, "one %d\n", 1);
	assert_int_equal(kept.lines, 1);
	assert_string_equal(kept.last, "USER1: one 1");
	assert_int_equal(kept.level, PLAT_LOG_WARNING);
	RTE_LOG(DEBUG, USER1, "not at this level\n");
	assert_int_equal(kept.lines, 1);
	RTE_LOG(ERR, USER1, "in two ");
	assert_int_equal(kept.lines, 1);
	rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "pieces\n\nand two lines\n");
	assert_int_equal(kept.lines, 3);
	assert_string_equal(kept.last, "and two lines");
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 2] = '\n';
	longer[sizeof(longer) - 1] = '\0';
	rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "%s", longer);
	assert_int_equal(kept.lines, 4);
	assert_int_equal(strspn(kept.last, "x"), strlen(kept.last));
	assert_true(strlen(kept.last) > 200);
}

static void *register_thread(void *arg)
{
	int *r = arg;

	r[0] = rte_lcore_id() == LCORE_ID_ANY ? 0 : -1;
	r[1] = plat_thread_register();
	r[2] = plat_thread_register();
	r[3] = (int)rte_lcore_id();
	plat_thread_unregister();
	r[4] = rte_lcore_id() == LCORE_ID_ANY ? 0 : -1;
	return NULL;
}

static void test_thread_register(void **state)
{
	pthread_t t;
	int r[5];

	(void)state;
	assert_int_equal(rte_lcore_id(), 0);
	assert_int_equal(plat_thread_register(), 0);
	assert_int_equal(pthread_create(&t, NULL, register_thread, r), 0);
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_int_equal(r[0] | r[1] | r[2] | r[4], 0);
	assert_true(r[3] > 0 && r[3] < RTE_MAX_LCORE);
}

int main(void)
{
	char common[sizeof(runtime_dir) + 8];
	int rc;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_option),          cmocka_unit_test(test_too_many_options),
		cmocka_unit_test(test_pinned_caller_stays), cmocka_unit_test(test_new_netns),
		cmocka_unit_test(test_share_memory),        cmocka_unit_test(test_auto),
		cmocka_unit_test(test_several_processes),   cmocka_unit_test(test_start),
		cmocka_unit_test(test_start_again),         cmocka_unit_test(test_log),
		cmocka_unit_test(test_thread_register),
	};

	tmpname(runtime_dir, sizeof(runtime_dir));
	if (!mkdtemp(runtime_dir) || setenv("RUNTIME_DIRECTORY", runtime_dir, 1) < 0)
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	/* Empty, unless a test failed. */
	(void)snprintf(common, sizeof(common), "%s/dpdk", runtime_dir);
	(void)rmdir(common);
	(void)rmdir(runtime_dir);
	return rc;
}
