/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libleat, loaded when the first socket goes to it: until then a process has neither DPDK nor its
 * start-up time. lib(close)(fd) calls leat_close(); only after lib_load().
 */
#ifndef LEAT_PRELOAD_LIB_H
#define LEAT_PRELOAD_LIB_H

#include <leat/epoll.h>
#include <leat/leat.h>
#include <leat/poll.h>
#include <leat/socket.h>
#include <leat/stats.h>

#define LIB_TABLE(X) \
	X(accept4) \
	X(addr_add) \
	X(bind) \
	X(buffers_get) \
	X(close) \
	X(close_range) \
	X(connect) \
	X(dup) \
	X(dup2) \
	X(dup3) \
	X(epoll_create1) \
	X(epoll_ctl) \
	X(epoll_pwait) \
	X(epoll_pwait2) \
	X(fcntl) \
	X(fd_of) \
	X(flush) \
	X(getpeername) \
	X(getsockname) \
	X(getsockopt) \
	X(init) \
	X(ioctl) \
	X(listen) \
	X(poll) \
	X(poll_once) \
	X(port_add) \
	X(ppoll) \
	X(pselect) \
	X(read) \
	X(readv) \
	X(recvfrom) \
	X(recvmmsg) \
	X(recvmsg) \
	X(route_add) \
	X(select) \
	X(sendmmsg) \
	X(sendmsg) \
	X(sendto) \
	X(setsockopt) \
	X(shutdown) \
	X(socket) \
	X(strerror) \
	X(write) \
	X(writev)

struct lib {
#define X(name) __typeof__(leat_##name) *name;
	LIB_TABLE(X)
#undef X
};

/* 0, or -1 with a line in error. */
int lib_load(char *error, size_t len);

#define lib(name) (preload.lib.name)

#endif
