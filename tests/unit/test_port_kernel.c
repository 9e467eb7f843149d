/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part that TAP and AF_PACKET share, without a kernel: the test puts frames and virtio-net
 * headers into the posted buffers itself.
 */
#include "test_port_util.h"

#include "port/kernel.h"

#include <errno.h>

struct bed {
	struct kernel_port k;
	struct kernel_slot s;
};

static void bed_init(struct bed *b, struct mbuf_pool *pool)
{
	const struct port_conf conf = {.name = "kernel", .pool = pool};

	memset(b, 0, sizeof(*b));
	port_setup(&b->k.port, NULL, &conf);
	b->k.fd = b->k.ctl_fd = -1;
	mbufq_init(&b->k.cut, MBUF_RX);
	assert_int_equal(kernel_slot_init(&b->s, pool), 0);
}

static void bed_fini(struct bed *b)
{
	mbufq_purge(&b->k.cut, DROP_PORT_DOWN);
	kernel_slot_fini(&b->s);
}

/* What readv(2) does. */
static void scatter(struct bed *b, const struct vnet *vn, const uint8_t *bytes, uint32_t len)
{
	struct iovec iov[KERNEL_RX_IOV];
	uint8_t hdr[VNET_HLEN];
	uint32_t off = 0;

	kernel_slot_iov(&b->s, iov);
	assert_int_equal(iov[0].iov_len, VNET_HLEN);
	(void)vnet_emit(hdr, vn, VNET_HLEN);
	memcpy(iov[0].iov_base, hdr, VNET_HLEN);
	for (unsigned i = 1; i < KERNEL_RX_IOV && off < len; i++) {
		uint32_t n = min_u32((uint32_t)iov[i].iov_len, len - off);

		memcpy(iov[i].iov_base, bytes + off, n);
		off += n;
	}
	assert_int_equal(off, len);
}

static struct mbuf *receive(struct bed *b, const struct vnet *vn, const struct pf_frame *fr)
{
	const struct kernel_frame f = {.len = fr->len};

	scatter(b, vn, fr->bytes, fr->len);
	return kernel_receive(&b->k, &b->s, &f);
}

static struct vnet partial_of(const struct pf *f, const struct pf_frame *fr, uint16_t mss)
{
	struct vnet vn = {
		.needs_csum = true,
		.csum_start = (uint16_t)fr->l4,
		.csum_offset = f->udp ? UDP_OFF_CSUM : TCP_OFF_CSUM,
		.hdr_len = (uint16_t)fr->hlen,
		.gso_size = mss,
	};

	if (mss != 0)
		vn.gso = f->udp ? VNET_GSO_UDP_L4 : f->v6 ? VNET_GSO_TCP6 : VNET_GSO_TCP4;
	return vn;
}

/* ---- receive ---- */

/* A frame takes the segments it needs; the others stay posted, in their place new ones. */
static void test_slot(void **state)
{
	static const struct {
		uint32_t payload;
		unsigned segs;
	} sizes[] = {{0, 1}, {1460, 1}, {1802, 1}, {1803, 2}, {18000, 2}, {40000, 4}, {65483, 5}};

	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++)
		for (unsigned v6 = 0; v6 < 2; v6++) {
			/* IPv6's header is longer; these have the same frame length. */
			const struct pf f = {.v6 = v6 != 0,
					     .flags = TCP_ACK,
					     .payload = v6 && sizes[i].payload > 20
								? sizes[i].payload - 20
								: sizes[i].payload};
			struct mbuf *before[KERNEL_SEGS];
			struct pf_frame fr;
			struct vnet vn;
			struct bed b;

			bed_init(&b, *state);
			memcpy(before, b.s.seg, sizeof(before));
			pf_build(&fr, &f);
			vn = partial_of(&f, &fr, 0);
			MBUF(m, mbuf_own_of(receive(&b, &vn, &fr)));
			assert_non_null(m);
			ut_assert_bytes(m, fr.bytes, fr.len);
			assert_int_equal(m->rte.nb_segs, sizes[i].segs);
			for (unsigned k = 0; k < KERNEL_SEGS; k++)
				assert_true((b.s.seg[k] == before[k]) == (k >= sizes[i].segs));
			assert_int_equal(mbuf_holder_of(m), MBUF_RX);
			assert_int_equal(b.k.port.cnt.rx_frames, 1);
			assert_int_equal(b.k.port.cnt.rx_bytes, fr.len);
			mbuf_done(&m);
			bed_fini(&b);
		}
}

