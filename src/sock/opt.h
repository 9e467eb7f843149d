/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Socket options as one table: level, name, the sockets that have it, how it is read and written.
 * Inside the socket layer; worker thread.
 */
#ifndef LEAT_SOCK_OPT_H
#define LEAT_SOCK_OPT_H

#include "sock/socket.h"

/* Which sockets have an option. */
#define OPT_TCP 0x1u
#define OPT_UDP 0x2u
#define OPT_ANY (OPT_TCP | OPT_UDP)
#define OPT_V6  0x4u /* AF_INET6 only */

struct opt_row;

/* An option whose value is an int. arg: of the row. 0 or -errno. */
typedef int (*opt_get_fn)(struct socket *so, const struct opt_row *row, int *v);
typedef int (*opt_set_fn)(struct socket *so, const struct opt_row *row, int v);

struct opt_row {
	int level, name;
	unsigned where; /* OPT_* */
	opt_get_fn get; /* NULL: cannot be read */
	opt_set_fn set; /* NULL: cannot be written */
	uint32_t arg;   /* a flag, an enum tcp_opt ... */
};

/* An option with a value of its own shape: buf holds *len bytes; get sets *len. */
struct opt_blob {
	int level, name;
	unsigned where;
	int (*get)(struct socket *so, void *buf, socklen_t *len);
	int (*set)(struct socket *so, const void *buf, socklen_t len);
};

/* optblob.c; NULL: no such option. */
const struct opt_blob *opt_blob_find(int level, int name);

/* udpopt.c: options of UDP sockets; NULL: no such. */
const struct opt_row *opt_udp_row(int level, int name);
/* groupopt.c: multicast memberships. */
const struct opt_blob *opt_group_find(int level, int name);

#endif
