/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any DPDK ethdev as a port, given by its device arguments: probed at run time if the EAL does not
 * have it yet, configured with the offloads that it offers and that we use, removed on close. A
 * device with several queues is opened once for each, by the thread that sets the workers up; it
 * starts with the last one. The packet functions are in ethdev_io.c.
 */
#include "port/ethdev.h"

#include "base/bits.h"
#include "plat/eal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_memzone.h>

#define RING_MAX 1024u
#define RING_MIN 64u
/* Posted receive buffers take at most one in so many of the pool. */
#define RING_SHARE    4u
#define TSO_BYTES     65535u
#define RSS_KEY_BYTES 64u

#define RX_CSUM       (RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM)
#define TX_CSUM       (RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM)
#define TX_TSO        (RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS | TX_CSUM)

/* What the device is going to do. */
struct setup {
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf;
	uint8_t rss_key[RSS_KEY_BYTES];
	uint16_t rx_desc, tx_desc;
	enum mbuf_class rx_class;
};

/* ---- the device ---- */

/* "net_memif0" of "net_memif0,role=client". */
static int device_name(const struct port_opening *o, char *name, size_t size)
{
	size_t n = strcspn(o->args, ",");

	if (n == 0 || n >= size)
		return port_fail(o, -EINVAL, "device name must have 1 to %zu characters", size - 1);
	memcpy(name, o->args, n);
	name[n] = '\0';
	return 0;
}

static int find_device(const struct port_opening *o, uint16_t *id, bool *probed)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	int rc = device_name(o, name, sizeof(name));

	*probed = false;
	if (rc < 0)
		return rc;
	if (!plat_eal_up())
		return port_fail(o, -ENXIO, "DPDK is not started");
	if (rte_eth_dev_get_port_by_name(name, id) == 0)
		return 0;
	rc = rte_dev_probe(o->args);
	if (rc < 0)
		return port_fail(o, rc, "DPDK cannot make this device: %s", strerror(-rc));
	*probed = true;
	if (rte_eth_dev_get_port_by_name(name, id) == 0)
		return 0;
	return port_fail(o, -ENODEV, "no Ethernet device came of it");
}

static void remove_device(uint16_t id)
{
	struct rte_eth_dev_info info;
	struct rte_device *dev = rte_eth_dev_info_get(id, &info) == 0 ? info.device : NULL;

	(void)rte_eth_dev_close(id);
	if (dev)
		(void)rte_dev_remove(dev);
}

static int get_shared(struct ethdev *e, const struct port_opening *o)
{
	char name[RTE_MEMZONE_NAMESIZE];
	const struct rte_memzone *mz;

	(void)snprintf(name, sizeof(name), "leat_ethdev_%u", e->id);
	mz = rte_memzone_lookup(name);
	if (mz) {
		e->shared = mz->addr;
		return 0;
	}
	mz = rte_memzone_reserve(name, sizeof(*e->shared), SOCKET_ID_ANY, 0);
	if (!mz)
		return port_fail(o, -ENOMEM, "out of memory");
	e->shared = mz->addr;
	*e->shared = (struct ethdev_shared){
		.n_queues = o->conf->n_queues > 1 ? o->conf->n_queues : 1,
	};
	return 0;
}

/*
 * The last queue takes the device away, whoever made it (--vdev among the EAL's arguments, the PCI
 * bus): a stopped device still holds the buffers that it posted, only a closed one has given them
 * back, and a closed one can be used again only when it is probed anew.
 */
static void put_shared(struct ethdev *e)
{
	char name[RTE_MEMZONE_NAMESIZE];

	if (--e->shared->opened > 0)
		return;
	if (e->shared->started)
		(void)rte_eth_dev_stop(e->id);
	(void)snprintf(name, sizeof(name), "leat_ethdev_%u", e->id);
	(void)rte_memzone_free(rte_memzone_lookup(name));
	remove_device(e->id);
}

/* ---- what to ask of it ---- */

/* The TAP driver segments with librte_gso, which sends IPv6 superpackets as they are. */
static bool segments_ip6(const struct rte_eth_dev_info *info)
{
	return strcmp(info->driver_name, "net_tap") != 0;
}

