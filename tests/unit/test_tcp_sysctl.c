/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings by name: every row is read and written back, nothing wrong is taken, and they act. */
#include "tcpkit.h"

#include "tcp/sysctl.h"

#include <errno.h>
#include <string.h>

static void expect(struct tk *tk, const char *name, const char *want)
{
	char text[TCP_SYSCTL_TEXT_MAX];

	assert_int_equal(tcp_sysctl_get(tk->s, name, text, sizeof(text)), (int)strlen(want));
	assert_string_equal(text, want);
}

struct round {
	struct tk *tk;
	unsigned n;
};

static void write_back(void *ctx, const char *name, const char *text)
{
	struct round *r = ctx;
	char before[TCP_SYSCTL_TEXT_MAX];
	int rc;

	assert_true(strlen(text) > 10);
	assert_true(tcp_sysctl_get(r->tk->s, name, before, sizeof(before)) > 0);
	rc = tcp_sysctl_set(r->tk->s, name, before);
	assert_true(rc == 0 || (rc == -EPERM && strstr(text, "read only")));
	expect(r->tk, name, before);
	r->n++;
}

static void all_rows(void **state)
{
	struct round r = {.tk = *state};

	tcp_sysctl_each(write_back, &r);
	assert_true(r.n > 20);
}

static void values(void **state)
{
	struct tk *tk = *state;
	char tiny[4];

	expect(tk, "net.ipv4.tcp_congestion_control", "cubic");
	assert_int_equal(tcp_sysctl_set(tk->s, "net.ipv4.tcp_rmem", "8192 65536\t 100000\n"), 0);
	expect(tk, "tcp_rmem", "8192\t65536\t100000");
	assert_int_equal(tcp_sysctl_set(tk->s, "tcp_congestion_control", "reno"), 0);
	expect(tk, "tcp_congestion_control", "reno");
	assert_int_equal(tcp_sysctl_get(tk->s, "tcp_rmem", tiny, sizeof(tiny)), -ERANGE);
	assert_int_equal(tcp_sysctl_get(tk->s, "tcp_available_congestion_control", tiny, 4),
			 -ERANGE);
	assert_int_equal(tcp_sysctl_get(tk->s, "tcp_rmem", tiny, 0), -ERANGE);
}

static void refused(void **state)
{
	static const struct {
		const char *name, *text;
		int err;
	} cases[] = {
		{"tcp_nothing", "1", -ENOENT},
		{"net.ipv6.tcp_sack", "1", -ENOENT},
		{"tcp_sack", "", -EINVAL},
		{"tcp_sack", "2", -EINVAL},
		{"tcp_sack", "-1", -EINVAL},
		{"tcp_sack", "1x", -EINVAL},
		{"tcp_sack", "1 1", -EINVAL},
		{"tcp_sack", "99999999999999999999999", -EINVAL},
		{"tcp_rmem", "4096 65536", -EINVAL},
		{"tcp_rmem", "4096 65536 65535", -EINVAL},
		{"tcp_rmem", "1 2 3", -EINVAL},
		{"tcp_congestion_control", "vegas9", -EINVAL},
		{"tcp_available_congestion_control", "reno", -EPERM},
		{"ip_local_port_range", "0 10", -EINVAL},
	};
	struct tk *tk = *state;

	assert_int_equal(tcp_sysctl_set(tk->s, "tcp_rmem", "4096 8192 16384"), 0);
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(tcp_sysctl_set(tk->s, cases[i].name, cases[i].text), cases[i].err);
	expect(tk, "tcp_sack", "1");
	expect(tk, "tcp_rmem", "4096\t8192\t16384");
	assert_int_equal(tcp_sysctl_get(tk->s, "tcp_nothing", NULL, 0), -ENOENT);
}

static uint32_t syn_options(struct tk *tk)
{
	uint32_t present;

	tk->pcb = tcp_create(tk->s, tk->v6, &tk->so);
	assert_int_equal(tcp_connect(tk->pcb, &tk->peer, tk->port_peer), 0);
	present = tk_sent(tk)->o.present;
	tcp_abort(tk->pcb);
	tk_forget(tk);
	return present;
}

