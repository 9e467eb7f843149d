/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event.h: kqueue(2) over Leat's sockets, with FreeBSD's names and rules. Numbers are FreeBSD's.
 * See leat_kqueue(3).
 */
#ifndef LEAT_EVENT_H
#define LEAT_EVENT_H

#include <stdint.h>
#include <time.h>

#include <leat/leat.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Filters. */
#define EVFILT_READ   (-1)
#define EVFILT_WRITE  (-2)
#define EVFILT_PROC   (-5) /* the program's own children, NOTE_EXIT */
#define EVFILT_SIGNAL (-6)
#define EVFILT_TIMER  (-7)
#define EVFILT_USER   (-11)
#define EVFILT_EMPTY  (-13)

/* Known and not there: a change with one of these gives EOPNOTSUPP. */
#define EVFILT_AIO      (-3)
#define EVFILT_VNODE    (-4)
#define EVFILT_PROCDESC (-8)
#define EVFILT_FS       (-9)
#define EVFILT_LIO      (-10)
#define EVFILT_SENDFILE (-12)

/* Actions. */
#define EV_ADD     0x0001
#define EV_DELETE  0x0002
#define EV_ENABLE  0x0004
#define EV_DISABLE 0x0008

/* Flags. */
#define EV_ONESHOT   0x0010
#define EV_CLEAR     0x0020
#define EV_RECEIPT   0x0040
#define EV_DISPATCH  0x0080
#define EV_KEEPUDATA 0x0200

/* Returned. */
#define EV_ERROR 0x4000 /* data holds the errno */
#define EV_EOF   0x8000 /* fflags holds the socket's error, if any */

/* EVFILT_READ, EVFILT_WRITE. */
#define NOTE_LOWAT 0x00000001

/* EVFILT_USER. */
#define NOTE_FFNOP      0x00000000
#define NOTE_FFAND      0x40000000
#define NOTE_FFOR       0x80000000
#define NOTE_FFCOPY     0xc0000000
#define NOTE_FFCTRLMASK 0xc0000000
#define NOTE_FFLAGSMASK 0x00ffffff
#define NOTE_TRIGGER    0x01000000

/* EVFILT_PROC; all but NOTE_EXIT give EOPNOTSUPP. */
#define NOTE_EXIT      0x80000000
#define NOTE_FORK      0x40000000
#define NOTE_EXEC      0x20000000
#define NOTE_PCTRLMASK 0xf0000000
#define NOTE_PDATAMASK 0x000fffff
#define NOTE_TRACK     0x00000001
#define NOTE_TRACKERR  0x00000002
#define NOTE_CHILD     0x00000004

/* EVFILT_VNODE, for programs that ask whether it is there. */
#define NOTE_DELETE 0x00000001
#define NOTE_WRITE  0x00000002
#define NOTE_EXTEND 0x00000004
#define NOTE_ATTRIB 0x00000008
#define NOTE_LINK   0x00000010
#define NOTE_RENAME 0x00000020
#define NOTE_REVOKE 0x00000040

/* EVFILT_TIMER: the unit (milliseconds when none is given), and ABSTIME: time of day. */
#define NOTE_SECONDS  0x00000001
#define NOTE_MSECONDS 0x00000002
#define NOTE_USECONDS 0x00000004
#define NOTE_NSECONDS 0x00000008
#define NOTE_ABSTIME  0x00000010

struct kevent {
	uintptr_t ident;
	int16_t filter;
	uint16_t flags;
	uint32_t fflags;
	int64_t data;
	void *udata;
	uint64_t ext[4];
};

#define EV_SET(kevp, a, b, c, d, e, f) \
	do { \
		struct kevent *leat_kev = (kevp); \
		*leat_kev = (struct kevent){.ident = (uintptr_t)(a), \
					    .filter = (int16_t)(b), \
					    .flags = (uint16_t)(c), \
					    .fflags = (uint32_t)(d), \
					    .data = (int64_t)(e), \
					    .udata = (f)}; \
	} while (0)

LEAT_API int leat_kqueue(void);
/* O_CLOEXEC, which holds anyway. */
LEAT_API int leat_kqueue1(int flags);
LEAT_API int leat_kevent(int kq, const struct kevent *changes, int n_changes, struct kevent *events,
			 int n_events, const struct timespec *timeout);

#ifdef __cplusplus
}
#endif

#endif