static uint64_t pick_tx(const struct rte_eth_dev_info *info, bool no_offload)
{
	uint64_t can = info->tx_offload_capa;
	uint64_t want = can & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

	if (no_offload)
		return want;
	if ((can & TX_CSUM) == TX_CSUM)
		want |= TX_CSUM;
	/* A NIC makes IPv4's header checksums anew; virtio's other side does without being told. */
	if ((can & TX_TSO) == TX_TSO && segments_ip6(info))
		want |= TX_TSO | (can & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM);
	return want;
}

/* Superpackets only from those who say the segment size: hosts, not NICs. */
static bool tells_segment_size(const struct rte_eth_dev_info *info)
{
	return strncmp(info->driver_name, "net_virtio", 10) == 0;
}

static uint64_t pick_rx(const struct rte_eth_dev_info *info, bool no_offload)
{
	uint64_t can = info->rx_offload_capa;
	uint64_t want = can & RTE_ETH_RX_OFFLOAD_SCATTER;

	if (no_offload)
		return want;
	want |= can & RX_CSUM;
	if (tells_segment_size(info))
		want |= can & RTE_ETH_RX_OFFLOAD_TCP_LRO;
	return want;
}

/*
 * 6d5a repeated makes the Toeplitz hash the same for both directions of a flow, so both legs of a
 * transparent connection come to one worker.
 */
static void pick_rss(struct setup *s, uint16_t n_queues)
{
	uint64_t can = s->info.flow_type_rss_offloads;
	uint64_t hf = can & (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP);
	uint8_t len = s->info.hash_key_size ? s->info.hash_key_size : 40;

	if (n_queues <= 1 || hf == 0 || len > RSS_KEY_BYTES)
		return;
	for (unsigned i = 0; i < RSS_KEY_BYTES; i++)
		s->rss_key[i] = i % 2 ? 0x5a : 0x6d;
	s->conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	s->conf.rx_adv_conf.rss_conf = (struct rte_eth_rss_conf){
		.rss_key = s->rss_key,
		.rss_key_len = len,
		.rss_hf = hf,
	};
}

/* The rings of a small pool must not take it whole. */
static uint16_t ring_size(const struct mbuf_pool *pool, enum mbuf_class cls)
{
	uint32_t share = mbuf_pool_avail(pool, cls) / RING_SHARE;
	uint32_t n = share >= RING_MIN ? 1u << ilog2_u32(share) : RING_MIN;

	return (uint16_t)min_u32(n, RING_MAX);
}

/* A frame in one SMALL, or in several if the device can, or in a BIG. */
static enum mbuf_class pick_class(const struct setup *s, uint32_t mtu)
{
	uint32_t room = MBUF_HEADROOM + MBUF_SMALL_ROOM - RTE_PKTMBUF_HEADROOM;

	if (port_frame_max(mtu) <= room || (s->conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER))
		return MBUF_SMALL;
	return MBUF_BIG;
}

static int plan(struct setup *s, const struct ethdev *e, const struct port_opening *o)
{
	int rc = rte_eth_dev_info_get(e->id, &s->info);
	uint16_t mtu = 0;

	if (rc < 0)
		return port_fail(o, rc, "device tells nothing of itself: %s", strerror(-rc));
	if (e->shared->n_queues > s->info.max_rx_queues ||
	    e->shared->n_queues > s->info.max_tx_queues)
		return port_fail(o, -EINVAL, "the device has %u queues, not %u",
				 min_uint(s->info.max_rx_queues, s->info.max_tx_queues),
				 e->shared->n_queues);
	(void)rte_eth_dev_get_mtu(e->id, &mtu);
	if (o->conf->mtu != 0)
		mtu = (uint16_t)min_u32(o->conf->mtu, UINT16_MAX);
	s->conf.rxmode.mtu = mtu;
	s->conf.rxmode.offloads = pick_rx(&s->info, o->conf->no_offload);
	if ((s->conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_TCP_LRO) != 0)
		s->conf.rxmode.max_lro_pkt_size = s->info.max_lro_pkt_size;
	s->conf.txmode.offloads = pick_tx(&s->info, o->conf->no_offload);
	pick_rss(s, e->shared->n_queues);
	s->rx_class = pick_class(s, mtu);
	s->rx_desc = ring_size(o->conf->pool, s->rx_class);
	s->tx_desc = s->rx_desc;
	return 0;
}

/* ---- set it up ---- */

/*
 * virtio_user's interrupt handler runs on in DPDK's own thread while the driver frees what it uses
 * (22.11: every other close under load was a segmentation fault): poll it.
 */
static bool interrupts_are_safe(const struct setup *s)
{
	return strcmp(s->info.driver_name, "net_virtio_user") != 0;
}

