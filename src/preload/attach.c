/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One stack for each process, brought up by the first thread that needs it. A port serves one
 * process at a time: whoever has it holds an abstract UNIX name of the network namespace, which the
 * kernel takes back when the process ends, however it does.
 */
#include "preload/attach.h"

#include "preload/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* Numbers left to the program, at most half of what it may have. */
#define LOW_NUMBERS 512
/* A port that another process has is waited for. */
#define PORT_WAIT_NS UINT64_C(3000000000)
#define PORT_STEP_NS 20000000
/* What closed connections still hold is sent for so long at most. */
#define LINGER_NS      UINT64_C(3000000000)
#define LINGER_STEP_NS 5000000

/* ---- ports ---- */

static int try_claim(const struct leat_port *port)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int n = snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "leat-port-%s", port->spec);
	size_t len = offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n;
	int fd;

	if (len > sizeof(un))
		len = sizeof(un);
	fd = real(socket)(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (real(bind)(fd, (struct sockaddr *)&un, (socklen_t)len) == 0)
		return fd;
	(void)real(close)(fd);
	return -1;
}

static uint64_t mono_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static void unclaim(void)
{
	for (unsigned i = 0; i < CONFIG_PORTS; i++) {
		if (preload.claim[i] == 0)
			continue;
		slot_drop(preload.claim[i] - 1);
		(void)real(close)(preload.claim[i] - 1);
		preload.claim[i] = 0;
	}
}

static bool claim_one(unsigned i)
{
	int fd = try_claim(&preload.config.ports[i]);

	if (fd < 0)
		return false;
	preload.claim[i] = fd + 1;
	slot_hide(fd);
	return true;
}

/* All ports, or with one-port-each the first free one. */
static int try_claim_ports(char *error, size_t len)
{
	const struct preload_config *c = &preload.config;

	for (unsigned i = 0; i < c->n_ports; i++) {
		bool mine = claim_one(i);

		if (mine && c->one_port_each) {
			preload.port_first = i;
			preload.port_count = 1;
			return 0;
		}
		if (!mine && !c->one_port_each) {
			(void)snprintf(error, len, "port %s: another process has it",
				       c->ports[i].name);
			return -1;
		}
	}
	if (c->one_port_each || c->n_ports == 0) {
		(void)snprintf(error, len, "%s",
			       c->n_ports ? "each port has its process already"
					  : "no port is configured");
		return -1;
	}
	preload.port_first = 0;
	preload.port_count = c->n_ports;
	return 0;
}

/* A server that is started anew, or whose worker is, meets the old one, which is about to end. */
static int claim_ports(char *error, size_t len)
{
	const struct timespec step = {.tv_nsec = PORT_STEP_NS};
	uint64_t end = mono_ns() + PORT_WAIT_NS;

	while (try_claim_ports(error, len) < 0) {
		unclaim();
		if (preload.config.n_ports == 0 || mono_ns() >= end)
			return -1;
		(void)real(clock_nanosleep)(CLOCK_MONOTONIC, 0, &step, NULL);
	}
	return 0;
}

static bool have_port(const char *name)
{
	for (unsigned i = 0; i < preload.port_count; i++)
		if (strcmp(preload.config.ports[preload.port_first + i].name, name) == 0)
			return true;
	return false;
}

/* ---- the stack ---- */

static int configure(void)
{
	const struct preload_config *c = &preload.config;

	for (unsigned i = 0; i < preload.port_count; i++)
		if (lib(port_add)(&c->ports[preload.port_first + i]) < 0)
			return -1;
	for (unsigned i = 0; i < c->n_addrs; i++)
		if (have_port(c->addrs[i].port) &&
		    lib(addr_add)(c->addrs[i].port, c->addrs[i].addr) < 0)
			return -1;
	for (unsigned i = 0; i < c->n_routes; i++) {
		const struct config_route *r = &c->routes[i];

		if (r->port && !have_port(r->port))
			continue;
		/* With one port each, a gateway may be another process's. */
		if (lib(route_add)(r->to, r->via, r->port) < 0 &&
		    !(c->one_port_each && errno == ENETUNREACH))
			return -1;
	}
	return 0;
}

/* "0000:03:00.0" or "03:00.0" */
static bool is_pci(const char *args)
{
	size_t n = strspn(args, "0123456789abcdefABCDEF");

	return n > 0 && args[n] == ':';
}

static void look_at_devices(struct leat_config *leat)
{
	for (unsigned i = 0; i < preload.port_count; i++) {
		const char *spec = preload.config.ports[preload.port_first + i].spec;

		if (strncmp(spec, "dpdk:", 5) != 0)
			continue;
		leat->pci |= is_pci(spec + 5);
		leat->share_memory |= strncmp(spec + 5, "net_vhost", 9) == 0 ||
				      strncmp(spec + 5, "net_virtio_user", 15) == 0;
	}
}

