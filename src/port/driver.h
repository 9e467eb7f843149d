/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the drivers share: how they are opened, how they read their part of the spec, and how they
 * count. Seen only inside src/port.
 */
#ifndef LEAT_PORT_DRIVER_H
#define LEAT_PORT_DRIVER_H

#include "base/compiler.h"
#include "base/mem.h"
#include "port/port.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An opening under way. */
struct port_opening {
	const struct port_conf *conf;
	const char *args; /* the spec behind "kind:" */
	char *err;
	size_t err_size;
};

/* Writes "port NAME: SPEC: text" and returns code. */
int port_fail(const struct port_opening *o, int code, const char *fmt, ...) PRINTF_FMT(3, 4);

/* The drivers' open functions: 0 with *out set, or -errno with err filled. */
NODISCARD int tap_open(const struct port_opening *o, struct port **out);
NODISCARD int af_packet_open(const struct port_opening *o, struct port **out);
NODISCARD int ethdev_open(const struct port_opening *o, struct port **out);

/* Fill what every port has: operations, name, pool, address (conf's, else a random local one). */
void port_setup(struct port *p, const struct port_ops *ops, const struct port_conf *conf);

/* ---- "FIRST[,key=value]..." ---- */

#define PORT_ARGS_LEN 256u
#define PORT_ARGS_MAX 8u

struct port_args {
	char text[PORT_ARGS_LEN];
	const char *first;
	const char *key[PORT_ARGS_MAX];
	const char *value[PORT_ARGS_MAX];
	unsigned n;
};

/* Split o->args; every key must be one of allowed (ended by NULL). */
NODISCARD int port_args_parse(struct port_args *a, const struct port_opening *o,
			      const char *const *allowed);
/* NULL when the key was not given. */
const char *port_args_get(const struct port_args *a, const char *key);

/* ---- counting ---- */

static inline void port_count_rx(struct port *p, const struct mbuf *m)
{
	p->cnt.rx_frames++;
	p->cnt.rx_bytes += mbuf_len(m);
	p->cnt.rx_super += m->meta.gso_size != 0;
}

static inline void port_count_tx(struct port *p, const struct mbuf *m)
{
	p->cnt.tx_frames++;
	p->cnt.tx_bytes += mbuf_len(m);
	p->cnt.tx_super += m->meta.gso_size != 0;
}

/* A frame that this port can never send. */
static inline void port_tx_drop(struct port *p, struct mbuf *m, enum drop_reason why)
{
	p->cnt.tx_errors++;
	mbuf_drop(&m, why);
}

/* Longest frame that carries mtu bytes of IP: two VLAN tags included. */
static inline uint32_t port_frame_max(uint32_t mtu)
{
	return mtu + ETH_HLEN_MAX;
}

#endif
