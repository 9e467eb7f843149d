/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TAP device of our own, with the virtio-net header: the kernel's end is an interface, in a
 * network namespace of choice, ours is a descriptor. One frame a read(2) and a write(2): a
 * superpacket amortises the system call, and TAP has no call that does more. Several queues share
 * one device (IFF_MULTI_QUEUE), each is a port.
 */
#include "port/kernel.h"
#include "port/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_tun.h>

#define TUN_PATH "/dev/net/tun"

struct tap {
	struct kernel_port k;
	struct kernel_slot slot;
};

static struct tap *tap_of(struct port *p)
{
	return CONTAINER_OF(p, struct tap, k.port);
}

/* ---- packets ---- */

static uint16_t tap_rx(struct port *p, struct mbuf **pkts, uint16_t max)
{
	struct tap *t = tap_of(p);
	uint16_t n = kernel_take_cut(&t->k, pkts, max);
	struct iovec iov[KERNEL_RX_IOV];
	uint32_t bytes = 0;

	/* A frame that is dropped counts for the limit too: max reads at most. */
	for (uint16_t tries = 0; tries < max && n < max && bytes < KERNEL_RX_BYTES; tries++) {
		struct kernel_frame f = {.len = 0};
		ssize_t got;

		kernel_slot_iov(&t->slot, iov);
		got = readv(t->k.fd, iov, KERNEL_RX_IOV);
		if (got < 0) {
			t->k.gone = errno == EBADFD;
			break;
		}
		f.len = got < VNET_HLEN ? 0 : (uint32_t)(got - VNET_HLEN);
		bytes += f.len;
		pkts[n] = kernel_receive(&t->k, &t->slot, &f);
		if (pkts[n])
			n++;
		else
			n = (uint16_t)(n + kernel_take_cut(&t->k, pkts + n, (uint16_t)(max - n)));
	}
	return n;
}

/* False: the kernel has no room, m stays with the caller. */
static bool send_one(struct tap *t, struct mbuf **mp)
{
	struct iovec iov[KERNEL_TX_IOV];
	uint8_t vnet[VNET_HLEN];
	unsigned n = kernel_tx_iov(*mp, vnet, iov);

	if (n == 0) {
		*mp = kernel_compact(&t->k.port, mbuf_move(mp)).m;
		if (!*mp)
			return true;
		n = kernel_tx_iov(*mp, vnet, iov);
	}
	if (writev(t->k.fd, iov, (int)n) < 0)
		return !kernel_tx_refused(&t->k, *mp, errno);
	port_count_tx(&t->k.port, *mp);
	mbuf_done(mp);
	return true;
}

static uint16_t tap_tx(struct port *p, struct mbuf **pkts, uint16_t n)
{
	struct tap *t = tap_of(p);

	for (uint16_t i = 0; i < n; i++)
		if (!send_one(t, &pkts[i]))
			return i;
	return n;
}

static void tap_destroy(struct port *p)
{
	struct tap *t = tap_of(p);

	mbufq_purge(&t->k.cut, DROP_PORT_DOWN);
	kernel_slot_fini(&t->slot);
	kernel_close_fds(&t->k);
	mem_free(mem_libc(), t, sizeof(*t));
}

static const struct port_ops tap_ops = {
	.name = "tap",
	.rx = tap_rx,
	.tx = tap_tx,
	.wait_fd = kernel_wait_fd,
	.tx_wait_fd = kernel_tx_wait_fd,
	.link_up = kernel_link_up,
	.destroy = tap_destroy,
};

/* ---- open ---- */

static int attach(struct tap *t, const struct port_opening *o)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int hlen = VNET_HLEN;
	unsigned offload =
		o->conf->no_offload ? 0 : TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

	if (o->conf->n_queues > 1)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	memcpy(ifr.ifr_name, t->k.ifname, sizeof(ifr.ifr_name));
	t->k.fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (t->k.fd < 0)
		return port_fail(o, -errno, "cannot open " TUN_PATH ": %s", strerror(errno));
	if (ioctl(t->k.fd, TUNSETIFF, &ifr) < 0)
		return port_fail(o, -errno, "cannot make TAP device: %s", strerror(errno));
	if (ioctl(t->k.fd, TUNSETVNETHDRSZ, &hlen) < 0 ||
	    ioctl(t->k.fd, TUNSETOFFLOAD, offload) < 0)
		return port_fail(o, -errno, "cannot set offloads: %s", strerror(errno));
	return 0;
}

