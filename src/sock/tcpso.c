/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP sockets: the events that TCP reports, turned into the readiness word, and opening and
 * closing. The word follows Linux's tcp_poll() bit by bit; moving bytes is in tcpio.c. The socket
 * owns its pcb until it closes it; TCP then keeps what it needs. Worker thread.
 */
#include "sock/socket.h"

#include "sock/wait.h"

#define SECOND_NS UINT64_C(1000000000)

/* What Linux reports once a connection is over, but for the error. */
#define DEAD_BITS \
	(RDY_READABLE | RDY_OUT | RDY_WRNORM | RDY_RDHUP | RDY_HUP | RDY_WREOF | RDY_EMPTY)

static void die(struct socket *so, int err)
{
	so->phase = SOCK_DEAD;
	so->err = err;
	ev_clear(&so->f.src, RDY_ROOM);
	ev_activate(&so->f.src, err ? DEAD_BITS | RDY_ERR : DEAD_BITS);
}

static void on_connected(struct stack *s, void *arg, int err)
{
	struct socket *so = arg;

	(void)s;
	if (!so)
		return;
	so->flags |= SOF_CONN_NEWS;
	if (err) {
		die(so, err);
		return;
	}
	so->phase = SOCK_CONNECTED;
	ev_activate(&so->f.src, RDY_WRITABLE | RDY_EMPTY);
	if (so->flags & SOF_RDSHUT)
		ev_activate(&so->f.src, RDY_IN | RDY_RDNORM | RDY_RDHUP);
}

static void on_acceptable(struct stack *s, void *arg)
{
	struct socket *so = arg;

	(void)s;
	if (so)
		ev_activate(&so->f.src, RDY_READABLE);
}

/* FIN has come and all before it can be read: IN stays from now on. */
static uint32_t fin_bits(struct socket *so)
{
	so->flags |= SOF_FIN;
	return RDY_READABLE | RDY_RDHUP | (so->flags & SOF_WRSHUT ? RDY_HUP : 0);
}

static void on_readable(struct stack *s, void *arg)
{
	struct socket *so = arg;
	uint32_t bits = RDY_DATA;

	(void)s;
	if (!so)
		return;
	if (so->rcvlowat == 1 || tcp_rcv_avail(so->tcp) >= so->rcvlowat)
		bits = RDY_READABLE;
	if (tcp_rcv_eof(so->tcp))
		bits = fin_bits(so);
	ev_activate(&so->f.src, bits);
}

/*
 * ROOM is reported each time, for knotes that wait for a certain space; OUT only when it was gone,
 * so that an edge-triggered item hears of a full queue that has drained and of nothing else.
 */
static void on_writable(struct stack *s, void *arg)
{
	struct socket *so = arg;
	uint32_t bits = RDY_ROOM;

	(void)s;
	if (!so || so->phase != SOCK_CONNECTED)
		return;
	if (!(so->f.src.ready & RDY_OUT))
		bits = RDY_WRITABLE;
	if (tcp_snd_queued(so->tcp) == 0)
		bits |= RDY_EMPTY;
	ev_activate(&so->f.src, bits);
}

static void on_error(struct stack *s, void *arg, int err)
{
	(void)s;
	if (arg)
		die(arg, err);
}

static void on_gone(struct stack *s, void *arg)
{
	struct socket *so = arg;

	(void)s;
	if (so)
		so->flags |= SOF_GONE;
}

const struct tcp_events tcpso_events = {
	.connected = on_connected,
	.acceptable = on_acceptable,
	.readable = on_readable,
	.writable = on_writable,
	.error = on_error,
	.gone = on_gone,
};

