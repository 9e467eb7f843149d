/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file is one line: "leat-secret-1 <secret> <check>", both in hexadecimal; check is a hash of
 * the secret, so that a file cut or edited by accident is not taken for a key. Called once at
 * start-up; keeps nothing.
 */
#include "plat/secret.h"

#include "plat/random.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium/crypto_generichash.h>
#include <sodium/utils.h>

#define MAGIC       "leat-secret-1 "
#define MAGIC_LEN   (sizeof(MAGIC) - 1)
#define CHECK_BYTES 16u /* least that crypto_generichash() gives */
#define SECRET_HEX  (2u * PLAT_SECRET_BYTES)
#define CHECK_HEX   (2u * CHECK_BYTES)
#define TEXT_LEN    (MAGIC_LEN + SECRET_HEX + 1 + CHECK_HEX + 1)

static_assert(CHECK_BYTES == crypto_generichash_BYTES_MIN, "check size");

/* The file as it must look for this secret; text has room for the zero behind it. */
static void format_secret(char text[TEXT_LEN + 1], const uint8_t secret[PLAT_SECRET_BYTES])
{
	uint8_t check[CHECK_BYTES];
	char secret_hex[SECRET_HEX + 1], check_hex[CHECK_HEX + 1];

	MUST(crypto_generichash(check, sizeof(check), secret, PLAT_SECRET_BYTES, NULL, 0) == 0);
	sodium_bin2hex(secret_hex, sizeof(secret_hex), secret, PLAT_SECRET_BYTES);
	sodium_bin2hex(check_hex, sizeof(check_hex), check, sizeof(check));
	(void)snprintf(text, TEXT_LEN + 1, MAGIC "%s %s\n", secret_hex, check_hex);
}

/* Decode, encode again and compare: no second grammar to keep in step with the first. */
static int parse_secret(const char *text, size_t len, uint8_t out[PLAT_SECRET_BYTES])
{
	char want[TEXT_LEN + 1];
	size_t n;

	if (len != TEXT_LEN || memcmp(text, MAGIC, MAGIC_LEN) != 0)
		return -EBADMSG;
	if (sodium_hex2bin(out, PLAT_SECRET_BYTES, text + MAGIC_LEN, SECRET_HEX, NULL, &n, NULL) !=
		    0 ||
	    n != PLAT_SECRET_BYTES)
		return -EBADMSG;
	format_secret(want, out);
	return memcmp(text, want, TEXT_LEN) == 0 ? 0 : -EBADMSG;
}

/* Up to max bytes; fewer only at the end of the file. */
static ssize_t read_all(int fd, char *buf, size_t max)
{
	size_t have = 0;

	while (have < max) {
		ssize_t n = read(fd, buf + have, max - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

static int write_all(int fd, const char *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

static int check_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return -EPERM;
	/* Root may use what another user left; that user knows it then, so no. */
	return st.st_uid == geteuid() ? 0 : -EPERM;
}

static int read_secret(const char *path, uint8_t out[PLAT_SECRET_BYTES])
{
	char text[TEXT_LEN + 1]; /* one more, to notice a file that is too long */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0)
		return errno == ELOOP ? -EPERM : -errno;
	r = check_file(fd);
	if (r == 0) {
		ssize_t n = read_all(fd, text, sizeof(text));

		r = n < 0 ? (int)n : parse_secret(text, (size_t)n, out);
	}
	sodium_memzero(text, sizeof(text));
	(void)close(fd);
	return r;
}

/* A complete file under a name that nobody else uses. */
static int write_temp(const char *temp, const uint8_t secret[PLAT_SECRET_BYTES])
{
	char text[TEXT_LEN + 1];
	int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return -errno;
	format_secret(text, secret);
	r = write_all(fd, text, TEXT_LEN);
	sodium_memzero(text, sizeof(text));
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		(void)unlink(temp);
	return r;
}

/* Make the new name last through a power cut. Some file systems cannot: not an error. */
static void sync_dir(const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	int fd;

	(void)snprintf(dir, sizeof(dir), "%.*s", len == 0 ? 1 : (int)len, len == 0 ? "." : path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd);
		(void)close(fd);
	}
}

/* -EEXIST: another process was faster. */
static int create_secret(const char *path)
{
	uint8_t secret[PLAT_SECRET_BYTES];
	char temp[PATH_MAX];
	uint32_t tag;
	int r;

	plat_random(&tag, sizeof(tag));
	if (snprintf(temp, sizeof(temp), "%s.%08x", path, tag) >= (int)sizeof(temp))
		return -ENAMETOOLONG;
	plat_random(secret, sizeof(secret));
	r = write_temp(temp, secret);
	sodium_memzero(secret, sizeof(secret));
	if (r < 0)
		return r == -EEXIST ? -EAGAIN : r;
	/* link(), unlike rename(), never replaces what is there. */
	if (link(temp, path) < 0)
		r = -errno;
	(void)unlink(temp);
	if (r == 0)
		sync_dir(path);
	return r;
}

static const char *explain_error(int e)
{
	switch (e) {
	case -EBADMSG:
		return "damaged (remove it to get a new secret; peers may then refuse old "
		       "connections for a minute)";
	case -EPERM:
		return "must be a plain file of this user with mode 0600";
	default:
		return strerror(-e);
	}
}

int plat_secret_load(const char *path, uint8_t out[PLAT_SECRET_BYTES], char *err, size_t err_size)
{
	int r = read_secret(path, out);

	if (r == -ENOENT) {
		r = create_secret(path);
		if (r == 0 || r == -EEXIST)
			r = read_secret(path, out);
	}
	if (r < 0) {
		sodium_memzero(out, PLAT_SECRET_BYTES);
		(void)snprintf(err, err_size, "secret file %s: %s", path, explain_error(r));
	}
	return r;
}
