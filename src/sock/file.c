/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table from descriptor numbers to files. Grows by doubling as the numbers grow; never shrinks.
 * The table owns no file: whoever releases a number drops the reference. Worker thread.
 */
#include "sock/file.h"

#include "base/bits.h"
#include "sock/owner.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define FDTAB_MIN 64u
/* No source gives numbers above; a program that asks for one must not get the room for it. */
#define FDTAB_MAX (OWNER_CHUNK * OWNER_CHUNKS)

void fdtab_init(struct fdtab *t, const struct mem *mem, const struct sock_numbers *numbers)
{
	*t = (struct fdtab){.mem = mem, .numbers = *numbers};
}

void fdtab_fini(struct fdtab *t)
{
	mem_free(t->mem, t->files, t->size * sizeof(struct file *));
	mem_free(t->mem, t->cloexec, t->size);
	t->files = NULL;
	t->cloexec = NULL;
	t->size = 0;
	t->numbers.fini(t->numbers.ctx);
}

static int make_room(struct fdtab *t, unsigned fd)
{
	struct file **files;
	uint8_t *cloexec;
	size_t size;

	if (fd < t->size)
		return 0;
	size = round_up_pow2(max_u64((uint64_t)fd + 1, FDTAB_MIN));
	files = mem_zalloc(t->mem, size * sizeof(struct file *));
	cloexec = mem_zalloc(t->mem, size);
	if (!files || !cloexec) {
		mem_free(t->mem, files, size * sizeof(struct file *));
		mem_free(t->mem, cloexec, size);
		return -ENOMEM;
	}
	if (t->files) {
		memcpy(files, t->files, t->size * sizeof(struct file *));
		memcpy(cloexec, t->cloexec, t->size);
	}
	mem_free(t->mem, t->files, t->size * sizeof(struct file *));
	mem_free(t->mem, t->cloexec, t->size);
	t->files = files;
	t->cloexec = cloexec;
	t->size = (unsigned)size;
	return 0;
}

/* A number came from the source, or -errno. */
static int reserved(struct fdtab *t, int fd, bool set)
{
	int rc = fd < 0 ? fd : make_room(t, (unsigned)fd);

	if (rc < 0) {
		if (fd >= 0)
			t->numbers.release(t->numbers.ctx, fd, set);
		return rc;
	}
	t->cloexec[fd] = false;
	return fd;
}

int fdtab_reserve(struct fdtab *t)
{
	return reserved(t, t->numbers.reserve(t->numbers.ctx), false);
}

int fdtab_reserve_set(struct fdtab *t)
{
	return reserved(t, t->numbers.reserve_set(t->numbers.ctx), true);
}

static bool is_set(const struct fdtab *t, int fd)
{
	return t->files[fd] && !file_is_socket(t->files[fd]);
}

int fdtab_dup(struct fdtab *t, int fd, int from)
{
	return reserved(t, t->numbers.dup(t->numbers.ctx, fd, from), is_set(t, fd));
}

/* Room first: dup_at takes the number from whoever has it. */
int fdtab_dup_at(struct fdtab *t, int fd, int to)
{
	int rc = (unsigned)to < FDTAB_MAX ? make_room(t, (unsigned)to) : -EBADF;

	if (rc == 0)
		rc = t->numbers.dup_at(t->numbers.ctx, fd, to);
	if (rc >= 0)
		t->cloexec[to] = false;
	return rc;
}

void fdtab_set(struct fdtab *t, int fd, struct file *f)
{
	t->files[fd] = f;
}

void fdtab_release(struct fdtab *t, int fd)
{
	bool set = is_set(t, fd);

	t->files[fd] = NULL;
	t->numbers.release(t->numbers.ctx, fd, set);
}

void fdtab_forget(struct fdtab *t, int fd)
{
	if ((unsigned)fd < t->size)
		t->files[fd] = NULL;
	t->numbers.forget(t->numbers.ctx, fd);
}

void fdtab_hide(struct fdtab *t, int fd)
{
	t->numbers.hide(t->numbers.ctx, fd);
}

void fdtab_close_hidden(struct fdtab *t, int fd)
{
	if (fd < 0)
		return;
	t->numbers.forget(t->numbers.ctx, fd);
	(void)close(fd);
}
