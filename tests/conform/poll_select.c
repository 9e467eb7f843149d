/* SPDX-License-Identifier: BSD-2-Clause */
/* poll(2) and select(2) over sockets and kernel descriptors. */
#include "conform.h"

void conform_poll_select(int family)
{
	struct timeval tv = {0};
	struct pollfd p[3];
	int c, s, pipefd[2];
	fd_set in, out;
	int n;

	pair(family, &c, &s, SOCK_NONBLOCK);
	must(pipe(pipefd) == 0);
	p[0] = (struct pollfd){.fd = s, .events = POLLIN};
	p[1] = (struct pollfd){.fd = -1, .events = POLLIN, .revents = 7};
	p[2] = (struct pollfd){.fd = pipefd[0], .events = POLLIN};
	NOTE("nothing", poll(p, 3, 0));
	NOTE("nothing for a while", poll(p, 3, 5));
	must(write(pipefd[1], "x", 1) == 1);
	NOTE("pipe", poll(p, 3, 1000));
	note("%x %x %x", p[0].revents, p[1].revents, p[2].revents);
	(void)send(c, "x", 1, 0);
	settle();
	NOTE("both", poll(p, 3, 1000));
	note("%x %x %x", p[0].revents, p[1].revents, p[2].revents);
	p[1].fd = 9999;
	NOTE("closed", poll(p, 3, 0));
	note("%x", p[1].revents);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(s, &in);
	FD_SET(c, &in);
	FD_SET(pipefd[0], &in);
	FD_SET(s, &out);
	n = c > s ? c : s;
	n = (n > pipefd[0] ? n : pipefd[0]) + 1;
	NOTE("select", select(n, &in, &out, NULL, &tv));
	note("%d %d %d %d", FD_ISSET(s, &in), FD_ISSET(c, &in), FD_ISSET(pipefd[0], &in),
	     FD_ISSET(s, &out));
	FD_ZERO(&in);
	FD_SET(pipefd[0], &in);
	close(pipefd[0]);
	NOTE("select closed", select(n, &in, NULL, NULL, &tv));
	close(pipefd[1]);
	close(c);
	close(s);
}
