/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP_INFO in Linux's layout. */
#ifndef LEAT_SOCK_TCPINFO_H
#define LEAT_SOCK_TCPINFO_H

#include <stddef.h>

struct tcp_pcb;

/* Copies at most len bytes of it; returns how many. */
size_t tcpinfo_copy(const struct tcp_pcb *pcb, void *buf, size_t len);

#endif
