/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into packetdrill (LD_PRELOAD): its lines of Python ask for TCP_INFO by libc's
 * getsockopt() and not through the interface. Once the stack is there the call goes to it.
 */
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef int getsockopt_fn(void *u, int fd, int level, int name, void *value, socklen_t *len);

#define VISIBLE __attribute__((visibility("default")))

extern getsockopt_fn *leat_preload_getsockopt;
extern void *leat_preload_arg;

/* Set by packetdrill_interface_init(). */
VISIBLE getsockopt_fn *leat_preload_getsockopt;
VISIBLE void *leat_preload_arg;

VISIBLE int getsockopt(int fd, int level, int name, void *restrict value, socklen_t *restrict len)
{
	if (leat_preload_getsockopt)
		return leat_preload_getsockopt(leat_preload_arg, fd, level, name, value, len);
	return (int)syscall(SYS_getsockopt, fd, level, name, value, len);
}