/*
 * Leat's own descriptors stay clear of the low numbers: programs replace 0 to 2, and some have a
 * table of a size that they reckon from the sockets they want. Returns how many placeholders there
 * are, for the caller to close.
 */
static unsigned hold_low_numbers(int held[LOW_NUMBERS])
{
	long half = sysconf(_SC_OPEN_MAX) / 2;
	int end = half > LOW_NUMBERS ? LOW_NUMBERS : (int)half;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	unsigned n = 0;

	while (fd >= 0 && fd < end) {
		held[n++] = fd;
		fd = real(fcntl)(fd, F_DUPFD_CLOEXEC, 0);
	}
	if (fd >= 0)
		(void)real(close)(fd);
	return n;
}

static int start(char *error, size_t len)
{
	struct leat_config *leat = &preload.config.leat;

	if (claim_ports(error, len) < 0 || lib_load(error, len) < 0)
		return -1;
	look_at_devices(leat);
	if (lib(init)(leat) == 0 && configure() == 0)
		return 0;
	(void)snprintf(error, len, "%s", lib(strerror)());
	return -1;
}

static void leave_at_exit(void)
{
	attach_leave();
}

static void refused(const char *why)
{
	say("leat: %s[%d]: %s; its sockets are the kernel's", program_invocation_short_name,
	    (int)getpid(), why);
	atomic_store(&preload.attach, ATTACH_REFUSED);
}

static void bring_up(void)
{
	char error[300] = "";
	int held[LOW_NUMBERS];
	unsigned n = hold_low_numbers(held);
	int rc;

	me.inside++;
	rc = start(error, sizeof(error));
	me.inside--;
	while (n > 0)
		(void)real(close)(held[--n]);
	if (rc < 0) {
		unclaim();
		say("leat: %s[%d]: %s; its sockets are the kernel's", program_invocation_short_name,
		    (int)getpid(), error);
		atomic_store(&preload.attach, ATTACH_REFUSED);
		return;
	}
	me.worker = true;
	atomic_store(&preload.attach, ATTACH_UP);
	(void)atexit(leave_at_exit);
	if (preload.config.verbose)
		say("leat: %s[%d]: attached, port %s", program_invocation_short_name, (int)getpid(),
		    preload.config.ports[preload.port_first].name);
}

bool attach(void)
{
	int saved = errno;

	slots_lock();
	switch (atomic_load(&preload.attach)) {
	case ATTACH_LATER:
		bring_up();
		break;
	case ATTACH_FORKED:
		refused("it was forked from a process that has a stack");
		break;
	}
	slots_unlock();
	errno = saved;
	return is_up();
}

/* ---- exit ---- */

/* Bytes that were written and not yet acknowledged, or not yet sent. */
static void count_unsent(void *ctx, const char *holder, uint32_t count, uint32_t oldest_ms)
{
	static const char *const holders[] = {"tcp-send", "tx", "tx-queue"};
	uint32_t *unsent = ctx;

	(void)oldest_ms;
	for (size_t i = 0; i < sizeof(holders) / sizeof(holders[0]); i++)
		if (strcmp(holder, holders[i]) == 0)
			*unsent += count;
}

static bool is_delivered(void)
{
	struct leat_buffers buffers;
	uint32_t unsent = 0;

	return lib(buffers_get)(&buffers, count_unsent, &unsent) < 0 || unsent == 0;
}

static void close_leats(void)
{
	long last = sysconf(_SC_OPEN_MAX);

	for (int fd = 0; fd < last; fd++)
		if (lib(fd_of)(fd) == LEAT_FD_LEAT)
			(void)lib(close)(fd);
}

void attach_leave(void)
{
	uint64_t end;

	if (!is_up() || !me.worker || me.inside > 0)
		return;
	me.inside++;
	close_leats();
	end = mono_ns() + LINGER_NS;
	do
		(void)lib(poll_once)(LINGER_STEP_NS);
	while (!is_delivered() && mono_ns() < end);
	me.inside--;
	atomic_store(&preload.attach, ATTACH_OFF);
}

/* ---- fork ---- */

static void before_fork(void)
{
	slots_lock();
}

static void after_fork(void)
{
	slots_unlock();
}

/*
 * A child whose parent had not attached starts afresh. Otherwise the stack is the parent's, DPDK
 * cannot start a second time here, and libleat has made Leat's numbers plain dead ones.
 */
static void in_child(void)
{
	preload.lock = (pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
	if (!is_up())
		return;
	unclaim();
	me.worker = false;
	atomic_store(&preload.attach, ATTACH_FORKED);
}

/* ---- start ---- */

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("LEAT_PRELOAD");
	char error[256];

	if (!text)
		return;
	if (config_parse(&preload.config, text, error, sizeof(error)) < 0) {
		say("leat: LEAT_PRELOAD: %s; all sockets are the kernel's", error);
		return;
	}
	(void)pthread_atfork(before_fork, after_fork, in_child);
	atomic_store(&preload.attach, ATTACH_LATER);
}
