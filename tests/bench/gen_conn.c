/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The traffic generator's connections, both ends. A connection begins with a request of the
 * client's whose first 16 bytes say what is wanted:
 *
 *	bulk   bytes one way or both until the client ends its side; then the server ends its own
 *	short  size bytes there, size bytes back, and the server closes
 *	echo   the same without the close, again and again
 *
 * Bytes are written from one small block and read into another, over and over, so that they cost
 * the generator as little as they can.
 */
#include "gen.h"

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <leat/epoll.h>
#include <leat/socket.h>

enum {
	EVENTS = 256,
	PIECES = 16,     /* blocks of one call */
	OPEN_BURST = 64, /* connections opened in one step */
	BACKLOG = 16384,
	SNDBUF_ALL = 4 << 20,
	SNDBUF_MAX = 1 << 20,
	SNDBUF_MIN = 64 << 10,
};

static const uint8_t magic[4] = {'L', 'G', 'E', 'N'};

enum io { IO_AGAIN, IO_DONE, IO_END, IO_FAILED };

/* ---- the request's header ---- */

static void header_emit(uint8_t head[GEN_HEADER], const struct gen_request *req)
{
	memset(head, 0, GEN_HEADER);
	memcpy(head, magic, sizeof(magic));
	head[4] = (uint8_t)req->mode;
	head[5] = (uint8_t)req->dir;
	memcpy(head + 8, &req->size, sizeof(req->size));
	memcpy(head + 12, &req->sndbuf, sizeof(req->sndbuf));
}

static int header_parse(struct gen_request *req, const uint8_t head[GEN_HEADER])
{
	if (memcmp(head, magic, sizeof(magic)) != 0 || head[4] > GEN_ECHO || head[5] > GEN_BOTH)
		return -EINVAL;
	req->mode = (enum gen_mode)head[4];
	req->dir = (enum gen_dir)head[5];
	memcpy(&req->size, head + 8, sizeof(req->size));
	memcpy(&req->sndbuf, head + 12, sizeof(req->sndbuf));
	return req->size >= GEN_HEADER ? 0 : -EINVAL;
}

/* ---- bytes ---- */

static enum io io_error(void)
{
	return errno == EAGAIN ? IO_AGAIN : IO_FAILED;
}

/* The block as often as it takes to make len bytes, at most PIECES times. */
static size_t make_pieces(struct iovec *iov, int *n, uint8_t *block, uint64_t len)
{
	size_t total = 0;

	for (*n = 0; *n < PIECES && total < len; (*n)++) {
		size_t part = len - total < GEN_BLOCK ? (size_t)(len - total) : GEN_BLOCK;

		iov[*n] = (struct iovec){block, part};
		total += part;
	}
	return total;
}

/* IO_DONE: all that there is to send now is sent. */
static enum io send_bytes(struct gen *g, struct gen_conn *c)
{
	struct iovec iov[PIECES];

	while (c->to_send > 0) {
		int n;
		size_t want = make_pieces(iov, &n, g->out, c->to_send);
		ssize_t r;

		/* What was sent of the header is not sent again. */
		iov[0].iov_base = g->out + c->n_head;
		r = leat_writev(c->fd, iov, n);
		if (r < 0)
			return io_error();
		g->total.sent += (uint64_t)r;
		if (!g->opt->server)
			c->n_head = c->n_head + r < GEN_HEADER ? (uint8_t)(c->n_head + r) : 0;
		if (!c->sending)
			c->to_send -= (uint64_t)r;
		if ((size_t)r < want)
			return IO_AGAIN;
	}
	return IO_DONE;
}

/* IO_DONE: what was to be received is here. With nothing to come the end is awaited. */
static enum io recv_bytes(struct gen *g, struct gen_conn *c)
{
	struct iovec iov[PIECES];

	do {
		int n;
		size_t want = make_pieces(iov, &n, g->in, c->to_recv > 0 ? c->to_recv : 1);
		ssize_t r = leat_readv(c->fd, iov, n);

		if (r <= 0)
			return r == 0 ? IO_END : io_error();
		if (c->to_recv == 0)
			return IO_FAILED;
		g->total.received += (uint64_t)r;
		if (c->to_recv != UINT64_MAX)
			c->to_recv -= (uint64_t)r;
		/* Less than asked for: the queue is empty, a later byte makes a new edge. */
		if ((size_t)r < want && !c->ended)
			return IO_AGAIN;
	} while (c->to_recv > 0);
	return IO_DONE;
}

/* ---- open and close ---- */

static struct gen_conn *add_conn(struct gen *g, int fd, bool connected)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
	struct gen_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	*c = (struct gen_conn){.fd = fd, .connected = connected, .since_ns = g->now_ns};
	ev.data.ptr = c;
	if (leat_epoll_ctl(g->ep, EPOLL_CTL_ADD, fd, &ev) < 0) {
		free(c);
		return NULL;
	}
	LIST_INSERT_HEAD(&g->conns, c, link);
	g->n_conns++;
	g->n_connecting += !connected;
	g->total.opened++;
	return c;
}

