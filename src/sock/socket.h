/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the socket layer: a socket, the layer's state, and what its files share. What is touched
 * for each event comes first. Thread: the worker.
 */
#ifndef LEAT_SOCK_SOCKET_H
#define LEAT_SOCK_SOCKET_H

#include "base/ip.h"
#include "base/slab.h"
#include "sock/inbox.h"
#include "sock/sock.h"
#include "tcp/tcp.h"
#include "udp/udp.h"

#include <errno.h>
#include <signal.h>

/* A TCP socket's way through life; UDP sockets are NEW, or CONNECTED. */
enum sock_phase {
	SOCK_NEW,
	SOCK_LISTEN,
	SOCK_CONNECTING,
	SOCK_CONNECTED,
	SOCK_DEAD, /* refused, reset or timed out; what came before can still be read */
};

/* Flags of a socket; the first ones are options that are one bit. */
#define SOF_REUSEADDR   0x00000001u
#define SOF_REUSEPORT   0x00000002u
#define SOF_BROADCAST   0x00000004u
#define SOF_FREEBIND    0x00000008u
#define SOF_TRANSPARENT 0x00000010u
#define SOF_V6ONLY      0x00000020u
#define SOF_RECVTOS     0x00000040u
#define SOF_RECVTTL     0x00000080u
#define SOF_PKTINFO     0x00000100u
#define SOF_RECVTCLASS  0x00000200u
#define SOF_RECVHOPS    0x00000400u
#define SOF_PKTINFO6    0x00000800u
#define SOF_OOBINLINE   0x00001000u
#define SOF_DONTROUTE   0x00002000u
#define SOF_LINGER      0x00004000u
#define SOF_NO_PORT     0x00008000u /* IP_BIND_ADDRESS_NO_PORT */
#define SOF_INHERITED   0x00007fffu /* what an accepted socket takes from its listener */
#define SOF_V6          0x00010000u
#define SOF_BOUND       0x00020000u
#define SOF_RDSHUT      0x00040000u /* shutdown(SHUT_RD) */
#define SOF_WRSHUT      0x00080000u
#define SOF_FIN         0x00100000u /* the peer's end of data has come */
#define SOF_CONN_NEWS   0x00200000u /* connect() has not told its outcome yet */
#define SOF_GONE        0x00400000u /* TCP is done with a lingering socket */
#define SOF_STUCK       0x01000000u /* shut down after a refused connect(): none again */

struct socket {
	struct file f;
	union {
		struct tcp_pcb *tcp; /* of a listener: carries the options for accepted ones */
		struct udp_pcb *udp;
	};
	uint32_t flags;
	uint32_t rcvlowat;
	int err;       /* pending error, SO_ERROR */
	uint8_t phase; /* enum sock_phase */
	uint8_t tos, ttl;
	struct tcp_listener *listener;

	uint64_t rcvtimeo_ns; /* 0: none */
	uint64_t sndtimeo_ns;
	uint32_t linger_s;
	uint32_t mark;
	uint32_t priority;
	uint32_t rcvbuf, sndbuf; /* UDP; TCP keeps its own */
	uint32_t backlog;
	struct ipaddr bind_addr;
	uint16_t bind_port;
};

struct sock_layer {
	struct fdtab fds;
	struct slab sockets;
	struct slab items;  /* epoll */
	struct slab knotes; /* kqueue, with a descriptor or USER */
	struct slab timers; /* kqueue, TIMER and SIGNAL */
	struct slab sets;
	uint64_t spin_ns;
	uint32_t pending; /* calls since the last round that caused output */
	struct inbox inbox;
	struct evset waiters; /* nobody's row: carries the functions of waiter.c */
	const struct sock_signals *signals;
	const sigset_t *program_mask;      /* while a wait holds signals back: the program's own */
	struct signal_layer *signal_layer; /* knotes of EVFILT_SIGNAL; NULL: there were none */
	struct watch_layer *watch;         /* NULL: no set is waited for in the kernel */
	int signal_fd;                     /* restart.h; -1: none yet */
	sigset_t signal_set;               /* what it watches */
};

/* What SO_SNDBUF and SO_RCVBUF say until they are set. */
#define SOCK_BUF_DEFAULT 212992u /* Linux's net.core.rmem_default */

/* Non-blocking calls that may put off their output this often in a row. */
#define SOCK_PENDING_MAX 64u

static inline struct socket *socket_of(struct file *f)
{
	return CONTAINER_OF(f, struct socket, f);
}

static inline bool socket_blocking(const struct socket *so, int flags)
{
	return !(so->f.flags & (FILE_NONBLOCK | FILE_REMOTE)) && !(flags & MSG_DONTWAIT);
}

/* The socket behind fd: 0, -EBADF or -ENOTSOCK. */
NODISCARD int sock_find(struct stack *s, int fd, struct socket **out);

void waiters_init(struct sock_layer *l);

/* New socket, a number for it still to come. NULL: no memory or at the limit. */
struct socket *socket_get(struct stack *s, enum file_kind kind, bool v6);
void socket_put(struct stack *s, struct socket *so);
/* The last number is gone: close what is below. May wait (SO_LINGER). */
void socket_close(struct stack *s, struct socket *so);

