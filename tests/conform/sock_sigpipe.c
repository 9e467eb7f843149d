/* SPDX-License-Identifier: BSD-2-Clause */
/* SIGPIPE and MSG_NOSIGNAL. */
#include "conform.h"

#include <signal.h>

void conform_sock_sigpipe(int family)
{
	int c, s;

	pair(family, &c, &s, SOCK_NONBLOCK);
	catch_signal(SIGPIPE, 0);
	NOTE("end", shutdown(c, SHUT_WR));
	NOTE("write", write(c, "x", 1));
	note("signals %d", (int)caught());
	NOTE("send", send(c, "x", 1, MSG_NOSIGNAL));
	note("signals %d", (int)caught());
	uncatch_signal(SIGPIPE);
	(void)signal(SIGPIPE, SIG_IGN);
	close(c);
	close(s);
}
