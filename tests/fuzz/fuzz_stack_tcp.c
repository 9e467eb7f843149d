/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection in one state of RFC 9293 (FUZZ_STATE, one program for each), then the input: see
 * stackfuzz.h. First byte: bit 0 IPv6, bit 1 no timestamps, bit 2 no SACK, bit 3 no window scale,
 * bit 4 data both ways first.
 */
#include "stackfuzz.h"

#include "tcp/pcb.h"
#include "wire/proto.h"

#include <string.h>

#define OUR_PORT  7000u
#define PEER_PORT 20000u
#define IRS       0xffffff00u /* the peer's numbers wrap soon */
#define TEXT_MAX  1400u
#define OPS_MAX   64u

struct peer {
	struct stackfuzz f;
	uint32_t snd_nxt; /* ours, the peer's */
	uint32_t iss;     /* of the stack */
	uint32_t tsval;
	bool ts, sack, scale;
};

/* ---- segments ---- */

static uint32_t put_options(const struct peer *p, uint8_t *buf, bool syn, uint32_t tsecr)
{
	struct tcpopts o = {.tsval = p->tsval, .tsecr = tsecr, .mss = 1400, .wscale = 7};

	if (p->ts)
		o.present |= TCPOPTS_TS;
	if (syn)
		o.present |= TCPOPTS_MSS;
	if (syn && p->sack)
		o.present |= TCPOPTS_SACK_PERMITTED;
	if (syn && p->scale)
		o.present |= TCPOPTS_WSCALE;
	o.sack_permitted = (o.present & TCPOPTS_SACK_PERMITTED) != 0;
	return (uint32_t)tcpopts_emit(buf, &o);
}

static void put(struct peer *p, struct tcphdr *h, const uint8_t *opts, uint32_t opts_len,
		uint32_t text_len)
{
	uint8_t text[TEXT_MAX];

	memset(text, 'x', text_len);
	h->sport = PEER_PORT;
	h->dport = OUR_PORT;
	(void)simraw_put_tcp(&p->f.raw, &p->f.peer, &p->f.us, h, opts, opts_len, text, text_len);
	stackfuzz_run(&p->f);
}

/* A segment in good order. */
static void say(struct peer *p, uint8_t flags, uint32_t ack, uint32_t text_len)
{
	struct tcphdr h = {.seq = p->snd_nxt, .ack = ack, .flags = flags, .wnd = 1000};
	uint8_t opts[TCP_OPTS_MAX];
	uint32_t n = put_options(p, opts, (flags & TCP_SYN) != 0, 0);

	p->snd_nxt += text_len + ((flags & TCP_SYN) != 0) + ((flags & TCP_FIN) != 0);
	put(p, &h, opts, n, text_len);
}

static struct tcp_flow *flow(const struct peer *p)
{
	return tcp_flow_lookup(p->f.raw.s, &p->f.us, OUR_PORT, &p->f.peer, PEER_PORT);
}

static const struct tcp_pcb *pcb(const struct peer *p)
{
	struct tcp_flow *f = flow(p);

	return f && f->kind == TCP_FLOW_PCB ? tcp_pcb_of_flow(f) : NULL;
}

/* ---- into the state ---- */

static void listen_there(struct peer *p)
{
	struct simend *e = &p->f.app.end[0];

	p->f.app.n_ends = 1;
	/* For ever, as far as the small buffer lets it. */
	p->f.app.sndbuf = 5000;
	e->to_send = UINT64_MAX;
	e->to_recv = UINT64_MAX;
	FUZZ_CHECK(simapp_listen(&p->f.app, p->f.v6, OUR_PORT) == 0);
}

static void establish(struct peer *p)
{
	say(p, TCP_SYN, 0, 0);
	p->iss = p->f.last.seq;
	say(p, TCP_ACK, p->iss + 1, 0);
	FUZZ_CHECK(pcb(p) != NULL);
}

static void connect_there(struct peer *p)
{
	struct ipaddr any = p->f.v6 ? ipaddr_any6() : ipaddr_any4();
	struct simend *e = &p->f.app.end[0];

	p->f.app.n_ends = 1;
	e->to_recv = UINT64_MAX;
	e->pcb = tcp_create(p->f.raw.s, p->f.v6, e);
	FUZZ_CHECK(e->pcb && tcp_bind(e->pcb, &any, OUR_PORT, 0) == 0);
	FUZZ_CHECK(tcp_connect(e->pcb, &p->f.peer, PEER_PORT) == 0);
	stackfuzz_run(&p->f);
	p->iss = p->f.last.seq;
}

/* The program takes the connection and closes its side. */
static void take(struct peer *p, bool shut)
{
	struct simend *e = &p->f.app.end[0];

	if (shut)
		e->to_send = e->sent;
	simapp_step(&p->f.app);
	stackfuzz_run(&p->f);
}

