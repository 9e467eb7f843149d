/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EVFILT_PROC for children: NOTE_EXIT with the status of wait(2), also when it was waited for
 * already and when it ended before EV_ADD; the knote goes with it.
 */
#include "kq.h"

#include <signal.h>
#include <sys/wait.h>

#define LONG 30000

static pid_t child(int status)
{
	pid_t pid = fork();

	must(pid >= 0);
	if (pid == 0) {
		if (status < 0)
			(void)pause();
		_exit(status);
	}
	return pid;
}

static void exits(int kq)
{
	pid_t pid = child(-1);

	IS(change(kq, pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, 4), 0);
	IS(harvest(kq), 0);
	must(kill(pid, SIGTERM) == 0);
	IS(harvest_within(kq, LONG), 1);
	IS(ev[0].ident, pid);
	IS(ev[0].filter, EVFILT_PROC);
	IS(ev[0].fflags, NOTE_EXIT);
	IS(ev[0].data, SIGTERM);
	IS(ev[0].flags & EV_EOF, EV_EOF);
	IS((uintptr_t)ev[0].udata, 4);
	IS(harvest(kq), 0);
	IS(change(kq, pid, EVFILT_PROC, EV_DELETE, NOTE_EXIT, 0, 0), -ENOENT);
	IS(waitpid(pid, NULL, 0), pid);
}

static void ended_before(int kq)
{
	siginfo_t si;
	pid_t pid = child(7);

	must(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT) == 0);
	IS(change(kq, pid, EVFILT_PROC, EV_ADD | EV_DISABLE, NOTE_EXIT, 0, 0), 0);
	IS(harvest(kq), 0);
	IS(change(kq, pid, EVFILT_PROC, EV_ENABLE, NOTE_EXIT, 0, 0), 0);
	IS(harvest_within(kq, LONG), 1);
	IS(ev[0].data, 7 << 8);
	IS(waitpid(pid, NULL, 0), pid);
}

static void strangers(int kq)
{
	pid_t pid = child(0);

	IS(waitpid(pid, NULL, 0), pid);
	IS(change(kq, pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, 0), -ESRCH);
	IS(change(kq, 0, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, 0), -ESRCH);
	IS(change(kq, 1, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, 0), -EPERM);
	pid = child(0);
	IS(change(kq, pid, EVFILT_PROC, EV_ADD, NOTE_EXIT | NOTE_FORK, 0, 0), -EOPNOTSUPP);
	IS(change(kq, pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, 0), 0);
	IS(change(kq, pid, EVFILT_PROC, EV_DELETE, NOTE_EXIT, 0, 0), 0);
	IS(waitpid(pid, NULL, 0), pid);
	IS(harvest(kq), 0);
}

void conform_kqueue_proc(int family)
{
	int kq = kqueue();

	(void)family;
	exits(kq);
	ended_before(kq);
	strangers(kq);
	close(kq);
}