void tcpso_established(struct socket *so)
{
	so->phase = SOCK_CONNECTED;
	so->f.src.ready = RDY_WRITABLE | RDY_EMPTY;
	if (tcp_rcv_avail(so->tcp) > 0 || tcp_rcv_eof(so->tcp))
		on_readable(NULL, so);
	/* Reset while it waited: accept() succeeds, as on Linux, what came is read, then the error.
	 */
	if (tcp_state(so->tcp) == TCPS_CLOSED)
		die(so, tcp_pending_error(so->tcp));
}

void tcpso_taken(struct socket *so)
{
	uint32_t avail;

	if (so->f.src.ready & RDY_RDHUP)
		return;
	avail = tcp_rcv_avail(so->tcp);
	if (avail < so->rcvlowat)
		ev_clear(&so->f.src, avail == 0 ? RDY_READABLE : RDY_IN | RDY_RDNORM);
}

void tcpso_lowat_changed(struct socket *so)
{
	if (so->phase != SOCK_CONNECTED)
		return;
	if (tcp_rcv_avail(so->tcp) >= so->rcvlowat)
		on_readable(NULL, so);
	else
		tcpso_taken(so);
}

static unsigned bind_flags(const struct socket *so)
{
	return (so->flags & (SOF_TRANSPARENT | SOF_FREEBIND) ? TCP_BIND_FOREIGN : 0) |
	       (so->flags & SOF_REUSEADDR ? TCP_BIND_REUSEADDR : 0) |
	       (so->flags & SOF_REUSEPORT ? TCP_BIND_REUSEPORT : 0) |
	       (so->flags & SOF_V6ONLY ? TCP_BIND_V6ONLY : 0) |
	       (so->flags & SOF_NO_PORT ? TCP_BIND_NO_PORT : 0);
}

int tcpso_bind(struct socket *so, const struct ipaddr *addr, uint16_t port)
{
	int rc;

	if (so->phase != SOCK_NEW || so->flags & SOF_BOUND)
		return -EINVAL;
	rc = tcp_bind(so->tcp, addr, port, bind_flags(so));
	if (rc < 0)
		return rc;
	so->flags |= SOF_BOUND;
	so->bind_addr = *addr;
	so->bind_port = port;
	return 0;
}

#define BACKLOG_MAX 4096u /* Linux's net.core.somaxconn */

int tcpso_listen(struct stack *s, struct socket *so, int backlog)
{
	/* As Linux: one more than asked for, and a negative number is a large one. */
	uint32_t n = min_u32((uint32_t)backlog, BACKLOG_MAX - 1) + 1;
	struct tcp_listener_conf conf = {
		.addr = so->flags & SOF_V6 ? ipaddr_any6() : ipaddr_any4(),
		.flags = bind_flags(so),
		.backlog = n,
		.like = so->tcp,
	};
	int rc;

	if (so->phase == SOCK_LISTEN) {
		tcp_listener_backlog(so->listener, n);
		return 0;
	}
	if (so->phase != SOCK_NEW)
		return -EINVAL;
	if (so->flags & SOF_BOUND)
		tcp_local(so->tcp, &conf.addr, &conf.port);
	rc = tcp_listen(s, &conf, so, &so->listener);
	if (rc < 0)
		return rc;
	so->phase = SOCK_LISTEN;
	so->backlog = n;
	ev_clear(&so->f.src, ~0u);
	return 0;
}

/* Back to the beginning with a new pcb that has the old one's options and binding. */
static int renew(struct stack *s, struct socket *so)
{
	struct tcp_pcb *pcb = tcp_create(s, so->flags & SOF_V6, so);
	int rc = 0;

	if (!pcb)
		return -ENOBUFS;
	tcp_opts_inherit(pcb, so->tcp);
	tcp_so_set(so->tcp, NULL);
	tcp_abort(so->tcp);
	so->tcp = pcb;
	so->phase = SOCK_NEW;
	so->flags &= ~(SOF_FIN | SOF_RDSHUT | SOF_WRSHUT | SOF_CONN_NEWS | SOF_GONE | SOF_STUCK);
	so->err = 0;
	ev_clear(&so->f.src, ~0u);
	ev_activate(&so->f.src, RDY_OUT | RDY_WRNORM | RDY_HUP | RDY_EMPTY);
	if (so->flags & SOF_BOUND)
		rc = tcp_bind(pcb, &so->bind_addr, so->bind_port, bind_flags(so));
	return rc;
}