static void test_meta(void **state)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		const struct pf f = {.v6 = v6 != 0, .flags = TCP_ACK, .payload = 5000};
		struct pf_frame fr;
		struct vnet vn;
		struct bed b;

		bed_init(&b, *state);
		pf_build(&fr, &f);
		vn = partial_of(&f, &fr, 1400);
		vn.ecn = true;
		MBUF(m, mbuf_own_of(receive(&b, &vn, &fr)));
		assert_int_equal(m->meta.csum, MBUF_CSUM_PARTIAL);
		assert_int_equal(m->meta.l4_off, mbuf_here(m) + fr.l4);
		assert_int_equal(m->meta.csum_field, TCP_OFF_CSUM);
		assert_int_equal(m->meta.gso_size, 1400);
		assert_int_equal(m->meta.gso_type, v6 ? MBUF_GSO_TCP6 : MBUF_GSO_TCP4);
		assert_int_equal(m->meta.gso_ecn, 1);
		assert_int_equal(b.k.port.cnt.rx_super, 1);
		mbuf_done(&m);

		vn = (struct vnet){.data_valid = true};
		m = receive(&b, &vn, &fr);
		assert_int_equal(m->meta.csum, MBUF_CSUM_GOOD);
		assert_int_equal(m->meta.gso_size, 0);
		mbuf_done(&m);

		vn = (struct vnet){.data_valid = false};
		m = receive(&b, &vn, &fr);
		assert_int_equal(m->meta.csum, MBUF_CSUM_NONE);
		mbuf_done(&m);
		bed_fini(&b);
	}
}

/* Put together by a NIC and verified: becomes unfinished as all superpackets are. */
static void test_verified_super(void **state)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct pf f = {.v6 = v6 != 0, .flags = TCP_ACK, .payload = 5000, .complete = true};
		struct pf_frame fr, want;
		struct vnet vn;
		struct bed b;

		bed_init(&b, *state);
		pf_build(&fr, &f);
		f.complete = false;
		pf_build(&want, &f);
		vn = partial_of(&f, &fr, 1400);
		vn.needs_csum = false;
		vn.data_valid = true;
		MBUF(m, mbuf_own_of(receive(&b, &vn, &fr)));
		assert_int_equal(m->meta.csum, MBUF_CSUM_PARTIAL);
		ut_assert_bytes(m, want.bytes, want.len);
		mbuf_done(&m);
		/* No TCP header where the packet begins. */
		store_be16(fr.bytes + 12, ETHERTYPE_ARP);
		assert_null(receive(&b, &vn, &fr));
		assert_int_equal(b.k.port.cnt.rx_errors, 1);
		assert_int_equal(ut_drops(*state, DROP_PORT_RX_MALFORMED), v6 + 1);
		bed_fini(&b);
	}
}

/* The kernel keeps a tag beside the frame. */
static void test_tag(void **state)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		const struct pf f = {.v6 = v6 != 0, .flags = TCP_ACK, .payload = 3000};
		struct kernel_frame kf = {
			.has_vlan = true, .vlan_tpid = ETHERTYPE_QINQ, .vlan_tci = 0x6042};
		struct pf_frame fr;
		struct vnet vn;
		struct bed b;
		struct eth eh;

		bed_init(&b, *state);
		pf_build(&fr, &f);
		vn = partial_of(&f, &fr, 0);
		scatter(&b, &vn, fr.bytes, fr.len);
		kf.len = fr.len;
		MBUF(m, mbuf_own_of(kernel_receive(&b.k, &b.s, &kf)));
		assert_int_equal(mbuf_len(m), fr.len + ETH_TAG_LEN);
		assert_int_equal(eth_parse(&eh, mbuf_view(m)), 0);
		assert_true(eh.has_vlan);
		assert_int_equal(eh.vlan_tpid, ETHERTYPE_QINQ);
		assert_int_equal(eh.vlan_tci, 0x6042);
		assert_int_equal(eh.type, v6 ? ETHERTYPE_IP6 : ETHERTYPE_IP4);
		assert_memory_equal(&eh.dst, fr.bytes, ETH_ALEN);
		assert_memory_equal(&eh.src, fr.bytes + ETH_ALEN, ETH_ALEN);
		assert_int_equal(m->meta.l4_off, mbuf_here(m) + ETH_TAG_LEN + fr.l4);
		assert_int_equal(m->meta.l2_off, mbuf_here(m));
		mbuf_done(&m);
		bed_fini(&b);
	}
}

