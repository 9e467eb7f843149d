/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket.h: names and numbers of interfaces. An interface's number to programs is one more than
 * inside, so that 0 means none, as everywhere. A thread without a stack asks the first worker.
 */
#include "api/call.h"

#include "inet/inet.h"

#include <leat/socket.h>

#include <net/if.h>
#include <string.h>

#define LOOPBACK_NAME  "lo"
#define LOOPBACK_INDEX (INET_IFACE_LOOPBACK + 1)

static ssize_t name_to_index(struct stack *s, struct call_args *a)
{
	if (strcmp(a->in, LOOPBACK_NAME) == 0)
		return LOOPBACK_INDEX;
	for (unsigned i = 0; i < s->n_ports; i++)
		if (strcmp(s->ports[i]->name, a->in) == 0)
			return i + 1;
	return -ENODEV;
}

static ssize_t index_to_name(struct stack *s, struct call_args *a)
{
	unsigned index = (unsigned)a->n;

	if (index == LOOPBACK_INDEX) {
		memcpy(a->out, LOOPBACK_NAME, sizeof(LOOPBACK_NAME));
		return 0;
	}
	if (index == 0 || index > s->n_ports || strlen(s->ports[index - 1]->name) >= IF_NAMESIZE)
		return -ENXIO;
	strcpy(a->out, s->ports[index - 1]->name);
	return 0;
}

static ssize_t ask(call_fn fn, struct call_args *a)
{
	unsigned worker = worker_first();

	if (current.stack)
		return fn(current.stack, a);
	return worker ? remote_try(worker, fn, a) : -ENETDOWN;
}

unsigned leat_if_nametoindex(const char *name)
{
	struct call_args a = {.fd = -1, .in = name};
	ssize_t rc = ask(name_to_index, &a);

	if (rc > 0)
		return (unsigned)rc;
	errno = (int)-rc;
	return 0;
}

char *leat_if_indextoname(unsigned index, char *name)
{
	struct call_args a = {.fd = -1, .n = (int)index, .out = name};
	ssize_t rc = ask(index_to_name, &a);

	if (rc == 0)
		return name;
	errno = (int)-rc;
	return NULL;
}
