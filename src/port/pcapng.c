/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Section header, one description for each interface, then enhanced packet blocks. All in the
 * processor's byte order, as the format allows. For tests and tools; never on a packet path.
 */
#include "port/pcapng.h"

#include "base/bits.h"
#include "base/endian.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_SECTION   0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET    6u
#define BYTE_ORDER_MARK 0x1a2b3c4du
#define LINK_ETHERNET   1u
#define OPT_END         0u
#define OPT_COMMENT     1u
#define OPT_IF_NAME     2u
#define OPT_IF_TSRESOL  9u
#define TSRESOL_NS      9u
#define TEXT_MAX        255u

struct pcapng {
	const struct mem *mem;
	FILE *file;
	int error;
};

static void put(struct pcapng *p, const void *bytes, size_t n)
{
	if (n > 0 && p->error == 0 && fwrite(bytes, 1, n, p->file) != n)
		p->error = errno ? -errno : -EIO;
}

static void put_u32(struct pcapng *p, uint32_t v)
{
	put(p, &v, sizeof(v));
}

static void put_u16(struct pcapng *p, size_t v)
{
	uint16_t u = (uint16_t)v;

	put(p, &u, sizeof(u));
}

static void put_padded(struct pcapng *p, const void *bytes, size_t n)
{
	static const uint8_t zero[4];

	put(p, bytes, n);
	put(p, zero, align_up(n, 4) - n);
}

static void put_option(struct pcapng *p, uint16_t code, const void *bytes, size_t n)
{
	put_u16(p, code);
	put_u16(p, n);
	put_padded(p, bytes, n);
}

static uint32_t option_len(size_t n)
{
	return 4 + (uint32_t)align_up(n, 4);
}

static void put_section(struct pcapng *p)
{
	put_u32(p, BLOCK_SECTION);
	put_u32(p, 28);
	put_u32(p, BYTE_ORDER_MARK);
	put_u16(p, 1);
	put_u16(p, 0);
	put_u32(p, UINT32_MAX); /* section length: not given */
	put_u32(p, UINT32_MAX);
	put_u32(p, 28);
}

static void put_interface(struct pcapng *p, const char *name)
{
	const uint8_t tsresol = TSRESOL_NS;
	size_t n = strnlen(name, TEXT_MAX);
	uint32_t len = 20 + option_len(n) + option_len(1) + 4;

	put_u32(p, BLOCK_INTERFACE);
	put_u32(p, len);
	put_u16(p, LINK_ETHERNET);
	put_u16(p, 0);
	put_u32(p, 0); /* no snap length */
	put_option(p, OPT_IF_NAME, name, n);
	put_option(p, OPT_IF_TSRESOL, &tsresol, 1);
	put_option(p, OPT_END, NULL, 0);
	put_u32(p, len);
}

int pcapng_create(const struct mem *mem, const char *path, const char *const *ifnames, unsigned n,
		  struct pcapng **out)
{
	struct pcapng *p = mem_zalloc(mem, sizeof(*p));
	int rc;

	if (!p)
		return -ENOMEM;
	p->mem = mem;
	p->file = fopen(path, "we");
	if (!p->file) {
		rc = -errno;
		mem_free(mem, p, sizeof(*p));
		return rc;
	}
	put_section(p);
	for (unsigned i = 0; i < n; i++)
		put_interface(p, ifnames[i]);
	rc = p->error;
	if (rc < 0)
		pcapng_destroy(p);
	else
		*out = p;
	return rc;
}

int pcapng_write(struct pcapng *p, unsigned ifno, uint64_t ns, struct view frame,
		 const char *comment)
{
	size_t n = strnlen(comment, TEXT_MAX);
	uint32_t len = 32 + (uint32_t)align_up(frame.len, 4) + option_len(n) + 4;

	put_u32(p, BLOCK_PACKET);
	put_u32(p, len);
	put_u32(p, ifno);
	put_u32(p, (uint32_t)(ns >> 32));
	put_u32(p, (uint32_t)ns);
	put_u32(p, (uint32_t)frame.len);
	put_u32(p, (uint32_t)frame.len);
	put_padded(p, frame.p, frame.len);
	put_option(p, OPT_COMMENT, comment, n);
	put_option(p, OPT_END, NULL, 0);
	put_u32(p, len);
	return p->error;
}

void pcapng_destroy(struct pcapng *p)
{
	(void)fclose(p->file);
	mem_free(p->mem, p, sizeof(*p));
}
