/* SPDX-License-Identifier: BSD-2-Clause */
/* What the proxy asks of a socket beyond the plain calls. */
#include "sock.h"

int sock_set_transparent(int fd, int family)
{
	int on = 1, rc;

	if (family == AF_INET6)
		rc = setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &on, sizeof(on));
	else
		rc = setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on));
	return rc < 0 ? -errno : 0;
}

int sock_set_nodelay(int fd)
{
	int on = 1;

	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ? -errno : 0;
}

int sock_error(int fd)
{
	socklen_t len = sizeof(int);
	int error = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? errno : error;
}

void sock_reset(int fd)
{
	struct linger linger = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

/* Only an address of our own can be bound without the transparent option. When it cannot be found
 * out the answer is yes: a connection to ourselves would go round for ever. */
bool sock_is_own(const union addr *addr)
{
	union addr local = *addr;
	bool own;
	int fd;

	fd = socket(local.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0)
		return true;
	addr_set_port(&local, 0);
	own = bind(fd, &local.sa, addr_len(&local)) == 0;
	close(fd);
	return own;
}
