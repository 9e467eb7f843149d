/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signal.h: sigaction(2) and signal(3) for programs that watch signals with EVFILT_SIGNAL.
 *
 * A watched signal has a handler of Leat's in the kernel, which counts and then calls the
 * program's. These calls set and tell what the program wants; for a signal that nobody watches they
 * are the kernel's. A program that goes past them while it watches a signal ends the counting. See
 * leat_kqueue(3).
 */
#ifndef LEAT_SIGNAL_H
#define LEAT_SIGNAL_H

#include <signal.h>

#include <leat/leat.h>

#ifdef __cplusplus
extern "C" {
#endif

LEAT_API int leat_sigaction(int sig, const struct sigaction *act, struct sigaction *old);
/* With SA_RESTART, as glibc's. */
LEAT_API void (*leat_signal(int sig, void (*handler)(int)))(int);

#ifdef __cplusplus
}
#endif

#endif
