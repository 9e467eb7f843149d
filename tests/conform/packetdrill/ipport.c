/* SPDX-License-Identifier: BSD-2-Clause */
/* See ipport.h. Memory is the process's; what cannot be had ends it. */
#include "ipport.h"

#include "port/driver.h"
#include "port/txcsum.h"
#include "wire/arp.h"
#include "wire/ip6.h"
#include "wire/nd.h"
#include "wire/proto.h"

#include <stdlib.h>
#include <string.h>

#define SUPER_MAX 65535u

/* Who is at the other end, whatever its IP address. */
static const struct ethaddr peer_mac = {{2, 0, 0, 0, 0, 2}};

struct ipport {
	struct port port;
	struct list rx; /* struct ippkt, frames */
	struct list tx;
	int (*wait_fd)(void *ctx);
	void *ctx;
};

static struct ippkt *pkt_alloc(size_t len)
{
	struct ippkt *k = calloc(1, sizeof(*k) + len);

	MUST(k != NULL);
	list_init(&k->link);
	k->len = (uint32_t)len;
	return k;
}

/* Queue a frame of that type from the peer to us. */
static void feed_frame(struct ipport *p, uint16_t type, const void *payload, size_t len)
{
	struct ippkt *k = pkt_alloc(ETH_HLEN + len);
	struct eth h = {.dst = p->port.mac, .src = peer_mac, .type = type};

	(void)eth_emit(k->data, &h);
	memcpy(k->data + ETH_HLEN, payload, len);
	list_add_tail(&p->rx, &k->link);
}

void ipport_feed(struct ipport *p, const void *packet, size_t len)
{
	bool v6 = len > 0 && *(const uint8_t *)packet >> 4 == 6;

	feed_frame(p, v6 ? ETHERTYPE_IP6 : ETHERTYPE_IP4, packet, len);
}

struct ippkt *ipport_sent(struct ipport *p)
{
	struct list *l = list_pop_head(&p->tx);

	return l ? CONTAINER_OF(l, struct ippkt, link) : NULL;
}

static void answer_arp(struct ipport *p, struct view v)
{
	uint8_t buf[ARP_LEN];
	struct arp q;
	struct arp a;

	/* Not what the stack says of itself (RFC 5227). */
	if (arp_parse(&q, v) < 0 || q.op != ARP_REQUEST || q.spa == q.tpa || q.spa == 0)
		return;
	a = (struct arp){
		.op = ARP_REPLY, .sha = peer_mac, .spa = q.tpa, .tha = q.sha, .tpa = q.spa};
	feed_frame(p, ETHERTYPE_ARP, buf, arp_emit(buf, &a));
}

static void answer_nd(struct ipport *p, const struct ip6 *h, struct view body)
{
	uint8_t buf[IP6_HLEN + ND_EMIT_MAX];
	struct nd na = {.type = ICMP6_NA,
			.solicited = true,
			.override = true,
			.has_tlla = true,
			.tlla = peer_mac};
	struct ip6 out = {.hop_limit = ND_HOP_LIMIT, .next_header = PROTO_ICMP6};
	struct nd q;
	size_t n;

	if (nd_parse(&q, body, h, false) < 0 || q.type != ICMP6_NS ||
	    ipaddr_is_unspecified(&h->src))
		return;
	na.target = q.target;
	out.src = q.target;
	out.dst = h->src;
	n = nd_emit(buf + IP6_HLEN, ND_EMIT_MAX, &na, &out.src, &out.dst);
	out.payload_len = (uint16_t)n;
	(void)ip6_emit(buf, &out);
	feed_frame(p, ETHERTYPE_IP6, buf, IP6_HLEN + n);
}

/* Is it between neighbours, or for routers? packetdrill has no words for that. */
static bool is_link_talk(const uint8_t *ip, size_t len)
{
	if (len < IP6_HLEN + 1 || ip[0] >> 4 != 6)
		return false;
	/* Reports of group membership have a hop-by-hop header (RFC 3810 5). */
	return ip[6] == PROTO_HOPOPTS || (ip[6] == PROTO_ICMP6 && ip[IP6_HLEN] >= ICMP6_MLD_QUERY &&
					  ip[IP6_HLEN] <= ICMP6_MLD2_REPORT);
}

