/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An echo server with epoll: an ordinary loop, whose wait runs the stack.
 *
 *	echo_epoll 7                                    over loopback, for other threads of the
 *process echo_epoll 7 af_packet:eth1 192.0.2.1/24        on an interface
 *
 * Ends with SIGINT or SIGTERM.
 */
#include <leat/epoll.h>
#include <leat/socket.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

/* A stack, a port if one is asked for, and a socket that listens on both families. */
static int start(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	int fd;

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	if (argc != 2 && argc != 4)
		return -1;
	any.sin6_port = htons((uint16_t)atoi(argv[1]));
	if (leat_init(&(struct leat_config){.buffers_small = 4096, .buffers_big = 1024}) < 0)
		return -1;
	if (argc == 4 && (leat_port_add(&(struct leat_port){.name = "p0", .spec = argv[2]}) < 0 ||
			  leat_addr_add("p0", argv[3]) < 0))
		return -1;
	fd = leat_socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (leat_bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || leat_listen(fd, 128) < 0)
		return -1;
	return fd;
}

/* What came goes back. A client that does not read what it sent is cut off. */
static void echo(int fd)
{
	char buf[4096];
	ssize_t n = leat_read(fd, buf, sizeof(buf));

	if (n == 0 || (n < 0 && errno != EAGAIN) ||
	    (n > 0 && leat_send(fd, buf, (size_t)n, MSG_NOSIGNAL) != n))
		leat_close(fd);
}

int main(int argc, char **argv)
{
	int listener = start(argc, argv), set, n;
	struct epoll_event ev = {.events = EPOLLIN}, out[64];

	if (listener < 0) {
		fprintf(stderr, "usage: echo_epoll TCP-PORT [SPEC ADDRESS/LENGTH]; %s\n",
			leat_strerror());
		return 2;
	}
	set = leat_epoll_create1(0);
	ev.data.fd = listener;
	leat_epoll_ctl(set, EPOLL_CTL_ADD, listener, &ev);
	while (!stop) {
		n = leat_epoll_wait(set, out, 64, -1);
		for (int i = 0; i < n; i++) {
			if (out[i].data.fd != listener) {
				echo(out[i].data.fd);
				continue;
			}
			ev.data.fd = leat_accept4(listener, NULL, NULL, SOCK_NONBLOCK);
			if (ev.data.fd >= 0)
				leat_epoll_ctl(set, EPOLL_CTL_ADD, ev.data.fd, &ev);
		}
	}
	return leat_fini() == 0 ? 0 : 1;
}
