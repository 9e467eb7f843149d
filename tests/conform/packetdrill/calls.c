/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libleat_packetdrill.so: Leat's public calls behind packetdrill's interface. The instance hangs
 * on the interface's userdata. What the script sets by commands comes through a file: LEAT_CTL in
 * the environment is a command that adds lines to it ("sysctl KEY=VALUE"), and every call of the
 * main thread reads on in it first.
 *
 * Flags: words separated by commas: addr4=A/LEN, addr6=A/LEN, mtu=N, ctl=PATH of the command.
 */
#include "host.h"
#include "interface.h"
#include "sysctl.h"

#include <dlfcn.h>
#include <leat/epoll.h>
#include <leat/poll.h>
#include <leat/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define US_NS UINT64_C(1000)
#define S_NS  UINT64_C(1000000000)
/* A script whose packet has not come by then will not see it (packetdrill waits for ever). */
#define RECEIVE_LIMIT_NS (300 * S_NS)
#define WORD_MAX         128u

struct drill {
	struct host h;
	char ctl_path[64];
	FILE *ctl;
	char addr4[WORD_MAX], addr6[WORD_MAX], ctl_cmd[WORD_MAX];
	uint32_t mtu;
};

/* ---- settings ---- */

static void take_line(struct drill *in, char *line)
{
	int rc;

	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, "sysctl ", 7) != 0)
		return;
	rc = sysctl_apply(in->h.s, line + 7);
	if (rc < 0)
		fprintf(stderr, "leat: %s: %s\n", line, rc == -ENOENT ? "not here" : strerror(-rc));
}

static void read_ctl(struct drill *in)
{
	char line[512];

	clearerr(in->ctl);
	while (fgets(line, sizeof(line), in->ctl))
		take_line(in, line);
}

static struct drill *enter(void *u)
{
	struct drill *in = u;

	host_enter(&in->h);
	if (host_is_mover(&in->h))
		read_ctl(in);
	return in;
}

static int leave_int(struct drill *in, int rc)
{
	host_leave(&in->h);
	return rc;
}

static ssize_t leave(struct drill *in, ssize_t rc)
{
	host_leave(&in->h);
	return rc;
}

/* ---- sockets ---- */

static int do_socket(void *u, int domain, int type, int protocol)
{
	struct drill *in = enter(u);

	return leave_int(in, leat_socket(domain, type, protocol));
}

static int do_bind(void *u, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct drill *in = enter(u);

	return leave_int(in, leat_bind(fd, addr, len));
}

static int do_listen(void *u, int fd, int backlog)
{
	struct drill *in = enter(u);

	return leave_int(in, leat_listen(fd, backlog));
}

static int do_accept(void *u, int fd, struct sockaddr *addr, socklen_t *len)
{
	struct drill *in = enter(u);

	return leave_int(in, leat_accept(fd, addr, len));
}

static int do_connect(void *u, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct drill *in = enter(u);

	return leave_int(in, leat_connect(fd, addr, len));
}

static int do_close(void *u, int fd)
{
	struct drill *in = enter(u);

	return leave_int(in, leat_close(fd));
}

static int do_shutdown(void *u, int fd, int how)
{
	struct drill *in = enter(u);

	return leave_int(in, leat_shutdown(fd, how));
}

static int do_getsockopt(void *u, int fd, int level, int name, void *value, socklen_t *len)
{
	struct drill *in = enter(u);

	return leave_int(in, leat_getsockopt(fd, level, name, value, len));
}

static int do_setsockopt(void *u, int fd, int level, int name, const void *value, socklen_t len)
{
	struct drill *in = enter(u);

	return leave_int(in, leat_setsockopt(fd, level, name, value, len));
}

static int do_fcntl(void *u, int fd, int cmd, ...)
{
	struct drill *in = enter(u);
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return leave_int(in, leat_fcntl(fd, cmd, arg));
}

static int do_ioctl(void *u, int fd, unsigned long request, ...)
{
	struct drill *in = enter(u);
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	return leave_int(in, leat_ioctl(fd, request, arg));
}

/* ---- bytes ---- */

static ssize_t do_read(void *u, int fd, void *buf, size_t len)
{
	struct drill *in = enter(u);

	return leave(in, leat_read(fd, buf, len));
}

static ssize_t do_readv(void *u, int fd, const struct iovec *iov, int n)
{
	struct drill *in = enter(u);

	return leave(in, leat_readv(fd, iov, n));
}

static ssize_t do_recv(void *u, int fd, void *buf, size_t len, int flags)
{
	struct drill *in = enter(u);

	return leave(in, leat_recv(fd, buf, len, flags));
}

static ssize_t do_recvfrom(void *u, int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
			   socklen_t *addr_len)
{
	struct drill *in = enter(u);

	return leave(in, leat_recvfrom(fd, buf, len, flags, addr, addr_len));
}

