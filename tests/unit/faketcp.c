/* SPDX-License-Identifier: BSD-2-Clause */
/* See faketcp.h. */
#include "faketcp.h"

#include <errno.h>
#include <linux/tcp.h>
#include <stdlib.h>
#include <string.h>

#define BUF_DEFAULT 65536u
#define BUF_MAX     (64u << 20)

struct ring {
	uint8_t *p;
	uint32_t cap, head, len;
};

struct tcp_pcb {
	struct stack_work work;
	struct list link; /* all pcbs */
	struct list queue_link;
	struct stack *s;
	void *so;
	struct tcp_pcb *peer;
	enum tcp_state state;
	struct ipaddr laddr, raddr;
	uint16_t lport, rport;
	struct ring snd, rcv;
	int64_t opt[TCP_OPT_COUNT];
	int connect_err; /* to be told; -1: nothing to tell */
	uint32_t notify;
	bool v6, fin_out, fin_sent, fin_in, want_write, closed, was_full;
};

struct tcp_listener {
	struct list link;
	struct stack *s;
	void *so;
	struct ipaddr addr;
	uint16_t port;
	uint32_t backlog;
	struct list queue;
	uint32_t n;
	int64_t opt[TCP_OPT_COUNT];
};

struct tcp {
	const struct tcp_events *ev;
	struct list pcbs, listeners;
	uint16_t next_port;
	int connect_err;
	bool hold;
	unsigned count;
};

static struct ring ring_make(uint32_t cap)
{
	struct ring r = {.p = malloc(cap), .cap = cap};

	MUST(r.p != NULL);
	return r;
}

static void ring_resize(struct ring *r, uint32_t cap)
{
	struct ring n = ring_make(max_u32(min_u32(cap, BUF_MAX), r->len));

	for (uint32_t i = 0; i < r->len; i++)
		n.p[i] = r->p[(r->head + i) % r->cap];
	n.len = r->len;
	free(r->p);
	*r = n;
}

static uint32_t ring_put(struct ring *r, const void *src, uint32_t n)
{
	const uint8_t *b = src;

	n = min_u32(n, r->cap - r->len);
	for (uint32_t i = 0; i < n; i++)
		r->p[(r->head + r->len + i) % r->cap] = b[i];
	r->len += n;
	return n;
}

static uint32_t ring_get(struct ring *r, void *dst, uint32_t n, uint32_t off, bool peek)
{
	uint8_t *b = dst;

	n = min_u32(n, r->len - min_u32(off, r->len));
	for (uint32_t i = 0; i < n; i++)
		b[i] = r->p[(r->head + off + i) % r->cap];
	if (!peek) {
		r->head = (r->head + n) % r->cap;
		r->len -= n;
	}
	return n;
}

int tcp_init(struct stack *s, const struct tcp_events *ev)
{
	s->tcp = calloc(1, sizeof(*s->tcp));
	MUST(s->tcp != NULL);
	s->tcp->ev = ev;
	s->tcp->next_port = 40000;
	s->tcp->connect_err = ECONNREFUSED;
	list_init(&s->tcp->pcbs);
	list_init(&s->tcp->listeners);
	return 0;
}

static void free_pcb(struct tcp_pcb *p)
{
	if (p->peer)
		p->peer->peer = NULL;
	stack_work_cancel(&p->work);
	list_del(&p->link);
	list_del(&p->queue_link);
	p->s->tcp->count--;
	free(p->snd.p);
	free(p->rcv.p);
	free(p);
}

void tcp_fini(struct stack *s)
{
	while (!list_empty(&s->tcp->pcbs))
		free_pcb(CONTAINER_OF(list_first(&s->tcp->pcbs), struct tcp_pcb, link));
	MUST(s->tcp->count == 0);
	free(s->tcp);
	s->tcp = NULL;
}

void faketcp_connect_fails(struct stack *s, int err)
{
	s->tcp->connect_err = err ? err : ECONNREFUSED;
}

unsigned faketcp_count(const struct stack *s)
{
	return s->tcp->count;
}

void faketcp_hold(struct stack *s, bool hold)
{
	struct list *pos;

	s->tcp->hold = hold;
	LIST_FOR_EACH (pos, &s->tcp->pcbs)
		stack_defer(s, &CONTAINER_OF(pos, struct tcp_pcb, link)->work);
}

