/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP sockets: moving bytes. What a call returns in which state, and which error comes first, is
 * that of Linux's tcp_recvmsg and tcp_sendmsg. Worker thread.
 */
#include "sock/socket.h"

#include "sock/wait.h"

#define DISCARD_BYTES 4096u

/* MSG_TRUNC on TCP: bytes are taken and thrown away (tcp(7)); with MSG_PEEK they are counted. */
static ssize_t discard(struct socket *so, size_t len, bool peek)
{
	char bin[DISCARD_BYTES];
	struct iovec iov = {bin, min_size(len, sizeof(bin))};
	uint32_t avail = tcp_rcv_avail(so->tcp);

	if (peek && avail > 0)
		return (ssize_t)min_size(len, avail);
	return tcp_recv(so->tcp, &iov, 1, peek);
}

/* One attempt: bytes, 0 at the end, -EAGAIN, or the error. */
static ssize_t recv_once(struct socket *so, const struct iovec *iov, int n_iov, size_t skip,
			 size_t len, int flags)
{
	struct iovec part[IOV_PIECES];
	ssize_t r;

	if (so->phase == SOCK_NEW && so->err)
		return socket_take_error(so);
	if (so->phase == SOCK_NEW && so->flags & SOF_RDSHUT)
		return 0;
	if (so->phase == SOCK_NEW || so->phase == SOCK_LISTEN)
		return -ENOTCONN;
	if (so->phase == SOCK_CONNECTING) {
		/* Who reads first has nothing to go with the SYN. */
		if (tcp_connect_waits(so->tcp) && tcp_send(so->tcp, NULL, 0, false) == 0)
			ev_clear(&so->f.src, RDY_WRITABLE);
		return -EAGAIN;
	}
	if (so->phase == SOCK_DEAD && tcp_rcv_avail(so->tcp) == 0)
		return so->flags & SOF_FIN || (!so->err && so->flags & SOF_RDSHUT)
			       ? 0
			       : socket_take_error(so);
	if (flags & MSG_TRUNC)
		r = discard(so, len, flags & MSG_PEEK);
	else
		r = tcp_recv(so->tcp, part, iov_slice(iov, n_iov, skip, len, part),
			     flags & MSG_PEEK);
	if (r == -EAGAIN && so->flags & SOF_RDSHUT)
		return 0;
	if (r > 0 && !(flags & MSG_PEEK))
		tcpso_taken(so);
	return r;
}

/* A reader of fewer bytes than SO_RCVLOWAT waits for those only. */
static int wait_readable(struct stack *s, struct socket *so, size_t want, bool moved)
{
	uint32_t bits = want < so->rcvlowat ? RDY_DATA : RDY_IN;

	return sock_wait_bits(s, so, bits | RDY_RDHUP | RDY_ERR, so->rcvtimeo_ns, moved);
}

/*
 * WAITALL with PEEK cannot gather: what was seen stays. One attempt with what there is answers it,
 * which recv(2) allows when a signal, error or the buffer's size would have cut the call short.
 */
static bool want_more(ssize_t total, size_t got, int flags)
{
	return got < (size_t)total && (got == 0 || (flags & MSG_WAITALL && !(flags & MSG_PEEK)));
}

/* For no bytes, Linux waits for one all the same. */
static ssize_t recv_nothing(struct stack *s, struct socket *so, bool blocking)
{
	char b;
	struct iovec one = {&b, 1};
	ssize_t r;

	for (;;) {
		r = recv_once(so, &one, 1, 0, 1, MSG_PEEK);
		if (r != -EAGAIN || !blocking)
			return r > 0 ? 0 : r;
		r = wait_readable(s, so, 1, false);
		if (r < 0)
			return r;
	}
}

ssize_t tcpso_recv(struct stack *s, struct socket *so, const struct iovec *iov, int n_iov,
		   int flags)
{
	ssize_t total = iov_total(iov, n_iov, flags & MSG_TRUNC);
	bool blocking = socket_blocking(so, flags);
	size_t got = 0;
	ssize_t r = 0;

	if (flags & MSG_ERRQUEUE)
		return -EAGAIN;
	if (flags & MSG_OOB)
		return so->phase == SOCK_LISTEN ? -ENOTCONN : -EINVAL;
	if (total <= 0)
		return total < 0 ? total : recv_nothing(s, so, blocking);
	while (want_more(total, got, flags)) {
		r = recv_once(so, iov, n_iov, got, (size_t)total - got, flags);
		if (r == -EAGAIN && blocking) {
			r = wait_readable(s, so, (size_t)total - got, got > 0);
			if (r == 0)
				continue;
		}
		if (r <= 0)
			break;
		got += (size_t)r;
		/* More pieces than one attempt takes: go on while there is something. */
		if (got < (size_t)total && n_iov > IOV_PIECES &&
		    !(flags & (MSG_PEEK | MSG_WAITALL))) {
			r = recv_once(so, iov, n_iov, got, (size_t)total - got, flags);
			got += r > 0 ? (size_t)r : 0;
		}
	}
	return got > 0 ? (ssize_t)got : r;
}

/* After bytes were queued, or were not: what no longer holds. */
static void sent(struct stack *s, struct socket *so, ssize_t r, size_t asked)
{
	if (r > 0) {
		ev_clear(&so->f.src, RDY_EMPTY);
		sock_caused_output(s, so);
	}
	/* TCP reports space to those whom it has turned away or left without any. */
	if (r < (ssize_t)asked || tcp_snd_space(so->tcp) == 0)
		ev_clear(&so->f.src, RDY_WRITABLE);
}

static ssize_t send_once(struct stack *s, struct socket *so, const struct iovec *iov, int n_iov,
			 size_t skip, size_t len, int flags)
{
	struct iovec part[IOV_PIECES];
	size_t asked = 0;
	ssize_t r;
	int n;

	if (so->phase == SOCK_CONNECTING && !tcp_connect_waits(so->tcp))
		return -EAGAIN;
	if ((so->phase != SOCK_CONNECTED && so->phase != SOCK_CONNECTING) ||
	    so->flags & SOF_WRSHUT || so->err) {
		int err = socket_take_error(so);

		return err ? err : -EPIPE;
	}
	n = iov_slice(iov, n_iov, skip, len, part);
	for (int i = 0; i < n; i++)
		asked += part[i].iov_len;
	r = tcp_send(so->tcp, part, n, flags & MSG_MORE || asked < len);
	if (so->phase == SOCK_CONNECTING)
		ev_clear(&so->f.src, RDY_WRITABLE); /* until the SYN is answered */
	/* Out of buffers is out of room for the moment, which TCP ends with a writable event. */
	if (r == -ENOBUFS)
		r = -EAGAIN;
	if (r >= 0 || r == -EAGAIN)
		sent(s, so, r, asked);
	return r;
}

ssize_t tcpso_send(struct stack *s, struct socket *so, const struct iovec *iov, int n_iov,
		   int flags)
{
	ssize_t total = iov_total(iov, n_iov, false);
	bool blocking = socket_blocking(so, flags);
	size_t put = 0;
	ssize_t r = 0;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (total < 0)
		return total;
	do {
		r = send_once(s, so, iov, n_iov, put, (size_t)total - put, flags);
		if (r == -EAGAIN && blocking) {
			r = sock_wait_bits(s, so, RDY_OUT | RDY_HUP | RDY_ERR, so->sndtimeo_ns,
					   put > 0);
			if (r == 0)
				continue;
		}
		if (r <= 0)
			break;
		put += (size_t)r;
	} while (put < (size_t)total);
	return put > 0 ? (ssize_t)put : r;
}