static ssize_t do_recvmsg(void *u, int fd, struct msghdr *msg, int flags)
{
	struct drill *in = enter(u);

	return leave(in, leat_recvmsg(fd, msg, flags));
}

static ssize_t do_write(void *u, int fd, const void *buf, size_t len)
{
	struct drill *in = enter(u);

	return leave(in, leat_write(fd, buf, len));
}

static ssize_t do_writev(void *u, int fd, const struct iovec *iov, int n)
{
	struct drill *in = enter(u);

	return leave(in, leat_writev(fd, iov, n));
}

static ssize_t do_send(void *u, int fd, const void *buf, size_t len, int flags)
{
	struct drill *in = enter(u);

	return leave(in, leat_send(fd, buf, len, flags));
}

static ssize_t do_sendto(void *u, int fd, const void *buf, size_t len, int flags,
			 const struct sockaddr *addr, socklen_t addr_len)
{
	struct drill *in = enter(u);

	return leave(in, leat_sendto(fd, buf, len, flags, addr, addr_len));
}

static ssize_t do_sendmsg(void *u, int fd, const struct msghdr *msg, int flags)
{
	struct drill *in = enter(u);

	return leave(in, leat_sendmsg(fd, msg, flags));
}

/* ---- waiting ---- */

static int do_poll(void *u, struct pollfd *fds, nfds_t n, int timeout_ms)
{
	struct drill *in = enter(u);

	return leave_int(in, leat_poll(fds, n, timeout_ms));
}

static int do_epoll_create(void *u, int size)
{
	struct drill *in = enter(u);

	return leave_int(in, leat_epoll_create(size));
}

static int do_epoll_ctl(void *u, int epfd, int op, int fd, struct epoll_event *event)
{
	struct drill *in = enter(u);

	return leave_int(in, leat_epoll_ctl(epfd, op, fd, event));
}

static int do_epoll_wait(void *u, int epfd, struct epoll_event *events, int max, int timeout_ms)
{
	struct drill *in = enter(u);

	return leave_int(in, leat_epoll_wait(epfd, events, max, timeout_ms));
}

/* Pipes are the kernel's; it cannot splice from a socket that is not its own. */
static int do_pipe(void *u, int fds[2])
{
	(void)u;
	return pipe(fds);
}

static ssize_t do_splice(void *u, int fd_in, loff_t *off_in, int fd_out, loff_t *off_out,
			 size_t len, unsigned flags)
{
	(void)u;
	return splice(fd_in, off_in, fd_out, off_out, len, flags);
}

/* ---- packets and time ---- */

static int do_netdev_send(void *u, const void *buf, size_t len)
{
	struct drill *in = enter(u);

	ipport_feed(in->h.port, buf, len);
	return leave_int(in, 0);
}

static long long usecs_of(uint64_t ns)
{
	return (long long)(ns / US_NS);
}

static int do_netdev_receive(void *u, void *buf, size_t *len, long long *usecs)
{
	struct drill *in = enter(u);
	struct ippkt *k = host_wait_packet(&in->h, RECEIVE_LIMIT_NS);

	if (k) {
		*len = min_size(*len, k->len);
		memcpy(buf, k->data, *len);
		*usecs = usecs_of(k->at_ns);
	} else {
		/* What is no packet ends the script with the number of its line. */
		fprintf(stderr, "leat: nothing was sent for %llu s\n",
			(unsigned long long)(RECEIVE_LIMIT_NS / S_NS));
		*len = min_size(*len, 40);
		memset(buf, 0, *len);
		*usecs = usecs_of(in->h.now_ns);
	}
	free(k);
	return leave_int(in, 0);
}

static int do_usleep(void *u, useconds_t usecs)
{
	struct drill *in = u;

	host_advance(&in->h, usecs * US_NS);
	return 0;
}

/* packetdrill looks over and over for the last microseconds before an event. */
static int do_gettimeofday(void *u, struct timeval *tv, struct timezone *tz)
{
	struct drill *in = u;
	uint64_t ns = host_time(&in->h);

	(void)tz;
	tv->tv_sec = (time_t)(ns / S_NS);
	tv->tv_usec = (suseconds_t)(ns % S_NS / US_NS);
	return 0;
}

/* ---- what packetdrill asks the kernel for (preload.c) ---- */

typedef int getsockopt_fn(void *u, int fd, int level, int name, void *value, socklen_t *len);

#define LINUX_TCP_INFO    11
#define LINUX_TCP_CC_INFO 26
#define LINUX_SO_MEMINFO  55

/* -1: the descriptor is not ours. It wants an answer for each, and says nothing about the last two
 * unless the script does: Leat has nothing to tell there. */
