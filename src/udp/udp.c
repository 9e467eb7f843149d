/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP (RFC 768): the layer's life and that of a socket's control block, and the receive queue as
 * the socket layer reads it. The socket layer owns a pcb from udp_create to udp_close. Worker
 * thread.
 */
#include "udp/pcb.h"

#include <errno.h>
#include <string.h>

/* The largest part of the packet pool that one socket may ask for. */
#define RCVBUF_POOL_SHARE 4u

static const struct inet_proto udp_proto = {
	.input = udp_input,
	.error = udp_error,
};

int udp_init(struct stack *s, const struct udp_events *ev)
{
	const struct mem *mem = s->env.mem;
	struct udp *u = mem_zalloc(mem, sizeof(*u));
	int rc;

	if (!u)
		return -ENOMEM;
	rc = htab_init(&u->by_port, mem, HTAB_MIN_ORDER);
	if (rc < 0)
		goto free_udp;
	rc = htab_init(&u->bound, mem, HTAB_MIN_ORDER);
	if (rc < 0)
		goto fini_by_port;
	rc = htab_init(&u->flows, mem, HTAB_MIN_ORDER);
	if (rc < 0)
		goto fini_bound;
	slab_init(&u->pcbs, mem, "udp sockets", sizeof(struct udp_pcb), s->max_sockets);
	u->ev = ev;
	s->udp = u;
	inet_proto_register(s, INET_PROTO_UDP, &udp_proto);
	return 0;
fini_bound:
	htab_fini(&u->bound);
fini_by_port:
	htab_fini(&u->by_port);
free_udp:
	mem_free(mem, u, sizeof(*u));
	return rc;
}

static void drop_queues(void *obj, void *arg)
{
	struct udp_pcb *pcb = obj;

	(void)arg;
	udp_groups_leave(pcb);
	mbufq_purge(&pcb->rcv, DROP_STACK_FINI);
	mbufq_purge(&pcb->errq, DROP_STACK_FINI);
}

void udp_fini(struct stack *s)
{
	struct udp *u = s->udp;

	slab_for_each(&u->pcbs, drop_queues, NULL);
	slab_fini(&u->pcbs);
	htab_fini(&u->flows);
	htab_fini(&u->bound);
	htab_fini(&u->by_port);
	mem_free(s->env.mem, u, sizeof(*u));
	s->udp = NULL;
}

struct udp_pcb *udp_create(struct stack *s, bool v6, void *so)
{
	struct udp_pcb *pcb = slab_get(&s->udp->pcbs);

	if (!pcb)
		return NULL;
	pcb->stack = s;
	pcb->so = so;
	pcb->flags = v6 ? UDPF_V6 : 0;
	pcb->laddr = v6 ? ipaddr_any6() : ipaddr_any4();
	pcb->raddr = pcb->laddr;
	pcb->rcvbuf = UDP_RCVBUF_DEFAULT;
	mbufq_init(&pcb->rcv, MBUF_UDP_RCV);
	mbufq_init(&pcb->errq, MBUF_UDP_RCV);
	list_init(&pcb->groups);
	/* Linux's defaults; a multicast datagram goes one hop (RFC 1112 6.1). */
	pcb->opts =
		(struct udp_opts){.pmtudisc = {UDP_PMTUDISC_WANT, UDP_PMTUDISC_WANT},
				  .mc_ttl = {1, 1},
				  .mc_loop = {true, true},
				  .mc_all = {!v6, true}, /* IPv4 on an IPv6 socket: off, as Linux */
				  .mc_src4 = ipaddr_any4()};
	return pcb;
}

void udp_close(struct udp_pcb *pcb)
{
	udp_groups_leave(pcb);
	udp_table_del(pcb);
	mbufq_purge(&pcb->rcv, DROP_SOCK_CLOSED);
	mbufq_purge(&pcb->errq, DROP_SOCK_CLOSED);
	slab_put(&pcb->stack->udp->pcbs, pcb);
}

/* Multicast goes where IP_MULTICAST_IF says, a link-local address to the interface it was given. */
static uint32_t connect_iface(const struct udp_pcb *pcb, const struct ipaddr *addr, uint32_t iface)
{
	if (iface == 0 && ipaddr_is_multicast(addr))
		return pcb->opts.mc_iface[ipaddr_is_v4(addr) ? 0 : 1];
	return iface;
}

int udp_connect(struct udp_pcb *pcb, const struct ipaddr *addr, uint16_t port, uint32_t iface)
{
	struct stack *s = pcb->stack;
	struct inet_dst dst;
	struct ipaddr src = pcb->laddr;
	int rc;

	iface = connect_iface(pcb, addr, iface);
	rc = iface ? inet_dst_lookup_on(s, iface - 1, addr, &dst) : inet_dst_lookup(s, addr, &dst);
	if (rc < 0)
		return rc;
	if (!(pcb->flags & UDPF_ADDR_SET)) {
		rc = inet_src_select(s, &dst, addr, &src);
		if (rc < 0)
			return rc;
	}
	rc = udp_autobind(pcb);
	if (rc < 0)
		return rc;
	udp_table_del(pcb);
	pcb->laddr = src;
	pcb->raddr = *addr;
	pcb->rport = port;
	pcb->dst = dst;
	pcb->dst_known = true;
	pcb->peer_iface = iface;
	pcb->flags |= UDPF_CONNECTED;
	return udp_table_add(pcb);
}

