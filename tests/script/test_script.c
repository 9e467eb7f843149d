/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs packet scripts: text files, one behaviour each, on TCP alone under a virtual clock
 * (tests/unit/tcpkit.h). Every file runs for IPv4 and for IPv6. README.md has the words; a failure
 * names the file and the line. Arguments: the files.
 */
#include "tcpkit.h"

#include "tcp/pcb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX      256u
#define WORDS_MAX      24u
#define LINE_MAX_BYTES 256u

struct script {
	const char *path;
	bool v6;
	struct tk tk;
	unsigned line;
	uint32_t sent, taken; /* relative number of the next byte that the program writes, reads */
};

/* The words of a line, and how far they are used up. */
struct words {
	char *w[WORDS_MAX];
	unsigned n, at;
};

static void wrong(const struct script *sc, const char *what)
{
	fail_msg("%s:%u: %s", sc->path, sc->line, what);
}

static const char *next_word(struct words *w)
{
	return w->at < w->n ? w->w[w->at++] : NULL;
}

static uint32_t number_of(const struct script *sc, const char *text)
{
	char *end = NULL;
	unsigned long v = text ? strtoul(text, &end, 0) : 0;

	if (!text || end == text || *end)
		wrong(sc, "a number is missing");
	return (uint32_t)v;
}

static uint32_t next_number(const struct script *sc, struct words *w)
{
	return number_of(sc, next_word(w));
}

/* ---- names ---- */

struct name {
	const char *text;
	int64_t value;
};

#define NAME_END \
	{ \
		NULL, 0 \
	}

static const struct name state_names[] = {
#define X(id, text) {text, TCPS_##id},
	TCP_STATE_TABLE(X)
#undef X
		NAME_END};

static const struct name option_names[] = {
#define X(id, lo, hi) {#id, TCP_OPT_##id},
	TCP_OPT_TABLE(X)
#undef X
		NAME_END};

static const struct name errno_names[] = {{"EAGAIN", EAGAIN},
					  {"EPIPE", EPIPE},
					  {"ENOTCONN", ENOTCONN},
					  {"ECONNRESET", ECONNRESET},
					  {"ECONNREFUSED", ECONNREFUSED},
					  {"ETIMEDOUT", ETIMEDOUT},
					  {"none", 0},
					  NAME_END};

static const struct name counter_names[] = {
#define X(name, text) {#name, offsetof(struct tcp_counters, name)},
	TCP_COUNTER_TABLE(X)
#undef X
		NAME_END};

static int64_t look_up(const struct script *sc, const struct name *names, const char *text)
{
	for (; text && names->text; names++)
		if (strcmp(names->text, text) == 0)
			return names->value;
	wrong(sc, "an unknown name");
	return 0;
}

/* ---- segments ---- */

static uint8_t flags_of(const struct script *sc, const char *text)
{
	static const char letters[] = "FSRP.UEW"; /* bit by bit */
	uint8_t flags = 0;

	for (; text && *text; text++) {
		const char *p = strchr(letters, *text);

		if (!p)
			wrong(sc, "an unknown flag");
		else
			flags |= (uint8_t)(1u << (p - letters));
	}
	return flags;
}

/* "SEQ" or "SEQ:LEN". */
static void parse_range(const struct script *sc, char *text, struct tk_seg *seg)
{
	char *colon = text ? strchr(text, ':') : NULL;

	if (colon) {
		*colon = '\0';
		seg->len = number_of(sc, colon + 1);
	}
	seg->seq = number_of(sc, text);
}

/* "A-B" */
static void parse_block(const struct script *sc, const char *text, struct tcp_sackblk *b)
{
	const char *dash = text ? strchr(text, '-') : NULL;

	if (!dash) {
		wrong(sc, "a block is A-B");
		return;
	}
	b->start = (uint32_t)strtoul(text, NULL, 0);
	b->end = (uint32_t)strtoul(dash + 1, NULL, 0);
}

/* What may follow flags and range; expected segments are told by the same words. */
struct wanted {
	struct tk_seg seg;
	bool ack, wnd, mss, wscale, sackok, tsecr;
};

