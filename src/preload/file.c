/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that treat a socket as a file: sendfile(2) copies, splice(2) is refused as for a kind of
 * file that it does not know, so that programs fall back; stdio gets streams of its own, since the
 * C library's read without asking us. Any thread.
 */
#include "preload/pending.h"
#include "preload/waitfor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#define COPY_BYTES 65536u

/* ---- sendfile ---- */

/* One piece from `from` on. What was sent, 0 at the end of the file, -1. */
static ssize_t send_piece(int out, int in, off_t from, char *buf, size_t len)
{
	ssize_t got = real(pread)(in, buf, len, from);

	return got <= 0 ? got : write(out, buf, (size_t)got);
}

static ssize_t copy_file(int out, int in, off_t *at, size_t len)
{
	char *buf = malloc(COPY_BYTES);
	size_t done = 0;
	ssize_t rc = 0;

	if (!buf) {
		errno = ENOMEM;
		return -1;
	}
	while (done < len) {
		size_t want = len - done < COPY_BYTES ? len - done : COPY_BYTES;

		rc = send_piece(out, in, *at, buf, want);
		if (rc <= 0)
			break;
		done += (size_t)rc;
		*at += rc;
		if ((size_t)rc < want)
			break;
	}
	free(buf);
	return done > 0 ? (ssize_t)done : rc;
}

EXPORT ssize_t sendfile(int out, int in, off_t *offset, size_t len)
{
	int leats = pending_ask(out);
	off_t at;
	ssize_t rc;

	if (leats < 0)
		return -1;
	if (leats == 0)
		return real(sendfile)(out, in, offset, len);
	at = offset ? *offset : lseek(in, 0, SEEK_CUR);
	if (at < 0)
		return -1;
	rc = copy_file(out, in, &at, len);
	if (offset)
		*offset = at;
	else
		(void)lseek(in, at, SEEK_SET);
	return rc;
}

EXPORT ssize_t sendfile64(int out, int in, off64_t *offset, size_t len)
{
	return sendfile(out, in, offset, len);
}

EXPORT ssize_t splice(int in, off64_t *off_in, int out, off64_t *off_out, size_t len,
		      unsigned flags)
{
	if (pending_ask(in) == 0 && pending_ask(out) == 0)
		return real(splice)(in, off_in, out, off_out, len, flags);
	errno = EINVAL;
	return -1;
}

/* ---- positions: a socket has none ---- */

static ssize_t no_position(void)
{
	errno = ESPIPE;
	return -1;
}

EXPORT ssize_t pread(int fd, void *buf, size_t len, off_t at)
{
	return pending_ask(fd) > 0 ? no_position() : real(pread)(fd, buf, len, at);
}

EXPORT ssize_t pwrite(int fd, const void *buf, size_t len, off_t at)
{
	return pending_ask(fd) > 0 ? no_position() : real(pwrite)(fd, buf, len, at);
}

/* -1 is "where it stands", which a socket has. */
EXPORT ssize_t preadv2(int fd, const struct iovec *iov, int n, off_t at, int flags)
{
	if (pending_ask(fd) == 0)
		return real(preadv2)(fd, iov, n, at, flags);
	return at == -1 ? readv(fd, iov, n) : no_position();
}

EXPORT ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t at, int flags)
{
	if (pending_ask(fd) == 0)
		return real(pwritev2)(fd, iov, n, at, flags);
	return at == -1 ? writev(fd, iov, n) : no_position();
}

EXPORT ssize_t preadv(int fd, const struct iovec *iov, int n, off_t at)
{
	if (at >= 0)
		return preadv2(fd, iov, n, at, 0);
	errno = EINVAL;
	return -1;
}

EXPORT ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	if (at >= 0)
		return pwritev2(fd, iov, n, at, 0);
	errno = EINVAL;
	return -1;
}

/* off64_t is off_t here. */
EXPORT ssize_t pread64(int fd, void *buf, size_t len, off64_t at)
{
	return pread(fd, buf, len, at);
}

EXPORT ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t at)
{
	return pwrite(fd, buf, len, at);
}

EXPORT ssize_t preadv64(int fd, const struct iovec *iov, int n, off64_t at)
{
	return preadv(fd, iov, n, at);
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *iov, int n, off64_t at)
{
	return pwritev(fd, iov, n, at);
}

EXPORT ssize_t preadv64v2(int fd, const struct iovec *iov, int n, off64_t at, int flags)
{
	return preadv2(fd, iov, n, at, flags);
}

EXPORT ssize_t pwritev64v2(int fd, const struct iovec *iov, int n, off64_t at, int flags)
{
	return pwritev2(fd, iov, n, at, flags);
}

/* ---- stdio ---- */

static ssize_t stream_read(void *cookie, char *buf, size_t len)
{
	return read((int)(intptr_t)cookie, buf, len);
}

static ssize_t stream_write(void *cookie, const char *buf, size_t len)
{
	ssize_t rc = write((int)(intptr_t)cookie, buf, len);

	return rc < 0 ? 0 : rc;
}

static int stream_close(void *cookie)
{
	return close((int)(intptr_t)cookie);
}

/* Its fileno() is -1: nothing behind it is a file of the kernel's. */
EXPORT FILE *fdopen(int fd, const char *mode)
{
	const cookie_io_functions_t io = {
		.read = stream_read,
		.write = stream_write,
		.close = stream_close,
	};

	if (pending_ask(fd) > 0)
		return fopencookie((void *)(intptr_t)fd, mode, io);
	return real(fdopen)(fd, mode);
}

__attribute__((format(printf, 2, 0))) static int print_to(int fd, const char *fmt, va_list ap)
{
	char *text;
	int n = vasprintf(&text, fmt, ap);
	int done = 0;

	while (done < n) {
		ssize_t rc = write(fd, text + done, (size_t)(n - done));

		if (rc <= 0)
			break;
		done += (int)rc;
	}
	if (n >= 0)
		free(text);
	return n >= 0 && done == n ? n : -1;
}

EXPORT int vdprintf(int fd, const char *restrict fmt, va_list ap)
{
	if (pending_ask(fd) > 0)
		return print_to(fd, fmt, ap);
	return real(vdprintf)(fd, fmt, ap);
}

EXPORT int dprintf(int fd, const char *restrict fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = vdprintf(fd, fmt, ap);
	va_end(ap);
	return rc;
}

int __vdprintf_chk(int fd, int flag, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
int __dprintf_chk(int fd, int flag, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The flag asks to refuse %n in writable memory; print_to() and libc's own take it. */
EXPORT int __vdprintf_chk(int fd, int flag, const char *fmt, va_list ap)
{
	(void)flag;
	return vdprintf(fd, fmt, ap);
}

EXPORT int __dprintf_chk(int fd, int flag, const char *fmt, ...)
{
	va_list ap;
	int rc;

	(void)flag;
	va_start(ap, fmt);
	rc = vdprintf(fd, fmt, ap);
	va_end(ap);
	return rc;
}
