/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs of the simulation, on the TCP layer's own interface: no descriptors, no events sets.
 */
#include "simapp.h"

#include "tcp/cc.h"

#include <errno.h>
#include <string.h>

#define CHUNK 16384u

uint8_t simapp_byte(uint64_t pattern, uint64_t offset)
{
	uint64_t z = pattern + (offset >> 3) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z ^= z >> 31;
	return (uint8_t)(z >> (8 * (offset & 7)));
}

static void on_connected(struct stack *s, void *so, int err)
{
	struct simend *e = so;

	(void)s;
	e->app->dirty = true;
	if (err)
		e->err = err;
	else
		e->connected = true;
}

static void on_acceptable(struct stack *s, void *so)
{
	struct simapp *a = so;

	(void)s;
	a->dirty = true;
}

static void on_ready(struct stack *s, void *so)
{
	struct simend *e = so;

	(void)s;
	e->app->dirty = true;
}

static void on_error(struct stack *s, void *so, int err)
{
	struct simend *e = so;

	(void)s;
	e->err = err;
	e->app->dirty = true;
}

static void on_gone(struct stack *s, void *so)
{
	struct simend *e = so;

	(void)s;
	e->pcb = NULL;
	e->app->dirty = true;
}

static const struct tcp_events events = {
	.connected = on_connected,
	.acceptable = on_acceptable,
	.readable = on_ready,
	.writable = on_ready,
	.error = on_error,
	.gone = on_gone,
};

int simapp_init(struct simapp *a, struct stack *s)
{
	memset(a, 0, sizeof(*a));
	a->stack = s;
	for (unsigned i = 0; i < SIMAPP_ENDS; i++)
		a->end[i].app = a;
	return tcp_init(s, &events);
}

/* What must be set before the handshake. */
static int set_options(const struct simapp *a, struct tcp_pcb *pcb)
{
	int rc = 0;

	if (a->maxseg)
		rc = tcp_opt_set(pcb, TCP_OPT_MAXSEG, a->maxseg);
	if (rc == 0 && a->rcvbuf)
		rc = tcp_opt_set(pcb, TCP_OPT_RCVBUF, a->rcvbuf);
	if (rc == 0 && a->sndbuf)
		rc = tcp_opt_set(pcb, TCP_OPT_SNDBUF, a->sndbuf);
	return rc;
}

static int set_cc(const struct simapp *a, unsigned end, struct tcp_pcb *pcb)
{
	int rc = a->mixed_cc ? tcp_opt_set(pcb, TCP_OPT_CONGESTION, end % TCP_CC_COUNT) : 0;

	/* Without memory for the one that was asked for, the connection keeps what it has. */
	return rc == -ENOMEM ? 0 : rc;
}

int simapp_listen(struct simapp *a, bool v6, uint16_t port)
{
	struct tcp_listener_conf lc = {
		.addr = v6 ? ipaddr_any6() : ipaddr_any4(),
		.port = port,
		.flags = TCP_BIND_V6ONLY,
		.backlog = 128,
	};
	struct tcp_pcb *like = tcp_create(a->stack, v6, NULL);
	int rc;

	if (!like)
		return -ENOMEM;
	lc.like = like;
	rc = set_options(a, like);
	if (rc == 0)
		rc = tcp_listen(a->stack, &lc, a, &a->listener);
	tcp_abort(like);
	return rc;
}

int simapp_connect(struct simapp *a, unsigned end, const struct ipaddr *to, uint16_t port)
{
	struct simend *e = &a->end[end];
	struct ipaddr any = ipaddr_is_v4(to) ? ipaddr_any4() : ipaddr_any6();
	int rc;

	e->pcb = tcp_create(a->stack, !ipaddr_is_v4(to), e);
	if (!e->pcb)
		return -ENOMEM;
	rc = set_options(a, e->pcb);
	if (rc == 0)
		rc = set_cc(a, end, e->pcb);
	/* The port tells the server which of its ends this is. */
	if (rc == 0)
		rc = tcp_bind(e->pcb, &any, (uint16_t)(20000 + end), TCP_BIND_REUSEADDR);
	if (rc == 0)
		rc = tcp_connect(e->pcb, to, port);
	if (rc < 0) {
		tcp_abort(e->pcb);
		e->pcb = NULL;
	}
	return rc;
}