static int info(void *u, int fd, int level, int name, void *value, socklen_t *len)
{
	socklen_t asked = *len;
	int rc = do_getsockopt(u, fd, level, name, value, len);

	/* It has fields that are newer than this machine's header, and wants them all; what was not
	 * filled in is 0. */
	if (rc == 0 && name == LINUX_TCP_INFO)
		*len = asked;
	if (rc < 0 && errno == ENOPROTOOPT &&
	    (name == LINUX_TCP_CC_INFO || name == LINUX_SO_MEMINFO)) {
		*len = asked;
		return 0;
	}
	return rc;
}

static void hook_preload(struct drill *in)
{
	/* NULL: no more. */
	void *program = dlopen(NULL, RTLD_NOW);
	getsockopt_fn **fn = dlsym(program, "leat_preload_getsockopt");
	void **arg = dlsym(program, "leat_preload_arg");

	if (fn && arg) {
		*arg = in;
		*fn = in ? info : NULL;
	}
}

/* ---- beginning and end ---- */

static bool take_flag(const char *word, const char *key, char *out)
{
	size_t n = strlen(key);

	if (strncmp(word, key, n) != 0)
		return false;
	(void)snprintf(out, WORD_MAX, "%s", word + n);
	return true;
}

static void parse_flags(struct drill *in, const char *flags)
{
	char text[512];
	char number[WORD_MAX] = "1500";
	char *save = NULL;

	(void)snprintf(in->addr4, sizeof(in->addr4), "192.168.0.1/16");
	(void)snprintf(in->addr6, sizeof(in->addr6), "fd3d:a0b:17d6::1/48");
	(void)snprintf(in->ctl_cmd, sizeof(in->ctl_cmd), "false");
	(void)snprintf(text, sizeof(text), "%s", flags ? flags : "");
	for (char *w = strtok_r(text, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		if (!take_flag(w, "addr4=", in->addr4) && !take_flag(w, "addr6=", in->addr6) &&
		    !take_flag(w, "mtu=", number) && !take_flag(w, "ctl=", in->ctl_cmd)) {
			fprintf(stderr, "leat: what is %s?\n", w);
			exit(1);
		}
	}
	in->mtu = (uint32_t)strtoul(number, NULL, 10);
}

static void open_ctl(struct drill *in)
{
	char command[sizeof(in->ctl_cmd) + sizeof(in->ctl_path) + 2];
	int fd;

	(void)snprintf(in->ctl_path, sizeof(in->ctl_path), "/tmp/leat-packetdrill.XXXXXX");
	fd = mkstemp(in->ctl_path);
	in->ctl = fd < 0 ? NULL : fdopen(fd, "r");
	if (!in->ctl) {
		fprintf(stderr, "leat: %s: %s\n", in->ctl_path, strerror(errno));
		exit(1);
	}
	(void)snprintf(command, sizeof(command), "%s %s", in->ctl_cmd, in->ctl_path);
	if (setenv("LEAT_CTL", command, 1) < 0)
		exit(1);
}

static void do_free(void *u)
{
	struct drill *in = u;

	hook_preload(NULL);
	host_fini(&in->h);
	fclose(in->ctl);
	unlink(in->ctl_path);
	free(in);
}

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *ifc)
{
	struct drill *in = calloc(1, sizeof(*in));

	if (!in)
		exit(1);
	parse_flags(in, flags);
	open_ctl(in);
	if (host_init(&in->h, &(struct host_conf){in->addr4, in->addr6, in->mtu}) < 0)
		exit(1);
	hook_preload(in);
	*ifc = (struct packetdrill_interface){
		.userdata = in,
		.free = do_free,
		.socket = do_socket,
		.bind = do_bind,
		.listen = do_listen,
		.accept = do_accept,
		.connect = do_connect,
		.read = do_read,
		.readv = do_readv,
		.recv = do_recv,
		.recvfrom = do_recvfrom,
		.recvmsg = do_recvmsg,
		.write = do_write,
		.writev = do_writev,
		.send = do_send,
		.sendto = do_sendto,
		.sendmsg = do_sendmsg,
		.fcntl = do_fcntl,
		.ioctl = do_ioctl,
		.close = do_close,
		.shutdown = do_shutdown,
		.getsockopt = do_getsockopt,
		.setsockopt = do_setsockopt,
		.poll = do_poll,
		.netdev_send = do_netdev_send,
		.netdev_receive = do_netdev_receive,
		.usleep = do_usleep,
		.gettimeofday = do_gettimeofday,
		.epoll_create = do_epoll_create,
		.epoll_ctl = do_epoll_ctl,
		.epoll_wait = do_epoll_wait,
		.pipe = do_pipe,
		.splice = do_splice,
	};
}
