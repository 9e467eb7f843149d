/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the two kernel-attached ports share: TAP and AF_PACKET carry a virtio-net header before each
 * frame, so that superpackets and unfinished checksums pass in both directions.
 *
 * Receiving. A slot is the buffers posted for one frame: a SMALL, then as many BIG as the longest
 * superpacket takes. The kernel scatters the frame over them; what it used goes up as a chain and
 * is replaced at once, the rest stays posted. Without replacements the frame is lost (counted)
 * and its buffers are posted again: the kernel's queue keeps draining, so that an ACK which frees
 * memory is never stuck behind data that there is no room for, and poll() never spins.
 */
#ifndef LEAT_PORT_KERNEL_H
#define LEAT_PORT_KERNEL_H

#include "port/driver.h"
#include "wire/vnet.h"

#include <net/if.h>
#include <sys/uio.h>

#define KERNEL_BIGS    4u
#define KERNEL_SEGS    (1 + KERNEL_BIGS)
#define KERNEL_RX_IOV  (1 + KERNEL_SEGS)
#define KERNEL_ROOM    (MBUF_SMALL_ROOM + KERNEL_BIGS * MBUF_BIG_ROOM)
#define KERNEL_GSO_MAX 65535u
#define KERNEL_TX_IOV  256u

static_assert(KERNEL_ROOM > KERNEL_GSO_MAX + ETH_HLEN_MAX, "a slot holds any frame and one byte");

/* Received per call: enough to amortise a round, little enough to stay in the cache and to leave
 * the pool alone. */
#define KERNEL_RX_BYTES (256u * 1024u)

struct kernel_slot {
	struct mbuf *seg[KERNEL_SEGS]; /* all there while the port is open */
	uint8_t vnet[VNET_HLEN];
};

struct kernel_port {
	struct port port;
	int fd;
	int ctl_fd; /* socket in the interface's namespace, for ioctls */
	char ifname[IF_NAMESIZE];
	bool tx_blocked; /* the last stop was for want of socket buffer: poll tells when */
	bool gone;       /* the interface was deleted: its descriptor polls as an error for ever */
	bool link;       /* as of link_seen_ns */
	uint64_t link_seen_ns;
	struct mbufq cut; /* of UDP superpackets, waits to be received */
};

/* What else came with a frame. */
struct kernel_frame {
	uint32_t len;
	bool has_vlan; /* tag that the kernel took out of the frame */
	uint16_t vlan_tpid, vlan_tci;
};

/* Post all buffers. -ENOBUFS: the pool has not enough; nothing is held then. */
NODISCARD int kernel_slot_init(struct kernel_slot *s, struct mbuf_pool *pool);
void kernel_slot_fini(struct kernel_slot *s);
/* KERNEL_RX_IOV entries: the virtio-net header, then the buffers. */
void kernel_slot_iov(struct kernel_slot *s, struct iovec *iov);

/*
 * The frame that the kernel has put in s. NULL: none comes up (counted), or it was a UDP
 * superpacket, whose pieces are in k->cut.
 */
struct mbuf *kernel_receive(struct kernel_port *k, struct kernel_slot *s,
			    const struct kernel_frame *f);
/* Move from k->cut, counted; returns the number. */
uint16_t kernel_take_cut(struct kernel_port *k, struct mbuf **pkts, uint16_t max);

/*
 * Describe m for writev(2): iov gets the header in vnet and the segments, KERNEL_TX_IOV entries at
 * most. Returns how many, 0: more segments than that.
 */
unsigned kernel_tx_iov(const struct mbuf *m, uint8_t vnet[VNET_HLEN], struct iovec *iov);
/* The same frame in few segments. Consumes in; .m NULL: no buffers (counted). */
mbuf_own kernel_compact(struct port *p, mbuf_own in);
/* The kernel refused m with -err. True: try again later; false: m was dropped and counted. */
bool kernel_tx_refused(struct kernel_port *k, struct mbuf *m, int err);

/* Interface up and running; asks the kernel every 20 ms at most. */
bool kernel_link_up(struct port *p);
int kernel_wait_fd(struct port *p);
int kernel_tx_wait_fd(struct port *p);
uint64_t kernel_now(const struct port *p);
void kernel_close_fds(struct kernel_port *k);

/* Copies the interface's name out of the spec. -EINVAL with err filled. */
NODISCARD int kernel_ifname(struct kernel_port *k, const struct port_opening *o, const char *name);

#endif
