/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing packet captures that Wireshark reads: pcapng (draft-ietf-opsawg-pcapng), Ethernet,
 * nanoseconds, a comment with each packet.
 */
#ifndef LEAT_PORT_PCAPNG_H
#define LEAT_PORT_PCAPNG_H

#include "base/compiler.h"
#include "base/mem.h"
#include "base/view.h"

#include <stdint.h>

struct pcapng;

/* Interfaces are numbered from 0 in the order of their names. 0 or -errno. */
NODISCARD int pcapng_create(const struct mem *mem, const char *path, const char *const *ifnames,
			    unsigned n, struct pcapng **out);
/* 0 or -errno; after an error nothing more is written. */
int pcapng_write(struct pcapng *p, unsigned ifno, uint64_t ns, struct view frame,
		 const char *comment);
void pcapng_destroy(struct pcapng *p);

#endif