/* Receive interrupts if the device has them: whether it does shows only when it is asked. */
static int configure_device(struct ethdev *e, struct setup *s)
{
	uint16_t n = e->shared->n_queues;

	s->conf.intr_conf.rxq = interrupts_are_safe(s);
	e->shared->rx_intr = interrupts_are_safe(s);
	if (rte_eth_dev_configure(e->id, n, n, &s->conf) == 0)
		return 0;
	s->conf.intr_conf.rxq = 0;
	e->shared->rx_intr = false;
	return rte_eth_dev_configure(e->id, n, n, &s->conf);
}

/* In BIG buffers when the driver finds SMALL ones too small for what may come, not for the MTU:
 * net_af_packet wants room for its whole ring slot (framesz=1888 makes it fit a SMALL one). */
static int setup_rx(struct ethdev *e, struct setup *s, unsigned node, struct mbuf_pool *pool)
{
	int rc = rte_eth_rx_queue_setup(e->id, e->queue, s->rx_desc, node, &s->info.default_rxconf,
					pool->mp[s->rx_class]);

	if (rc == 0 || s->rx_class == MBUF_BIG)
		return rc;
	s->rx_class = MBUF_BIG;
	return rte_eth_rx_queue_setup(e->id, e->queue, s->rx_desc, node, &s->info.default_rxconf,
				      pool->mp[s->rx_class]);
}

static int setup_queue(struct ethdev *e, struct setup *s, struct mbuf_pool *pool)
{
	int socket = rte_eth_dev_socket_id(e->id);
	unsigned node = socket < 0 ? (unsigned)SOCKET_ID_ANY : (unsigned)socket;
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(e->id, &s->rx_desc, &s->tx_desc);

	if (rc < 0)
		return rc;
	s->info.default_rxconf.offloads = s->conf.rxmode.offloads;
	s->info.default_txconf.offloads = s->conf.txmode.offloads;
	rc = setup_rx(e, s, node, pool);
	if (rc < 0)
		return rc;
	return rte_eth_tx_queue_setup(e->id, e->queue, s->tx_desc, node, &s->info.default_txconf);
}

/* Started without interrupts when it does not start with them (no MSI-X, say). */
static int start_device(struct ethdev *e, struct setup *s, struct mbuf_pool *pool)
{
	int rc = rte_eth_dev_start(e->id);

	if (rc < 0 && e->shared->rx_intr && e->shared->n_queues == 1) {
		s->conf.intr_conf.rxq = 0;
		e->shared->rx_intr = false;
		rc = rte_eth_dev_configure(e->id, 1, 1, &s->conf);
		if (rc == 0)
			rc = setup_queue(e, s, pool);
		if (rc == 0)
			rc = rte_eth_dev_start(e->id);
	}
	if (rc < 0)
		return rc;
	/* Frames to addresses that are not the device's own pass through us too. */
	(void)rte_eth_promiscuous_enable(e->id);
	e->shared->started = true;
	return 0;
}

static int edge_set(int fd)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET};
	int set = epoll_create1(EPOLL_CLOEXEC);

	if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, fd, &ev) == 0)
		return set;
	(void)close(set);
	return -1;
}

void ethdev_settle(struct ethdev *e)
{
	e->settled = true;
	e->can_reclaim = rte_eth_tx_done_cleanup(e->id, e->queue, 0) >= 0;
	if (!e->shared->rx_intr)
		return;
	e->intr_fd = rte_eth_dev_rx_intr_ctl_q_get_fd(e->id, e->queue);
	if (e->intr_fd < 0)
		return;
	if (rte_eth_dev_rx_intr_enable(e->id, e->queue) == 0) {
		(void)rte_eth_dev_rx_intr_disable(e->id, e->queue);
		e->edge_fd = edge_set(e->intr_fd);
		if (e->edge_fd < 0)
			e->intr_fd = -1;
	}
	if (e->intr_fd >= 0)
		e->port.caps |= PORT_CAP_WAIT_FD;
}

