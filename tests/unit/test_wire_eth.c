/* SPDX-License-Identifier: BSD-2-Clause */
/* Ethernet header: tags, truncation, round trip; link addresses; multicast mapping. */
#include "wire/eth.h"

#include "test_wire_util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#define MACS "02 00 00 00 00 02 02 00 00 00 00 01 "

static const struct frame {
	const char *hex;
	struct eth want;
} frames[] = {
	{MACS "08 00", {.type = ETHERTYPE_IP4, .hlen = 14}},
	{MACS "86 dd", {.type = ETHERTYPE_IP6, .hlen = 14}},
	{MACS "00 40", {.type = 0x40, .hlen = 14}}, /* 802.3 length */
	{MACS "81 00 a0 64 08 06",
	 {.type = ETHERTYPE_ARP,
	  .hlen = 18,
	  .has_vlan = true,
	  .vlan_tpid = ETHERTYPE_VLAN,
	  .vlan_tci = 0xa064}},
	{MACS "88 a8 00 64 08 00",
	 {.type = ETHERTYPE_IP4,
	  .hlen = 18,
	  .has_vlan = true,
	  .vlan_tpid = ETHERTYPE_QINQ,
	  .vlan_tci = 100}},
	{MACS "88 a8 a0 64 81 00 00 07 86 dd",
	 {.type = ETHERTYPE_IP6,
	  .hlen = 22,
	  .has_vlan = true,
	  .vlan_tpid = ETHERTYPE_QINQ,
	  .vlan_tci = 0xa064,
	  .has_vlan2 = true,
	  .vlan2_tci = 7}},
	/* A third tag stays where it is. */
	{MACS "81 00 00 01 81 00 00 02 81 00",
	 {.type = ETHERTYPE_VLAN,
	  .hlen = 22,
	  .has_vlan = true,
	  .vlan_tpid = ETHERTYPE_VLAN,
	  .vlan_tci = 1,
	  .has_vlan2 = true,
	  .vlan2_tci = 2}},
};

static void assert_eth_equal(const struct eth *a, const struct eth *b)
{
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->hlen, b->hlen);
	assert_int_equal(a->has_vlan, b->has_vlan);
	assert_int_equal(a->vlan_tpid, b->vlan_tpid);
	assert_int_equal(a->vlan_tci, b->vlan_tci);
	assert_int_equal(a->has_vlan2, b->has_vlan2);
	assert_int_equal(a->vlan2_tci, b->vlan2_tci);
}

/* ctx: the length that the header needs. */
static void try_cut(struct view v, void *ctx)
{
	const size_t *need = ctx;
	struct eth h;

	assert_int_equal(eth_parse(&h, v), v.len < *need ? ETH_ESHORT : 0);
}

static void test_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		struct pkt p = pkt_hex(frames[i].hex);
		uint8_t out[ETH_HLEN_MAX];
		size_t need = p.len;
		struct eth h;

		assert_int_equal(eth_parse(&h, pkt_view(&p)), 0);
		assert_eth_equal(&h, &frames[i].want);
		assert_int_equal(h.dst.b[5], 2);
		assert_int_equal(h.src.b[5], 1);
		assert_int_equal(eth_emit(out, &h), p.len);
		assert_memory_equal(out, p.b, p.len);
		wire_try_cuts(pkt_view(&p), try_cut, &need);
	}
}

static void try_damaged(struct view v, void *ctx)
{
	struct eth h;

	(void)ctx;
	if (eth_parse(&h, v) != 0)
		return;
	assert_in_range(h.hlen, ETH_HLEN, ETH_HLEN_MAX);
	assert_true(h.hlen <= v.len);
	assert_true(h.has_vlan || !h.has_vlan2);
}

static void test_damaged(void **state)
{
	struct pkt p = pkt_hex(frames[5].hex);

	(void)state;
	wire_try_damaged(pkt_view(&p), 20000, try_damaged, NULL);
}

static void test_address_text(void **state)
{
	static const char *const bad[] = {
		"",
		"02:00:00:00:00",
		"02:00:00:00:00:01:",
		"02:00:00:00:00:01 ",
		"2:00:00:00:00:01",
		"02:00-00:00:00:01",
		"02:00:00:00:00:0g",
		"020000000001",
		"02::00:00:00:01",
		"02:00:00:00:00:1",
		"02.00.00.00.00.01",
	};
	struct ethaddr a, keep;
	char text[ETHADDR_STRLEN];

	(void)state;
	assert_int_equal(ethaddr_parse("02:aB:00:fF:00:01", &a), 0);
	assert_string_equal(ethaddr_format(&a, text, sizeof(text)), "02:ab:00:ff:00:01");
	assert_int_equal(ethaddr_parse("02-ab-00-ff-00-01", &keep), 0);
	assert_true(ethaddr_eq(&a, &keep));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(ethaddr_parse(bad[i], &a), -EINVAL);
		assert_true(ethaddr_eq(&a, &keep));
	}
}

static void test_address_kinds(void **state)
{
	struct ethaddr zero = {{0}};
	struct ethaddr one = {{0x02, 0, 0, 0, 0, 0}};
	struct ethaddr group = {{0x01, 0, 0x5e, 0, 0, 1}};
	struct ethaddr all = ethaddr_broadcast();

	(void)state;
	assert_true(ethaddr_is_zero(&zero) && !ethaddr_is_zero(&one));
	assert_true(ethaddr_is_multicast(&group) && ethaddr_is_multicast(&all));
	assert_false(ethaddr_is_multicast(&one));
	assert_true(ethaddr_is_broadcast(&all) && !ethaddr_is_broadcast(&group));
	assert_false(ethaddr_eq(&one, &zero));
}

static void test_multicast(void **state)
{
	static const struct {
		const char *group, *mac;
	} rows[] = {
		{"224.0.0.1", "01:00:5e:00:00:01"},
		{"239.255.129.2", "01:00:5e:7f:81:02"}, /* RFC 1112 6.4: 23 bits only */
		{"255.255.255.255", "ff:ff:ff:ff:ff:ff"},
		{"ff02::1:ff12:3456", "33:33:ff:12:34:56"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[ETHADDR_STRLEN];
		struct ipaddr group;
		struct ethaddr mac;

		assert_int_equal(ipaddr_parse(rows[i].group, &group), 0);
		mac = eth_multicast(&group);
		assert_string_equal(ethaddr_format(&mac, text, sizeof(text)), rows[i].mac);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),       cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_address_text), cmocka_unit_test(test_address_kinds),
		cmocka_unit_test(test_multicast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
