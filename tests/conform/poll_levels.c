/* SPDX-License-Identifier: BSD-2-Clause */
/* poll(2): what is asked for and what comes unasked, doubles, negative numbers, none at all. */
#include "conform.h"

static void show(const char *what, struct pollfd *p, nfds_t n)
{
	int rc;

	settle();
	rc = poll(p, n, 0);
	note("%s: %d", what, rc);
	for (nfds_t i = 0; i < n; i++)
		note("  %#x", (unsigned)(unsigned short)p[i].revents);
}

void conform_poll_levels(int family)
{
	struct sockaddr_storage ss;
	socklen_t len = loopback(family, &ss, 1);
	struct pollfd p[4];
	int c, s, fd = tcp_socket(family, SOCK_NONBLOCK);

	pair(family, &c, &s, SOCK_NONBLOCK);
	p[0] = (struct pollfd){.fd = s, .events = POLLIN};
	p[1] = (struct pollfd){.fd = s, .events = POLLOUT};
	p[2] = (struct pollfd){.fd = s};
	p[3] = (struct pollfd){.fd = -5, .events = POLLIN, .revents = 99};
	show("the same three times", p, 4);
	(void)send(c, "x", 1, 0);
	show("data", p, 4);
	(void)shutdown(c, SHUT_WR);
	p[2].events = POLLRDHUP;
	show("end", p, 4);
	(void)shutdown(s, SHUT_WR);
	show("both", p, 4);
	p[0] = (struct pollfd){.fd = fd, .events = 0};
	show("fresh", p, 1);
	(void)connect(fd, (struct sockaddr *)&ss, len);
	show("refused", p, 1);
	p[0].events = POLLRDNORM | POLLWRNORM | POLLRDBAND | POLLPRI;
	show("other names", p, 1);
	close(fd);
	show("closed", p, 1);
	NOTE("none", poll(NULL, 0, 0));
	NOTE("none for a while", poll(NULL, 0, 2));
	close(c);
	close(s);
}
