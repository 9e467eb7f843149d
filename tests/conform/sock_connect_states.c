/* SPDX-License-Identifier: BSD-2-Clause */
/* connect(2) in every state of a socket, AF_UNSPEC among them. */
#include "conform.h"

void conform_sock_connect_states(int family)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int l = listener(family, &ss, &len, 0), fd = tcp_socket(family, SOCK_NONBLOCK);

	NOTE("connect", connect(fd, (struct sockaddr *)&ss, len));
	settle();
	LEVEL("connected", fd);
	NOTE("tells", connect(fd, (struct sockaddr *)&ss, len));
	NOTE("again", connect(fd, (struct sockaddr *)&ss, len));
	NOTE("listen", listen(fd, 1));
	ss.ss_family = AF_UNSPEC;
	NOTE("disconnect", connect(fd, (struct sockaddr *)&ss, len));
	LEVEL("as new", fd);
	close(fd);
	close(l);
}
