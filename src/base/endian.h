/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Integers on the wire. be16, be32 and be64 hold network byte order; being structs they do not
 * compile when mixed with numbers, so a forgotten conversion is an error and not a bug found
 * later on another machine. load_ and store_ work on bytes at any alignment and convert.
 */
#ifndef LEAT_BASE_ENDIAN_H
#define LEAT_BASE_ENDIAN_H

#include <stdint.h>
#include <string.h>

typedef struct {
	uint16_t raw;
} be16;

typedef struct {
	uint32_t raw;
} be32;

typedef struct {
	uint64_t raw;
} be64;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LEAT_BE16(v) __builtin_bswap16(v)
#define LEAT_BE32(v) __builtin_bswap32(v)
#define LEAT_BE64(v) __builtin_bswap64(v)
#define LEAT_LE16(v) ((uint16_t)(v))
#define LEAT_LE32(v) ((uint32_t)(v))
#define LEAT_LE64(v) ((uint64_t)(v))
#else
#define LEAT_BE16(v) ((uint16_t)(v))
#define LEAT_BE32(v) ((uint32_t)(v))
#define LEAT_BE64(v) ((uint64_t)(v))
#define LEAT_LE16(v) __builtin_bswap16(v)
#define LEAT_LE32(v) __builtin_bswap32(v)
#define LEAT_LE64(v) __builtin_bswap64(v)
#endif

static inline be16 be16_make(uint16_t v)
{
	return (be16){LEAT_BE16(v)};
}

static inline be32 be32_make(uint32_t v)
{
	return (be32){LEAT_BE32(v)};
}

static inline be64 be64_make(uint64_t v)
{
	return (be64){LEAT_BE64(v)};
}

static inline uint16_t be16_get(be16 v)
{
	return LEAT_BE16(v.raw);
}

static inline uint32_t be32_get(be32 v)
{
	return LEAT_BE32(v.raw);
}

static inline uint64_t be64_get(be64 v)
{
	return LEAT_BE64(v.raw);
}

/* For values that are in wire order already, such as the result of csum_fold(). */
static inline be16 be16_from_raw(uint16_t raw)
{
	return (be16){raw};
}

static inline be32 be32_from_raw(uint32_t raw)
{
	return (be32){raw};
}

/* Bytes as the processor reads them: no conversion. */
static inline uint16_t load_native16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t load_native32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t load_native64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void store_native16(void *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void store_native32(void *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void store_native64(void *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline uint16_t load_be16(const void *p)
{
	return LEAT_BE16(load_native16(p));
}

static inline uint32_t load_be24(const void *p)
{
	const uint8_t *b = p;

	return (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
}

static inline uint32_t load_be32(const void *p)
{
	return LEAT_BE32(load_native32(p));
}

static inline uint64_t load_be64(const void *p)
{
	return LEAT_BE64(load_native64(p));
}

static inline void store_be16(void *p, uint16_t v)
{
	store_native16(p, LEAT_BE16(v));
}

static inline void store_be24(void *p, uint32_t v)
{
	uint8_t *b = p;

	b[0] = (uint8_t)(v >> 16);
	b[1] = (uint8_t)(v >> 8);
	b[2] = (uint8_t)v;
}

static inline void store_be32(void *p, uint32_t v)
{
	store_native32(p, LEAT_BE32(v));
}

static inline void store_be64(void *p, uint64_t v)
{
	store_native64(p, LEAT_BE64(v));
}

static inline uint16_t load_le16(const void *p)
{
	return LEAT_LE16(load_native16(p));
}

static inline uint32_t load_le32(const void *p)
{
	return LEAT_LE32(load_native32(p));
}

static inline uint64_t load_le64(const void *p)
{
	return LEAT_LE64(load_native64(p));
}

static inline void store_le16(void *p, uint16_t v)
{
	store_native16(p, LEAT_LE16(v));
}

static inline void store_le32(void *p, uint32_t v)
{
	store_native32(p, LEAT_LE32(v));
}

static inline void store_le64(void *p, uint64_t v)
{
	store_native64(p, LEAT_LE64(v));
}

#endif
