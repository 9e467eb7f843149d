/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An existing Linux interface through a packet socket with the virtio-net header (packet(7)):
 * every frame that the interface receives, promiscuously, but not those that it sends. The kernel
 * still handles its own copy: give the interface no address, or filter what is ours. Several
 * queues form a fanout group, whose hash is the same for both directions of a flow.
 *
 * Frames go through the queueing discipline. PACKET_QDISC_BYPASS would save little and lose much:
 * it drops superpackets on devices that cannot segment them, and tells nobody when a queue is full.
 */
#include "port/kernel.h"
#include "port/netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_packet.h>
#include <net/if_arp.h>

/* linux/if_ether.h and wire/eth.h both name the header's length. */
#define PROTO_ALL 0x0003

#define RX_BATCH  8u
#define TX_BATCH  16u
#define TX_IOV    (2 * KERNEL_TX_IOV)
/* A superpacket counts with some 75 KB: the default of 208 KB would hold two. */
#define RCVBUF_BYTES    (16 * 1024 * 1024)
#define SNDBUF_BYTES    (4 * 1024 * 1024)
#define REOPEN_EVERY_NS (100 * UINT64_C(1000000))

struct rx_msg {
	struct kernel_slot slot;
	struct iovec iov[KERNEL_RX_IOV];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
};

struct af_packet {
	struct kernel_port k;
	int ifindex;
	int ns_fd; /* namespace of the interface, to open the socket anew; -1: the thread's own */
	bool down; /* the kernel said ENETDOWN; look whether the interface is a new one */
	uint64_t looked_ns;
	uint16_t n_queues;
	struct rx_msg rx[RX_BATCH];
};

static struct af_packet *af_of(struct port *p)
{
	return CONTAINER_OF(p, struct af_packet, k.port);
}

/* ---- the socket ---- */

static int set_int(int fd, int level, int opt, int value)
{
	return setsockopt(fd, level, opt, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* As much as asked, or without the privilege as much as allowed. */
static void set_buffers(int fd)
{
	if (set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, RCVBUF_BYTES) < 0)
		(void)set_int(fd, SOL_SOCKET, SO_RCVBUF, RCVBUF_BYTES);
	if (set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, SNDBUF_BYTES) < 0)
		(void)set_int(fd, SOL_SOCKET, SO_SNDBUF, SNDBUF_BYTES);
}

/* The group's number is free to choose; all queues of a port must find the same one. */
static int join_fanout(const struct af_packet *a, int fd, int ifindex)
{
	unsigned id = ((unsigned)getpid() ^ (unsigned)ifindex << 8) & 0xffffu;

	if (a->n_queues <= 1)
		return 0;
	return set_int(fd, SOL_PACKET, PACKET_FANOUT,
		       (int)(id | (unsigned)PACKET_FANOUT_HASH << 16));
}

static int bind_to(const struct af_packet *a, int fd, int ifindex)
{
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(PROTO_ALL),
		.sll_ifindex = ifindex,
	};
	struct packet_mreq promisc = {.mr_ifindex = ifindex, .mr_type = PACKET_MR_PROMISC};

	if (bind(fd, (struct sockaddr *)&sll, sizeof(sll)) < 0)
		return -errno;
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof(promisc)) < 0)
		return -errno;
	return join_fanout(a, fd, ifindex);
}