void faketcp_reset(struct tcp_pcb *p, int err)
{
	if (p->peer)
		p->peer->peer = NULL;
	p->peer = NULL;
	p->state = TCPS_CLOSED;
	p->snd.len = 0;
	if (p->so)
		p->s->tcp->ev->error(p->s, p->so, err);
	else if (p->closed)
		free_pcb(p);
}

/* Move bytes and the end of data over to the peer. */
static void transfer(struct tcp_pcb *p)
{
	struct tcp_pcb *q = p->peer;
	bool moved = false;

	while (p->snd.len > 0 && q->rcv.len < q->rcv.cap && !p->s->tcp->hold) {
		uint8_t buf[4096];
		uint32_t room = min_u32(q->rcv.cap - q->rcv.len, sizeof(buf));
		uint32_t n = ring_get(&p->snd, buf, room, 0, false);

		(void)ring_put(&q->rcv, buf, n);
		moved = true;
	}
	if (p->fin_out && !p->fin_sent && p->snd.len == 0 && !p->s->tcp->hold) {
		p->fin_sent = true;
		q->fin_in = true;
		moved = true;
	}
	if (!moved)
		return;
	if (q->so)
		p->s->tcp->ev->readable(p->s, q->so);
	if (p->so && (p->snd.len == 0 || (p->want_write && p->snd.len <= p->snd.cap * 4 / 5) ||
		      (p->notify && tcp_snd_space(p) >= p->notify))) {
		p->want_write = false;
		p->notify = 0;
		p->s->tcp->ev->writable(p->s, p->so);
	}
}

static void run(struct stack *s, struct stack_work *w)
{
	struct tcp_pcb *p = CONTAINER_OF(w, struct tcp_pcb, work);

	if (p->state == TCPS_SYN_SENT && p->connect_err >= 0) {
		int err = p->connect_err;

		p->connect_err = -1;
		p->state = err ? TCPS_CLOSED : TCPS_ESTABLISHED;
		if (p->so)
			s->tcp->ev->connected(s, p->so, err);
	}
	if (p->peer)
		transfer(p);
	if (p->closed && p->snd.len == 0 && (p->fin_sent || !p->peer)) {
		void *so = p->so;

		/* Told once: the socket may be freed by then. */
		p->so = NULL;
		if (so)
			s->tcp->ev->gone(s, so);
		if (!p->peer || p->peer->closed)
			free_pcb(p);
	}
}

struct tcp_pcb *tcp_create(struct stack *s, bool v6, void *so)
{
	struct tcp_pcb *p = calloc(1, sizeof(*p));

	MUST(p != NULL);
	stack_work_init(&p->work, run);
	list_init(&p->queue_link);
	list_init(&p->link);
	list_add_tail(&s->tcp->pcbs, &p->link);
	s->tcp->count++;
	p->s = s;
	p->so = so;
	p->v6 = v6;
	p->connect_err = -1;
	p->laddr = p->raddr = v6 ? ipaddr_any6() : ipaddr_any4();
	p->snd = ring_make(BUF_DEFAULT);
	p->rcv = ring_make(BUF_DEFAULT);
	p->opt[TCP_OPT_SNDBUF] = p->opt[TCP_OPT_RCVBUF] = BUF_DEFAULT;
	p->opt[TCP_OPT_KEEPIDLE_S] = 7200;
	return p;
}

void tcp_so_set(struct tcp_pcb *pcb, void *so)
{
	pcb->so = so;
}

enum tcp_state tcp_state(const struct tcp_pcb *pcb)
{
	return pcb->state;
}

static struct tcp_listener *find_listener(struct stack *s, uint16_t port)
{
	struct list *pos;

	LIST_FOR_EACH (pos, &s->tcp->listeners) {
		struct tcp_listener *l = CONTAINER_OF(pos, struct tcp_listener, link);

		if (l->port == port)
			return l;
	}
	return NULL;
}

int tcp_bind(struct tcp_pcb *pcb, const struct ipaddr *addr, uint16_t port, unsigned flags)
{
	if (port && find_listener(pcb->s, port) && !(flags & TCP_BIND_REUSEPORT))
		return -EADDRINUSE;
	pcb->laddr = *addr;
	pcb->lport = port ? port : pcb->s->tcp->next_port++;
	return 0;
}