/* Nobody above knows UDP superpackets: their frames come up. */
static void test_udp_super(void **state)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		const struct pf f = {.v6 = v6 != 0, .udp = true, .payload = 5000};
		struct mbuf *pkts[8];
		struct pf_frame fr;
		struct vnet vn;
		struct bed b;

		bed_init(&b, *state);
		pf_build(&fr, &f);
		vn = partial_of(&f, &fr, 1200);
		assert_null(receive(&b, &vn, &fr));
		assert_int_equal(kernel_take_cut(&b.k, pkts, 3), 3);
		assert_int_equal(kernel_take_cut(&b.k, pkts + 3, 5), 2);
		assert_int_equal(b.k.port.cnt.rx_frames, 5);
		for (unsigned i = 0; i < 5; i++) {
			struct pf_read r;

			assert_int_equal(pkts[i]->meta.csum, MBUF_CSUM_PARTIAL);
			assert_int_equal(pkts[i]->meta.gso_size, 0);
			pf_read(&r, mbuf_data(pkts[i]), mbuf_len(pkts[i]), &f, true);
			assert_int_equal(r.payload, i < 4 ? 1200 : 200);
			mbuf_done(&pkts[i]);
		}
		/* Verified, not unfinished: what to do with its checksum nobody says. */
		vn.needs_csum = false;
		vn.data_valid = true;
		assert_null(receive(&b, &vn, &fr));
		assert_int_equal(b.k.cut.count, 0);
		assert_int_equal(b.k.port.cnt.rx_errors, 1);
		bed_fini(&b);
	}
}

/* ---- what must be refused ---- */

static void damage_type(uint8_t *h)
{
	h[1] = 2;
}

static void damage_size(uint8_t *h)
{
	h[1] = 1;
	store_native16(h + 4, 0);
}

static void damage_start(uint8_t *h)
{
	store_native16(h + 6, 60000);
}

static void damage_offset(uint8_t *h)
{
	store_native16(h + 8, 300);
}

static void test_malformed(void **state)
{
	static void (*const damage[])(uint8_t *) = {damage_type, damage_size, damage_start,
						    damage_offset};
	const struct pf f = {.flags = TCP_ACK, .payload = 3000};
	struct pf_frame fr;
	struct vnet vn;
	struct bed b;

	bed_init(&b, *state);
	pf_build(&fr, &f);
	vn = partial_of(&f, &fr, 0);
	for (unsigned i = 0; i < ARRAY_LEN(damage); i++) {
		const struct kernel_frame kf = {.len = fr.len};

		scatter(&b, &vn, fr.bytes, fr.len);
		damage[i](b.s.vnet);
		assert_null(kernel_receive(&b.k, &b.s, &kf));
		assert_int_equal(b.k.port.cnt.rx_errors, i + 1);
		assert_int_equal(ut_drops(*state, DROP_PORT_RX_MALFORMED), i + 1);
	}
	bed_fini(&b);
}

static void test_length(void **state)
{
	static const uint32_t bad[] = {0, 1, 13, KERNEL_ROOM, KERNEL_ROOM + 100};
	const struct vnet vn = {.gso = VNET_GSO_NONE};
	struct bed b;

	bed_init(&b, *state);
	scatter(&b, &vn, NULL, 0);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		const struct kernel_frame kf = {.len = bad[i]};

		assert_null(kernel_receive(&b.k, &b.s, &kf));
		assert_int_equal(b.k.port.cnt.rx_errors, i + 1);
	}
	assert_int_equal(ut_drops(*state, DROP_PORT_RX_MALFORMED), 3);
	assert_int_equal(ut_drops(*state, DROP_PORT_RX_TOOBIG), 2);
	bed_fini(&b);
}

/* Without replacements a frame is copied into what there is; without any it is lost. The posted
 * buffers stay, and the next frame comes in. */
