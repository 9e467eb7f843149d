/* SPDX-License-Identifier: BSD-2-Clause */
/* More events than room: knotes take turns. Many triggers of one knote are one event. */
#include "kq.h"

#define N 4

void conform_kqueue_rotation(int family)
{
	static const struct timespec now = {0, 0};
	int kq = kqueue(), c[N], s[N], seen[N] = {0};
	struct kevent out[2];

	for (int i = 0; i < N; i++) {
		pair(family, &c[i], &s[i], SOCK_NONBLOCK);
		IS(change(kq, s[i], EVFILT_READ, EV_ADD, 0, 0, (uintptr_t)i), 0);
		(void)send(c[i], "x", 1, 0);
		(void)send(c[i], "y", 1, 0);
		settle();
	}
	for (int round = 0; round < N; round++) {
		IS(kevent(kq, NULL, 0, out, 2, &now), 2);
		for (int k = 0; k < 2; k++)
			seen[(uintptr_t)out[k].udata]++;
	}
	for (int i = 0; i < N; i++) {
		IS(seen[i], 2);
		close(c[i]);
		close(s[i]);
	}
	close(kq);
}
