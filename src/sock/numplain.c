/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor numbers counted from 0, for simulations: no kernel knows them. One stack's; its
 * worker thread.
 */
#include "sock/file.h"

#include "base/bits.h"

#include <errno.h>
#include <string.h>

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

static int plain_take(struct plain_numbers *p, int fd)
{
	int rc;

	if (fd < 0 || (unsigned)fd >= PLAIN_MAX)
		return -EBADF;
	rc = plain_grow(p, (unsigned)fd / 64 + 1);
	if (rc < 0)
		return rc;
	p->taken[fd / 64] |= UINT64_C(1) << (fd % 64);
	return fd;
}

static int plain_take_from(struct plain_numbers *p, int from)
{
	while (p->low < p->words && p->taken[p->low] == UINT64_MAX)
		p->low++;
	for (unsigned fd = max_uint(p->low * 64, (unsigned)from); fd < PLAIN_MAX; fd++) {
		if (fd / 64 < p->words && p->taken[fd / 64] >> (fd % 64) & 1)
			continue;
		return plain_take(p, (int)fd);
	}
	return -EMFILE;
}

static int plain_reserve(void *ctx)
{
	return plain_take_from(ctx, 0);
}

static int plain_dup(void *ctx, int fd, int from)
{
	(void)fd;
	return plain_take_from(ctx, from);
}

static int plain_dup_at(void *ctx, int fd, int to)
{
	(void)fd;
	return plain_take(ctx, to);
}

static void plain_release(void *ctx, int fd, bool set)
{
	struct plain_numbers *p = ctx;

	(void)set;
	p->taken[fd / 64] &= ~(UINT64_C(1) << (fd % 64));
	p->low = min_uint(p->low, (unsigned)fd / 64);
}

static bool plain_keeps(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	return false;
}

/* No kernel knows these numbers, so none can take one away, nor close what must be hidden. */
static void plain_ignore(void *ctx, int fd)
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
		.reserve_set = plain_reserve,
		.dup = plain_dup,
		.dup_at = plain_dup_at,
		.release = plain_release,
		.keeps = plain_keeps,
		.forget = plain_ignore,
		.hide = plain_ignore,
		.fini = plain_fini,
		.ctx = p,
	};
	return 0;
}