static void parse_word(const struct script *sc, const char *word, struct words *w, struct wanted *x)
{
	struct tk_seg *seg = &x->seg;

	if (strcmp(word, "ack") == 0) {
		seg->ack = next_number(sc, w);
		x->ack = true;
	} else if (strcmp(word, "win") == 0) {
		seg->wnd = next_number(sc, w);
		x->wnd = true;
	} else if (strcmp(word, "mss") == 0) {
		seg->mss = (uint16_t)next_number(sc, w);
		seg->opts |= TCPOPTS_MSS;
		x->mss = true;
	} else if (strcmp(word, "ws") == 0) {
		seg->wscale = (uint8_t)next_number(sc, w);
		seg->opts |= TCPOPTS_WSCALE;
		x->wscale = true;
	} else if (strcmp(word, "sackok") == 0) {
		seg->opts |= TCPOPTS_SACK_PERMITTED;
		x->sackok = true;
	} else if (strcmp(word, "ts") == 0) {
		seg->tsval = next_number(sc, w);
		seg->opts |= TCPOPTS_TS;
	} else if (strcmp(word, "ecr") == 0) {
		seg->tsecr = next_number(sc, w);
		x->tsecr = true;
	} else if (strcmp(word, "nots") == 0) {
		seg->no_ts = true;
	} else if (strcmp(word, "gso") == 0) {
		seg->gso_size = (uint16_t)next_number(sc, w);
	} else if (strcmp(word, "urg") == 0) {
		seg->urg = (uint16_t)next_number(sc, w);
	} else if (strcmp(word, "badcsum") == 0) {
		seg->bad_csum = true;
	} else if (strcmp(word, "sack") == 0 && seg->n_sack < ARRAY_LEN(seg->sack)) {
		parse_block(sc, next_word(w), &seg->sack[seg->n_sack++]);
	} else {
		wrong(sc, "an unknown word");
	}
}

static void parse_segment(const struct script *sc, struct words *w, struct wanted *x)
{
	const char *word;

	*x = (struct wanted){.seg.flags = flags_of(sc, next_word(w))};
	parse_range(sc, w->at < w->n ? w->w[w->at] : NULL, &x->seg);
	w->at++;
	while ((word = next_word(w)) != NULL)
		parse_word(sc, word, w, x);
}

static void do_in(struct script *sc, struct words *w)
{
	struct wanted x;

	parse_segment(sc, w, &x);
	if (x.wnd && x.seg.wnd == 0)
		x.seg.wnd = TK_WND_ZERO;
	tk_in(&sc->tk, &x.seg);
}

static void same(const struct script *sc, const char *what, uint32_t is, uint32_t should)
{
	if (is != should)
		fail_msg("%s:%u: %s is %u, not %u", sc->path, sc->line, what, is, should);
}

static void check_options(const struct script *sc, const struct wanted *x, const struct tk_pkt *p)
{
	if (x->mss)
		same(sc, "mss", p->o.present & TCPOPTS_MSS ? p->o.mss : 0, x->seg.mss);
	if (x->wscale)
		same(sc, "ws", p->o.present & TCPOPTS_WSCALE ? p->o.wscale : 99, x->seg.wscale);
	if (x->sackok)
		same(sc, "sackok", p->o.sack_permitted, true);
	if (x->tsecr)
		same(sc, "ecr", p->o.tsecr, x->seg.tsecr);
	if (x->seg.no_ts)
		same(sc, "has ts", p->o.present & TCPOPTS_TS, 0);
	same(sc, "number of sack blocks", p->o.n_sack, x->seg.n_sack);
	for (unsigned i = 0; i < x->seg.n_sack; i++) {
		same(sc, "sack start", p->o.sack[i].start - sc->tk.irs, x->seg.sack[i].start);
		same(sc, "sack end", p->o.sack[i].end - sc->tk.irs, x->seg.sack[i].end);
	}
}

static void do_out(struct script *sc, struct words *w)
{
	struct tk *tk = &sc->tk;
	const struct tk_pkt *p = tk_sent(tk);
	struct wanted x;

	if (w->n == 2 && strcmp(w->w[1], "none") == 0) {
		if (p)
			fail_msg("%s:%u: sent flags %02x seq %u len %u", sc->path, sc->line,
				 p->h.flags, p->h.seq - tk->iss, p->len);
		return;
	}
	parse_segment(sc, w, &x);
	if (!p) {
		wrong(sc, "nothing was sent");
		return;
	}
	if ((p->h.flags & TCP_SYN) && x.seg.seq == 0)
		tk->iss = p->h.seq;
	same(sc, "flags", p->h.flags, x.seg.flags);
	same(sc, "seq", p->h.seq - tk->iss, x.seg.seq);
	same(sc, "len", p->len, x.seg.len);
	if (x.ack)
		same(sc, "ack", p->h.ack - tk->irs, x.seg.ack);
	if (x.wnd)
		same(sc, "win", p->h.wnd, x.seg.wnd);
	if (x.seg.gso_size)
		same(sc, "gso", p->gso_size, x.seg.gso_size);
	check_options(sc, &x, p);
}

/* ---- the program ---- */

