/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket layer on a stack of its own, for unit tests. sockhost.c brings a fake TCP and a fake
 * internet layer, with the machine's clock or a virtual one, and descriptor numbers from the kernel
 * or plain; realhost.c the real layers, which then talk to themselves, on the machine's clock.
 *
 *	struct sockhost h;
 *
 *	sockhost_create(&h, &(struct sockhost_conf){.real = true});
 *	fd = sock_socket(h.s, AF_INET, SOCK_STREAM, 0);
 *	...
 *	sockhost_destroy(&h);   // asserts that everything was given back
 */
#ifndef LEAT_TESTS_SOCKHOST_H
#define LEAT_TESTS_SOCKHOST_H

#include "fakeinet.h"
#include "fakeport.h"
#include "faketcp.h"
#include "sock/sock.h"

struct sockhost_conf {
	bool real; /* the machine's clock, numbers of the kernel, and leat_* calls go here */
};

struct sockhost {
	struct fakehost host;
	struct stack *s;
};

void sockhost_create(struct sockhost *h, const struct sockhost_conf *conf);
void sockhost_destroy(struct sockhost *h);

/* A connected pair of non-blocking sockets through a listener that is closed again. */
void sockhost_pair(struct sockhost *h, int *client, int *server);
/* An address of the host, to connect to itself. */
struct ipaddr sockhost_addr(bool v6);
/* realhost.c: the address of its port, 10.9.0.1 or 2001:db8::1. */
struct ipaddr realhost_addr(bool v6);
/* Rounds until nothing happens. */
void sockhost_run(struct sockhost *h);
/* The socket behind fd. */
struct socket *sockhost_socket(struct sockhost *h, int fd);
/* A listening socket of the family on a port of its choice; *addr is where to connect. */
int sockhost_listen(struct sockhost *h, int family, struct sockaddr_storage *addr, socklen_t *len);

#endif