/* Does Linux leave a reset behind as the socket's error? */
static bool leaves_reset(const struct socket *so)
{
	if (so->phase != SOCK_CONNECTED)
		return so->phase == SOCK_CONNECTING;
	switch (tcp_state(so->tcp)) {
	case TCPS_ESTABLISHED:
	case TCPS_CLOSE_WAIT:
	case TCPS_FIN_WAIT_1:
	case TCPS_FIN_WAIT_2:
		return true;
	case TCPS_CLOSED:
	case TCPS_LISTEN:
	case TCPS_SYN_SENT:
	case TCPS_SYN_RECEIVED:
	case TCPS_CLOSING:
	case TCPS_LAST_ACK:
	case TCPS_TIME_WAIT:
	case TCP_STATE_COUNT:
		break;
	}
	return false;
}

int tcpso_disconnect(struct stack *s, struct socket *so)
{
	int err = leaves_reset(so) ? ECONNRESET : so->err;
	int rc;

	if (so->phase == SOCK_NEW) {
		so->flags &= ~(SOF_RDSHUT | SOF_WRSHUT);
		ev_clear(&so->f.src, RDY_IN | RDY_RDNORM | RDY_RDHUP);
		return 0;
	}
	if (so->phase == SOCK_LISTEN) {
		tcp_unlisten(so->listener);
		so->listener = NULL;
	}
	rc = renew(s, so);
	if (rc == 0 && err) {
		so->err = err;
		ev_activate(&so->f.src, RDY_ERR);
	}
	return rc;
}

static int start_connect(struct socket *so, const struct ipaddr *addr, uint16_t port)
{
	uint32_t before = so->f.src.ready;
	int rc;

	so->phase = SOCK_CONNECTING;
	so->err = 0;
	ev_clear(&so->f.src, ~0u);
	rc = tcp_connect(so->tcp, addr, port);
	if (rc < 0) {
		so->phase = SOCK_NEW;
		ev_activate(&so->f.src, before);
		return rc;
	}
	if (tcp_connect_waits(so->tcp)) {
		/* TCP_FASTOPEN_CONNECT: as far as the program sees it is connected, and may write.
		 */
		ev_activate(&so->f.src, RDY_WRITABLE | RDY_EMPTY);
		return 0;
	}
	return -EINPROGRESS;
}

/* The outcome, told once; a refused socket may then be connected again. */
static int tell_outcome(struct stack *s, struct socket *so)
{
	int err;
	int rc;

	so->flags &= ~SOF_CONN_NEWS;
	if (so->phase == SOCK_CONNECTED)
		return 0;
	err = socket_take_error(so);
	rc = renew(s, so);
	if (rc < 0)
		return rc;
	return err ? err : -ECONNABORTED;
}

int tcpso_connect(struct stack *s, struct socket *so, const struct ipaddr *addr, uint16_t port)
{
	int rc = -EALREADY;

	if (so->flags & SOF_CONN_NEWS)
		return tell_outcome(s, so);
	if (so->phase == SOCK_NEW)
		rc = start_connect(so, addr, port);
	else if (so->phase != SOCK_CONNECTING)
		return so->flags & SOF_STUCK ? -EINVAL : -EISCONN;
	if (rc != -EINPROGRESS && rc != -EALREADY)
		return rc;
	if (socket_blocking(so, 0)) {
		int w = sock_wait_bits(s, so, RDY_OUT, so->sndtimeo_ns, false);

		if (w == -EINTR)
			return w;
	} else if (rc == -EINPROGRESS) {
		sock_caused_output(s, so);
	}
	return so->flags & SOF_CONN_NEWS && socket_blocking(so, 0) ? tell_outcome(s, so) : rc;
}

