/* SPDX-License-Identifier: BSD-2-Clause */
/* ARP: a request as scapy writes it, each bad field, every truncation. */
#include "wire/arp.h"

#include "test_wire_util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* who has 10.0.0.2, tell 10.0.0.1 */
static const char request[] = "00 01 08 00 06 04 00 01 02 00 00 00 00 01 0a 00 00 01 "
			      "00 00 00 00 00 00 0a 00 00 02";

static void test_request(void **state)
{
	struct pkt p = pkt_hex(request);
	uint8_t out[ARP_LEN];
	struct arp a;

	(void)state;
	assert_int_equal(arp_parse(&a, pkt_view(&p)), 0);
	assert_int_equal(a.op, ARP_REQUEST);
	assert_int_equal(a.sha.b[0], 2);
	assert_int_equal(a.sha.b[5], 1);
	assert_int_equal(a.spa, 0x0a000001);
	assert_true(ethaddr_is_zero(&a.tha));
	assert_int_equal(a.tpa, 0x0a000002);
	assert_int_equal(arp_emit(out, &a), ARP_LEN);
	assert_memory_equal(out, p.b, ARP_LEN);
	/* Padding to the least frame length does not matter. */
	p.len += 18;
	assert_int_equal(arp_parse(&a, pkt_view(&p)), 0);
}

static void test_bad_fields(void **state)
{
	static const struct {
		unsigned off;
		uint8_t value;
		int err;
	} rows[] = {
		{1, 6, ARP_ETYPE}, {0, 1, ARP_ETYPE},   {2, 0x86, ARP_ETYPE}, {3, 1, ARP_ETYPE},
		{4, 0, ARP_ELEN},  {4, 5, ARP_ELEN},    {4, 0xff, ARP_ELEN},  {5, 0, ARP_ELEN},
		{5, 16, ARP_ELEN}, {5, 0xff, ARP_ELEN},
	};
	struct arp a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pkt p = pkt_hex(request);

		p.b[rows[i].off] = rows[i].value;
		assert_int_equal(arp_parse(&a, pkt_view(&p)), rows[i].err);
	}
}

static void try_cut(struct view v, void *ctx)
{
	struct arp a;

	(void)ctx;
	assert_int_equal(arp_parse(&a, v), v.len < ARP_LEN ? ARP_ESHORT : 0);
}

static void try_damaged(struct view v, void *ctx)
{
	uint8_t out[ARP_LEN];
	struct arp a;

	(void)ctx;
	if (arp_parse(&a, v) != 0)
		return;
	arp_emit(out, &a);
	assert_memory_equal(out, v.p, ARP_LEN);
}

static void test_cut_and_damaged(void **state)
{
	struct pkt p = pkt_hex(request);

	(void)state;
	wire_try_cuts(pkt_view(&p), try_cut, NULL);
	wire_try_damaged(pkt_view(&p), 20000, try_damaged, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_bad_fields),
		cmocka_unit_test(test_cut_and_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