static void accept_from(struct tcp_listener *l, struct tcp_pcb *p)
{
	struct tcp_pcb *q = tcp_create(p->s, p->v6, NULL);

	memcpy(q->opt, l->opt, sizeof(q->opt));
	ring_resize(&q->snd, (uint32_t)q->opt[TCP_OPT_SNDBUF]);
	ring_resize(&q->rcv, (uint32_t)q->opt[TCP_OPT_RCVBUF]);
	q->state = TCPS_ESTABLISHED;
	q->peer = p;
	p->peer = q;
	q->laddr = p->raddr;
	q->lport = p->rport;
	q->raddr = p->laddr;
	q->rport = p->lport;
	list_add_tail(&l->queue, &q->queue_link);
	l->n++;
	p->s->tcp->ev->acceptable(p->s, l->so);
}

int tcp_connect(struct tcp_pcb *pcb, const struct ipaddr *addr, uint16_t port)
{
	struct tcp_listener *l = find_listener(pcb->s, port);

	if (pcb->state != TCPS_CLOSED)
		return -EISCONN;
	if (!pcb->lport)
		pcb->lport = pcb->s->tcp->next_port++;
	if (ipaddr_is_unspecified(&pcb->laddr))
		pcb->laddr = *addr;
	pcb->raddr = *addr;
	pcb->rport = port;
	pcb->state = TCPS_SYN_SENT;
	pcb->connect_err = l && l->n < l->backlog ? 0 : l ? -1 : pcb->s->tcp->connect_err;
	if (pcb->connect_err == 0)
		accept_from(l, pcb);
	stack_defer(pcb->s, &pcb->work);
	return 0;
}

void tcp_local(const struct tcp_pcb *pcb, struct ipaddr *addr, uint16_t *port)
{
	*addr = pcb->laddr;
	*port = pcb->lport;
}

void tcp_peer(const struct tcp_pcb *pcb, struct ipaddr *addr, uint16_t *port)
{
	*addr = pcb->raddr;
	*port = pcb->rport;
}

ssize_t tcp_send(struct tcp_pcb *pcb, const struct iovec *iov, int n_iov, bool more)
{
	size_t total = 0, asked = 0;

	(void)more;
	if (pcb->fin_out)
		return -EPIPE;
	for (int i = 0; i < n_iov; i++) {
		asked += iov[i].iov_len;
		total += ring_put(&pcb->snd, iov[i].iov_base, (uint32_t)iov[i].iov_len);
	}
	stack_defer(pcb->s, &pcb->work);
	if (total < asked || pcb->snd.len == pcb->snd.cap)
		pcb->want_write = true;
	return total == 0 && asked > 0 ? -EAGAIN : (ssize_t)total;
}

ssize_t tcp_recv(struct tcp_pcb *pcb, const struct iovec *iov, int n_iov, bool peek)
{
	uint32_t got = 0;

	if (pcb->rcv.len == 0)
		return pcb->fin_in ? 0 : -EAGAIN;
	for (int i = 0; i < n_iov; i++)
		got += ring_get(&pcb->rcv, iov[i].iov_base, (uint32_t)iov[i].iov_len,
				peek ? got : 0, peek);
	if (pcb->peer)
		stack_defer(pcb->s, &pcb->peer->work);
	return (ssize_t)got;
}

uint32_t tcp_rcv_avail(const struct tcp_pcb *pcb)
{
	return pcb->rcv.len;
}

int tcp_pending_error(const struct tcp_pcb *pcb)
{
	return pcb->state == TCPS_CLOSED ? ECONNRESET : 0;
}

bool tcp_rcv_eof(const struct tcp_pcb *pcb)
{
	return pcb->fin_in;
}

bool tcp_connect_waits(const struct tcp_pcb *pcb)
{
	(void)pcb;
	return false;
}

uint32_t tcp_snd_space(const struct tcp_pcb *pcb)
{
	return pcb->snd.cap - pcb->snd.len;
}

uint32_t tcp_snd_queued(const struct tcp_pcb *pcb)
{
	return pcb->snd.len;
}

void tcp_snd_notify(struct tcp_pcb *pcb, uint32_t space)
{
	pcb->notify = space;
}

int tcp_shutdown_send(struct tcp_pcb *pcb)
{
	pcb->fin_out = true;
	stack_defer(pcb->s, &pcb->work);
	return 0;
}

