/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sockets interface of the kernel, under the name that the Leat build gives to its own. A
 * program that includes <leat/posix.h> runs on either: the include path decides, not the source.
 */
#ifndef LEAT_POSIX_H
#define LEAT_POSIX_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#endif
