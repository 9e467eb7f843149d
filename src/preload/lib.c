/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading libleat; see lib.h. Under the lock of attach.c. */
#include "preload/lib.h"

#include "preload/state.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	size_t offset;
} rows[] = {
#define X(name) {"leat_" #name, offsetof(struct lib, name)},
	LIB_TABLE(X)
#undef X
};

int lib_load(char *error, size_t len)
{
	/* Its symbols stay out of the program's way; it ends with the process. */
	void *h = dlopen(LEAT_SO, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

	if (!h) {
		(void)snprintf(error, len, "%s", dlerror());
		return -1;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *p = dlsym(h, rows[i].name);

		if (!p) {
			(void)snprintf(error, len, "%s: no %s: an older version?", LEAT_SO,
				       rows[i].name);
			return -1;
		}
		memcpy((char *)&preload.lib + rows[i].offset, &p, sizeof(p));
	}
	return 0;
}
