/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kqueue's filters for sockets: READ, WRITE and EMPTY, after FreeBSD's filt_soread, filt_sowrite
 * and filt_soempty, and the table of all filters. Worker thread.
 */
#include "sock/knote.h"

#define READ_BITS  (RDY_IN | RDY_RDHUP | RDY_ERR)
#define WRITE_BITS (RDY_ROOM | RDY_WREOF | RDY_ERR)

/* As many as are in the row; what the kernel has ready counts one. */
static int64_t ready_items(struct evfile *ef)
{
	struct list *pos;
	int64_t n = 0;

	LIST_FOR_EACH (pos, &ef->set.ready)
		n++;
	return n > 0 ? n : 1;
}

static int64_t readable_amount(struct evsrc *src)
{
	struct file *f = CONTAINER_OF(src, struct file, src);
	const struct socket *so;

	if (!file_is_socket(f))
		return ready_items(evfile_of(f));
	so = socket_of(f);
	if (so->f.kind == FILE_UDP)
		return udp_rcv_bytes(so->udp);
	if (so->phase == SOCK_LISTEN)
		return tcp_accept_len(so->listener);
	return tcp_rcv_avail(so->tcp);
}

static int64_t writable_amount(struct evsrc *src)
{
	const struct socket *so = socket_of(CONTAINER_OF(src, struct file, src));

	if (so->f.kind == FILE_UDP)
		return so->sndbuf ? so->sndbuf : SOCK_BUF_DEFAULT;
	return so->phase == SOCK_CONNECTED ? tcp_snd_space(so->tcp) : 0;
}

/* EV_EOF and the socket's error, when that direction is over. UDP has no end. */
static void fill(struct knote *kn, struct kevent *out, int64_t data, bool eof)
{
	struct file *f = CONTAINER_OF(kn->it.src, struct file, src);

	if (!out)
		return;
	out->data = data;
	if (!eof)
		return;
	out->flags |= EV_EOF;
	out->fflags = file_is_socket(f) ? (uint32_t)socket_of(f)->err : 0;
}

static bool check_read(struct knote *kn, struct kevent *out)
{
	uint32_t ready;
	int64_t data;

	if (kn->k_events)
		return knote_kernel_check(kn, out);
	if (kn->it.flags & EVI_NESTED)
		evfile_refresh(evfile_of_src(kn->it.src));
	ready = kn->it.src->ready & kn->it.mask;
	if (ready == 0)
		return false;
	data = readable_amount(kn->it.src);
	/* NOTE_LOWAT stands in for SO_RCVLOWAT; the end and errors are always news. */
	if (kn->sfflags & NOTE_LOWAT && data < kn->sdata && !(ready & (RDY_RDHUP | RDY_ERR)))
		return false;
	fill(kn, out, data, ready & RDY_RDHUP);
	return true;
}

/* Without a mark of its own one byte, so that an event always has data. */
static int64_t least_space(const struct knote *kn)
{
	return kn->sfflags & NOTE_LOWAT ? kn->sdata : 1;
}

/* TCP reports space by its own measure; below that by ours. */
static void await_space(const struct knote *kn)
{
	const struct socket *so = socket_of(CONTAINER_OF(kn->it.src, struct file, src));

	if (so->f.kind == FILE_TCP && so->phase == SOCK_CONNECTED)
		tcp_snd_notify(so->tcp, (uint32_t)min_u64((uint64_t)least_space(kn), UINT32_MAX));
}

static bool check_write(struct knote *kn, struct kevent *out)
{
	uint32_t ready;
	int64_t data;

	if (kn->k_events)
		return knote_kernel_check(kn, out);
	ready = kn->it.src->ready & kn->it.mask;
	if (ready == 0)
		return false;
	data = writable_amount(kn->it.src);
	if (data < least_space(kn) && !(ready & (RDY_WREOF | RDY_ERR))) {
		await_space(kn);
		return false;
	}
	fill(kn, out, data, ready & RDY_WREOF);
	return true;
}

static bool check_empty(struct knote *kn, struct kevent *out)
{
	if (!(kn->it.src->ready & kn->it.mask))
		return false;
	/* What is left to be sent. */
	fill(kn, out, 0, false);
	return true;
}

/* fflags and data are parameters; NOTE_LOWAT looks at bytes that the readiness word does not count.
 */
static int touch_socket(struct evfile *kq, struct knote *kn, const struct kevent *ch, bool fresh)
{
	kn->sfflags = ch->fflags;
	kn->sdata = ch->data;
	if (kn->k_events || !kn->it.src)
		return knote_kernel_touch(kq, kn, ch);
	kn->it.flags &= ~EVI_CALC;
	if (ch->fflags & NOTE_LOWAT)
		kn->it.flags |= EVI_CALC;
	(void)fresh;
	return 0;
}

static void detach_socket(struct evfile *kq, struct knote *kn)
{
	if (kn->k_events)
		knote_kernel_detach(kq, kn);
}

static const struct knote_filter filter_read = {
	.filter = EVFILT_READ,
	.bits = READ_BITS,
	.touch = touch_socket,
	.check = check_read,
	.detach = detach_socket,
};

static const struct knote_filter filter_write = {
	.filter = EVFILT_WRITE,
	.bits = WRITE_BITS,
	.touch = touch_socket,
	.check = check_write,
	.detach = detach_socket,
};

static const struct knote_filter filter_empty = {
	.filter = EVFILT_EMPTY,
	.bits = RDY_EMPTY,
	.touch = touch_socket,
	.check = check_empty,
	.detach = detach_socket,
};

const struct knote_filter *knote_filter_of(int filter)
{
	static const struct knote_filter *const all[] = {
		&filter_read,       &filter_write,        &filter_empty,      &knote_filter_timer,
		&knote_filter_user, &knote_filter_signal, &knote_filter_proc,
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i]->filter == filter)
			return all[i];
	return NULL;
}
