/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and writing sockets of another worker. */
#ifndef LEAT_API_IOREMOTE_H
#define LEAT_API_IOREMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include <sys/socket.h>

/* file: read(2) and its like, to which an event set is a file that cannot be read. */
ssize_t io_recv_remote(int fd, struct msghdr *m, int flags, bool file);
/* recvmmsg(2) and sendmmsg(2). */
int io_recvmmsg_remote(int fd, struct mmsghdr *msgs, unsigned n, int flags, uint64_t timeout_ns);
int io_sendmmsg_remote(int fd, struct mmsghdr *msgs, unsigned n, int flags);
/* Raises SIGPIPE here, in the calling thread. */
ssize_t io_send_remote(int fd, const struct msghdr *m, int flags, bool file);

#endif
