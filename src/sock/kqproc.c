/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kqueue's filter PROC for the program's own children and NOTE_EXIT, by pidfd_open(2), after
 * FreeBSD's filt_proc. The pidfd is a member of the kernel's set that belongs to the kqueue, once.
 * What an exit status is: wait(2)'s. Worker thread.
 */
#include "sock/knote.h"

#include <linux/types.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_DONE (NOTE_FORK | NOTE_EXEC | NOTE_TRACK)

/* Linux 6.15 tells the status of a process that was waited for already (linux/pidfd.h). */
struct info_of_pid {
	uint64_t mask;
	uint64_t cgroup;
	uint32_t ids[11];
	int32_t exit_code;
};
#define INFO_EXIT   (UINT64_C(1) << 3)
#define GET_PIDINFO _IOWR(0xff, 11, struct info_of_pid)

static int fd_of(const struct knote *kn)
{
	return kn->pidfd - 1;
}

static int status_of_info(int fd)
{
	struct info_of_pid info = {.mask = INFO_EXIT};

	if (ioctl(fd, GET_PIDINFO, &info) < 0 || !(info.mask & INFO_EXIT))
		return 0;
	return info.exit_code;
}

/* -ECHILD: not ours, or waited for already. *ended: it is over. */
static int look(int fd, bool *ended, int *status)
{
	siginfo_t si = {.si_pid = 0};

	if (waitid(P_PIDFD, (id_t)fd, &si, WEXITED | WNOHANG | WNOWAIT) < 0)
		return -errno;
	*ended = si.si_pid != 0;
	*status = 0;
	if (si.si_code == CLD_EXITED)
		*status = W_EXITCODE(si.si_status, 0);
	else if (*ended)
		*status = W_EXITCODE(0, si.si_status) | (si.si_code == CLD_DUMPED ? WCOREFLAG : 0);
	return 0;
}

/* EPERM: somebody else's child, whose status nobody would tell us. */
static int open_child(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool ended;
	int rc, status;

	if (fd < 0)
		return errno == EINVAL ? -ESRCH : -errno;
	rc = look(fd, &ended, &status);
	if (rc == 0)
		return fd;
	(void)close(fd);
	return rc == -ECHILD ? -EPERM : rc;
}

static int watch(struct evfile *kq, struct knote *kn)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT,
				 .data.u64 = KNOTE_PROC_TAG | kn->ident};
	int kfd = evfile_kernel(kq);
	int fd;

	if (kfd < 0)
		return kfd;
	fd = open_child((pid_t)kn->ident);
	if (fd < 0)
		return fd;
	fdtab_hide(&kq->layer->fds, fd);
	kn->pidfd = fd + 1;
	return epoll_ctl(kfd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static int touch_proc(struct evfile *kq, struct knote *kn, const struct kevent *ch, bool fresh)
{
	if (ch->fflags & NOT_DONE)
		return -EOPNOTSUPP;
	kn->sfflags = ch->fflags;
	if (!fresh)
		return 0;
	if (ch->ident == 0 || ch->ident > INT32_MAX)
		return -ESRCH;
	kn->flags |= EV_CLEAR;
	kn->it.flags |= EVI_EDGE;
	return watch(kq, kn);
}

void knote_proc_ended(struct evfile *kq, uintptr_t pid)
{
	struct knote *kn = kqueue_own_find(kq, pid, EVFILT_PROC);
	bool ended = false;
	int status = 0;

	if (!kn)
		return;
	if (look(fd_of(kn), &ended, &status) < 0)
		status = status_of_info(fd_of(kn));
	kn->sdata = status;
	kn->count = 1;
	/* There is no more to come. */
	kn->flags |= EV_EOF | EV_ONESHOT;
	kn->it.flags |= EVI_ONESHOT;
	if (!(kn->it.flags & EVI_DISABLED))
		evitem_fire(&kn->it);
}

static bool check_proc(struct knote *kn, struct kevent *out)
{
	if (kn->count == 0 || !(kn->sfflags & NOTE_EXIT))
		return false;
	if (out) {
		out->fflags = NOTE_EXIT;
		out->data = kn->sdata;
	}
	return true;
}

static void detach_proc(struct evfile *kq, struct knote *kn)
{
	if (kn->pidfd == 0)
		return;
	(void)epoll_ctl(kq->kfd, EPOLL_CTL_DEL, fd_of(kn), NULL);
	fdtab_close_hidden(&kq->layer->fds, fd_of(kn));
}

const struct knote_filter knote_filter_proc = {
	.filter = EVFILT_PROC,
	.touch = touch_proc,
	.check = check_proc,
	.detach = detach_proc,
};
