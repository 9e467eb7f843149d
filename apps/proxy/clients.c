/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections per client, see clients.h. */
#include "clients.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS_MAX = 1 << 16 };

_Static_assert(crypto_shorthash_KEYBYTES == 16, "size of the secret");

int clients_init(struct clients *clients, uint64_t limit, uint64_t max, const unsigned char *secret)
{
	size_t n = 16;

	*clients = (struct clients){.limit = limit};
	if (limit == 0)
		return 0;
	while (n < max && n < BUCKETS_MAX)
		n *= 2;
	clients->buckets = calloc(n, sizeof(struct client *));
	clients->mask = n - 1;
	memcpy(clients->secret, secret, sizeof(clients->secret));
	return clients->buckets ? 0 : -1;
}

void clients_fini(struct clients *clients)
{
	free(clients->buckets);
	clients->buckets = NULL;
}

static struct client_key client_key(const union addr *addr)
{
	struct client_key key = {.family = addr->sa.sa_family};

	if (addr->sa.sa_family == AF_INET6)
		memcpy(&key.prefix, &addr->in6.sin6_addr, sizeof(key.prefix));
	else
		key.prefix = addr->in.sin_addr.s_addr;
	return key;
}

static bool is_same(const struct client_key *a, const struct client_key *b)
{
	return a->family == b->family && a->prefix == b->prefix;
}

static struct client **bucket_of(struct clients *clients, const struct client_key *key)
{
	uint64_t hash;

	crypto_shorthash((unsigned char *)&hash, (const unsigned char *)key, sizeof(*key),
			 clients->secret);
	return &clients->buckets[hash & clients->mask];
}

int clients_get(struct clients *clients, const union addr *addr, struct client **client)
{
	struct client_key key = client_key(addr);
	struct client **bucket, *c;

	*client = NULL;
	if (clients->limit == 0)
		return 0;
	bucket = bucket_of(clients, &key);
	for (c = *bucket; c && !is_same(&c->key, &key); c = c->next)
		;
	if (!c) {
		c = malloc(sizeof(*c));
		if (!c)
			return -ENOMEM;
		*c = (struct client){.next = *bucket, .key = key};
		*bucket = c;
	}
	if (c->count == clients->limit)
		return -EMFILE;
	c->count++;
	*client = c;
	return 0;
}

void clients_put(struct clients *clients, struct client *client)
{
	struct client **at;

	if (!client || --client->count > 0)
		return;
	for (at = bucket_of(clients, &client->key); *at != client; at = &(*at)->next)
		;
	*at = client->next;
	free(client);
}