/* "[mss N] [ws N] [nots] [nosack] [win N]" of the peer's SYN. */
static struct tk_peer parse_peer(const struct script *sc, struct words *w)
{
	struct tk_peer p = {.wscale = -1};
	const char *word;

	while ((word = next_word(w)) != NULL) {
		if (strcmp(word, "mss") == 0)
			p.mss = (uint16_t)next_number(sc, w);
		else if (strcmp(word, "ws") == 0)
			p.wscale = (int)next_number(sc, w);
		else if (strcmp(word, "win") == 0)
			p.wnd = next_number(sc, w);
		else if (strcmp(word, "nots") == 0)
			p.no_ts = true;
		else if (strcmp(word, "nosack") == 0)
			p.no_sack = true;
		else
			wrong(sc, "an unknown word");
	}
	return p;
}

static void do_client(struct script *sc, struct words *w)
{
	struct tk_peer p = parse_peer(sc, w);

	tk_connect(&sc->tk, &p);
}

static void do_server(struct script *sc, struct words *w)
{
	struct tk_peer p = parse_peer(sc, w);

	tk_listen(&sc->tk, 8);
	tk_accept(&sc->tk, &p);
}

static void do_listen(struct script *sc, struct words *w)
{
	tk_listen(&sc->tk, w->n > 1 ? next_number(sc, w) : 8);
}

static void do_accept(struct script *sc, struct words *w)
{
	struct tk *tk = &sc->tk;

	(void)w;
	tk->pcb = tcp_accept(tk->l);
	if (!tk->pcb) {
		wrong(sc, "nothing to accept");
		return;
	}
	tk->so.pcb = tk->pcb;
	tcp_so_set(tk->pcb, &tk->so);
}

static void do_socket(struct script *sc, struct words *w)
{
	struct tk *tk = &sc->tk;

	(void)w;
	tk->pcb = tcp_create(tk->s, tk->v6, &tk->so);
	tk->so.pcb = tk->pcb;
	assert_non_null(tk->pcb);
}

static void do_connect(struct script *sc, struct words *w)
{
	struct tk *tk = &sc->tk;

	(void)w;
	if (!tk->pcb)
		do_socket(sc, w);
	assert_int_equal(tcp_bind(tk->pcb, &tk->us, tk->port_us, 0), 0);
	assert_int_equal(tcp_connect(tk->pcb, &tk->peer, tk->port_peer), 0);
	tk_run(tk);
}

/* What the call should return: "N", "-ENAME"; without, n. */
static int64_t result_of(const struct script *sc, struct words *w, uint32_t n)
{
	const char *word = next_word(w);

	if (!word)
		return n;
	if (word[0] == '-')
		return -look_up(sc, errno_names, word + 1);
	return number_of(sc, word);
}

static void check_result(const struct script *sc, int64_t is, int64_t should)
{
	if (is != should)
		fail_msg("%s:%u: result is %lld, not %lld", sc->path, sc->line, (long long)is,
			 (long long)should);
}

static void do_send(struct script *sc, struct words *w)
{
	uint32_t n = next_number(sc, w);
	ssize_t r = tk_send(&sc->tk, sc->sent, n);

	check_result(sc, r, result_of(sc, w, n));
	if (r > 0)
		sc->sent += (uint32_t)r;
	tk_run(&sc->tk);
}

static void do_recv(struct script *sc, struct words *w)
{
	uint32_t n = next_number(sc, w);
	ssize_t r = tk_recv(&sc->tk, sc->taken, n);

	check_result(sc, r, result_of(sc, w, n));
	if (r > 0)
		sc->taken += (uint32_t)r;
	tk_run(&sc->tk);
}

static void do_close(struct script *sc, struct words *w)
{
	(void)w;
	tcp_close(sc->tk.pcb);
	tk_run(&sc->tk);
}

static void do_abort(struct script *sc, struct words *w)
{
	(void)w;
	tcp_abort(sc->tk.pcb);
	tk_run(&sc->tk);
}

static void do_shutdown(struct script *sc, struct words *w)
{
	(void)w;
	assert_int_equal(tcp_shutdown_send(sc->tk.pcb), 0);
	tk_run(&sc->tk);
}

static void do_set(struct script *sc, struct words *w)
{
	enum tcp_opt opt = (enum tcp_opt)look_up(sc, option_names, next_word(w));

	check_result(sc, tcp_opt_set(sc->tk.pcb, opt, next_number(sc, w)), 0);
	tk_run(&sc->tk);
}

static void do_state(struct script *sc, struct words *w)
{
	same(sc, "state", tcp_state(sc->tk.pcb), (uint32_t)look_up(sc, state_names, next_word(w)));
}

