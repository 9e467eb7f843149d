/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fuzz target: one function that takes any bytes and must come back, without a sanitizer's word
 * and with all FUZZ_CHECKs true. Linked with libFuzzer (-Dfuzz=true, clang) or with replay.c.
 */
#ifndef LEAT_TESTS_FUZZ_FUZZ_H
#define LEAT_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The name is libFuzzer's. data is a heap block of just size bytes. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%s:%d: %s is false\n", __FILE__, __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

#endif
