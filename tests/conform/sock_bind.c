/* SPDX-License-Identifier: BSD-2-Clause */
/* bind(2): lengths, families, twice. */
#include "conform.h"

void conform_sock_bind(int family)
{
	struct sockaddr_storage ss;
	socklen_t len = loopback(family, &ss, 0);
	int fd = tcp_socket(family, 0);

	NOTE("short", bind(fd, (struct sockaddr *)&ss, 8));
	ss.ss_family = AF_UNIX;
	NOTE("family", bind(fd, (struct sockaddr *)&ss, len));
	ss.ss_family = (sa_family_t)family;
	NOTE("bind", bind(fd, (struct sockaddr *)&ss, len));
	NOTE("twice", bind(fd, (struct sockaddr *)&ss, len));
	NOTE("listen", listen(fd, 0));
	NOTE("bind a listener", bind(fd, (struct sockaddr *)&ss, len));
	close(fd);
}