/* In the namespace of the interface. Returns a descriptor or -errno. */
static int make_socket(const struct af_packet *a, int ifindex)
{
	/* Protocol 0: nothing is received before the options are set. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -errno;
	set_buffers(fd);
	rc = set_int(fd, SOL_PACKET, PACKET_VNET_HDR, 1);
	if (rc == 0)
		rc = set_int(fd, SOL_PACKET, PACKET_AUXDATA, 1);
	if (rc == 0)
		rc = set_int(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	if (rc == 0)
		rc = bind_to(a, fd, ifindex);
	if (rc < 0) {
		(void)close(fd);
		return rc;
	}
	return fd;
}

/* Index of the interface that has our name now, 0: none. */
static int find_index(const struct af_packet *a)
{
	struct ifreq ifr;

	memcpy(ifr.ifr_name, a->k.ifname, sizeof(ifr.ifr_name));
	return ioctl(a->k.ctl_fd, SIOCGIFINDEX, &ifr) < 0 ? 0 : ifr.ifr_ifindex;
}

/*
 * A socket whose interface went down works again when it comes up; one whose interface was deleted
 * never does. When another one of the name is there, take that.
 */
static void look_again(struct af_packet *a)
{
	uint64_t now = kernel_now(&a->k.port);
	struct netns_visit visit;
	int index, fd;

	if (now - a->looked_ns < REOPEN_EVERY_NS)
		return;
	a->looked_ns = now;
	index = find_index(a);
	a->k.gone = index == 0;
	if (index == a->ifindex)
		a->down = !kernel_link_up(&a->k.port);
	if (index == a->ifindex || index == 0 || netns_enter(&visit, a->ns_fd) < 0)
		return;
	fd = make_socket(a, index);
	netns_leave(&visit);
	if (fd < 0)
		return; /* out of descriptors, say: again later */
	(void)close(a->k.fd);
	a->k.fd = fd;
	a->ifindex = index;
	a->down = false;
}

/* ---- receive ---- */

/* What the kernel says beside the frame. */
static void read_aux(struct msghdr *h, struct kernel_frame *f)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
			return;
		f->has_vlan = true;
		f->vlan_tci = aux.tp_vlan_tci;
		f->vlan_tpid = aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid
									 : ETHERTYPE_VLAN;
		return;
	}
}

static void prepare(struct af_packet *a, struct mmsghdr *msgs, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct rx_msg *r = &a->rx[i];

		kernel_slot_iov(&r->slot, r->iov);
		msgs[i].msg_hdr = (struct msghdr){
			.msg_iov = r->iov,
			.msg_iovlen = KERNEL_RX_IOV,
			.msg_control = &r->control,
			.msg_controllen = sizeof(r->control),
		};
	}
}

/* False: nothing more for now. */
static bool rx_refused(struct af_packet *a, int err)
{
	if (err == EAGAIN || err == EINTR)
		return false;
	if (err == ENETDOWN || err == ENXIO) {
		a->down = true;
		a->k.link_seen_ns = 0;
		a->looked_ns = 0;
		return false;
	}
	a->k.port.cnt.rx_errors++;
	/* EINVAL: a superpacket that the header cannot describe; the kernel has thrown it away. */
	mbuf_pool_count_drop(a->k.port.pool, DROP_PORT_RX_MALFORMED);
	return true;
}

/* Up to max packets from the n messages; returns how many. */
static uint16_t deliver(struct af_packet *a, struct mmsghdr *msgs, unsigned n, struct mbuf **pkts,
			uint32_t *bytes)
{
	uint16_t k = 0;

	for (unsigned i = 0; i < n; i++) {
		struct kernel_frame f = {.len = 0};
		struct mbuf *m;

		if (msgs[i].msg_hdr.msg_flags & MSG_TRUNC)
			f.len = KERNEL_ROOM;
		else if (msgs[i].msg_len > VNET_HLEN)
			f.len = msgs[i].msg_len - VNET_HLEN;
		read_aux(&msgs[i].msg_hdr, &f);
		*bytes += f.len;
		m = kernel_receive(&a->k, &a->rx[i].slot, &f);
		if (m)
			pkts[k++] = m;
	}
	return k;
}

static uint16_t af_rx(struct port *p, struct mbuf **pkts, uint16_t max)
{
	struct af_packet *a = af_of(p);
	uint16_t n = kernel_take_cut(&a->k, pkts, max);
	uint32_t bytes = 0;

	if (UNLIKELY(a->down))
		look_again(a);
	for (uint16_t tries = 0; tries < max && n < max && bytes < KERNEL_RX_BYTES; tries++) {
		struct mmsghdr msgs[RX_BATCH];
		unsigned ask = min_uint(RX_BATCH, (unsigned)(max - n));
		int got;

		prepare(a, msgs, ask);
		got = recvmmsg(a->k.fd, msgs, ask, MSG_DONTWAIT, NULL);
		if (got < 0) {
			if (!rx_refused(a, errno))
				break;
			continue;
		}
		n = (uint16_t)(n + deliver(a, msgs, (unsigned)got, pkts + n, &bytes));
		n = (uint16_t)(n + kernel_take_cut(&a->k, pkts + n, (uint16_t)(max - n)));
		if ((unsigned)got < ask)
			break;
	}
	return n;
}

