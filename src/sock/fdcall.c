/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls on the descriptor rather than the socket: close, dup, flags, ioctl. Worker thread.
 */
#include "sock/socket.h"

#include "sock/set.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>

/*
 * kqueue(2): knotes belong to the descriptor; epoll(7): items live as long as the file. Only knotes
 * go when one of several numbers is closed.
 */
static void take_number(struct stack *s, int fd, bool forget)
{
	struct file *f = fdtab_get(&s->sock->fds, fd);

	if (f->refs > 1)
		sets_drop_knotes(f, fd);
	if (forget)
		fdtab_forget(&s->sock->fds, fd);
	else
		fdtab_release(&s->sock->fds, fd);
	file_put(s, f);
}

int sock_close(struct stack *s, int fd)
{
	if (!sock_owns(s, fd))
		return -EBADF;
	take_number(s, fd, false);
	return 0;
}

int sock_dup(struct stack *s, int fd, int from)
{
	struct file *f = fdtab_get(&s->sock->fds, fd);
	int to;

	if (!f)
		return -EBADF;
	if (from < 0)
		return -EINVAL;
	to = fdtab_dup(&s->sock->fds, fd, from);
	if (to < 0)
		return to;
	f->refs++;
	fdtab_set(&s->sock->fds, to, f);
	return to;
}

int sock_dup_to(struct stack *s, int fd, int to)
{
	struct file *f = fdtab_get(&s->sock->fds, fd);
	struct file *old;
	int rc;

	if (!f || to < 0)
		return -EBADF;
	if (to == fd)
		return fd;
	old = fdtab_get(&s->sock->fds, to);
	if (old && old->refs > 1)
		sets_drop_knotes(old, to);
	rc = fdtab_dup_at(&s->sock->fds, fd, to);
	if (rc < 0)
		return rc;
	f->refs++;
	fdtab_set(&s->sock->fds, to, f);
	if (old)
		file_put(s, old);
	return to;
}

void sock_kernel_closed(struct stack *s, int fd)
{
	if (fd >= 0)
		sets_forget_kernel(s->sock, fd);
}

void sock_give_number(struct stack *s, int fd)
{
	if (sock_owns(s, fd))
		take_number(s, fd, true);
	else
		fdtab_forget(&s->sock->fds, fd);
}

int sock_flags_get(struct stack *s, int fd)
{
	const struct file *f = fdtab_get(&s->sock->fds, fd);

	if (!f)
		return -EBADF;
	return O_RDWR | (f->flags & FILE_NONBLOCK ? O_NONBLOCK : 0);
}

int sock_flags_set(struct stack *s, int fd, int flags)
{
	struct file *f = fdtab_get(&s->sock->fds, fd);

	if (!f)
		return -EBADF;
	f->flags &= (uint8_t)~FILE_NONBLOCK;
	f->flags |= flags & O_NONBLOCK ? FILE_NONBLOCK : 0;
	return 0;
}

int sock_cloexec_get(struct stack *s, int fd)
{
	return sock_owns(s, fd) ? s->sock->fds.cloexec[fd] : -EBADF;
}

int sock_cloexec_set(struct stack *s, int fd, bool on)
{
	if (!sock_owns(s, fd))
		return -EBADF;
	s->sock->fds.cloexec[fd] = on;
	return 0;
}

static int readable_bytes(const struct socket *so, int *out)
{
	if (so->phase == SOCK_LISTEN)
		return -EINVAL;
	*out = (int)(so->f.kind == FILE_TCP ? tcp_rcv_avail(so->tcp) : udp_rcv_next(so->udp));
	return 0;
}

static int unsent_bytes(const struct socket *so, int *out)
{
	if (so->phase == SOCK_LISTEN)
		return -EINVAL;
	*out = so->f.kind == FILE_TCP ? (int)tcp_snd_queued(so->tcp) : 0;
	return 0;
}

int sock_ioctl(struct stack *s, int fd, unsigned long request, void *arg)
{
	struct socket *so;
	int rc;

	if (!sock_owns(s, fd))
		return -EBADF;
	/* A set of Linux 6.9 and later has calls of its own, and says so. */
	if (request != FIONBIO && !file_is_socket(fdtab_get(&s->sock->fds, fd)))
		return -EINVAL;
	if (request != FIONBIO && request != FIONREAD && request != SIOCOUTQ)
		return -ENOTTY;
	if (!arg)
		return -EFAULT;
	if (request == FIONBIO)
		return sock_flags_set(s, fd, *(const int *)arg ? O_NONBLOCK : 0);
	rc = sock_find(s, fd, &so);
	if (rc < 0)
		return rc;
	return request == FIONREAD ? readable_bytes(so, arg) : unsent_bytes(so, arg);
}

struct inbox *sock_inbox(struct stack *s)
{
	return &s->sock->inbox;
}

void sock_remote_begin(struct stack *s, int fd, struct sock_remote *info)
{
	struct file *f = fdtab_get(&s->sock->fds, fd);

	*info = (struct sock_remote){0};
	if (!f)
		return;
	f->flags |= FILE_REMOTE;
	info->blocking = !(f->flags & FILE_NONBLOCK);
	info->stream = f->kind == FILE_TCP;
	if (!file_is_socket(f))
		return;
	info->rcvtimeo_ns = socket_of(f)->rcvtimeo_ns;
	info->sndtimeo_ns = socket_of(f)->sndtimeo_ns;
}

void sock_remote_end(struct stack *s, int fd)
{
	struct file *f = fdtab_get(&s->sock->fds, fd);

	if (f)
		f->flags &= (uint8_t)~FILE_REMOTE;
}
