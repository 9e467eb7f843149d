/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections per client. A client is an IPv4 address or an IPv6 /64: a host may use any address of
 * its /64, so counting single ones would be no limit (RFC 8981). The table's hash is keyed: clients
 * choose the addresses.
 */
#ifndef PROXY_CLIENTS_H
#define PROXY_CLIENTS_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"

struct client_key {
	uint64_t family;
	uint64_t prefix; /* IPv4: the address; IPv6: its first 64 bits; as on the wire */
};

struct client {
	struct client *next; /* of the same bucket */
	struct client_key key;
	uint64_t count;
};

struct clients {
	struct client **buckets;
	size_t mask;
	uint64_t limit; /* 0: no limit, nothing is counted */
	unsigned char secret[16];
};

/* Room for the connections of max at most. Returns 0, or -1: out of memory. */
int clients_init(struct clients *clients, uint64_t limit, uint64_t max,
		 const unsigned char *secret);
void clients_fini(struct clients *clients);

/*
 * Count one more connection of this address. Returns 0 with *client set (NULL when nothing is
 * counted), or -EMFILE: the limit is reached, or -ENOMEM.
 */
int clients_get(struct clients *clients, const union addr *addr, struct client **client);

/* One connection less; NULL is allowed. */
void clients_put(struct clients *clients, struct client *client);

#endif
