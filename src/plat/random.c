/* SPDX-License-Identifier: BSD-2-Clause */
/* getrandom(2) and libsodium's SipHash-2-4. */
#include "plat/random.h"

#include "base/compiler.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <sys/random.h>

#include <sodium/crypto_shorthash_siphash24.h>

static_assert(crypto_shorthash_siphash24_KEYBYTES == PLAT_SIPHASH_KEY_BYTES, "SipHash key size");
static_assert(crypto_shorthash_siphash24_BYTES == sizeof(uint64_t), "SipHash result size");

void plat_random(void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len > 0) {
		ssize_t n = getrandom(p, len, 0);

		/* Interrupted while the kernel still gathers entropy at boot: ask again. */
		if (n < 0 && errno == EINTR)
			continue;
		MUST(n > 0);
		p += n;
		len -= (size_t)n;
	}
}

uint64_t plat_siphash(const uint8_t key[PLAT_SIPHASH_KEY_BYTES], const void *p, size_t len)
{
	uint8_t out[sizeof(uint64_t)];
	uint64_t h;

	/* Returns 0 always. */
	(void)crypto_shorthash_siphash24(out, p, len, key);
	memcpy(&h, out, sizeof(h));
	return h;
}
