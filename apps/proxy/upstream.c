/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The upstream socket: bound to the client's address and port (IP_TRANSPARENT), connected to the
 * address that the client wanted. The two legs then have the same pair of endpoints, seen from both
 * sides.
 */
#include "upstream.h"

#include "sock.h"

/* Bind the client's address; port 0 leaves the choice to the stack. */
static int bind_source(int fd, const union addr *client, bool with_port)
{
	union addr local = *client;
	int on = 1, rc;

	rc = sock_set_transparent(fd, local.sa.sa_family);
	if (rc < 0)
		return rc;
	/* The same client port may go to another server at the same time. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (!with_port) {
		addr_set_port(&local, 0);
		/* At connect it need only be free towards that server. */
		if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0)
			return -errno;
	}
	return bind(fd, &local.sa, addr_len(&local)) < 0 ? -errno : 0;
}

static int start(const union addr *client, const union addr *server, enum upstream_source source)
{
	int fd, rc = 0;

	fd = socket(server->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0)
		return -errno;
	if (source != SOURCE_OWN)
		rc = bind_source(fd, client, source == SOURCE_CLIENT);
	if (rc == 0)
		rc = sock_set_nodelay(fd);
	if (rc == 0 && connect(fd, &server->sa, addr_len(server)) < 0 && errno != EINPROGRESS)
		rc = -errno;
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

int upstream_connect(const union addr *client, const union addr *server,
		     enum upstream_source source, bool *fallback)
{
	int fd = start(client, server, source);

	*fallback = source == SOURCE_CLIENT && (fd == -EADDRNOTAVAIL || fd == -EADDRINUSE);
	return *fallback ? start(client, server, SOURCE_ADDRESS) : fd;
}