/* ---- transmit ---- */

struct tx_batch {
	struct mmsghdr msgs[TX_BATCH];
	struct iovec iov[TX_IOV];
	uint8_t vnet[TX_BATCH][VNET_HLEN];
	unsigned n;
};

/* Describe as many of the packets as fit; the first one does. */
static void fill(struct tx_batch *b, struct mbuf **pkts, unsigned n)
{
	unsigned used = 0;

	for (b->n = 0; b->n < n && b->n < TX_BATCH; b->n++) {
		unsigned k = 0;

		if (used + pkts[b->n]->rte.nb_segs < TX_IOV)
			k = kernel_tx_iov(pkts[b->n], b->vnet[b->n], &b->iov[used]);
		if (k == 0)
			return;
		b->msgs[b->n].msg_hdr = (struct msghdr){.msg_iov = &b->iov[used], .msg_iovlen = k};
		used += k;
	}
}

/* A packet of very many segments; false: it was dropped for want of buffers. */
static bool compact_first(struct port *p, struct mbuf **pkts)
{
	if (pkts[0]->rte.nb_segs >= KERNEL_TX_IOV)
		pkts[0] = kernel_compact(p, mbuf_own_of(pkts[0])).m;
	return pkts[0] != NULL;
}

static uint16_t af_tx(struct port *p, struct mbuf **pkts, uint16_t n)
{
	struct af_packet *a = af_of(p);
	struct tx_batch b;
	uint16_t done = 0;

	while (done < n) {
		int sent;

		if (!compact_first(p, pkts + done)) {
			done++;
			continue;
		}
		fill(&b, pkts + done, (unsigned)(n - done));
		sent = sendmmsg(a->k.fd, b.msgs, b.n, MSG_DONTWAIT);
		if (sent < 0) {
			if (kernel_tx_refused(&a->k, pkts[done], errno))
				return done;
			sent = 0;
			done++;
		}
		for (int i = 0; i < sent; i++, done++) {
			port_count_tx(p, pkts[done]);
			mbuf_done(&pkts[done]);
		}
	}
	return n;
}

/* ---- open and close ---- */

/* The kernel starts at zero after each question. */
static void af_refresh(struct port *p)
{
	struct tpacket_stats st;
	socklen_t len = sizeof(st);

	if (getsockopt(af_of(p)->k.fd, SOL_PACKET, PACKET_STATISTICS, &st, &len) == 0)
		p->cnt.rx_missed += st.tp_drops;
}

static uint64_t af_next_ns(struct port *p)
{
	struct af_packet *a = af_of(p);

	return a->down ? a->looked_ns + REOPEN_EVERY_NS : UINT64_MAX;
}

static void af_destroy(struct port *p)
{
	struct af_packet *a = af_of(p);

	mbufq_purge(&a->k.cut, DROP_PORT_DOWN);
	for (unsigned i = 0; i < RX_BATCH; i++)
		kernel_slot_fini(&a->rx[i].slot);
	kernel_close_fds(&a->k);
	if (a->ns_fd >= 0)
		(void)close(a->ns_fd);
	mem_free(mem_libc(), a, sizeof(*a));
}

static const struct port_ops af_ops = {
	.name = "af_packet",
	.rx = af_rx,
	.tx = af_tx,
	.wait_fd = kernel_wait_fd,
	.tx_wait_fd = kernel_tx_wait_fd,
	.next_ns = af_next_ns,
	.link_up = kernel_link_up,
	.destroy = af_destroy,
	.refresh = af_refresh,
};

