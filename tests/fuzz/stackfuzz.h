/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole stack under a fuzz target. The input is a program of small operations (one byte says
 * which, the next ones say how), so that mutations keep their meaning: segments with live sequence
 * numbers, right checksums and options, time, calls of the program. After each operation the stack
 * runs until it is idle and everything that it sent is parsed and its checksums verified; at the
 * end every buffer and every byte of memory must be back and no packet dropped without a reason.
 */
#ifndef LEAT_TESTS_FUZZ_STACKFUZZ_H
#define LEAT_TESTS_FUZZ_STACKFUZZ_H

#include "fuzz.h"

#include "base/memfail.h"
#include "simapp.h"
#include "simraw.h"

/* The input, read from its front; zeros behind its end. */
struct fuzzin {
	const uint8_t *p;
	size_t left;
};

uint8_t fuzzin_u8(struct fuzzin *in);
uint16_t fuzzin_u16(struct fuzzin *in);
uint32_t fuzzin_u32(struct fuzzin *in);
/* Up to n bytes; returns how many. */
size_t fuzzin_bytes(struct fuzzin *in, uint8_t *out, size_t n);

struct stackfuzz {
	struct memfail mem;
	struct simnet net;
	struct simraw raw;
	struct simapp app;
	struct ipaddr us, peer;
	bool v6, watch_fragments;
	uint64_t unspec;
	unsigned n_sent;    /* frames that the stack sent in the last run */
	struct tcphdr last; /* of the last segment it sent */
};

void stackfuzz_begin(struct stackfuzz *f, bool v6);
/* Rounds until nothing happens; looks at what is sent. */
void stackfuzz_run(struct stackfuzz *f);
void stackfuzz_advance(struct stackfuzz *f, uint64_t ns);
void stackfuzz_end(struct stackfuzz *f);

#endif
