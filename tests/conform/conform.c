/* SPDX-License-Identifier: BSD-2-Clause */
/* What the cases share; compiled twice, like them. See conform.h. */
#include "conform.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/time.h>

#define SETTLE_MS 3

volatile int minus_one = -1, too_many = 2000;
bool own_address;

void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
}

void note_result(int line, const char *what, ssize_t rc, int err)
{
	note("%d %s: %zd%s%s", line, what, rc, rc < 0 ? " " : "",
	     rc < 0 ? strerrorname_np(err) : "");
}

void is(const char *file, int line, const char *what, int64_t got, int64_t want)
{
	if (got == want)
		note("%d %s: as it must be", line, what);
	else
		note("WRONG %s:%d: %s is %lld, must be %lld", file, line, what, (long long)got,
		     (long long)want);
}

void must_hold(const char *file, int line, const char *what, bool holds)
{
	if (holds)
		return;
	note("WRONG %s:%d: %s does not hold, errno %d", file, line, what, errno);
	exit(1);
}

uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void settle(void)
{
#ifdef CONFORM_LEAT
	uint64_t until = now_ms() + SETTLE_MS;

	while (now_ms() <= until)
		(void)leat_poll_once(1000000);
#else
	(void)usleep(SETTLE_MS * 1000);
#endif
}

socklen_t loopback(int family, struct sockaddr_storage *ss, unsigned port)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (family == AF_INET) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons((uint16_t)port);
		must(inet_pton(family, own_address ? OWN_ADDRESS : "127.0.0.1", &sin->sin_addr) ==
		     1);
		return sizeof(*sin);
	}
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons((uint16_t)port);
	must(inet_pton(family, own_address ? OWN_ADDRESS6 : "::1", &sin6->sin6_addr) == 1);
	return sizeof(*sin6);
}

int tcp_socket(int family, int flags)
{
	int fd = socket(family, SOCK_STREAM | flags, 0);

	must(fd >= 0);
	return fd;
}

int listener(int family, struct sockaddr_storage *ss, socklen_t *len, int flags)
{
	int fd = tcp_socket(family, flags);

	*len = loopback(family, ss, 0);
	must(bind(fd, (struct sockaddr *)ss, *len) == 0);
	must(listen(fd, 8) == 0);
	must(getsockname(fd, (struct sockaddr *)ss, len) == 0);
	return fd;
}

void pair(int family, int *client, int *server, int flags)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int l = listener(family, &ss, &len, 0);

	*client = tcp_socket(family, 0);
	must(connect(*client, (struct sockaddr *)&ss, len) == 0);
	*server = accept4(l, NULL, NULL, flags);
	must(*server >= 0);
	if (flags & SOCK_NONBLOCK)
		must(fcntl(*client, F_SETFL, O_NONBLOCK) == 0);
	must(close(l) == 0);
	settle();
}

/* Until both queues are full, not only ours for the moment. */
void fill(int fd)
{
	static char big[1 << 16];

	do {
		while (send(fd, big, sizeof(big), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
			;
		settle();
	} while (send(fd, big, sizeof(big), MSG_NOSIGNAL | MSG_DONTWAIT) > 0);
}

#define DRAIN_MAX 100000 /* calls */

size_t drain(int fd)
{
	static char big[1 << 16];
	size_t total = 0;

	for (int i = 0; i < DRAIN_MAX; i++) {
		ssize_t n = recv(fd, big, sizeof(big), MSG_DONTWAIT);

		if (n <= 0)
			break;
		total += (size_t)n;
		settle();
	}
	return total;
}

unsigned level(int fd)
{
	struct epoll_event ev = {.events = ALL_EVENTS};
	struct pollfd p = {.fd = fd, .events = (short)ALL_EVENTS};
	int ep = epoll_create1(0);
	unsigned seen = 0;

	must(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == 0);
	if (epoll_wait(ep, &ev, 1, 0) == 1)
		seen = ev.events;
	must(close(ep) == 0);
	(void)poll(&p, 1, 0);
	is(__FILE__, __LINE__, "poll and epoll", (unsigned short)p.revents, seen);
	return seen;
}

unsigned waited(int ep)
{
	struct epoll_event ev;
	int n;

	settle();
	n = epoll_wait(ep, &ev, 1, 0);
	must(n >= 0);
	return n ? ev.events : 0;
}

void add(int ep, int fd, uint32_t events, uint32_t data)
{
	struct epoll_event ev = {.events = events, .data.u32 = data};

	must(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == 0);
}

static volatile sig_atomic_t n_caught;

static void on_signal(int sig)
{
	(void)sig;
	n_caught++;
}

void catch_signal(int sig, int flags)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = flags};

	n_caught = 0;
	must(sigaction(sig, &sa, NULL) == 0);
}

unsigned caught(void)
{
	return (unsigned)n_caught;
}

void raise_later(int ms)
{
	struct itimerval it = {.it_value = {.tv_usec = (suseconds_t)ms * 1000}};

	must(setitimer(ITIMER_REAL, &it, NULL) == 0);
}

void uncatch_signal(int sig)
{
	struct sigaction sa = {.sa_handler = SIG_DFL};
	struct itimerval it = {{0, 0}, {0, 0}};

	must(setitimer(ITIMER_REAL, &it, NULL) == 0);
	must(sigaction(sig, &sa, NULL) == 0);
}

void get_int(int fd, int lvl, int name, const char *what)
{
	int v = -77;
	socklen_t len = sizeof(v);
	int rc;

	errno = 0;
	rc = getsockopt(fd, lvl, name, &v, &len);
	note("%s: %d %s %d (%u)", what, rc, rc < 0 ? strerrorname_np(errno) : "", v, len);
}
