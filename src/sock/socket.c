/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The layer's life, and sockets as objects: making, finding and closing them, and the calls that
 * are the same for TCP and UDP. Worker thread; the layer owns every open file.
 */
#include "sock/socket.h"

#include "sock/set.h"
#include "sock/wait.h"
#include "sock/watch.h"

#define MAX_SETS   4096u
#define SOCK_TYPES 11 /* Linux's SOCK_MAX */

int sock_init(struct stack *s, const struct sock_conf *conf)
{
	const struct mem *mem = s->env.mem;
	struct sock_numbers numbers;
	struct sock_layer *l;
	int rc = 0;

	if (conf && conf->numbers)
		numbers = *conf->numbers;
	else
		rc = sock_numbers_kernel(mem, conf ? conf->owners : NULL, conf ? conf->worker : 1,
					 &numbers);
	if (rc < 0)
		return rc;
	l = mem_zalloc(mem, sizeof(*l));
	if (!l) {
		rc = -ENOMEM;
		goto end_numbers;
	}
	rc = tcp_init(s, &tcpso_events);
	if (rc < 0)
		goto free_layer;
	rc = udp_init(s, &udpso_events);
	if (rc < 0)
		goto end_tcp;
	fdtab_init(&l->fds, mem, &numbers);
	l->inbox.fd = -1;
	if (conf && conf->owners)
		rc = inbox_init(&l->inbox);
	if (rc < 0)
		goto end_udp;
	s->wake_fd = l->inbox.fd;
	if (s->wake_fd >= 0)
		fdtab_hide(&l->fds, s->wake_fd);
	slab_init(&l->sockets, mem, "sockets", sizeof(struct socket), s->max_sockets);
	slab_init(&l->items, mem, "epoll items", sizeof(struct evitem), s->max_sockets * (size_t)2);
	sets_init(s, l, MAX_SETS);
	waiters_init(l);
	l->signal_fd = -1;
	l->signals = conf ? conf->signals : NULL;
	l->spin_ns = conf && conf->spin_ns ? conf->spin_ns : SOCK_SPIN_NS_DEFAULT;
	s->sock = l;
	return 0;
end_udp:
	udp_fini(s);
end_tcp:
	tcp_fini(s);
free_layer:
	mem_free(mem, l, sizeof(*l));
end_numbers:
	numbers.fini(numbers.ctx);
	return rc;
}

void sock_fini(struct stack *s)
{
	struct sock_layer *l = s->sock;

	for (unsigned fd = 0; fd < l->fds.size; fd++) {
		struct file *f = l->fds.files[fd];

		if (!f)
			continue;
		/* Nobody waits for lingering data or answers any more. */
		if (f->kind == FILE_TCP) {
			socket_of(f)->flags |= SOF_LINGER;
			socket_of(f)->linger_s = 0;
		}
		(void)sock_close(s, (int)fd);
	}
	if (inbox_pending(&l->inbox))
		inbox_run(s, &l->inbox);
	stack_flush(s);
	tcp_fini(s);
	udp_fini(s);
	sets_fini(l);
	watch_fini(s);
	fdtab_close_hidden(&l->fds, l->inbox.fd);
	fdtab_close_hidden(&l->fds, l->signal_fd);
	s->wake_fd = -1;
	slab_fini(&l->items);
	slab_fini(&l->sockets);
	fdtab_fini(&l->fds);
	s->sock = NULL;
	mem_free(s->env.mem, l, sizeof(*l));
}

bool sock_owns(const struct stack *s, int fd)
{
	return fdtab_get(&s->sock->fds, fd) != NULL;
}

bool sock_keeps(const struct stack *s, int fd)
{
	const struct sock_numbers *n = &s->sock->fds.numbers;

	return n->keeps(n->ctx, fd);
}

uint32_t sock_count(const struct stack *s)
{
	return (uint32_t)slab_count(&s->sock->sockets);
}

void sock_flush(struct stack *s)
{
	if (s->sock->pending == 0)
		return;
	s->sock->pending = 0;
	stack_flush(s);
	watch_settle(s);
}

int sock_find(struct stack *s, int fd, struct socket **out)
{
	struct file *f = fdtab_get(&s->sock->fds, fd);

	if (!f)
		return -EBADF;
	if (!file_is_socket(f))
		return -ENOTSOCK;
	*out = socket_of(f);
	return 0;
}

int sock_listener(struct stack *s, int fd, struct tcp_listener **out)
{
	struct socket *so;
	int rc = sock_find(s, fd, &so);

	if (rc < 0)
		return rc;
	if (so->phase != SOCK_LISTEN)
		return -EINVAL;
	*out = so->listener;
	return 0;
}

int sock_answer(struct stack *s, int fd, bool accept)
{
	struct socket *so;
	int rc = sock_find(s, fd, &so);

	if (rc < 0)
		return rc;
	if (so->f.kind != FILE_TCP || !so->tcp)
		return -EINVAL;
	if (!accept)
		return tcp_hold_forget(so->tcp);
	rc = tcp_hold_answer(so->tcp);
	if (rc == 0)
		sock_caused_output(s, so);
	return rc;
}

