/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An echo server with kqueue: changes and events in one call.
 *
 *	echo_kqueue 7                                    over loopback, for other threads of the
 *process echo_kqueue 7 af_packet:eth1 192.0.2.1/24        on an interface
 *
 * Ends with SIGINT or SIGTERM.
 */
#include <leat/event.h>
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
	int listener = start(argc, argv), kq, n, n_changes = 1;
	struct kevent changes[64], out[64];

	if (listener < 0) {
		fprintf(stderr, "usage: echo_kqueue TCP-PORT [SPEC ADDRESS/LENGTH]; %s\n",
			leat_strerror());
		return 2;
	}
	kq = leat_kqueue();
	EV_SET(&changes[0], listener, EVFILT_READ, EV_ADD, 0, 0, NULL);
	while (!stop) {
		n = leat_kevent(kq, changes, n_changes, out, 64, NULL);
		n_changes = 0;
		for (int i = 0; i < n; i++) {
			int fd = (int)out[i].ident;

			if (fd != listener) {
				echo(fd);
				continue;
			}
			fd = leat_accept4(listener, NULL, NULL, SOCK_NONBLOCK);
			if (fd >= 0)
				EV_SET(&changes[n_changes++], fd, EVFILT_READ, EV_ADD, 0, 0, NULL);
		}
	}
	return leat_fini() == 0 ? 0 : 1;
}