static void accept_all(struct simapp *a)
{
	struct tcp_pcb *pcb;

	while (a->listener && (pcb = tcp_accept(a->listener))) {
		struct ipaddr peer;
		uint16_t port;
		struct simend *e;

		tcp_peer(pcb, &peer, &port);
		if (port < 20000 || port >= 20000 + SIMAPP_ENDS || a->end[port - 20000].pcb) {
			tcp_abort(pcb);
			continue;
		}
		e = &a->end[port - 20000];
		e->pcb = pcb;
		e->peer = peer;
		e->connected = true;
		tcp_so_set(pcb, e);
		if (set_cc(a, port - 20000u, pcb) < 0)
			e->wrong = true;
		a->accepted++;
	}
}

static bool send_some(struct simend *e)
{
	uint8_t buf[CHUNK];
	uint64_t before = e->sent;

	while (e->pcb && e->sent < e->to_send) {
		/* No more than fits: making the bytes is dear. One at least: TCP shall know. */
		size_t n = (size_t)min_u64(min_u32(CHUNK, max_u32(tcp_snd_space(e->pcb), 1)),
					   e->to_send - e->sent);
		struct iovec iov = {buf, n};
		ssize_t did;

		for (size_t i = 0; i < n; i++)
			buf[i] = simapp_byte(e->pattern_out, e->sent + i);
		did = tcp_send(e->pcb, &iov, 1, false);
		if (did <= 0)
			break;
		e->sent += (uint64_t)did;
	}
	return e->sent != before;
}

static void check(struct simend *e, const uint8_t *buf, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (buf[i] != simapp_byte(e->pattern_in, e->received + i))
			e->wrong = true;
	e->received += n;
	if (e->received > e->to_recv)
		e->wrong = true;
}

static bool may_read(struct simend *e)
{
	uint64_t now = e->app->stack->now_ns;

	if (e->pause_at && e->received >= e->pause_at) {
		e->pause_until_ns = now + e->pause_ns;
		e->pause_at = e->pause_again ? e->received + e->pause_again : 0;
	}
	return now >= e->pause_until_ns;
}

static bool recv_some(struct simend *e)
{
	uint8_t buf[CHUNK];
	bool any = false;

	while (e->pcb && !e->eof && may_read(e)) {
		struct iovec iov = {buf, sizeof(buf)};
		ssize_t n = tcp_recv(e->pcb, &iov, 1, false);

		if (n < 0)
			break;
		any = true;
		if (n == 0)
			e->eof = true;
		else
			check(e, buf, (size_t)n);
	}
	return any;
}

static bool close_some(struct simend *e)
{
	if (e->pcb && !e->shut && e->sent == e->to_send) {
		e->shut = tcp_shutdown_send(e->pcb) == 0;
		return true;
	}
	if (e->pcb && !e->done && e->shut && e->eof) {
		e->done = true;
		tcp_close(e->pcb);
		return true;
	}
	return false;
}

bool simapp_step(struct simapp *a)
{
	bool any = a->dirty;

	a->dirty = false;
	accept_all(a);
	for (unsigned i = 0; i < a->n_ends; i++) {
		struct simend *e = &a->end[i];

		if (!e->pcb || !e->connected || e->done)
			continue;
		any |= send_some(e);
		any |= recv_some(e);
		any |= close_some(e);
	}
	return any;
}

uint64_t simapp_next_ns(const struct simapp *a)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < a->n_ends; i++) {
		const struct simend *e = &a->end[i];

		if (e->pcb && e->pause_until_ns > a->stack->now_ns)
			next = min_u64(next, e->pause_until_ns);
	}
	return next;
}

static bool ended(const struct simend *e)
{
	return e->err != 0 || (e->done && !e->pcb);
}

bool simapp_done(const struct simapp *a)
{
	for (unsigned i = 0; i < a->n_ends; i++)
		if (!ended(&a->end[i]))
			return false;
	return true;
}

void simapp_fini(struct simapp *a)
{
	for (unsigned i = 0; i < a->n_ends; i++)
		if (a->end[i].pcb)
			tcp_abort(a->end[i].pcb);
	if (a->listener)
		tcp_unlisten(a->listener);
	tcp_fini(a->stack);
}
