/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fragments of both families to a whole stack: offsets, lengths and flags from the input, few
 * sources and few ids, so that they meet and overlap. Also time, so that reassembly gives up. The
 * memory that fragments hold must stay below its limit after every one (RFC 8200 4.5, RFC 5722).
 */
#include "stackfuzz.h"

#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/proto.h"

#include <string.h>

#define OPS_MAX  128u
#define TEXT_MAX 1480u

/* One fragment's bytes behind the Ethernet header. */
static uint32_t emit4(const struct stackfuzz *f, struct fuzzin *in, uint8_t how, uint8_t *buf)
{
	uint16_t off = fuzzin_u16(in);
	uint32_t len = fuzzin_u8(in) * (how & 0x80 ? 8u : 1u);
	struct ip4 h = {.ttl = 64,
			.proto = how & 0x40 ? PROTO_TCP : PROTO_UDP,
			.id = how >> 4 & 3,
			.mf = (off & 1) != 0,
			.frag_off_bytes = (uint16_t)((off >> 3 & 0x1fff) * 8),
			.src = simraw_addr(false, 0, 2 + (how >> 1 & 1)),
			.dst = f->us};

	len = min_u32(len, TEXT_MAX);
	h.total_len = (uint16_t)(IP4_HLEN + len);
	memset(buf + IP4_HLEN, how, len);
	return (uint32_t)ip4_emit(buf, &h) + len;
}

static uint32_t emit6(const struct stackfuzz *f, struct fuzzin *in, uint8_t how, uint8_t *buf)
{
	uint16_t off = fuzzin_u16(in);
	uint32_t len = min_u32(fuzzin_u8(in) * (how & 0x80 ? 8u : 1u), TEXT_MAX);
	uint8_t *frag = buf + IP6_HLEN;
	struct ip6 h = {.next_header = PROTO_FRAGMENT,
			.hop_limit = 64,
			.payload_len = (uint16_t)(8 + len),
			.src = simraw_addr(true, 0, 2 + (how >> 1 & 1)),
			.dst = f->us};

	ip6_emit(buf, &h);
	/* Nested headers, and upper layers that are there in part only. */
	frag[0] = how & 0x40 ? (uint8_t)(how & 8 ? PROTO_FRAGMENT : PROTO_DSTOPTS) : PROTO_UDP;
	frag[1] = 0;
	store_be16(frag + 2, off);
	store_be32(frag + 4, how >> 4 & 3);
	memset(frag + 8, how & 8 ? 0 : how, len);
	return IP6_HLEN + 8 + len;
}

static void op(struct stackfuzz *f, struct fuzzin *in)
{
	uint8_t frame[ETH_HLEN + IP6_HLEN + 8 + TEXT_MAX];
	uint8_t how = fuzzin_u8(in);
	struct eth e = {.dst = f->raw.mac, .src = {{2, 0, 0, 0, 0, 9}}};
	uint32_t n;

	if ((how & 7) == 7) {
		stackfuzz_advance(f, UINT64_C(10000000) << (how >> 4));
		return;
	}
	e.type = how & 1 ? ETHERTYPE_IP6 : ETHERTYPE_IP4;
	f->us = simraw_addr((how & 1) != 0, 0, 1);
	n = (uint32_t)eth_emit(frame, &e);
	n += how & 1 ? emit6(f, in, how, frame + n) : emit4(f, in, how, frame + n);
	(void)simraw_put(&f->raw, frame, n);
	stackfuzz_run(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stackfuzz f;
	struct fuzzin in = {data, size};

	stackfuzz_begin(&f, false);
	for (unsigned i = 0; i < OPS_MAX && in.left > 0; i++)
		op(&f, &in);
	/* What is incomplete is given up, at the latest then (RFC 8200 4.5: 60 s). */
	stackfuzz_advance(&f, UINT64_C(70000000000));
	stackfuzz_end(&f);
	return 0;
}
