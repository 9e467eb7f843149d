/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ARP and neighbour discovery to a whole stack: messages with right checksums and hop limit (or
 * not), addresses out of a small set that has our own in it, options from the input; pings to and
 * from neighbours in between, and time. Our own link address must survive (RFC 5227 2.4).
 */
#include "stackfuzz.h"

#include "wire/arp.h"
#include "wire/proto.h"

#include <string.h>

#define OPS_MAX 64u

static struct ipaddr pick_addr(struct stackfuzz *f, bool v6, uint8_t how)
{
	struct ipaddr a;

	switch (how & 7) {
	case 0:
		return simraw_addr(v6, 0, 1);
	case 1:
		return v6 ? ipaddr_any6() : ipaddr_any4();
	case 2:
		a = simraw_addr(v6, 0, 1);
		if (v6 && ipaddr_parse("ff02::1:ff00:1", &a) < 0)
			FUZZ_CHECK(false);
		return a;
	case 3:
		a = simraw_addr(v6, 0, 255);
		if (v6 && ipaddr_parse("ff02::1", &a) < 0)
			FUZZ_CHECK(false);
		return a;
	case 4:
		return f->v6 == v6 ? f->peer : simraw_addr(v6, 0, 3);
	default:
		return simraw_addr(v6, how & 8 ? 0 : 7, 2 + (how >> 4));
	}
}

static struct ethaddr pick_mac(const struct stackfuzz *f, uint8_t how)
{
	struct ethaddr mac = {{2, 0, 0, 0, 0, how}};

	if ((how & 3) == 0)
		mac = f->raw.mac;
	else if ((how & 7) == 1)
		mac = ethaddr_broadcast();
	return mac;
}

static void op_arp(struct stackfuzz *f, struct fuzzin *in)
{
	uint8_t frame[ETH_HLEN + 64], how = fuzzin_u8(in);
	struct eth e = {.src = {{2, 0, 0, 0, 0, 2}}, .type = ETHERTYPE_ARP};
	struct arp a = {.op = how & 3};
	struct ipaddr addr;
	uint32_t n;

	e.dst = how & 4 ? f->raw.mac : ethaddr_broadcast();
	a.sha = pick_mac(f, fuzzin_u8(in));
	addr = pick_addr(f, false, fuzzin_u8(in));
	a.spa = ipaddr_to_v4(&addr);
	a.tha = pick_mac(f, fuzzin_u8(in));
	addr = pick_addr(f, false, fuzzin_u8(in));
	a.tpa = ipaddr_to_v4(&addr);
	n = (uint32_t)eth_emit(frame, &e);
	n += (uint32_t)arp_emit(frame + n, &a);
	if (how & 8) /* cut, or with something wrong */
		n = min_u32(n, how >> 2);
	if (how & 0x80)
		frame[ETH_HLEN + (how >> 4 & 7)] ^= how;
	(void)simraw_put(&f->raw, frame, n);
}

/* Router and neighbour discovery and redirects: 133 to 137; the target or what else is first. */
static void op_nd(struct stackfuzz *f, struct fuzzin *in)
{
	uint8_t msg[300] = {(uint8_t)(133 + fuzzin_u8(in) % 5)};
	struct ipaddr src = pick_addr(f, true, fuzzin_u8(in));
	struct ipaddr dst = pick_addr(f, true, fuzzin_u8(in));
	struct ipaddr target = pick_addr(f, true, fuzzin_u8(in));
	uint8_t how = fuzzin_u8(in);
	uint32_t n = 8;

	store_be32(msg + 4, (uint32_t)how << 24);
	if (msg[0] >= 135) {
		memcpy(msg + n, target.b, 16);
		n += 16;
	}
	if (msg[0] == 137) {
		memcpy(msg + n, dst.b, 16);
		n += 16;
	}
	if (msg[0] == 134) {
		store_be16(msg + 6, fuzzin_u16(in));
		n += 8;
	}
	n += (uint32_t)fuzzin_bytes(in, msg + n, how & 63);
	(void)simraw_put_ip(&f->raw, &src, &dst, PROTO_ICMP6, msg, n, 2);
}

/* Somebody pings us: an answer has to find its way, the question teaches us nothing. */
static void op_ping(struct stackfuzz *f, struct fuzzin *in)
{
	bool v6 = (fuzzin_u8(in) & 1) != 0;
	uint8_t msg[64] = {v6 ? 128 : 8};
	struct ipaddr src = pick_addr(f, v6, fuzzin_u8(in));
	struct ipaddr dst = pick_addr(f, v6, fuzzin_u8(in));

	(void)simraw_put_ip(&f->raw, &src, &dst, v6 ? PROTO_ICMP6 : PROTO_ICMP4, msg, sizeof(msg),
			    2);
}

static void op(struct stackfuzz *f, struct fuzzin *in)
{
	uint8_t what = fuzzin_u8(in);

	switch (what & 7) {
	case 0:
	case 1:
		op_arp(f, in);
		break;
	case 2:
		op_ping(f, in);
		break;
	case 3:
		stackfuzz_advance(f, UINT64_C(10000000) << (what >> 4));
		break;
	default:
		op_nd(f, in);
	}
	stackfuzz_run(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stackfuzz f;
	struct fuzzin in = {data, size};
	struct ethaddr own;

	stackfuzz_begin(&f, (size & 1) != 0);
	own = f.raw.s->ports[0]->mac;
	for (unsigned i = 0; i < OPS_MAX && in.left > 0; i++)
		op(&f, &in);
	FUZZ_CHECK(ethaddr_eq(&own, &f.raw.s->ports[0]->mac));
	stackfuzz_end(&f);
	return 0;
}
