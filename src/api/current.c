/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one mutable variable of the libraries: each thread's worker. POSIX calls carry no handle, so
 * they need a place to find their stack; per thread, since a stack belongs to one.
 */
#include "api/current.h"

_Thread_local struct current current;
