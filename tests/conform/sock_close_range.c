/* SPDX-License-Identifier: BSD-2-Clause */
/* close_range(2), FD_CLOEXEC. The descriptors of the suite and of the stack lie below. */
#include "conform.h"

#include <linux/close_range.h>

void conform_sock_close_range(int family)
{
	int a = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), p[2], hi, k;
	char b[4];

	NOTE("flag", fcntl(a, F_GETFD));
	NOTE("clear", fcntl(a, F_SETFD, 0));
	NOTE("flag", fcntl(a, F_GETFD));
	hi = fcntl(a, F_DUPFD_CLOEXEC, 300);
	NOTE("dup", hi);
	NOTE("flag", fcntl(hi, F_GETFD));
	must(pipe(p) == 0);
	k = dup2(p[0], 301);
	must(dup2(hi, 302) == 302);
	NOTE("set", close_range(300, 302, CLOSE_RANGE_CLOEXEC));
	NOTE("flag", fcntl(302, F_GETFD));
	NOTE("flag", fcntl(k, F_GETFD));
	NOTE("bad", close_range(302, 300, 0));
	NOTE("bad", close_range(300, 302, 64));
	NOTE("close", close_range(300, 302, 0));
	NOTE("gone", recv(300, b, 4, 0));
	NOTE("gone", read(301, b, 4));
	NOTE("gone", close(302));
	LEVEL("the first one", a);
	close(a);
	close(p[0]);
	close(p[1]);
}
