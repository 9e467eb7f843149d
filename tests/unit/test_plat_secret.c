/* SPDX-License-Identifier: BSD-2-Clause */
/* The secret's file: made once, the same ever after, refused when damaged or open to others. */
#include "plat/secret.h"

#include "base/compiler.h"
#include "tmpname.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CHILDREN 8u
#define TEXT_MAX 200u

/* A folder of its own for each test; *state is its path. */
static int make_dir(void **state)
{
	char *dir = malloc(TMPNAME_LEN);

	*state = dir;
	if (dir != NULL)
		tmpname(dir, TMPNAME_LEN);
	return dir != NULL && mkdtemp(dir) != NULL ? 0 : -1;
}

static int remove_dir(void **state)
{
	DIR *d = opendir(*state);
	struct dirent *e;
	int r;

	if (d == NULL)
		return -1;
	while ((e = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), e->d_name, 0);
	(void)closedir(d);
	r = rmdir(*state);
	free(*state);
	return r;
}

static unsigned count_files(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n - 2; /* . and .. */
}

static void make_path(char path[100], void **state)
{
	(void)snprintf(path, 100, "%s/secret", (const char *)*state);
}

static size_t read_text(const char *path, char text[TEXT_MAX])
{
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, TEXT_MAX, f);
	(void)fclose(f);
	return n;
}

static void write_text(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void test_made_once(void **state)
{
	uint8_t a[PLAT_SECRET_BYTES], b[PLAT_SECRET_BYTES];
	const uint8_t zero[PLAT_SECRET_BYTES] = {0};
	char path[100], err[200];
	struct stat st;

	make_path(path, state);
	(void)umask(0);
	assert_int_equal(plat_secret_load(path, a, err, sizeof(err)), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(st.st_nlink, 1);
	assert_memory_not_equal(a, zero, sizeof(a));
	assert_int_equal(plat_secret_load(path, b, err, sizeof(err)), 0);
	assert_memory_equal(a, b, sizeof(a));
	assert_int_equal(count_files(*state), 1);
	/* Another file, another secret. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(plat_secret_load(path, b, err, sizeof(err)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
}

static void test_damage(void **state)
{
	uint8_t good[PLAT_SECRET_BYTES], out[PLAT_SECRET_BYTES];
	const uint8_t zero[PLAT_SECRET_BYTES] = {0};
	char path[100], err[200], text[TEXT_MAX], bad[TEXT_MAX];
	size_t n;

	make_path(path, state);
	assert_int_equal(plat_secret_load(path, good, err, sizeof(err)), 0);
	n = read_text(path, text);
	assert_true(n > 90 && n < TEXT_MAX);
	/* Cut at every length, one byte more, every byte changed. */
	for (size_t i = 0; i <= 2 * n; i++) {
		size_t len = i < n ? i : i == n ? n + 1 : n;

		memcpy(bad, text, n);
		bad[n] = 'x';
		if (i > n)
			bad[i - n - 1] ^= 1;
		write_text(path, bad, len);
		memset(out, 1, sizeof(out));
		assert_int_equal(plat_secret_load(path, out, err, sizeof(err)), -EBADMSG);
		assert_non_null(strstr(err, path));
		assert_non_null(strstr(err, "damaged"));
		assert_null(strchr(err, '\n'));
		assert_memory_equal(out, zero, sizeof(out));
		/* It was not replaced. */
		assert_int_equal(read_text(path, bad), len);
	}
	write_text(path, text, n);
	assert_int_equal(plat_secret_load(path, out, err, sizeof(err)), 0);
	assert_memory_equal(out, good, sizeof(out));
}

static void test_refuses_open_files(void **state)
{
	static const mode_t modes[] = {0640, 0620, 0610, 0604, 0602, 0601, 0777};
	uint8_t out[PLAT_SECRET_BYTES];
	char path[100], err[200];

	make_path(path, state);
	assert_int_equal(plat_secret_load(path, out, err, sizeof(err)), 0);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		assert_int_equal(chmod(path, modes[i]), 0);
		assert_int_equal(plat_secret_load(path, out, err, sizeof(err)), -EPERM);
		assert_non_null(strstr(err, "0600"));
	}
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(plat_secret_load(path, out, err, sizeof(err)), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
		assert_int_equal(plat_secret_load(path, out, err, sizeof(err)), -EPERM);
	}
}

static void test_refuses_other_kinds(void **state)
{
	uint8_t out[PLAT_SECRET_BYTES];
	char path[100], target[110], err[200];

	make_path(path, state);
	(void)snprintf(target, sizeof(target), "%s.real", path);
	assert_int_equal(plat_secret_load(target, out, err, sizeof(err)), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(plat_secret_load(path, out, err, sizeof(err)), -EPERM);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(plat_secret_load(path, out, err, sizeof(err)), -EPERM);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(plat_secret_load(*state, out, err, sizeof(err)), -EPERM);
}

static void test_no_place(void **state)
{
	uint8_t out[PLAT_SECRET_BYTES];
	char path[120], longer[5000], err[5200];

	(void)snprintf(path, sizeof(path), "%s/no/such/folder", (const char *)*state);
	assert_int_equal(plat_secret_load(path, out, err, sizeof(err)), -ENOENT);
	assert_non_null(strstr(err, path));
	assert_non_null(strstr(err, strerror(ENOENT)));
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(plat_secret_load(longer, out, err, sizeof(err)), -ENAMETOOLONG);
	/* A name that is too long only with the suffix of the temporary file. */
	(void)snprintf(path, sizeof(path), "%s/", (const char *)*state);
	(void)snprintf(longer, sizeof(longer), "%s%0250d", path, 0);
	assert_int_equal(plat_secret_load(longer, out, err, sizeof(err)), -ENAMETOOLONG);
	assert_int_equal(count_files(*state), 0);
}

static void test_racing_processes_agree(void **state)
{
	uint8_t out[CHILDREN][PLAT_SECRET_BYTES];
	char path[100], err[200];
	int fd[2];

	make_path(path, state);
	for (int round = 0; round < 20; round++) {
		assert_int_equal(pipe(fd), 0);
		for (unsigned i = 0; i < CHILDREN; i++) {
			if (fork() == 0) {
				if (plat_secret_load(path, out[0], err, sizeof(err)) < 0)
					_exit(1);
				_exit(write(fd[1], out[0], sizeof(out[0])) < 0);
			}
		}
		for (unsigned i = 0; i < CHILDREN; i++)
			assert_int_equal(read(fd[0], out[i], sizeof(out[i])), sizeof(out[i]));
		for (unsigned i = 0; i < CHILDREN; i++) {
			int status;

			assert_true(wait(&status) > 0);
			assert_int_equal(status, 0);
			assert_memory_equal(out[0], out[i], sizeof(out[i]));
		}
		assert_int_equal(count_files(*state), 1);
		(void)close(fd[0]);
		(void)close(fd[1]);
		assert_int_equal(unlink(path), 0);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_made_once),          TEST(test_damage),
		TEST(test_refuses_open_files), TEST(test_refuses_other_kinds),
		TEST(test_no_place),           TEST(test_racing_processes_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