/* MTU and up; of the kernel's end. */
static int configure(struct tap *t, const struct port_opening *o)
{
	struct ifreq ifr = {.ifr_mtu = (int)o->conf->mtu};

	t->k.ctl_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (t->k.ctl_fd < 0)
		return port_fail(o, -errno, "cannot open socket: %s", strerror(errno));
	memcpy(ifr.ifr_name, t->k.ifname, sizeof(ifr.ifr_name));
	if (o->conf->mtu != 0 && ioctl(t->k.ctl_fd, SIOCSIFMTU, &ifr) < 0)
		return port_fail(o, -errno, "mtu %u: %s", o->conf->mtu, strerror(errno));
	if (ioctl(t->k.ctl_fd, SIOCGIFMTU, &ifr) < 0)
		return port_fail(o, -errno, "cannot read MTU: %s", strerror(errno));
	t->k.port.mtu = (uint32_t)ifr.ifr_mtu;
	if (ioctl(t->k.ctl_fd, SIOCGIFFLAGS, &ifr) < 0)
		return port_fail(o, -errno, "cannot read flags: %s", strerror(errno));
	ifr.ifr_flags |= IFF_UP;
	if (ioctl(t->k.ctl_fd, SIOCSIFFLAGS, &ifr) < 0)
		return port_fail(o, -errno, "cannot bring up: %s", strerror(errno));
	return 0;
}

static int open_in_netns(struct tap *t, const struct port_opening *o, const char *ns)
{
	struct netns_visit visit;
	int fd;
	int rc = netns_open(ns, &fd);

	if (rc == 0)
		rc = netns_enter(&visit, fd);
	if (rc < 0) {
		rc = port_fail(o, rc, "netns %s: %s", ns, strerror(-rc));
	} else {
		rc = attach(t, o);
		if (rc == 0)
			rc = configure(t, o);
		netns_leave(&visit);
	}
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

static void set_caps(struct port *p, bool no_offload)
{
	p->caps = PORT_CAP_WAIT_FD | PORT_CAP_SG;
	if (no_offload)
		return;
	p->caps |= PORT_CAP_TX_CSUM | PORT_CAP_TSO | PORT_CAP_RX_CSUM | PORT_CAP_RX_SUPER;
	p->max_gso_bytes = KERNEL_GSO_MAX;
}

int tap_open(const struct port_opening *o, struct port **out)
{
	static const char *const keys[] = {"netns", NULL};
	struct port_args args;
	struct tap *t;
	int rc = port_args_parse(&args, o, keys);

	if (rc < 0)
		return rc;
	t = mem_zalloc(mem_libc(), sizeof(*t));
	if (!t)
		return port_fail(o, -ENOMEM, "out of memory");
	t->k.fd = t->k.ctl_fd = -1;
	port_setup(&t->k.port, &tap_ops, o->conf);
	mbufq_init(&t->k.cut, MBUF_RX);
	set_caps(&t->k.port, o->conf->no_offload);
	rc = kernel_ifname(&t->k, o, args.first);
	if (rc == 0)
		rc = open_in_netns(t, o, port_args_get(&args, "netns"));
	if (rc < 0)
		goto close;
	if (kernel_slot_init(&t->slot, o->conf->pool) < 0) {
		rc = port_fail(o, -ENOBUFS, "packet buffers: not even %u big ones are free",
			       KERNEL_BIGS);
		goto close;
	}
	*out = &t->k.port;
	return 0;
close:
	kernel_close_fds(&t->k);
	mem_free(mem_libc(), t, sizeof(*t));
	return rc;
}
