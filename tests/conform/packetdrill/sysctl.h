/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's names of TCP settings, as scripts set them, turned into Leat's. */
#ifndef LEAT_CONFORM_SYSCTL_H
#define LEAT_CONFORM_SYSCTL_H

#include "core/stack.h"

/* "net.ipv4.tcp_sack=1". 0; -ENOENT: no such setting here; -EINVAL: not such a value. */
NODISCARD int sysctl_apply(struct stack *s, const char *assignment);

#endif