static void test_no_buffers(void **state)
{
	struct mbuf_pool *pool = *state;
	const struct pf f = {.flags = TCP_ACK, .payload = 40000};
	struct pf_frame fr;
	struct vnet vn;
	struct bed b;

	bed_init(&b, pool);
	pf_build(&fr, &f);
	vn = partial_of(&f, &fr, 1400);
	for (unsigned fail = 0; fail < 4; fail++) {
		struct kernel_slot before = b.s;

		mbuf_pool_fail(pool, fail, false);
		MBUF(copy, mbuf_own_of(receive(&b, &vn, &fr)));
		assert_non_null(copy);
		ut_assert_bytes(copy, fr.bytes, fr.len);
		assert_int_equal(copy->meta.gso_size, 1400);
		mbuf_done(&copy);
		mbuf_pool_fail(pool, fail, true);
		assert_null(receive(&b, &vn, &fr));
		assert_memory_equal(before.seg, b.s.seg, sizeof(before.seg));
		assert_int_equal(b.k.port.cnt.rx_nobuf, fail + 1);
		assert_int_equal(ut_drops(pool, DROP_NOBUF), fail + 1);
	}
	mbuf_pool_fail(pool, -1, false);
	MBUF(m, mbuf_own_of(receive(&b, &vn, &fr)));
	ut_assert_bytes(m, fr.bytes, fr.len);
	mbuf_done(&m);
	bed_fini(&b);
}

/* When data has used up its share of the pool, an ACK still comes in; datagrams and bytes that may
 * never be read do not, however small. */
static void test_reserve(void **state)
{
	struct mbuf_pool *pool = *state;
	static const struct {
		struct pf f;
		bool comes;
	} rows[] = {
		{{.flags = TCP_ACK, .payload = 1000}, false}, {{.flags = TCP_ACK}, true},
		{{.flags = TCP_ACK, .payload = 1}, false},    {{.udp = true, .payload = 8}, false},
		{{.flags = TCP_RST, .tcp_extra = 12}, true},
	};
	static struct mbuf *held[UT_SMALL];
	struct pf_frame fr;
	unsigned n = 0, lost = 0;
	struct bed b;
	struct vnet vn;

	bed_init(&b, pool);
	while ((held[n] = mbuf_alloc(pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_TEST).m) != NULL)
		n++;
	for (unsigned i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		struct pf f = rows[i / 2].f;

		f.v6 = i % 2 != 0;
		pf_build(&fr, &f);
		vn = partial_of(&f, &fr, 0);
		MBUF(m, mbuf_own_of(receive(&b, &vn, &fr)));
		assert_int_equal(m != NULL, rows[i / 2].comes);
		lost += !rows[i / 2].comes;
		mbuf_done(&m);
	}
	assert_int_equal(b.k.port.cnt.rx_nobuf, lost);
	while (n > 0)
		mbuf_done(&held[--n]);
	bed_fini(&b);
}

static void test_slot_init_fails(void **state)
{
	struct kernel_slot s;

	for (int64_t fail = 0; fail < (int64_t)KERNEL_SEGS; fail++) {
		mbuf_pool_fail(*state, fail, false);
		assert_int_equal(kernel_slot_init(&s, *state), -ENOBUFS);
		assert_true(mbuf_pool_full(*state));
	}
}

/* ---- transmit ---- */

static void test_tx_iov(void **state)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		const struct pf f = {
			.v6 = v6 != 0, .flags = TCP_ACK, .tcp_extra = 12, .payload = 5000};
		struct iovec iov[KERNEL_TX_IOV];
		uint8_t hdr[VNET_HLEN];
		struct pf_frame fr;
		struct vnet vn;
		uint32_t off = 0;
		unsigned n;

		pf_build(&fr, &f);
		MBUF(m, pf_packet(*state, &fr, &f, 700, 1400));
		m->meta.gso_ecn = 1;
		n = kernel_tx_iov(m, hdr, iov);
		assert_int_equal(n, 1 + m->rte.nb_segs);
		for (unsigned i = 1; i < n; i++) {
			assert_memory_equal(iov[i].iov_base, fr.bytes + off, iov[i].iov_len);
			off += (uint32_t)iov[i].iov_len;
		}
		assert_int_equal(off, fr.len);
		assert_ptr_equal(iov[0].iov_base, hdr);
		assert_int_equal(iov[0].iov_len, VNET_HLEN);
		assert_int_equal(vnet_parse(&vn, view_make(hdr, VNET_HLEN), fr.len), 0);
		assert_true(vn.needs_csum && vn.ecn);
		assert_int_equal(vn.csum_start, fr.l4);
		assert_int_equal(vn.csum_offset, TCP_OFF_CSUM);
		assert_int_equal(vn.gso, v6 ? VNET_GSO_TCP6 : VNET_GSO_TCP4);
		assert_int_equal(vn.gso_size, 1400);
		assert_int_equal(vn.hdr_len, fr.hlen);
		m->meta.gso_size = 0;
		m->meta.gso_ecn = 0;
		m->meta.csum = MBUF_CSUM_NONE;
		(void)kernel_tx_iov(m, hdr, iov);
		assert_memory_equal(hdr, (const uint8_t[VNET_HLEN]){0}, VNET_HLEN);
		mbuf_done(&m);
	}
}