struct socket *socket_get(struct stack *s, enum file_kind kind, bool v6)
{
	struct socket *so = slab_get(&s->sock->sockets);

	if (!so)
		return NULL;
	evsrc_init(&so->f.src);
	so->f.kind = (uint8_t)kind;
	so->f.refs = 1;
	so->flags = v6 ? SOF_V6 : 0;
	so->rcvlowat = 1;
	return so;
}

void socket_put(struct stack *s, struct socket *so)
{
	slab_put(&s->sock->sockets, so);
}

/* The protocol's half. Readiness as Linux shows it for a fresh socket. */
static int attach(struct stack *s, struct socket *so)
{
	bool v6 = so->flags & SOF_V6;

	if (so->f.kind == FILE_TCP) {
		so->tcp = tcp_create(s, v6, so);
		so->f.src.ready = RDY_OUT | RDY_WRNORM | RDY_HUP | RDY_EMPTY;
		return so->tcp ? 0 : -ENOBUFS;
	}
	so->udp = udp_create(s, v6, so);
	so->f.src.ready = RDY_WRITABLE | RDY_EMPTY;
	return so->udp ? 0 : -ENOBUFS;
}

static int check_kind(int domain, int type, int protocol)
{
	int base = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (domain != AF_INET && domain != AF_INET6)
		return -EAFNOSUPPORT;
	if (base < 0 || base >= SOCK_TYPES)
		return -EINVAL;
	if (base != SOCK_STREAM && base != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (protocol < 0 || protocol > 255)
		return -EINVAL;
	if (protocol != 0 && protocol != (base == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP))
		return -EPROTONOSUPPORT;
	return base == SOCK_STREAM ? FILE_TCP : FILE_UDP;
}

int sock_socket(struct stack *s, int domain, int type, int protocol)
{
	int kind = check_kind(domain, type, protocol);
	struct socket *so;
	int fd, rc;

	if (kind < 0)
		return kind;
	fd = fdtab_reserve(&s->sock->fds);
	if (fd < 0)
		return fd;
	so = socket_get(s, (enum file_kind)kind, domain == AF_INET6);
	if (!so) {
		rc = -ENFILE;
		goto release;
	}
	rc = attach(s, so);
	if (rc < 0)
		goto put;
	so->f.flags = type & SOCK_NONBLOCK ? FILE_NONBLOCK : 0;
	fdtab_set(&s->sock->fds, fd, &so->f);
	s->sock->fds.cloexec[fd] = (type & SOCK_CLOEXEC) != 0;
	return fd;
put:
	socket_put(s, so);
release:
	fdtab_release(&s->sock->fds, fd);
	return rc;
}

int sock_bind(struct stack *s, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct ipaddr a;
	struct socket *so;
	uint16_t port;
	int rc = sock_find(s, fd, &so);

	if (rc == 0)
		rc = addr_parse(so, addr, len, &a, &port);
	if (rc < 0)
		return rc;
	if (so->flags & SOF_V6 && so->flags & SOF_V6ONLY && ipaddr_is_v4(&a))
		return -EINVAL;
	return so->f.kind == FILE_TCP ? tcpso_bind(so, &a, port) : udpso_bind(so, &a, port);
}

int sock_listen(struct stack *s, int fd, int backlog)
{
	struct socket *so;
	int rc = sock_find(s, fd, &so);

	if (rc < 0)
		return rc;
	return so->f.kind == FILE_TCP ? tcpso_listen(s, so, backlog) : -EOPNOTSUPP;
}

int sock_connect(struct stack *s, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct ipaddr a = ipaddr_any6();
	struct socket *so;
	uint16_t port = 0;
	int rc = sock_find(s, fd, &so);

	if (rc < 0)
		return rc;
	if (!addr)
		return -EFAULT;
	if (len < sizeof(addr->sa_family))
		return -EINVAL;
	if (addr->sa_family == AF_UNSPEC)
		return so->f.kind == FILE_TCP ? tcpso_disconnect(s, so) : udpso_disconnect(so);
	/* What became of the last connect() goes before what is wrong with this one. */
	if (so->f.kind == FILE_TCP && (so->phase != SOCK_NEW || so->flags & SOF_CONN_NEWS))
		return tcpso_connect(s, so, &a, port);
	rc = so->f.kind == FILE_TCP ? addr_parse_peer(so, addr, len, &a, &port)
				    : addr_parse_to(so, addr, len, &a, &port);
	if (rc < 0)
		return rc;
	if (so->flags & SOF_V6 && so->flags & SOF_V6ONLY && ipaddr_is_v4(&a))
		return -ENETUNREACH;
	stack_tick(s); /* the SYN leaves at once */
	return so->f.kind == FILE_TCP ? tcpso_connect(s, so, &a, port)
				      : udpso_connect(so, &a, port, addr_iface(addr, len));
}

/* What an accepted socket has from its listener. */
static void inherit(struct socket *so, const struct socket *from)
{
	so->flags |= from->flags & SOF_INHERITED;
	so->rcvlowat = from->rcvlowat;
	so->rcvtimeo_ns = from->rcvtimeo_ns;
	so->sndtimeo_ns = from->sndtimeo_ns;
	so->linger_s = from->linger_s;
	so->mark = from->mark;
	so->tos = from->tos;
	so->ttl = from->ttl;
}

static int wait_acceptable(struct stack *s, struct socket *so)
{
	while (so->phase == SOCK_LISTEN && tcp_accept_len(so->listener) == 0) {
		int rc;

		ev_clear(&so->f.src, RDY_READABLE);
		if (!socket_blocking(so, 0))
			return -EAGAIN;
		rc = sock_wait_bits(s, so, RDY_IN, so->rcvtimeo_ns, false);
		if (rc < 0)
			return rc;
	}
	return so->phase == SOCK_LISTEN ? 0 : -EINVAL;
}

/* A socket and a number first: a connection must not be taken and then lost for want of them. */
static int accept_one(struct stack *s, struct socket *listener, struct socket **out)
{
	int fd = fdtab_reserve(&s->sock->fds);
	struct socket *so;

	if (fd < 0)
		return fd;
	so = socket_get(s, FILE_TCP, listener->flags & SOF_V6);
	if (!so) {
		fdtab_release(&s->sock->fds, fd);
		return -ENFILE;
	}
	so->tcp = tcp_accept(listener->listener);
	if (!so->tcp) {
		socket_put(s, so);
		fdtab_release(&s->sock->fds, fd);
		return -EAGAIN;
	}
	if (tcp_accept_len(listener->listener) == 0)
		ev_clear(&listener->f.src, RDY_READABLE);
	inherit(so, listener);
	tcp_so_set(so->tcp, so);
	if (tcp_is_held(so->tcp))
		so->phase = SOCK_CONNECTING;
	else
		tcpso_established(so);
	fdtab_set(&s->sock->fds, fd, &so->f);
	*out = so;
	return fd;
}

int sock_accept(struct stack *s, int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	struct socket *so, *conn;
	struct ipaddr a;
	uint16_t port;
	int rc = sock_find(s, fd, &so);

	if (rc != -EBADF && flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
		return -EINVAL;
	if (rc < 0)
		return rc;
	if (so->f.kind != FILE_TCP)
		return -EOPNOTSUPP;
	if (so->phase != SOCK_LISTEN)
		return -EINVAL;
	if (addr && !len)
		return -EFAULT;
	rc = wait_acceptable(s, so);
	if (rc < 0)
		return rc;
	fd = accept_one(s, so, &conn);
	if (fd < 0)
		return fd;
	conn->f.flags = flags & SOCK_NONBLOCK ? FILE_NONBLOCK : 0;
	s->sock->fds.cloexec[fd] = (flags & SOCK_CLOEXEC) != 0;
	if (addr) {
		tcp_peer(conn->tcp, &a, &port);
		addr_emit(conn->flags & SOF_V6, &a, port, addr, len);
	}
	return fd;
}

int sock_shutdown(struct stack *s, int fd, int how)
{
	struct socket *so;
	int rc = sock_find(s, fd, &so);

	if (rc < 0)
		return rc;
	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		return -EINVAL;
	return so->f.kind == FILE_TCP ? tcpso_shutdown(s, so, how) : udpso_shutdown(so, how);
}

static void name_of(const struct socket *so, struct ipaddr *a, uint16_t *port)
{
	if (so->f.kind == FILE_UDP)
		udp_local(so->udp, a, port);
	else if (so->phase == SOCK_LISTEN)
		tcp_listener_local(so->listener, a, port);
	else
		tcp_local(so->tcp, a, port);
}

int sock_getsockname(struct stack *s, int fd, struct sockaddr *addr, socklen_t *len)
{
	struct ipaddr a;
	struct socket *so;
	uint16_t port;
	int rc = sock_find(s, fd, &so);

	if (rc < 0)
		return rc;
	if (!addr || !len)
		return -EFAULT;
	name_of(so, &a, &port);
	addr_emit(so->flags & SOF_V6, &a, port, addr, len);
	return 0;
}

int sock_getpeername(struct stack *s, int fd, struct sockaddr *addr, socklen_t *len)
{
	struct ipaddr a;
	struct socket *so;
	uint16_t port;
	int rc = sock_find(s, fd, &so);

	if (rc < 0)
		return rc;
	if (so->phase != SOCK_CONNECTED || (so->f.kind == FILE_TCP && tcpso_is_over(so)))
		return -ENOTCONN;
	if (!addr || !len)
		return -EFAULT;
	if (so->f.kind == FILE_TCP)
		tcp_peer(so->tcp, &a, &port);
	else
		udp_peer(so->udp, &a, &port);
	addr_emit(so->flags & SOF_V6, &a, port, addr, len);
	return 0;
}

void socket_close(struct stack *s, struct socket *so)
{
	evsrc_fini(&so->f.src);
	if (so->f.kind == FILE_TCP)
		tcpso_close(s, so);
	else
		udp_close(so->udp);
	socket_put(s, so);
}

void file_put(struct stack *s, struct file *f)
{
	if (--f->refs > 0)
		return;
	if (file_is_socket(f))
		socket_close(s, socket_of(f));
	else
		evfile_close(s, f);
}
