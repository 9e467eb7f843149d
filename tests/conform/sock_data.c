/* SPDX-License-Identifier: BSD-2-Clause */
/* Vectors, MSG_PEEK, MSG_TRUNC, queue lengths. */
#include "conform.h"

#include <linux/sockios.h>

void conform_sock_data(int family)
{
	struct iovec iov[3];
	char a[4] = "", b[4] = "", d[32] = "";
	int c, s, v = 0;

	pair(family, &c, &s, SOCK_NONBLOCK);
	iov[0] = (struct iovec){(char[]){"ab"}, 2};
	iov[1] = (struct iovec){NULL, 0};
	iov[2] = (struct iovec){(char[]){"cdefgh"}, 6};
	NOTE("writev", writev(c, iov, 3));
	settle();
	NOTE("FIONREAD", ioctl(s, FIONREAD, &v));
	note("%d bytes", v);
	NOTE("peek", recv(s, d, 5, MSG_PEEK));
	note("%.5s", d);
	iov[0] = (struct iovec){a, 3};
	iov[1] = (struct iovec){b, 2};
	NOTE("readv", readv(s, iov, 2));
	note("%s %s", a, b);
	NOTE("peek trunc", recv(s, NULL, 2, MSG_PEEK | MSG_TRUNC));
	NOTE("peek trunc", recv(s, NULL, 99, MSG_PEEK | MSG_TRUNC));
	NOTE("trunc", recv(s, NULL, 2, MSG_TRUNC));
	NOTE("recv", recv(s, d, 32, 0));
	note("%.1s", d);
	NOTE("recv", recv(s, d, 32, 0));
	NOTE("oob", recv(s, d, 32, MSG_OOB));
	NOTE("error queue", recv(s, d, 32, MSG_ERRQUEUE));
	NOTE("writev n", writev(c, iov, minus_one));
	NOTE("writev n", writev(c, iov, too_many));
	NOTE("zero", write(c, d, 0));
	NOTE("SIOCOUTQ", ioctl(c, SIOCOUTQ, &v));
	note("%d bytes", v);
	close(c);
	close(s);
}