static int shutdown_listener(struct stack *s, struct socket *so, int how)
{
	return how == SHUT_WR ? 0 : tcpso_disconnect(s, so);
}

bool tcpso_is_over(const struct socket *so)
{
	return so->phase == SOCK_CONNECTED &&
	       (tcp_state(so->tcp) == TCPS_TIME_WAIT || tcp_state(so->tcp) == TCPS_CLOSED);
}

/* As Linux: an error, and done all the same. */
static int shutdown_closed(struct socket *so, int how)
{
	if (so->flags & SOF_CONN_NEWS) {
		so->flags &= ~SOF_CONN_NEWS;
		so->flags |= SOF_STUCK;
	}
	if (how != SHUT_RD)
		so->flags |= SOF_WRSHUT;
	if (how != SHUT_WR) {
		so->flags |= SOF_RDSHUT;
		ev_activate(&so->f.src, RDY_IN | RDY_RDNORM | RDY_RDHUP);
	}
	return -ENOTCONN;
}

int tcpso_shutdown(struct stack *s, struct socket *so, int how)
{
	uint32_t bits = 0;
	int rc;

	if (so->phase == SOCK_LISTEN)
		return shutdown_listener(s, so, how);
	if (so->phase == SOCK_CONNECTING)
		return tcpso_disconnect(s, so);
	if (so->phase != SOCK_CONNECTED || tcpso_is_over(so))
		return shutdown_closed(so, how);
	so->flags &= ~SOF_CONN_NEWS;
	if (how != SHUT_RD && !(so->flags & SOF_WRSHUT)) {
		rc = tcp_shutdown_send(so->tcp);
		if (rc < 0)
			return rc;
		so->flags |= SOF_WRSHUT;
		ev_clear(&so->f.src, RDY_ROOM);
		bits |= RDY_OUT | RDY_WRNORM | RDY_WREOF;
		sock_caused_output(s, so);
	}
	if (how != SHUT_WR) {
		/* As Linux: reading ends, but data that comes still does and can be read. */
		so->flags |= SOF_RDSHUT;
		bits |= RDY_IN | RDY_RDNORM | RDY_RDHUP;
	}
	if (so->flags & SOF_WRSHUT && so->flags & (SOF_RDSHUT | SOF_FIN))
		bits |= RDY_HUP;
	ev_activate(&so->f.src, bits);
	return 0;
}

static bool gone(struct stack *s, void *arg, bool slept)
{
	const struct socket *so = arg;

	(void)s;
	(void)slept;
	return so->flags & SOF_GONE || so->phase == SOCK_DEAD;
}

/* SO_LINGER with a time: wait until all is acknowledged, as Linux also for non-blocking sockets. */
static void linger(struct stack *s, struct socket *so)
{
	struct sock_wait w = {
		.done = gone,
		.arg = so,
		.timeout_ns = so->linger_s * SECOND_NS,
		.fd = -1,
	};

	int rc;

	tcp_close(so->tcp);
	rc = sock_wait(s, &w);
	(void)rc; /* done, timed out, interrupted or reset: what counts is whether it lives on */
	if (!(so->flags & SOF_GONE))
		tcp_so_set(so->tcp, NULL);
}

void tcpso_close(struct stack *s, struct socket *so)
{
	if (so->listener)
		tcp_unlisten(so->listener);
	if (so->flags & SOF_LINGER && so->linger_s == 0) {
		tcp_so_set(so->tcp, NULL);
		tcp_abort(so->tcp);
	} else if (so->flags & SOF_LINGER && so->phase == SOCK_CONNECTED) {
		linger(s, so);
	} else {
		tcp_so_set(so->tcp, NULL);
		tcp_close(so->tcp);
	}
	sock_caused_output(s, so);
}
