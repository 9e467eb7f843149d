/* SPDX-License-Identifier: BSD-2-Clause */
/* No event is lost: many connections through one edge-triggered set, each echoed once. */
#include "conform.h"

#define CONNS 64

static int serve(int ep, int l, const struct epoll_event *ev)
{
	char b[16];
	ssize_t n;
	int fd;

	if (ev->data.fd == l) {
		while ((fd = accept4(l, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
			struct epoll_event in = {.events = EPOLLIN | EPOLLET, .data.fd = fd};

			must(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &in) == 0);
		}
		return 0;
	}
	while ((n = recv(ev->data.fd, b, sizeof(b), 0)) > 0)
		must(send(ev->data.fd, b, (size_t)n, 0) == n);
	if (n == 0) {
		close(ev->data.fd);
		return 1;
	}
	return 0;
}

void conform_epoll_many(int family)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int ep = epoll_create1(0), l = listener(family, &ss, &len, SOCK_NONBLOCK);
	int c[CONNS], ended = 0, answered = 0;
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.fd = l}, out[7];

	must(listen(l, CONNS) == 0);
	must(epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev) == 0);
	for (int i = 0; i < CONNS; i++) {
		c[i] = tcp_socket(family, SOCK_NONBLOCK);
		(void)connect(c[i], (struct sockaddr *)&ss, len);
		settle();
		/* Data before anybody accepted. */
		must(send(c[i], "early", 5, 0) == 5);
		if (i % 2)
			must(shutdown(c[i], SHUT_WR) == 0);
	}
	for (int i = 0; i < 20 * CONNS; i++) {
		int n = epoll_wait(ep, out, 7, 0);

		for (int k = 0; k < n; k++)
			ended += serve(ep, l, &out[k]);
	}
	settle();
	for (int i = 0; i < CONNS; i++) {
		char b[16];

		answered += recv(c[i], b, sizeof(b), 0) == 5;
		close(c[i]);
	}
	settle();
	for (int i = 0; i < 20 * CONNS; i++) {
		int n = epoll_wait(ep, out, 7, 0);

		for (int k = 0; k < n; k++)
			ended += serve(ep, l, &out[k]);
	}
	note("%d of %d answered, %d ended", answered, CONNS, ended);
	close(l);
	close(ep);
}
