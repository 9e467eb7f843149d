/* SPDX-License-Identifier: BSD-2-Clause */
/* A stack under libkqueue's tests, before their main() and after it. */
#include <leat/leat.h>

#include <stdio.h>
#include <unistd.h>

__attribute__((constructor)) static void start(void)
{
	static const struct leat_config conf = {.name = "lkq", .max_sockets = 4096};

	if (leat_init(&conf) == 0)
		return;
	(void)fprintf(stderr, "%s\n", leat_strerror());
	_exit(2);
}