static void set_caps(struct ethdev *e, const struct setup *s)
{
	uint64_t tx = s->conf.txmode.offloads;
	uint64_t rx = s->conf.rxmode.offloads;
	uint16_t segs = s->info.tx_desc_lim.nb_seg_max;

	if ((tx & TX_CSUM) == TX_CSUM)
		e->port.caps |= PORT_CAP_TX_CSUM;
	if ((tx & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0)
		e->port.caps |= PORT_CAP_SG;
	if ((tx & RTE_ETH_TX_OFFLOAD_TCP_TSO) != 0) {
		e->port.caps |= PORT_CAP_TSO;
		e->port.max_gso_bytes = TSO_BYTES;
	}
	if ((rx & RX_CSUM) == RX_CSUM)
		e->port.caps |= PORT_CAP_RX_CSUM;
	if ((rx & RTE_ETH_RX_OFFLOAD_TCP_LRO) != 0)
		e->port.caps |= PORT_CAP_RX_SUPER;
	e->tx_ip4_csum = (tx & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) != 0;
	/* A superpacket in BIG buffers needs few; 0 means that there is no limit. */
	e->max_segs = segs != 0 ? segs : UINT16_MAX;
	if (e->shared->started)
		ethdev_settle(e);
}

static int set_addresses(struct ethdev *e, const struct port_opening *o)
{
	struct rte_ether_addr mac;
	uint16_t mtu;
	int rc;

	if (o->conf->mac) {
		memcpy(mac.addr_bytes, o->conf->mac->b, ETH_ALEN);
		(void)rte_eth_dev_default_mac_addr_set(e->id, &mac); /* promiscuous anyway */
	} else if (rte_eth_macaddr_get(e->id, &mac) == 0) {
		memcpy(e->port.mac.b, mac.addr_bytes, ETH_ALEN);
	}
	rc = rte_eth_dev_get_mtu(e->id, &mtu);
	if (rc < 0)
		return port_fail(o, rc, "cannot read MTU: %s", strerror(-rc));
	if (o->conf->mtu != 0 && o->conf->mtu != mtu)
		return port_fail(o, -EINVAL, "mtu %u: the device has %u", o->conf->mtu, mtu);
	e->port.mtu = mtu;
	return 0;
}

static int bring_up(struct ethdev *e, struct setup *s, const struct port_opening *o)
{
	int rc = plan(s, e, o);

	if (rc < 0)
		return rc;
	if (e->shared->opened == 1)
		rc = configure_device(e, s);
	if (rc == 0)
		rc = setup_queue(e, s, o->conf->pool);
	if (rc == 0 && e->shared->opened == e->shared->n_queues)
		rc = start_device(e, s, o->conf->pool);
	if (rc < 0)
		return port_fail(o, rc, "cannot configure the device: %s", strerror(-rc));
	set_caps(e, s);
	return set_addresses(e, o);
}

/* ---- port operations ---- */

static void close_queue(struct ethdev *e)
{
	if (e->edge_fd >= 0)
		(void)close(e->edge_fd);
	put_shared(e);
}

static void ethdev_destroy(struct port *p)
{
	struct ethdev *e = ethdev_of(p);

	for (uint16_t i = 0; i < e->n_stash; i++)
		mbuf_drop(&e->stash[i], DROP_PORT_DOWN);
	close_queue(e);
	mem_free(mem_libc(), e, sizeof(*e));
}

static const struct port_ops ethdev_ops = {
	.name = "dpdk",
	.rx = ethdev_rx,
	.tx = ethdev_tx,
	.wait_fd = ethdev_wait_fd,
	.next_ns = ethdev_next_ns,
	.reclaim = ethdev_reclaim,
	.link_up = ethdev_link_up,
	.destroy = ethdev_destroy,
	.refresh = ethdev_refresh,
};

int ethdev_open(const struct port_opening *o, struct port **out)
{
	struct setup s = {.rx_desc = 0};
	struct ethdev *e = mem_zalloc(mem_libc(), sizeof(*e));
	bool probed;
	int rc;

	if (!e)
		return port_fail(o, -ENOMEM, "out of memory");
	port_setup(&e->port, &ethdev_ops, o->conf);
	e->queue = o->conf->queue;
	e->intr_fd = e->edge_fd = -1;
	rc = find_device(o, &e->id, &probed);
	if (rc == 0) {
		rc = get_shared(e, o);
		if (rc < 0 && probed)
			remove_device(e->id);
	}
	if (rc < 0)
		goto free_port;
	e->shared->opened++;
	rc = bring_up(e, &s, o);
	if (rc < 0)
		goto close_device;
	*out = &e->port;
	return 0;

close_device:
	close_queue(e);
free_port:
	mem_free(mem_libc(), e, sizeof(*e));
	return rc;
}
