/* SPDX-License-Identifier: BSD-2-Clause */
/* select(2): three sets, what belongs into which, counts, bad numbers. */
#include "conform.h"

static void show(const char *what, int fd, int rc, fd_set *in, fd_set *out, fd_set *ex)
{
	note("%s: %d, %d %d %d", what, rc, FD_ISSET(fd, in) != 0, FD_ISSET(fd, out) != 0,
	     FD_ISSET(fd, ex) != 0);
}

static void all(const char *what, int fd)
{
	struct timeval tv = {0};
	fd_set in, out, ex;
	int rc;

	settle();
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&ex);
	FD_SET(fd, &in);
	FD_SET(fd, &out);
	FD_SET(fd, &ex);
	rc = select(fd + 1, &in, &out, &ex, &tv);
	show(what, fd, rc, &in, &out, &ex);
}

void conform_select_sets(int family)
{
	struct sockaddr_storage ss;
	socklen_t len = loopback(family, &ss, 1);
	struct timeval tv = {0};
	int c, s, fd = tcp_socket(family, SOCK_NONBLOCK);
	fd_set in;

	all("fresh", fd);
	(void)connect(fd, (struct sockaddr *)&ss, len);
	all("refused", fd);
	pair(family, &c, &s, SOCK_NONBLOCK);
	all("idle", s);
	(void)send(c, "x", 1, 0);
	all("data", s);
	(void)shutdown(c, SHUT_WR);
	all("end", s);
	(void)shutdown(s, SHUT_WR);
	all("hang-up", s);
	NOTE("none", select(0, NULL, NULL, NULL, &tv));
	NOTE("negative", select(minus_one, NULL, NULL, NULL, &tv));
	FD_ZERO(&in);
	FD_SET(s, &in);
	NOTE("n leaves it out", select(s, &in, NULL, NULL, &tv));
	close(s);
	FD_ZERO(&in);
	FD_SET(s, &in);
	NOTE("closed", select(s + 1, &in, NULL, NULL, &tv));
	close(c);
	close(fd);
}
