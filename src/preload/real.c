/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking up the C library's functions; see real.h. Any thread, any time. */
#include "preload/real.h"

#include "preload/state.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>

static const char *const names[REAL_COUNT] = {
#define X(result, name, params) [REAL_##name] = #name,
	REAL_TABLE(X)
#undef X
};

void *real_find(enum real_id id)
{
	void *p = atomic_load_explicit(&preload.real[id], memory_order_relaxed);

	if (p)
		return p;
	p = dlsym(RTLD_NEXT, names[id]);
	if (!p)
		abort();
	atomic_store_explicit(&preload.real[id], p, memory_order_relaxed);
	return p;
}
