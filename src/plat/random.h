/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Randomness that an attacker cannot guess, and the keyed hash for what he must not guess either:
 * initial sequence numbers (RFC 6528), ports (RFC 6056), fragment identifiers (RFC 7739),
 * timestamp offsets (RFC 7323 5.4). For placing things in tables base/hash.h is enough.
 */
#ifndef LEAT_PLAT_RANDOM_H
#define LEAT_PLAT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#define PLAT_SIPHASH_KEY_BYTES 16

/* Fill buf from the kernel's generator. Never fails: without randomness the process ends, because
 * every later secret would be worthless. Any thread; a system call, so not per packet. */
void plat_random(void *buf, size_t len);

/* SipHash-2-4, a pseudo-random function under a secret key. Any thread, no state. */
uint64_t plat_siphash(const uint8_t key[PLAT_SIPHASH_KEY_BYTES], const void *p, size_t len);

#endif