/* What is off is neither offered nor taken. */
static void options_off(void **state)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} cases[] = {
		{"tcp_timestamps", TCPOPTS_TS},
		{"tcp_sack", TCPOPTS_SACK_PERMITTED},
		{"tcp_window_scaling", TCPOPTS_WSCALE},
	};
	struct tk *tk = *state;

	tk_listen(tk, 4);
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(syn_options(tk) & cases[i].bit);
		assert_int_equal(tcp_sysctl_set(tk->s, cases[i].name, "0"), 0);
		assert_false(syn_options(tk) & cases[i].bit);
		tk_syn(tk, (uint16_t)(1000 + i), NULL);
		assert_false(tk_sent(tk)->o.present & cases[i].bit);
		assert_int_equal(tcp_sysctl_set(tk->s, cases[i].name, "1"), 0);
	}
	tcp_unlisten(tk->l);
}

/* A SYN-ACK cannot agree to what the SYN did not offer (RFC 7323 2.2, 3.2; RFC 2018 2). */
static void answer_offers_more(void **state)
{
	struct tk *tk = *state;

	assert_int_equal(tcp_sysctl_set(tk->s, "tcp_timestamps", "0"), 0);
	assert_int_equal(tcp_sysctl_set(tk->s, "tcp_sack", "0"), 0);
	assert_int_equal(tcp_sysctl_set(tk->s, "tcp_window_scaling", "0"), 0);
	tk->pcb = tcp_create(tk->s, tk->v6, &tk->so);
	tk->so.pcb = tk->pcb;
	assert_int_equal(tcp_bind(tk->pcb, &tk->us, tk->port_us, 0), 0);
	assert_int_equal(tcp_connect(tk->pcb, &tk->peer, tk->port_peer), 0);
	tk->iss = tk_sent(tk)->h.seq;
	tk_in(tk, &(struct tk_seg){.flags = TCP_SYN | TCP_ACK,
				   .ack = 1,
				   .opts = TCPOPTS_TS | TCPOPTS_WSCALE | TCPOPTS_SACK_PERMITTED,
				   .wscale = 7});
	assert_int_equal(tcp_state(tk->pcb), TCPS_ESTABLISHED);
	assert_false(tk->pcb->flags & (PCBF_TS | PCBF_SACK | PCBF_WSCALE));
	assert_int_equal(tk->pcb->snd_scale, 0);
	tk_forget(tk);
	/* Text without what was not agreed counts. */
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .len = 3, .no_ts = true});
	assert_int_equal(tk_expect(tk, TCP_ACK, 1, 4, 0)->o.present, 0);
	tcp_abort(tk->pcb);
}

static void buffers(void **state)
{
	struct tk *tk = *state;

	assert_int_equal(tcp_sysctl_set(tk->s, "tcp_rmem", "4096 10000 20000"), 0);
	assert_int_equal(tcp_sysctl_set(tk->s, "tcp_wmem", "4608 9000 9000"), 0);
	tk_connect(tk, NULL);
	assert_int_equal(tk->pcb->rcv_scale, 0);
	assert_int_equal(tk_send(tk, 1, 20000), 9000);
	tk_forget(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1, .len = 4000});
	tk_advance(tk, 50 * MS);
	assert_true(tk_sent(tk)->h.wnd <= 10000);
	tcp_abort(tk->pcb);
}

static void retries(void **state)
{
	struct tk *tk = *state;

	assert_int_equal(tcp_sysctl_set(tk->s, "tcp_retries2", "2"), 0);
	tk_connect(tk, NULL);
	tk_send(tk, 1, 10);
	tk_forget(tk);
	tk_advance(tk, 10 * S);
	assert_int_equal(tcp_counters(tk->s)->rto, 2);
	assert_int_equal(tk->so.err, ETIMEDOUT);
	tcp_close(tk->pcb);
}

