/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target over a corpus without libFuzzer: usage: replay_<target> DIRECTORY...
 * Each file is given whole, cut at every length, and damaged in every byte, each time in a heap
 * block of just that size. Fails when a directory holds no file: a corpus that was lost must not
 * pass.
 */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>

#define INPUT_MAX 4096

static void run_exact(const uint8_t *data, size_t size)
{
	uint8_t *block = malloc(size + (size == 0));

	FUZZ_CHECK(block != NULL);
	memcpy(block, data, size);
	LLVMFuzzerTestOneInput(size == 0 ? block + 1 : block, size);
	free(block);
}

static void run_variants(uint8_t *data, size_t size)
{
	static const uint8_t masks[] = {0x01, 0x80, 0xff};

	run_exact(data, size);
	for (size_t n = 0; n < size; n++) {
		run_exact(data, n);
		for (size_t i = 0; i < sizeof(masks); i++) {
			data[n] ^= masks[i];
			run_exact(data, size);
			data[n] ^= masks[i];
		}
	}
}

static void run_file(const char *dir, const char *name)
{
	uint8_t data[INPUT_MAX + 1];
	char path[1024];
	size_t size;
	FILE *f;
	int len = snprintf(path, sizeof(path), "%s/%s", dir, name);

	FUZZ_CHECK(len > 0 && (size_t)len < sizeof(path));
	f = fopen(path, "rb");
	FUZZ_CHECK(f != NULL);
	size = fread(data, 1, sizeof(data), f);
	fclose(f);
	FUZZ_CHECK(size <= INPUT_MAX);
	run_variants(data, size);
}

/* How many files it has, or 0 when it cannot be read. */
static unsigned run_directory(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned n = 0;

	if (d == NULL)
		return 0;
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		run_file(dir, e->d_name);
		n++;
	}
	closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	int status = argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;

	for (int i = 1; i < argc; i++) {
		unsigned n = run_directory(argv[i]);

		printf("%s: %u inputs\n", argv[i], n);
		if (n == 0)
			status = EXIT_FAILURE;
	}
	return status;
}
