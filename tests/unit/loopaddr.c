/* SPDX-License-Identifier: BSD-2-Clause */
/* With realhost.c: the host talks to itself over the loopback interface of the stack. */
#include "sockhost.h"

struct ipaddr sockhost_addr(bool v6)
{
	return v6 ? ipaddr_loopback6() : ipaddr_loopback4();
}