static uint32_t nxt(const struct peer *p)
{
	const struct tcp_pcb *c = pcb(p);

	return c ? c->snd_nxt : p->iss + 1;
}

/* Where a connection that has both sides open goes from. */
static void go(struct peer *p, enum tcp_state to)
{
	bool we_first = to == TCPS_FIN_WAIT_1 || to == TCPS_FIN_WAIT_2 || to == TCPS_CLOSING ||
			to == TCPS_TIME_WAIT;

	take(p, we_first);
	if (to == TCPS_FIN_WAIT_2 || to == TCPS_TIME_WAIT)
		say(p, TCP_ACK, nxt(p), 0);
	if (to == TCPS_CLOSING)
		say(p, TCP_FIN | TCP_ACK, nxt(p) - 1, 0);
	if (to == TCPS_TIME_WAIT || to == TCPS_CLOSE_WAIT || to == TCPS_LAST_ACK)
		say(p, TCP_FIN | TCP_ACK, nxt(p), 0);
	if (to == TCPS_LAST_ACK)
		take(p, true);
}

static void check_state(const struct peer *p, enum tcp_state want)
{
	const struct tcp_flow *f = flow(p);

	if (want == TCPS_LISTEN)
		FUZZ_CHECK(!f);
	else if (want == TCPS_SYN_RECEIVED)
		FUZZ_CHECK(f && f->kind == TCP_FLOW_HALF);
	else if (want == TCPS_TIME_WAIT)
		FUZZ_CHECK(f && f->kind == TCP_FLOW_TIMEWAIT);
	else
		FUZZ_CHECK(pcb(p) && pcb(p)->state == want);
}

static void enter(struct peer *p, enum tcp_state to)
{
	if (to == TCPS_SYN_SENT) {
		connect_there(p);
	} else {
		listen_there(p);
		if (to == TCPS_SYN_RECEIVED) {
			say(p, TCP_SYN, 0, 0);
			p->iss = p->f.last.seq;
		} else if (to != TCPS_LISTEN) {
			establish(p);
			go(p, to);
		}
	}
	check_state(p, to);
}

/* ---- operations ---- */

/* A live number near which the segment's lies. */
static uint32_t pick_seq(const struct peer *p, uint8_t how)
{
	const struct tcp_pcb *c = pcb(p);

	switch (how & 7) {
	case 0:
	case 1:
		return c ? c->rcv_nxt : p->snd_nxt;
	case 2:
		return c ? c->rcv_adv : p->snd_nxt + 65535;
	case 3:
		return IRS;
	case 4:
		return c ? c->rcv_nxt + 1448 : p->snd_nxt + 1;
	case 5:
		return c ? c->rcv_nxt + 0x80000000u : 0;
	default:
		return p->snd_nxt;
	}
}

static uint32_t pick_ack(const struct peer *p, uint8_t how)
{
	const struct tcp_pcb *c = pcb(p);

	switch (how & 7) {
	case 0:
	case 1:
		return c ? c->snd_nxt : p->f.last.seq + 1;
	case 2:
		return c ? c->snd_una : p->iss;
	case 3:
		return c ? c->snd_una - c->snd_wnd_max : p->iss - 1;
	case 4:
		return c ? c->write_seq : p->iss + 1;
	case 5:
		return c ? c->snd_una + c->mss : 0;
	default:
		return p->iss + 1;
	}
}

/* A distance of either sign. */
static uint32_t near_by(uint16_t v)
{
	return v < 0x8000 ? v : v - UINT32_C(0x10000);
}

/* Of the upper five bits: 0 none, then -1, +1, -2 ... */
static uint16_t offset_of(uint8_t how)
{
	int n = (how >> 3) + 1;

	return (uint16_t)(n % 2 ? n / 2 : -(n / 2));
}

/* SACK blocks around live numbers. */
static uint32_t sack_options(const struct peer *p, struct fuzzin *in, uint8_t *buf)
{
	const struct tcp_pcb *c = pcb(p);
	struct tcpopts o = {.present = TCPOPTS_SACK, .n_sack = (uint8_t)(1 + (fuzzin_u8(in) & 3))};

	if (p->ts)
		o.present |= TCPOPTS_TS;
	o.tsval = p->tsval;
	for (unsigned i = 0; i < o.n_sack; i++) {
		o.sack[i].start = (c ? c->snd_una : p->iss) + near_by(fuzzin_u16(in));
		o.sack[i].end = o.sack[i].start + near_by(fuzzin_u16(in));
	}
	return (uint32_t)tcpopts_emit(buf, &o);
}

