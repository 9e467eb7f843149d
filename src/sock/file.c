/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table from descriptor numbers to files. Grows by doubling as the numbers grow; never shrinks.
 * The table owns no file: whoever releases a number drops the reference. Worker thread.
 */
#include "sock/file.h"

#include "base/bits.h"

#include <errno.h>
#include <string.h>

#define FDTAB_MIN 64u

void fdtab_init(struct fdtab *t, const struct mem *mem, const struct sock_numbers *numbers)
{
	*t = (struct fdtab){.mem = mem, .numbers = *numbers};
}

void fdtab_fini(struct fdtab *t)
{
	mem_free(t->mem, t->files, t->size * sizeof(struct file *));
	t->files = NULL;
	t->size = 0;
	t->numbers.fini(t->numbers.ctx);
}

static int make_room(struct fdtab *t, unsigned fd)
{
	struct file **files;
	size_t size;

	if (fd < t->size)
		return 0;
	size = round_up_pow2(max_u64((uint64_t)fd + 1, FDTAB_MIN));
	files = mem_zalloc(t->mem, size * sizeof(struct file *));
	if (!files)
		return -ENOMEM;
	if (t->files)
		memcpy(files, t->files, t->size * sizeof(struct file *));
	mem_free(t->mem, t->files, t->size * sizeof(struct file *));
	t->files = files;
	t->size = (unsigned)size;
	return 0;
}

int fdtab_reserve(struct fdtab *t, int from)
{
	int fd = t->numbers.reserve(t->numbers.ctx, from);
	int rc;

	if (fd < 0)
		return fd;
	rc = make_room(t, (unsigned)fd);
	if (rc < 0) {
		t->numbers.release(t->numbers.ctx, fd);
		return rc;
	}
	return fd;
}

int fdtab_reserve_at(struct fdtab *t, int fd)
{
	int rc = make_room(t, (unsigned)fd);

	return rc < 0 ? rc : t->numbers.reserve_at(t->numbers.ctx, fd);
}

void fdtab_set(struct fdtab *t, int fd, struct file *f)
{
	t->files[fd] = f;
}

void fdtab_release(struct fdtab *t, int fd)
{
	t->files[fd] = NULL;
	t->numbers.release(t->numbers.ctx, fd);
}

void fdtab_forget(struct fdtab *t, int fd)
{
	if ((unsigned)fd < t->size)
		t->files[fd] = NULL;
	t->numbers.forget(t->numbers.ctx, fd);
}