void udp_disconnect(struct udp_pcb *pcb)
{
	if (!(pcb->flags & UDPF_CONNECTED))
		return;
	udp_table_del(pcb);
	if (!(pcb->flags & UDPF_ADDR_SET))
		pcb->laddr = pcb->flags & UDPF_V6 ? ipaddr_any6() : ipaddr_any4();
	pcb->flags &= (uint8_t)~UDPF_CONNECTED;
	pcb->dst_known = false;
	/* Without memory the socket keeps its port but hears nothing: bound anew by the next send.
	 */
	if (udp_table_add(pcb) < 0)
		pcb->lport = 0;
}

void udp_local(const struct udp_pcb *pcb, struct ipaddr *addr, uint16_t *port)
{
	*addr = pcb->laddr;
	*port = pcb->lport;
}

void udp_peer(const struct udp_pcb *pcb, struct ipaddr *addr, uint16_t *port)
{
	*addr = pcb->raddr;
	*port = pcb->rport;
}

uint32_t udp_rcvbuf_set(struct udp_pcb *pcb, uint32_t bytes)
{
	uint64_t max = mbuf_pool_bytes(pcb->stack->pool) / RCVBUF_POOL_SHARE;

	pcb->rcvbuf = (uint32_t)min_u64(bytes, max);
	return pcb->rcvbuf;
}

struct udp_opts *udp_opts(struct udp_pcb *pcb)
{
	return &pcb->opts;
}

struct stack *udp_stack(const struct udp_pcb *pcb)
{
	return pcb->stack;
}

int udp_mtu(struct udp_pcb *pcb)
{
	struct stack *s = pcb->stack;

	if (!(pcb->flags & UDPF_CONNECTED))
		return -ENOTCONN;
	if (!inet_dst_valid(s, &pcb->dst) && inet_dst_lookup(s, &pcb->raddr, &pcb->dst) < 0)
		return -ENOTCONN;
	return (int)pcb->dst.mtu;
}

uint32_t udp_rcv_lost(const struct udp_pcb *pcb)
{
	return pcb->rcv_lost;
}

uint32_t udp_rcv_next(const struct udp_pcb *pcb)
{
	const struct mbuf *m = mbufq_peek(&pcb->rcv);

	return m ? mbuf_len(m) - (uint32_t)sizeof(struct udp_from) : 0;
}

uint32_t udp_rcv_count(const struct udp_pcb *pcb)
{
	return pcb->rcv.count;
}

uint32_t udp_rcv_bytes(const struct udp_pcb *pcb)
{
	return pcb->rcv.bytes - pcb->rcv.count * (uint32_t)sizeof(struct udp_from);
}

/* Copy what follows off bytes of m into the iovec. Returns how much. */
static uint32_t scatter(const struct mbuf *m, uint32_t off, const struct iovec *iov, int n_iov)
{
	uint32_t at = off;

	for (int i = 0; i < n_iov && at < mbuf_len(m); i++)
		at += mbuf_copy_out(m, at, iov[i].iov_base,
				    (uint32_t)min_size(iov[i].iov_len, mbuf_len(m) - at));
	return at - off;
}

/* The head of a queue: its first hlen bytes to head, the rest to the iovec. */
static ssize_t take(struct udp_pcb *pcb, struct mbufq *q, const struct iovec *iov, int n_iov,
		    void *head, uint32_t hlen, size_t *full, bool peek)
{
	struct mbuf *m = mbufq_peek(q);
	uint32_t n;

	if (!m)
		return -EAGAIN;
	(void)mbuf_copy_out(m, 0, head, hlen);
	*full = mbuf_len(m) - hlen;
	n = scatter(m, hlen, iov, n_iov);
	if (!peek) {
		struct mbuf *done = mbufq_pop(q).m;

		pcb->rcv_true -= mbuf_truesize(done);
		mbuf_done(&done);
	}
	return (ssize_t)n;
}

ssize_t udp_recv(struct udp_pcb *pcb, const struct iovec *iov, int n_iov, struct udp_from *from,
		 size_t *full, bool peek)
{
	return take(pcb, &pcb->rcv, iov, n_iov, from, sizeof(*from), full, peek);
}

ssize_t udp_err_recv(struct udp_pcb *pcb, const struct iovec *iov, int n_iov, struct udp_err *e,
		     size_t *full, bool peek)
{
	return take(pcb, &pcb->errq, iov, n_iov, e, sizeof(*e), full, peek);
}

uint32_t udp_err_count(const struct udp_pcb *pcb)
{
	return pcb->errq.count;
}

const struct udp_counters *udp_counters(const struct stack *s)
{
	return &s->udp->cnt;
}
