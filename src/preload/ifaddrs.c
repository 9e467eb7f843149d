/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * getifaddrs(3): the addresses of Leat's ports before those of the kernel, so that a program finds
 * what it may bind. Any thread.
 */
#include "preload/state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct ifaddrs ifa;
	struct sockaddr_storage addr, mask;
	char name[IF_NAMESIZE];
};

/* What a list begins with when this process has ports: the kernel's part is freed by its own. */
struct own_list {
	struct ifaddrs *kernel;
	struct entry entry[];
};

static void fill_mask(unsigned char *out, size_t bytes, unsigned bits)
{
	for (size_t i = 0; i < bytes; i++) {
		unsigned n = bits > 8 ? 8 : bits;

		out[i] = (unsigned char)(0xff00u >> n);
		bits -= n;
	}
}

/* ADDRESS/LENGTH; Leat has taken it, or will refuse it. */
static bool fill(struct entry *e, const struct config_addr *a)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&e->addr;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&e->addr;
	const char *slash = strchr(a->addr, '/');
	char text[INET6_ADDRSTRLEN];
	unsigned bits;

	if (!slash || (size_t)(slash - a->addr) >= sizeof(text))
		return false;
	memcpy(text, a->addr, (size_t)(slash - a->addr));
	text[slash - a->addr] = '\0';
	bits = (unsigned)atoi(slash + 1);
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1 && bits <= 32) {
		in->sin_family = e->mask.ss_family = AF_INET;
		fill_mask((unsigned char *)&((struct sockaddr_in *)&e->mask)->sin_addr, 4, bits);
	} else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1 && bits <= 128) {
		in6->sin6_family = e->mask.ss_family = AF_INET6;
		fill_mask((unsigned char *)&((struct sockaddr_in6 *)&e->mask)->sin6_addr, 16, bits);
	} else {
		return false;
	}
	(void)strncpy(e->name, a->port, sizeof(e->name) - 1);
	e->ifa = (struct ifaddrs){
		.ifa_name = e->name,
		.ifa_flags = IFF_UP | IFF_RUNNING | IFF_BROADCAST | IFF_MULTICAST,
		.ifa_addr = (struct sockaddr *)&e->addr,
		.ifa_netmask = (struct sockaddr *)&e->mask,
	};
	return true;
}

/* Leat's part in front; always the same number of entries, so that freeifaddrs() knows it. */
static unsigned own_count(void)
{
	struct entry e;
	unsigned n = 0;

	for (unsigned i = 0; i < preload.config.n_addrs; i++) {
		memset(&e, 0, sizeof(e));
		n += fill(&e, &preload.config.addrs[i]);
	}
	return n;
}

EXPORT int getifaddrs(struct ifaddrs **out)
{
	struct own_list *l;
	unsigned n, used = 0;

	n = is_programs() ? own_count() : 0;
	if (n == 0)
		return real(getifaddrs)(out);
	l = calloc(1, sizeof(*l) + n * sizeof(l->entry[0]));
	if (!l) {
		errno = ENOMEM;
		return -1;
	}
	if (real(getifaddrs)(&l->kernel) < 0) {
		free(l);
		return -1;
	}
	for (unsigned i = 0; i < preload.config.n_addrs && used < n; i++)
		used += fill(&l->entry[used], &preload.config.addrs[i]);
	for (unsigned i = 0; i < n; i++)
		l->entry[i].ifa.ifa_next = i + 1 < n ? &l->entry[i + 1].ifa : l->kernel;
	*out = &l->entry[0].ifa;
	return 0;
}

/* Leat's names are in the entries themselves, the kernel's are not. */
static bool is_own(const struct ifaddrs *list)
{
	return list && list->ifa_name == ((const struct entry *)list)->name;
}

EXPORT void freeifaddrs(struct ifaddrs *list)
{
	struct own_list *l;

	if (!is_own(list)) {
		real(freeifaddrs)(list);
		return;
	}
	l = (struct own_list *)(void *)((char *)list - offsetof(struct own_list, entry));
	real(freeifaddrs)(l->kernel);
	free(l);
}