/* A packet of very many segments: more than one system call takes, but not than a copy. */
static void test_compact(void **state)
{
	const struct pf f = {.flags = TCP_ACK, .payload = 10000};
	struct iovec iov[KERNEL_TX_IOV];
	uint8_t hdr[VNET_HLEN];
	struct pf_frame fr;
	struct bed b;

	bed_init(&b, *state);
	pf_build(&fr, &f);
	MBUF(m, pf_packet(*state, &fr, &f, 20, 1400));
	assert_true(m->rte.nb_segs > KERNEL_TX_IOV);
	assert_int_equal(kernel_tx_iov(m, hdr, iov), 0);
	m = kernel_compact(&b.k.port, mbuf_move(&m)).m;
	assert_non_null(m);
	ut_assert_bytes(m, fr.bytes, fr.len);
	assert_int_equal(m->meta.gso_size, 1400);
	assert_int_equal(m->meta.csum, MBUF_CSUM_PARTIAL);
	assert_true(kernel_tx_iov(m, hdr, iov) > 0);
	mbuf_pool_fail(*state, 0, true);
	assert_null(kernel_compact(&b.k.port, mbuf_move(&m)).m);
	assert_int_equal(ut_drops(*state, DROP_NOBUF), 1);
	bed_fini(&b);
}

static const struct {
	int err;
	bool stays;
	enum drop_reason why;
	bool waits; /* for poll */
} errors[] = {
	{EAGAIN, true, DROP_UNSPEC, true},
	{EMSGSIZE, false, DROP_PORT_TX_TOOBIG, false},
	{ENETDOWN, false, DROP_PORT_DOWN, false},
	{ENXIO, false, DROP_PORT_DOWN, false},
	{EIO, false, DROP_PORT_DOWN, false},
	{EBADFD, false, DROP_PORT_DOWN, false},
	{EINVAL, false, DROP_PORT_TX_ERROR, false},
	{EPERM, false, DROP_PORT_TX_ERROR, false},
	/* ctl_fd is none here, so the link counts as down. */
	{ENOBUFS, false, DROP_PORT_DOWN, false},
};

static void test_tx_errors(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(errors); i++) {
		struct mbuf *m = ut_packet(*state, "0123456789abcdef", 16).m;
		uint64_t before = ut_drops(*state, errors[i].why);
		struct bed b;

		bed_init(&b, *state);
		assert_int_equal(kernel_tx_refused(&b.k, m, errors[i].err), errors[i].stays);
		assert_int_equal(b.k.port.cnt.tx_errors, !errors[i].stays);
		assert_int_equal(kernel_tx_wait_fd(&b.k.port), errors[i].waits ? b.k.fd : -1);
		if (errors[i].stays)
			mbuf_done(&m);
		else
			assert_int_equal(ut_drops(*state, errors[i].why), before + 1);
		bed_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UT_TEST(test_slot),           UT_TEST(test_meta),
		UT_TEST(test_verified_super), UT_TEST(test_tag),
		UT_TEST(test_udp_super),      UT_TEST(test_malformed),
		UT_TEST(test_length),         UT_TEST(test_no_buffers),
		UT_TEST(test_reserve),        UT_TEST(test_slot_init_fails),
		UT_TEST(test_tx_iov),         UT_TEST(test_compact),
		UT_TEST(test_tx_errors),
	};

	return ut_run(tests);
}