/* "error ENAME": the program was told that. */
static void do_error(struct script *sc, struct words *w)
{
	same(sc, "error", (uint32_t)sc->tk.so.err,
	     (uint32_t)look_up(sc, errno_names, next_word(w)));
}

static void do_gone(struct script *sc, struct words *w)
{
	(void)w;
	same(sc, "gone", sc->tk.so.gone, 1);
}

/* What was sent is of no interest. */
static void do_forget(struct script *sc, struct words *w)
{
	(void)w;
	tk_forget(&sc->tk);
}

static void do_counter(struct script *sc, struct words *w)
{
	const char *at =
		(const char *)tcp_counters(sc->tk.s) + look_up(sc, counter_names, next_word(w));
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	same(sc, "counter", (uint32_t)v, next_number(sc, w));
}

static void do_timewait(struct script *sc, struct words *w)
{
	same(sc, "TIME-WAIT entries", tcp_timewait_count(sc->tk.s), next_number(sc, w));
}

/* "+40ms", "+3s": time passes. */
static void pass(struct script *sc, const char *text)
{
	char *unit = NULL;
	uint64_t n = strtoull(text + 1, &unit, 10);

	if (strcmp(unit, "ms") == 0)
		tk_advance(&sc->tk, n * MS);
	else if (strcmp(unit, "s") == 0)
		tk_advance(&sc->tk, n * S);
	else
		wrong(sc, "a time is +Nms or +Ns");
}

struct verb {
	const char *word;
	void (*fn)(struct script *sc, struct words *w);
};

static const struct verb verbs[] = {
	{"<", do_in},
	{">", do_out},
	{"client", do_client},
	{"server", do_server},
	{"listen", do_listen},
	{"accept", do_accept},
	{"socket", do_socket},
	{"connect", do_connect},
	{"send", do_send},
	{"recv", do_recv},
	{"close", do_close},
	{"abort", do_abort},
	{"shutdown", do_shutdown},
	{"set", do_set},
	{"state", do_state},
	{"error", do_error},
	{"gone", do_gone},
	{"forget", do_forget},
	{"counter", do_counter},
	{"timewait", do_timewait},
};

static void do_line(struct script *sc, char *line)
{
	struct words w = {.at = 1};
	char *save = NULL;

	line[strcspn(line, "#\n")] = '\0';
	for (char *t = strtok_r(line, " \t", &save); t && w.n < WORDS_MAX;
	     t = strtok_r(NULL, " \t", &save))
		w.w[w.n++] = t;
	if (w.n == 0)
		return;
	if (w.w[0][0] == '+') {
		pass(sc, w.w[0]);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].word, w.w[0]) == 0) {
			verbs[i].fn(sc, &w);
			return;
		}
	}
	wrong(sc, "an unknown verb");
}

static void run_script(void **state)
{
	struct script *sc = *state;
	char line[LINE_MAX_BYTES];
	FILE *f = fopen(sc->path, "r");

	if (!f)
		wrong(sc, strerror(errno));
	while (f && fgets(line, sizeof(line), f)) {
		sc->line++;
		do_line(sc, line);
	}
	if (f)
		(void)fclose(f);
	sc->line++;
	/* Everything that was sent has been looked at. */
	if (tk_sent(&sc->tk))
		wrong(sc, "more was sent");
}

static int set_up(void **state)
{
	struct script *sc = *state;

	sc->sent = 1;
	sc->taken = 1;
	tk_create(&sc->tk, sc->v6);
	return 0;
}

static int tear_down(void **state)
{
	struct script *sc = *state;

	tk_destroy(&sc->tk);
	return 0;
}

int main(int argc, char **argv)
{
	static struct script scripts[FILES_MAX];
	static struct CMUnitTest tests[FILES_MAX];
	static char names[FILES_MAX][96];
	size_t n = 0;

	for (int i = 1; i < argc && n + 2 <= FILES_MAX; i++) {
		for (int v6 = 0; v6 < 2; v6++, n++) {
			const char *base = strrchr(argv[i], '/');

			scripts[n] = (struct script){.path = argv[i], .v6 = v6};
			(void)snprintf(names[n], sizeof(names[n]), "%s v%d",
				       base ? base + 1 : argv[i], v6 ? 6 : 4);
			tests[n] = (struct CMUnitTest){.name = names[n],
						       .test_func = run_script,
						       .setup_func = set_up,
						       .teardown_func = tear_down,
						       .initial_state = &scripts[n]};
		}
	}
	if (n == 0)
		return 2;
	return _cmocka_run_group_tests("scripts", tests, n, NULL, NULL);
}
