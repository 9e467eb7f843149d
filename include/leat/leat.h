/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leat.h: bring the stack up: instance, ports, addresses, routes.
 *
 * Every call returns 0, or -1 with errno set; leat_strerror() then gives the one line that says
 * what was wrong and what is allowed. Text arguments are copied. Calls of this header are for the
 * thread that called leat_init(): it is the worker, and its blocking waits (leat_epoll_wait,
 * leat_kevent, ...) run the stack. See leat(3).
 */
#ifndef LEAT_LEAT_H
#define LEAT_LEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LEAT_API __attribute__((visibility("default")))

/* All zero is a usable configuration. */
struct leat_config {
	const char *name;        /* of this instance, [a-z0-9-], at most 12; NULL: "leat" */
	uint32_t buffers_small;  /* packet buffers of 2 KB; 0: 16384 */
	uint32_t buffers_big;    /* packet buffers of 16 KB; 0: 4096 */
	int core;                /* pin the worker to this core; 0 is "do not", core n is n + 1 */
	uint32_t memory_mb;      /* for DPDK; 0: what the buffers need */
	uint32_t max_sockets;    /* 0: 65536 */
	uint32_t max_neighbours; /* 0: 4096 */
	uint32_t spin_us;        /* poll this long before sleeping when idle; 0: 50 */
	const char *secret_path; /* file with a secret, made with mode 0600 when missing, from which
				  * initial sequence numbers and timestamps are derived, so that a
				  * restart does not confuse peers; others must not read it. NULL: a
				  * new secret at each start */
	bool pci;          /* "dpdk:0000:03:00.0" will be used: look for PCI devices, and keep the
			    * buffers where these can reach them */
	bool share_memory; /* "dpdk:net_vhost..." or "dpdk:net_virtio_user..." will be used: the
			    * other process maps the buffers */
	const char *const
		*eal_args; /* extra arguments for DPDK's EAL, NULL-terminated; NULL: none */
};

/*
 * Start a stack in this thread: it becomes a worker, and its waits run the stack. A further thread
 * may do so too, with another name: its sockets, ports, addresses and buffers are its own. Threads
 * that do not may call everything in socket.h, epoll.h, event.h and poll.h: those calls travel to
 * the socket's worker, new sockets and sets belong to the first worker, and the worker must be in a
 * Leat call (a wait, leat_run()) to answer. EINVAL (a value out of range), ENOMEM, EALREADY,
 * ENOTSUP (the process was forked from one with a stack), and what the EAL reports.
 *
 * fork(2): the stack stays the parent's. In the child, descriptors of Leat's can only be closed,
 * ports and other descriptors that Leat has for itself are closed, and there is no stack.
 */
LEAT_API int leat_init(const struct leat_config *config);
/*
 * Close all sockets (established connections are reset), all ports, give back all memory. Returns
 * the number of packet buffers that were not back in the pool: anything but 0 is a bug in Leat.
 */
LEAT_API unsigned leat_fini(void);
/* Why the last call of this header, intercept.h or stats.h failed in this thread: one line. */
LEAT_API const char *leat_strerror(void);

struct leat_port {
	const char *name; /* of the interface: [A-Za-z0-9_.-], at most 15 */
	/* clang-format off */
	/*
	 * "af_packet:IFNAME"         an existing Linux interface
	 * "tap:IFNAME[,netns=NAME]"  a TAP device of our own, its kernel end (IFNAME) in that namespace
	 * "dpdk:DEVARGS"             any DPDK device: "dpdk:0000:03:00.0", "dpdk:net_memif0,role=client"
	 */
	/* clang-format on */
	const char *spec;
	uint32_t mtu;    /* 68..65535; 0: the device's */
	bool no_offload; /* MTU-sized frames with complete checksums only */
	const char *mac; /* "02:00:00:00:00:01"; NULL: the device's or a random local one */
	/*
	 * IPv6 as a host: ask for routers and believe them, make addresses from their prefixes
	 * (RFC 4861, RFC 4862, RFC 7217), follow redirects. Off for a box that forwards.
	 */
	bool autoconf;
};

/* EINVAL, EEXIST (name), ENODEV, EPERM, ENOSPC (16 ports). Copies what it needs. */
LEAT_API int leat_port_add(const struct leat_port *port);
/* "192.0.2.1/24" or "2001:db8::1/64"; several for each port. EINVAL, ENODEV, EEXIST. */
LEAT_API int leat_addr_add(const char *port, const char *addr);
/* dst "0.0.0.0/0", "2001:db8:1::/48"; gateway NULL: on link, then port is needed; port NULL: found
 * by the gateway. EINVAL, ENODEV, ENETUNREACH (gateway not on link), EEXIST. */
LEAT_API int leat_route_add(const char *dst, const char *gateway, const char *port);
/* Forward packets between ports (off at first). */
LEAT_API int leat_forwarding_set(bool v4, bool v6);

/*
 * Run the stack for at most timeout_ns (-1: until something happened for a socket), for programs
 * without an event loop. Returns 0; EINTR.
 */
LEAT_API int leat_poll_once(int64_t timeout_ns);
/*
 * The callback form: run the stack and call fn(arg) after every round, until it returns something
 * else than 0, which is the result. fn makes non-blocking calls only, waits with a timeout of 0
 * among them. -1: EINTR, EINVAL, ENOTCONN.
 */
LEAT_API int leat_run(int (*fn)(void *arg), void *arg);

#ifdef __cplusplus
}
#endif

#endif