static int configure(struct af_packet *a, const struct port_opening *o)
{
	struct ifreq ifr;

	a->k.ctl_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (a->k.ctl_fd < 0)
		return port_fail(o, -errno, "cannot open socket: %s", strerror(errno));
	a->ifindex = find_index(a);
	if (a->ifindex == 0)
		return port_fail(o, -ENODEV, "no such interface");
	memcpy(ifr.ifr_name, a->k.ifname, sizeof(ifr.ifr_name));
	if (ioctl(a->k.ctl_fd, SIOCGIFHWADDR, &ifr) < 0)
		return port_fail(o, -errno, "cannot read its address: %s", strerror(errno));
	if (ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return port_fail(o, -EINVAL, "not an Ethernet interface");
	if (!o->conf->mac)
		memcpy(a->k.port.mac.b, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	if (ioctl(a->k.ctl_fd, SIOCGIFMTU, &ifr) < 0)
		return port_fail(o, -errno, "cannot read its MTU: %s", strerror(errno));
	a->k.port.mtu = o->conf->mtu ? o->conf->mtu : (uint32_t)ifr.ifr_mtu;
	if (a->k.port.mtu > (uint32_t)ifr.ifr_mtu)
		return port_fail(o, -EINVAL, "mtu %u is above the interface's %d", o->conf->mtu,
				 ifr.ifr_mtu);
	return 0;
}

static int open_in_netns(struct af_packet *a, const struct port_opening *o, const char *ns)
{
	struct netns_visit visit;
	int rc = netns_open(ns, &a->ns_fd);

	if (rc == 0)
		rc = netns_enter(&visit, a->ns_fd);
	if (rc < 0)
		return port_fail(o, rc, "netns %s: %s", ns, strerror(-rc));
	rc = configure(a, o);
	if (rc == 0) {
		a->k.fd = make_socket(a, a->ifindex);
		if (a->k.fd < 0)
			rc = port_fail(o, a->k.fd, "cannot open packet socket: %s",
				       strerror(-a->k.fd));
	}
	netns_leave(&visit);
	return rc;
}

static int post_buffers(struct af_packet *a, const struct port_opening *o)
{
	for (unsigned i = 0; i < RX_BATCH; i++) {
		if (kernel_slot_init(&a->rx[i].slot, o->conf->pool) == 0)
			continue;
		while (i-- > 0)
			kernel_slot_fini(&a->rx[i].slot);
		return port_fail(o, -ENOBUFS, "packet buffers: fewer than %u big ones are free",
				 RX_BATCH * KERNEL_BIGS);
	}
	return 0;
}

static void set_caps(struct port *p, bool no_offload)
{
	p->caps = PORT_CAP_WAIT_FD | PORT_CAP_SG;
	if (no_offload)
		return;
	p->caps |= PORT_CAP_TX_CSUM | PORT_CAP_TSO | PORT_CAP_RX_CSUM | PORT_CAP_RX_SUPER;
	p->max_gso_bytes = KERNEL_GSO_MAX;
}

int af_packet_open(const struct port_opening *o, struct port **out)
{
	static const char *const keys[] = {"netns", NULL};
	struct port_args args;
	struct af_packet *a;
	int rc = port_args_parse(&args, o, keys);

	if (rc < 0)
		return rc;
	a = mem_zalloc(mem_libc(), sizeof(*a));
	if (!a)
		return port_fail(o, -ENOMEM, "out of memory");
	a->k.fd = a->k.ctl_fd = a->ns_fd = -1;
	a->n_queues = o->conf->n_queues;
	port_setup(&a->k.port, &af_ops, o->conf);
	mbufq_init(&a->k.cut, MBUF_RX);
	set_caps(&a->k.port, o->conf->no_offload);
	rc = kernel_ifname(&a->k, o, args.first);
	if (rc == 0)
		rc = open_in_netns(a, o, port_args_get(&args, "netns"));
	if (rc == 0)
		rc = post_buffers(a, o);
	if (rc == 0) {
		*out = &a->k.port;
		return 0;
	}
	kernel_close_fds(&a->k);
	if (a->ns_fd >= 0)
		(void)close(a->ns_fd);
	mem_free(mem_libc(), a, sizeof(*a));
	return rc;
}