static uint32_t pick_options(struct peer *p, struct fuzzin *in, uint8_t flags, uint8_t *opts)
{
	uint8_t how = fuzzin_u8(in);

	p->tsval += how >> 5;
	switch (how & 3) {
	case 1:
		return sack_options(p, in, opts);
	case 2: {
		size_t n = fuzzin_bytes(in, opts, (how >> 2 & 15) % 11 * 4u);

		memset(opts + n, 0, TCP_OPTS_MAX - n);
		return (uint32_t)(n + 3) & ~3u;
	}
	case 3:
		return 0;
	default:
		return put_options(p, opts, (flags & TCP_SYN) != 0, 0);
	}
}

static void op_segment(struct peer *p, struct fuzzin *in)
{
	uint8_t opts[TCP_OPTS_MAX], seq_how, ack_how;
	struct tcphdr h = {.flags = fuzzin_u8(in)};
	uint32_t n, len;

	seq_how = fuzzin_u8(in);
	ack_how = fuzzin_u8(in);
	h.seq = pick_seq(p, seq_how) + near_by(offset_of(seq_how));
	h.ack = pick_ack(p, ack_how) + near_by(offset_of(ack_how));
	h.wnd = fuzzin_u16(in);
	h.urg = h.flags & TCP_URG ? fuzzin_u16(in) : 0;
	len = fuzzin_u8(in);
	len = len > 250 ? TEXT_MAX : len;
	n = pick_options(p, in, h.flags, opts);
	put(p, &h, opts, n, len);
}

static void op_program(struct peer *p, struct fuzzin *in)
{
	struct simend *e = &p->f.app.end[0];
	uint8_t what = fuzzin_u8(in);

	switch (what & 7) {
	case 0:
	case 1:
		break; /* reads and writes what it can */
	case 2:
		e->to_send = e->sent + 5000;
		break;
	case 3:
		e->to_send = e->sent; /* then it closes its side */
		break;
	case 4:
		e->pause_until_ns = UINT64_MAX;
		break;
	case 5:
		e->pause_until_ns = 0;
		break;
	case 6:
		if (e->pcb && !e->done) {
			e->done = true;
			tcp_close(e->pcb);
		}
		break;
	default:
		if (e->pcb) {
			tcp_abort(e->pcb);
			e->pcb = NULL;
			e->err = 1;
		}
	}
	simapp_step(&p->f.app);
	stackfuzz_run(&p->f);
}

/* An ICMP error that quotes a segment of the connection. */
static void op_icmp(struct peer *p, struct fuzzin *in)
{
	uint8_t msg[8 + 40 + 20] = {fuzzin_u8(in), fuzzin_u8(in)};
	uint32_t mtu = fuzzin_u16(in), ip = p->f.v6 ? 40 : 20;
	uint8_t *quote = msg + 8, *seg = quote + ip;

	store_be32(msg + 4, mtu);
	if (p->f.v6) {
		quote[0] = 0x60;
		quote[5] = 20;
		quote[6] = PROTO_TCP;
		memcpy(quote + 8, p->f.us.b, 16);
		memcpy(quote + 24, p->f.peer.b, 16);
	} else {
		quote[0] = 0x45;
		quote[3] = 40;
		quote[9] = PROTO_TCP;
		memcpy(quote + 12, p->f.us.b + 12, 4);
		memcpy(quote + 16, p->f.peer.b + 12, 4);
	}
	store_be16(seg, OUR_PORT);
	store_be16(seg + 2, PEER_PORT);
	store_be32(seg + 4, pick_ack(p, fuzzin_u8(in)));
	(void)simraw_put_ip(&p->f.raw, &p->f.peer, &p->f.us, p->f.v6 ? PROTO_ICMP6 : PROTO_ICMP4,
			    msg, 8 + ip + 20, 2);
	stackfuzz_run(&p->f);
}

static void op(struct peer *p, struct fuzzin *in)
{
	uint8_t what = fuzzin_u8(in);

	switch (what & 7) {
	case 5:
		stackfuzz_advance(&p->f, UINT64_C(1000000) << (what >> 3 & 15));
		p->tsval += 1u << (what >> 3 & 15);
		break;
	case 6:
		op_program(p, in);
		break;
	case 7:
		op_icmp(p, in);
		break;
	default:
		op_segment(p, in);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct peer p;
	struct fuzzin in = {data, size};
	uint8_t how = fuzzin_u8(&in);

	stackfuzz_begin(&p.f, (how & 1) != 0);
	p.ts = !(how & 2);
	p.sack = !(how & 4);
	p.scale = !(how & 8);
	p.snd_nxt = IRS;
	p.tsval = 0xfffffff0;
	enter(&p, FUZZ_STATE);
	for (unsigned i = 0; i < OPS_MAX && in.left > 0; i++)
		op(&p, &in);
	stackfuzz_end(&p.f);
	return 0;
}