/* Drop a reference to a file; the last one closes it. */
void file_put(struct stack *s, struct file *f);
/* Open files by kind. */
void evfile_close(struct stack *s, struct file *f);

/* Account for a call that caused output: now when blocking, else with the next round. */
static inline void sock_caused_output(struct stack *s, const struct socket *so)
{
	if (++s->sock->pending >= SOCK_PENDING_MAX ||
	    !(so->f.flags & (FILE_NONBLOCK | FILE_REMOTE)) || UNLIKELY(s->sock->watch != NULL))
		sock_flush(s);
}

/* ---- addresses: addr.c ---- */

/* From the program, for a socket of that family. -EINVAL, -EAFNOSUPPORT. */
NODISCARD int addr_parse(const struct socket *so, const struct sockaddr *sa, socklen_t len,
			 struct ipaddr *addr, uint16_t *port);
/* The same for the other end: the any address means this host, as Linux has it. */
NODISCARD int addr_parse_peer(const struct socket *so, const struct sockaddr *sa, socklen_t len,
			      struct ipaddr *addr, uint16_t *port);
/* The same for a datagram: IPv4 sockets take AF_UNSPEC for theirs, those of IPv6 take AF_INET. */
NODISCARD int addr_parse_to(const struct socket *so, const struct sockaddr *sa, socklen_t len,
			    struct ipaddr *addr, uint16_t *port);
/* The interface + 1 that a link-local or multicast address names (sin6_scope_id), or 0. */
uint32_t addr_iface(const struct sockaddr *sa, socklen_t len);
/* To the program, cut to *len, which becomes the real length. */
void addr_emit(bool v6, const struct ipaddr *addr, uint16_t port, struct sockaddr *sa,
	       socklen_t *len);

/* ---- TCP sockets: tcpso.c, tcpio.c ---- */

extern const struct tcp_events tcpso_events;

/* Readiness of a connection that was just accepted. */
void tcpso_established(struct socket *so);
/* After bytes were taken: clear what no longer holds. */
void tcpso_taken(struct socket *so);
/* SO_RCVLOWAT has changed. */
void tcpso_lowat_changed(struct socket *so);
int tcpso_bind(struct socket *so, const struct ipaddr *addr, uint16_t port);
int tcpso_listen(struct stack *s, struct socket *so, int backlog);
int tcpso_connect(struct stack *s, struct socket *so, const struct ipaddr *addr, uint16_t port);
int tcpso_disconnect(struct stack *s, struct socket *so);
/* Both sides have ended; to Linux that is a closed socket. */
bool tcpso_is_over(const struct socket *so);
int tcpso_shutdown(struct stack *s, struct socket *so, int how);
void tcpso_close(struct stack *s, struct socket *so);

ssize_t tcpso_recv(struct stack *s, struct socket *so, const struct iovec *iov, int n_iov,
		   int flags);
ssize_t tcpso_send(struct stack *s, struct socket *so, const struct iovec *iov, int n_iov,
		   int flags);

/* ---- UDP sockets: udpso.c ---- */

extern const struct udp_events udpso_events;

int udpso_bind(struct socket *so, const struct ipaddr *addr, uint16_t port);
/* iface + 1, or 0: see addr_iface(). */
int udpso_connect(struct socket *so, const struct ipaddr *addr, uint16_t port, uint32_t iface);
int udpso_disconnect(struct socket *so);
int udpso_shutdown(struct socket *so, int how);
ssize_t udpso_recv(struct stack *s, struct socket *so, struct msghdr *msg, int flags);
ssize_t udpso_send(struct stack *s, struct socket *so, const struct msghdr *msg, int flags);

/* Control messages, udpcmsg.c: into msg, which has room for what msg_controllen says. */
void udpso_put_control(struct stack *s, struct socket *so, const struct udp_from *from,
		       struct msghdr *msg);
void udpso_put_error(const struct socket *so, const struct udp_err *e, struct msghdr *msg);
/* What a message to be sent says; the address is in to already. src takes a source that is named.
 * -EINVAL. */
NODISCARD int udpso_parse_control(const struct socket *so, const struct msghdr *msg,
				  struct udp_to *to, struct ipaddr *src);

/* ---- pieces of an iovec: iov.c ---- */

#define IOV_PIECES 16

/* Bytes in all; at most INT_MAX rounded down to pages, as Linux has it. -EINVAL, -EFAULT (but not
 * with nowhere: nothing will be written). */
ssize_t iov_total(const struct iovec *iov, int n_iov, bool nowhere);
/* Up to IOV_PIECES pieces from byte skip on, at most len bytes. Returns how many pieces. */
int iov_slice(const struct iovec *iov, int n_iov, size_t skip, size_t len,
	      struct iovec out[IOV_PIECES]);

/* Take the pending error, as a negative errno or 0. */
static inline int socket_take_error(struct socket *so)
{
	int err = so->err;

	so->err = 0;
	/* Linux shows an error as long as there is one to be had with MSG_ERRQUEUE. */
	if (so->f.kind != FILE_UDP || udp_err_count(so->udp) == 0)
		ev_clear(&so->f.src, RDY_ERR);
	return -err;
}

#endif
