/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor numbers reserved in the kernel. A socket's is a duplicate of one O_PATH descriptor of
 * a socket: fstat(2) calls it a socket, and no read, write or poll of the kernel accepts it, so a
 * Leat number that strays into a kernel call gives EBADF and nothing worse. A set's is an epoll set
 * of the kernel's, which others can wait for. See docs/decisions.
 *
 * Released ones are kept for the next socket, the lowest first, since a short connection should not
 * pay two system calls for its number. A number source belongs to one stack; worker thread. What
 * other threads may see of it is in the owner map.
 */
#include "sock/file.h"

#include "base/bits.h"
#include "sock/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEEP_MAX 256u /* released numbers kept reserved */

struct kernel_numbers {
	const struct mem *mem;
	struct owner_map *owners;
	bool own_map;
	unsigned id;
	int placeholder;
	unsigned kept_count;
	int kept[KEEP_MAX]; /* the lowest last */
};

static int taken(struct kernel_numbers *k, int fd)
{
	int rc = fd < 0 ? -errno : owner_room(k->owners, fd);

	if (rc < 0) {
		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	owner_set(k->owners, fd, k->id);
	return fd;
}

static void unkeep(struct kernel_numbers *k, unsigned i)
{
	memmove(&k->kept[i], &k->kept[i + 1], (--k->kept_count - i) * sizeof(k->kept[0]));
}

/* The lowest kept number of at least from and below limit; -1: none. */
static int take_kept(struct kernel_numbers *k, int from, int limit)
{
	for (unsigned i = k->kept_count; i > 0; i--) {
		int fd = k->kept[i - 1];

		if (fd >= limit)
			break;
		if (fd < from)
			continue;
		unkeep(k, i - 1);
		owner_set(k->owners, fd, k->id);
		return fd;
	}
	return -1;
}

static int kernel_reserve(void *ctx)
{
	struct kernel_numbers *k = ctx;
	int fd = take_kept(k, 0, INT32_MAX);

	return fd >= 0 ? fd : taken(k, fcntl(k->placeholder, F_DUPFD_CLOEXEC, 0));
}

static int kernel_reserve_set(void *ctx)
{
	return taken(ctx, epoll_create1(EPOLL_CLOEXEC));
}

static int kernel_dup_at(void *ctx, int fd, int to);

/* dup() promises the lowest number, which may be one that is kept. */
static int kernel_dup(void *ctx, int fd, int from)
{
	struct kernel_numbers *k = ctx;
	int to = fcntl(fd, F_DUPFD_CLOEXEC, from);
	int kept = take_kept(k, from, to < 0 ? INT32_MAX : to);

	if (kept < 0)
		return taken(k, to);
	if (to >= 0)
		(void)close(to);
	return kernel_dup_at(k, fd, kept);
}

static void kernel_forget(void *ctx, int fd)
{
	struct kernel_numbers *k = ctx;

	for (unsigned i = k->kept_count; i > 0; i--)
		if (k->kept[i - 1] == fd)
			unkeep(k, i - 1);
	owner_set(k->owners, fd, OWNER_NONE);
}

static bool kernel_keeps(void *ctx, int fd)
{
	struct kernel_numbers *k = ctx;

	return owner_of(k->owners, fd) == OWNER_KEPT;
}

static int kernel_dup_at(void *ctx, int fd, int to)
{
	kernel_forget(ctx, to);
	return taken(ctx, dup3(fd, to, O_CLOEXEC));
}

static void kernel_release(void *ctx, int fd, bool set)
{
	struct kernel_numbers *k = ctx;
	unsigned i = k->kept_count;

	if (set || k->kept_count == KEEP_MAX) {
		owner_set(k->owners, fd, OWNER_NONE);
		(void)close(fd);
		return;
	}
	while (i > 0 && k->kept[i - 1] < fd)
		i--;
	memmove(&k->kept[i + 1], &k->kept[i], (k->kept_count - i) * sizeof(k->kept[0]));
	k->kept[i] = fd;
	k->kept_count++;
	owner_set(k->owners, fd, OWNER_KEPT);
}

/* Without room in the map close_range() does not spare it: harmless before it is called. */
static void kernel_hide(void *ctx, int fd)
{
	struct kernel_numbers *k = ctx;

	if (owner_room(k->owners, fd) == 0)
		owner_set(k->owners, fd, OWNER_INTERNAL);
}

static void kernel_fini(void *ctx)
{
	struct kernel_numbers *k = ctx;

	while (k->kept_count > 0) {
		int fd = k->kept[--k->kept_count];

		owner_set(k->owners, fd, OWNER_NONE);
		(void)close(fd);
	}
	(void)close(k->placeholder);
	if (k->own_map) {
		owner_fini(k->owners);
		mem_free(k->mem, k->owners, sizeof(*k->owners));
	}
	mem_free(k->mem, k, sizeof(*k));
}

/* Through /proc, the one way to an O_PATH descriptor of a socket; else that of a folder. */
static int open_placeholder(void)
{
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char path[32];
	int fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", sock);
	if (sock >= 0) {
		fd = open(path, O_PATH | O_CLOEXEC);
		(void)close(sock);
	}
	if (fd < 0)
		fd = open("/", O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sock_numbers_kernel(const struct mem *mem, struct owner_map *owners, unsigned id,
			struct sock_numbers *out)
{
	struct kernel_numbers *k = mem_zalloc(mem, sizeof(*k));
	int rc = -ENOMEM;

	if (!k)
		return rc;
	k->mem = mem;
	k->id = id;
	k->own_map = !owners;
	k->owners = owners ? owners : mem_zalloc(mem, sizeof(*owners));
	if (!k->owners)
		goto free_numbers;
	k->placeholder = rc = open_placeholder();
	if (rc < 0)
		goto free_map;
	kernel_hide(k, k->placeholder);
	*out = (struct sock_numbers){
		.reserve = kernel_reserve,
		.reserve_set = kernel_reserve_set,
		.dup = kernel_dup,
		.dup_at = kernel_dup_at,
		.release = kernel_release,
		.keeps = kernel_keeps,
		.forget = kernel_forget,
		.hide = kernel_hide,
		.fini = kernel_fini,
		.ctx = k,
	};
	return 0;
free_map:
	if (k->own_map)
		mem_free(mem, k->owners, sizeof(*k->owners));
free_numbers:
	mem_free(mem, k, sizeof(*k));
	return rc;
}