static void close_conn(struct gen *g, struct gen_conn *c, bool failed)
{
	g->total.failed += failed;
	g->n_connecting -= !c->connected;
	g->n_conns--;
	LIST_REMOVE(c, link);
	(void)leat_close(c->fd);
	free(c);
}

static void begin_request(struct gen *g, struct gen_conn *c)
{
	c->since_ns = g->now_ns;
	c->to_send = g->run.size;
	c->to_recv = g->run.size;
}

static void begin_client(struct gen *g, struct gen_conn *c)
{
	c->req = g->req;
	if (c->req.mode != GEN_BULK) {
		begin_request(g, c);
		return;
	}
	c->sending = c->req.dir != GEN_DOWN;
	c->to_send = c->sending ? UINT64_MAX : GEN_HEADER;
	c->to_recv = UINT64_MAX;
}

static void set_options(int fd, const struct gen_request *req)
{
	const int one = 1;
	const int sndbuf = (int)req->sndbuf;

	if (req->mode != GEN_BULK)
		(void)leat_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	else
		(void)leat_setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf));
}

static bool open_conn(struct gen *g)
{
	const struct sockaddr *peer = (const void *)&g->opt->peer;
	int fd = leat_socket(peer->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct gen_conn *c;

	if (fd < 0)
		return false;
	set_options(fd, &g->req);
	if (leat_connect(fd, peer, g->opt->peer_len) < 0 && errno != EINPROGRESS)
		goto fail;
	c = add_conn(g, fd, false);
	if (!c)
		goto fail;
	begin_client(g, c);
	return true;
fail:
	(void)leat_close(fd);
	return false;
}

/* Bring the number of connections up to that of the run, as far as they are wanted. */
static void open_conns(struct gen *g)
{
	for (unsigned i = 0; i < OPEN_BURST && g->to_open > 0; i++) {
		g->to_open--;
		g->total.failed += !open_conn(g);
	}
}

static void shut_conn(struct gen_conn *c)
{
	if (c->shut)
		return;
	c->shut = true;
	c->sending = false;
	c->to_send = 0;
	(void)leat_shutdown(c->fd, SHUT_WR);
}

void gen_end(struct gen *g)
{
	struct gen_conn *c, *next;

	g->ending = true;
	g->to_open = 0;
	for (c = LIST_FIRST(&g->conns); c; c = next) {
		next = LIST_NEXT(c, link);
		if (!c->connected && c->req.mode != GEN_SHORT)
			close_conn(g, c, true);
		else if (c->req.mode == GEN_BULK)
			shut_conn(c);
	}
}

void gen_abort(struct gen *g)
{
	while (!LIST_EMPTY(&g->conns))
		close_conn(g, LIST_FIRST(&g->conns), true);
}

/* ---- the client ---- */

/* The answer is here. False: the connection has nothing more to do. */
static void on_answer(struct gen *g, struct gen_conn *c)
{
	g->total.completed++;
	gen_hist_add(&g->hist, g->now_ns - c->since_ns);
	if (c->req.mode == GEN_ECHO && !g->ending)
		begin_request(g, c);
	else if (c->req.mode == GEN_ECHO)
		shut_conn(c);
}

static void client_over(struct gen *g, struct gen_conn *c, enum io last)
{
	bool short_done = c->req.mode == GEN_SHORT && c->to_recv == 0;
	bool well = last == IO_END && (c->shut || short_done);

	close_conn(g, c, !well);
	if (!g->ending)
		g->to_open++;
}

static void run_client(struct gen *g, struct gen_conn *c)
{
	for (;;) {
		bool asked = c->to_recv > 0;
		enum io rc = send_bytes(g, c);

		if (rc != IO_FAILED)
			rc = recv_bytes(g, c);
		if (rc == IO_DONE && asked) {
			on_answer(g, c);
			continue;
		}
		if (rc == IO_END || rc == IO_FAILED)
			client_over(g, c, rc);
		return;
	}
}

/* ---- the server ---- */

static enum io read_header(struct gen *g, struct gen_conn *c)
{
	ssize_t r = leat_recv(c->fd, c->head + c->n_head, (size_t)(GEN_HEADER - c->n_head), 0);

	if (r <= 0)
		return r == 0 ? IO_END : io_error();
	g->total.received += (uint64_t)r;
	c->n_head = (uint8_t)(c->n_head + r);
	if (c->n_head < GEN_HEADER)
		return IO_AGAIN;
	if (header_parse(&c->req, c->head) < 0)
		return IO_FAILED;
	c->headed = true;
	set_options(c->fd, &c->req);
	c->n_head = 0;
	c->to_recv = c->req.mode == GEN_BULK ? UINT64_MAX : c->req.size - GEN_HEADER;
	c->sending = c->req.mode == GEN_BULK && c->req.dir != GEN_UP;
	c->to_send = c->sending ? UINT64_MAX : 0;
	if (c->to_recv == 0)
		c->to_send = c->req.size;
	return IO_DONE;
}

/* One step of request and answer; IO_DONE: there may be more to do. */
static enum io serve_request(struct gen *g, struct gen_conn *c)
{
	enum io rc;

	if (c->to_recv > 0) {
		rc = recv_bytes(g, c);
		if (c->to_recv > 0 || rc == IO_FAILED)
			return rc;
		c->to_send = c->req.size;
	}
	rc = send_bytes(g, c);
	if (c->to_send > 0)
		return rc;
	g->total.completed++;
	if (c->req.mode == GEN_SHORT)
		return IO_END;
	c->to_recv = c->req.size;
	return IO_DONE;
}

static enum io serve_bulk(struct gen *g, struct gen_conn *c)
{
	enum io rc = recv_bytes(g, c);

	if (rc == IO_END || rc == IO_FAILED)
		return rc;
	return c->sending ? send_bytes(g, c) : IO_AGAIN;
}

/* An end that leaves nothing half done. */
static bool ends_well(const struct gen_conn *c)
{
	if (!c->headed)
		return c->n_head == 0;
	return c->req.mode == GEN_BULK || c->to_recv == 0 || c->to_recv == c->req.size;
}

static void run_server(struct gen *g, struct gen_conn *c)
{
	enum io rc = IO_DONE;

	while (rc == IO_DONE) {
		if (!c->headed)
			rc = read_header(g, c);
		else if (c->req.mode == GEN_BULK)
			rc = serve_bulk(g, c);
		else
			rc = serve_request(g, c);
	}
	if (rc == IO_END || rc == IO_FAILED)
		close_conn(g, c, rc == IO_FAILED || !ends_well(c));
}

static void accept_all(struct gen *g, int listener)
{
	int fd;

	while ((fd = leat_accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		struct gen_conn *c = add_conn(g, fd, true);

		if (!c) {
			g->total.failed++;
			(void)leat_close(fd);
		}
	}
}

static int listen_on(struct gen *g, int *listener, const void *addr, socklen_t len)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = listener};
	const struct sockaddr *sa = addr;
	const int one = 1;

	*listener = leat_socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (*listener < 0 ||
	    leat_setsockopt(*listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		return -1;
	if (sa->sa_family == AF_INET6 &&
	    leat_setsockopt(*listener, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0)
		return -1;
	if (leat_bind(*listener, sa, len) < 0 || leat_listen(*listener, BACKLOG) < 0)
		return -1;
	return leat_epoll_ctl(g->ep, EPOLL_CTL_ADD, *listener, &ev);
}

int gen_listen(struct gen *g)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(g->opt->tcp_port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(g->opt->tcp_port)};

	if (listen_on(g, &g->listener[0], &in4, sizeof(in4)) == 0 &&
	    listen_on(g, &g->listener[1], &in6, sizeof(in6)) == 0)
		return 0;
	(void)fprintf(stderr, "bench_gen: cannot listen: %s\n", strerror(errno));
	return -1;
}

/* ---- events ---- */

static void on_event(struct gen *g, struct gen_conn *c, uint32_t events)
{
	if (events & EPOLLERR) {
		if (g->opt->server)
			close_conn(g, c, true);
		else
			client_over(g, c, IO_FAILED);
		return;
	}
	if (events & (EPOLLRDHUP | EPOLLHUP))
		c->ended = true;
	if (!c->connected) {
		if (!(events & EPOLLOUT))
			return;
		c->connected = true;
		g->n_connecting--;
	}
	if (g->opt->server)
		run_server(g, c);
	else
		run_client(g, c);
}

static void take_turns(struct gen *g)
{
	uint64_t from = gen_clock_ns();

	(void)sched_yield();
	g->now_ns = gen_clock_ns();
	g->away_ns += g->now_ns - from;
}

int gen_step(struct gen *g, int timeout_ms)
{
	struct epoll_event ev[EVENTS];
	int n = leat_epoll_wait(g->ep, ev, EVENTS, timeout_ms);

	if (n < 0 && errno != EINTR) {
		(void)fprintf(stderr, "bench_gen: epoll_wait: %s\n", strerror(errno));
		return -1;
	}
	g->now_ns = gen_clock_ns();
	for (int i = 0; i < n; i++) {
		void *who = ev[i].data.ptr;

		if (who == &g->listener[0] || who == &g->listener[1])
			accept_all(g, *(int *)who);
		else
			on_event(g, who, ev[i].events);
	}
	open_conns(g);
	if (g->opt->shared)
		take_turns(g);
	return 0;
}

/*
 * All connections together have a little more under way than a millisecond at full speed takes:
 * more would be fetched from memory instead of the cache.
 */
static uint32_t share_of_sndbuf(uint32_t connections)
{
	uint32_t share = SNDBUF_ALL / connections;

	if (share > SNDBUF_MAX)
		return SNDBUF_MAX;
	return share < SNDBUF_MIN ? SNDBUF_MIN : share;
}

void gen_prepare(struct gen *g)
{
	g->req = (struct gen_request){
		.mode = g->run.mode,
		.dir = g->run.dir,
		.size = g->run.size,
		.sndbuf = g->run.sndbuf ? g->run.sndbuf : share_of_sndbuf(g->run.connections),
	};
	header_emit(g->out, &g->req);
	memset(&g->hist, 0, sizeof(g->hist));
	g->ending = false;
	g->to_open = g->run.connections;
}
