/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP_INFO. A file of its own because <linux/tcp.h>, whose structure is the full one, and
 * <netinet/tcp.h>, which the other socket files need, cannot be had together. Stateless.
 */
#include "sock/tcpinfo.h"

#include "tcp/tcp.h"

#include <linux/tcp.h>
#include <string.h>

size_t tcpinfo_copy(const struct tcp_pcb *pcb, void *buf, size_t len)
{
	struct tcp_info info;

	memset(&info, 0, sizeof(info));
	tcp_info_fill(pcb, &info);
	len = min_size(len, sizeof(info));
	memcpy(buf, &info, len);
	return len;
}
