/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where descriptor numbers come from. The kernel's: duplicates of one O_PATH descriptor, which no
 * read, write or poll of the kernel accepts, so a Leat number that strays into a kernel call gives
 * EBADF and nothing worse. Released ones are kept for the next socket, since a short connection
 * should not pay two system calls for its number. Plain ones are counted, for simulations.
 *
 * A number source belongs to one stack; worker thread.
 */
#include "sock/file.h"

#include "base/bits.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define KEEP_MAX 256u /* released numbers kept reserved */

struct kernel_numbers {
	const struct mem *mem;
	int placeholder;
	unsigned kept_count;
	int kept[KEEP_MAX]; /* last released, first used */
};

static int kernel_reserve(void *ctx, int from)
{
	struct kernel_numbers *k = ctx;
	int fd;

	if (from == 0 && k->kept_count > 0)
		return k->kept[--k->kept_count];
	fd = fcntl(k->placeholder, F_DUPFD_CLOEXEC, from);
	return fd < 0 ? -errno : fd;
}

static void kernel_forget(void *ctx, int fd)
{
	struct kernel_numbers *k = ctx;

	for (unsigned i = 0; i < k->kept_count; i++)
		if (k->kept[i] == fd)
			k->kept[i--] = k->kept[--k->kept_count];
}

static bool kernel_keeps(void *ctx, int fd)
{
	const struct kernel_numbers *k = ctx;

	for (unsigned i = 0; i < k->kept_count; i++)
		if (k->kept[i] == fd)
			return true;
	return false;
}

static int kernel_reserve_at(void *ctx, int fd)
{
	struct kernel_numbers *k = ctx;

	kernel_forget(k, fd);
	return dup3(k->placeholder, fd, O_CLOEXEC) < 0 ? -errno : fd;
}

static void kernel_release(void *ctx, int fd)
{
	struct kernel_numbers *k = ctx;

	if (k->kept_count < KEEP_MAX)
		k->kept[k->kept_count++] = fd;
	else
		(void)close(fd);
}

static void kernel_fini(void *ctx)
{
	struct kernel_numbers *k = ctx;

	while (k->kept_count > 0)
		(void)close(k->kept[--k->kept_count]);
	(void)close(k->placeholder);
	mem_free(k->mem, k, sizeof(*k));
}

int sock_numbers_kernel(const struct mem *mem, struct sock_numbers *out)
{
	struct kernel_numbers *k = mem_zalloc(mem, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->mem = mem;
	k->placeholder = open("/", O_PATH | O_CLOEXEC);
	if (k->placeholder < 0) {
		int err = errno;

		mem_free(mem, k, sizeof(*k));
		return -err;
	}
	*out = (struct sock_numbers){
		.reserve = kernel_reserve,
		.reserve_at = kernel_reserve_at,
		.release = kernel_release,
		.keeps = kernel_keeps,
		.forget = kernel_forget,
		.fini = kernel_fini,
		.ctx = k,
	};
	return 0;
}

#define PLAIN_MAX (1u << 22)

/* Which numbers are taken, one bit each; the lowest free one is next, as POSIX wants. */
struct plain_numbers {
	const struct mem *mem;
	uint64_t *taken;
	unsigned words;
	unsigned low; /* every word before it is full */
};

static int plain_grow(struct plain_numbers *p, unsigned words)
{
	uint64_t *taken;

	if (words <= p->words)
		return 0;
	words = (unsigned)round_up_pow2(words);
	taken = mem_zalloc(p->mem, words * sizeof(*taken));
	if (!taken)
		return -ENOMEM;
	if (p->taken)
		memcpy(taken, p->taken, p->words * sizeof(*taken));
	mem_free(p->mem, p->taken, p->words * sizeof(*taken));
	p->taken = taken;
	p->words = words;
	return 0;
}

static int plain_reserve_at(void *ctx, int fd)
{
	struct plain_numbers *p = ctx;
	int rc;

	if (fd < 0 || (unsigned)fd >= PLAIN_MAX)
		return -EBADF;
	rc = plain_grow(p, (unsigned)fd / 64 + 1);
	if (rc < 0)
		return rc;
	p->taken[fd / 64] |= UINT64_C(1) << (fd % 64);
	return fd;
}

static int plain_reserve(void *ctx, int from)
{
	struct plain_numbers *p = ctx;

	while (p->low < p->words && p->taken[p->low] == UINT64_MAX)
		p->low++;
	for (unsigned fd = max_uint(p->low * 64, (unsigned)from); fd < PLAIN_MAX; fd++) {
		if (fd / 64 < p->words && p->taken[fd / 64] >> (fd % 64) & 1)
			continue;
		return plain_reserve_at(p, (int)fd);
	}
	return -EMFILE;
}

static void plain_release(void *ctx, int fd)
{
	struct plain_numbers *p = ctx;

	p->taken[fd / 64] &= ~(UINT64_C(1) << (fd % 64));
	p->low = min_uint(p->low, (unsigned)fd / 64);
}

static bool plain_keeps(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	return false;
}

/* No kernel knows these numbers, so none can take one away. */
static void plain_forget(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
}

static void plain_fini(void *ctx)
{
	struct plain_numbers *p = ctx;

	mem_free(p->mem, p->taken, p->words * sizeof(*p->taken));
	mem_free(p->mem, p, sizeof(*p));
}

int sock_numbers_plain(const struct mem *mem, struct sock_numbers *out)
{
	struct plain_numbers *p = mem_zalloc(mem, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->mem = mem;
	*out = (struct sock_numbers){
		.reserve = plain_reserve,
		.reserve_at = plain_reserve_at,
		.release = plain_release,
		.keeps = plain_keeps,
		.forget = plain_forget,
		.fini = plain_fini,
		.ctx = p,
	};
	return 0;
}