void tcp_abort(struct tcp_pcb *pcb)
{
	struct tcp_pcb *q = pcb->peer;

	pcb->so = NULL;
	free_pcb(pcb);
	if (q)
		faketcp_reset(q, ECONNRESET);
}

void tcp_close(struct tcp_pcb *pcb)
{
	if (pcb->rcv.len > 0 || !pcb->peer) {
		tcp_abort(pcb);
		return;
	}
	pcb->closed = true;
	pcb->fin_out = true;
	stack_defer(pcb->s, &pcb->work);
	stack_defer(pcb->s, &pcb->peer->work);
}

int tcp_opt_set(struct tcp_pcb *pcb, enum tcp_opt opt, int64_t value)
{
	static const int64_t range[][2] = {
#define X(id, lo, hi) {lo, hi},
		TCP_OPT_TABLE(X)
#undef X
	};

	if (value < range[opt][0] || value > range[opt][1])
		return -EINVAL;
	pcb->opt[opt] = value;
	if (opt == TCP_OPT_SNDBUF)
		ring_resize(&pcb->snd, (uint32_t)value);
	if (opt == TCP_OPT_RCVBUF)
		ring_resize(&pcb->rcv, (uint32_t)value);
	return 0;
}

int tcp_opt_get(const struct tcp_pcb *pcb, enum tcp_opt opt, int64_t *value)
{
	*value = pcb->opt[opt];
	return 0;
}

void tcp_opts_inherit(struct tcp_pcb *to, const struct tcp_pcb *from)
{
	memcpy(to->opt, from->opt, sizeof(to->opt));
	ring_resize(&to->snd, (uint32_t)to->opt[TCP_OPT_SNDBUF]);
	ring_resize(&to->rcv, (uint32_t)to->opt[TCP_OPT_RCVBUF]);
}

void tcp_listener_opts(struct tcp_listener *l, const struct tcp_pcb *like)
{
	memcpy(l->opt, like->opt, sizeof(l->opt));
}

void tcp_info_fill(const struct tcp_pcb *pcb, struct tcp_info *out)
{
	out->tcpi_state = pcb->state == TCPS_ESTABLISHED ? 1 : 7; /* Linux's numbers */
}

int tcp_listen(struct stack *s, const struct tcp_listener_conf *conf, void *so,
	       struct tcp_listener **out)
{
	struct tcp_listener *l = calloc(1, sizeof(*l));

	MUST(l != NULL);
	l->s = s;
	l->so = so;
	l->addr = conf->addr;
	l->port = conf->port ? conf->port : s->tcp->next_port++;
	l->backlog = conf->backlog;
	list_init(&l->queue);
	list_init(&l->link);
	list_add_tail(&s->tcp->listeners, &l->link);
	memcpy(l->opt, conf->like->opt, sizeof(l->opt));
	s->tcp->count++;
	*out = l;
	return 0;
}

void tcp_listener_local(const struct tcp_listener *l, struct ipaddr *addr, uint16_t *port)
{
	*addr = l->addr;
	*port = l->port;
}

void tcp_listener_backlog(struct tcp_listener *l, uint32_t backlog)
{
	l->backlog = backlog;
}

struct tcp_pcb *tcp_accept(struct tcp_listener *l)
{
	struct list *q = list_pop_head(&l->queue);

	if (!q)
		return NULL;
	l->n--;
	return CONTAINER_OF(q, struct tcp_pcb, queue_link);
}

uint32_t tcp_accept_len(const struct tcp_listener *l)
{
	return l->n;
}

void tcp_unlisten(struct tcp_listener *l)
{
	struct tcp_pcb *p;

	while ((p = tcp_accept(l)) != NULL)
		tcp_abort(p);
	list_del(&l->link);
	l->s->tcp->count--;
	free(l);
}

/* Nothing is ever held here. */
void tcp_listener_hold(struct tcp_listener *l, bool on)
{
	(void)l;
	(void)on;
}

bool tcp_is_held(const struct tcp_pcb *pcb)
{
	(void)pcb;
	return false;
}

int tcp_hold_answer(struct tcp_pcb *pcb)
{
	(void)pcb;
	return -EINVAL;
}

int tcp_hold_forget(struct tcp_pcb *pcb)
{
	(void)pcb;
	return -EINVAL;
}