/* A frame of the stack, as bytes. Takes what is not to leave and returns true. */
static bool keep(struct ipport *p, const struct eth *h, struct view v)
{
	struct ip6 ip;

	if (h->type == ETHERTYPE_ARP) {
		answer_arp(p, v);
		return true;
	}
	if (!is_link_talk(v.p, v.len))
		return false;
	if (ip6_parse(&ip, v) == 0 && ip.next_header == PROTO_ICMP6)
		answer_nd(p, &ip, view_skip(v, IP6_HLEN));
	return true;
}

static void send_one(struct ipport *p, struct mbuf *m)
{
	uint8_t flat[ETH_HLEN_MAX + SUPER_MAX];
	struct view v = {flat, mbuf_copy_out(m, 0, flat, sizeof(flat))};
	struct ippkt *k;
	struct eth h;

	if (eth_parse(&h, v) < 0)
		return;
	v = view_skip(v, h.hlen);
	if (keep(p, &h, v))
		return;
	k = pkt_alloc(v.len);
	memcpy(k->data, v.p, v.len);
	k->at_ns = p->port.now_ns ? *p->port.now_ns : 0;
	list_add_tail(&p->tx, &k->link);
}

static uint16_t tx(struct port *port, struct mbuf **pkts, uint16_t n)
{
	struct ipport *p = CONTAINER_OF(port, struct ipport, port);

	for (uint16_t i = 0; i < n; i++) {
		struct mbuf *m = pkts[i];

		if (m->meta.csum == MBUF_CSUM_PARTIAL)
			m = txcsum_finish(port->pool, mbuf_own_of(m)).m;
		if (!m)
			continue;
		port_count_tx(port, m);
		send_one(p, m);
		mbuf_done(&m);
	}
	return n;
}

static struct mbuf *rx_one(struct ipport *p, const struct ippkt *k)
{
	MBUF(m, mbuf_alloc(p->port.pool, MBUF_SMALL, MBUF_PRIO_BULK, MBUF_RX));

	if (!m || mbuf_append_bytes(m, k->data, k->len, MBUF_PRIO_BULK) < 0) {
		p->port.cnt.rx_nobuf++;
		if (m)
			mbuf_drop(&m, DROP_NOBUF);
		return NULL;
	}
	port_count_rx(&p->port, m);
	return mbuf_move(&m).m;
}

static uint16_t rx(struct port *port, struct mbuf **pkts, uint16_t max)
{
	struct ipport *p = CONTAINER_OF(port, struct ipport, port);
	uint16_t n = 0;
	struct list *l;

	while (n < max && (l = list_pop_head(&p->rx)) != NULL) {
		struct ippkt *k = CONTAINER_OF(l, struct ippkt, link);

		pkts[n] = rx_one(p, k);
		if (pkts[n])
			n++;
		free(k);
	}
	return n;
}

static int wait_fd(struct port *port)
{
	struct ipport *p = CONTAINER_OF(port, struct ipport, port);

	return p->wait_fd ? p->wait_fd(p->ctx) : -1;
}

static int no_fd(struct port *port)
{
	(void)port;
	return -1;
}

static bool link_up(struct port *port)
{
	(void)port;
	return true;
}

static void destroy(struct port *port)
{
	struct ipport *p = CONTAINER_OF(port, struct ipport, port);
	struct list *l;

	while ((l = list_pop_head(&p->rx)) != NULL || (l = list_pop_head(&p->tx)) != NULL)
		free(CONTAINER_OF(l, struct ippkt, link));
	free(p);
}

static const struct port_ops ops = {
	.name = "ip",
	.rx = rx,
	.tx = tx,
	.wait_fd = wait_fd,
	.tx_wait_fd = no_fd,
	.link_up = link_up,
	.destroy = destroy,
};

struct ipport *ipport_create(struct mbuf_pool *pool, uint32_t mtu, int (*fd)(void *ctx), void *ctx)
{
	static const struct ethaddr our_mac = {{2, 0, 0, 0, 0, 1}};
	struct port_conf conf = {.name = "ip0", .pool = pool, .mac = &our_mac};
	struct ipport *p = calloc(1, sizeof(*p));

	MUST(p != NULL);
	port_setup(&p->port, &ops, &conf);
	p->port.mtu = mtu;
	p->port.caps = PORT_CAP_TX_CSUM | PORT_CAP_SG | PORT_CAP_WAIT_FD;
	list_init(&p->rx);
	list_init(&p->tx);
	p->wait_fd = fd;
	p->ctx = ctx;
	return p;
}

struct port *ipport_port(struct ipport *p)
{
	return &p->port;
}
