/* SPDX-License-Identifier: BSD-2-Clause */
/* Which processors this process may use, and which one a thread stays on. */
#ifndef LEAT_PLAT_CPU_H
#define LEAT_PLAT_CPU_H

#include "base/compiler.h"

#define PLAT_CPU_MAX 1024u /* bits of a cpu_set_t */

/* Write the numbers of the processors that the calling thread may run on, ascending, at most max
 * of them. Returns how many there are (it may be more than max), or -errno. */
NODISCARD int plat_cpu_allowed(unsigned *cpus, unsigned max);

/* Keep the calling thread on one processor. -EINVAL: no such processor, or not ours. */
NODISCARD int plat_cpu_pin(unsigned cpu);

#endif
