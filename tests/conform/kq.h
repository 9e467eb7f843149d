/* SPDX-License-Identifier: BSD-2-Clause */
/* What kqueue's cases share. */
#ifndef LEAT_TESTS_CONFORM_KQ_H
#define LEAT_TESTS_CONFORM_KQ_H

#include "conform.h"

#define EVENTS 16

/* What the last harvest() gave. */
extern struct kevent ev[EVENTS];

/* One change: 0, or what errno became, negative. */
int change(int kq, int64_t ident, int filter, int flags, uint32_t fflags, int64_t data,
	   uintptr_t udata);
/* The number of events there are without waiting. */
int harvest(int kq);
/* The same with a wait of at most ms. */
int harvest_within(int kq, int ms);

#endif