static void syn_retries(void **state)
{
	struct tk *tk = *state;
	unsigned n = 0;

	assert_int_equal(tcp_sysctl_set(tk->s, "tcp_syn_retries", "1"), 0);
	tk->pcb = tcp_create(tk->s, tk->v6, &tk->so);
	assert_int_equal(tcp_connect(tk->pcb, &tk->peer, tk->port_peer), 0);
	tk_advance(tk, 4 * S);
	while (tk_sent(tk))
		n++;
	assert_int_equal(n, 2);
	assert_int_equal(tk->so.err, ETIMEDOUT);
	tcp_close(tk->pcb);
}

static void synack_retries(void **state)
{
	struct tk *tk = *state;
	unsigned n = 0;

	assert_int_equal(tcp_sysctl_set(tk->s, "tcp_synack_retries", "1"), 0);
	tk_listen(tk, 4);
	tk_syn(tk, 1000, NULL);
	tk_advance(tk, 10 * S);
	while (tk_sent(tk))
		n++;
	assert_int_equal(n, 2);
	assert_int_equal(slab_count(&tk->s->tcp->halves), 0);
	tcp_unlisten(tk->l);
}

static void syncookies(void **state)
{
	struct tk *tk = *state;

	tk_listen(tk, 4);
	assert_int_equal(tcp_sysctl_set(tk->s, "tcp_syncookies", "2"), 0);
	tk_accept(tk, NULL);
	assert_int_equal(slab_count(&tk->s->tcp->halves), 0);
	assert_true(tk->pcb->flags & PCBF_SACK);
	tcp_abort(tk->pcb);
	tk_forget(tk);
	assert_int_equal(tcp_sysctl_set(tk->s, "tcp_syncookies", "0"), 0);
	for (unsigned i = 0; i < tk->s->tcp->limits.half_open; i++)
		tk_syn(tk, (uint16_t)(1000 + i), NULL);
	tk_forget(tk);
	tk_syn(tk, 5001, NULL);
	tk_expect_none(tk);
	assert_int_equal(tk_drops(tk, DROP_TCP_NOMEM), 1);
	tcp_unlisten(tk->l);
}

static void abort_on_overflow(void **state)
{
	struct tk *tk = *state;

	assert_int_equal(tcp_sysctl_set(tk->s, "tcp_abort_on_overflow", "1"), 0);
	tk_listen(tk, 1);
	tk_syn(tk, 1000, NULL);
	tk_syn(tk, 1001, NULL);
	for (unsigned i = 0; i < 2; i++) {
		tk->port_peer = (uint16_t)(1000 + i);
		tk->iss = tk_sent(tk)->h.seq;
		tk_in_quiet(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 1});
	}
	assert_int_equal(tcp_accept_len(tk->l), 1);
	tk_expect(tk, TCP_RST, 1, 0, 0);
	assert_int_equal(slab_count(&tk->s->tcp->halves), 0);
	tcp_unlisten(tk->l);
}

static void fin_timeout(void **state)
{
	struct tk *tk = *state;

	assert_int_equal(tcp_sysctl_set(tk->s, "tcp_fin_timeout", "3"), 0);
	tk_connect(tk, NULL);
	tcp_close(tk->pcb);
	tk_run(tk);
	tk_in(tk, &(struct tk_seg){.flags = TCP_ACK, .seq = 1, .ack = 2});
	tk_advance(tk, 2900 * MS);
	assert_int_equal(tcp_pcb_count(tk->s), 1);
	tk_advance(tk, 200 * MS);
	assert_int_equal(tcp_pcb_count(tk->s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TK_TEST(all_rows),
		TK_TEST(values),
		TK_TEST(refused),
		TK_TEST(options_off),
		TK_TEST(answer_offers_more),
		TK_TEST(buffers),
		TK_TEST(retries),
		TK_TEST(syn_retries),
		TK_TEST(synack_retries),
		TK_TEST(syncookies),
		TK_TEST(abort_on_overflow),
		TK_TEST(fin_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
