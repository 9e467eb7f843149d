/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters of kqueue(2) that have no place here say so, and not that they are unknown. */
#include "kq.h"

void conform_kqueue_unsupported(int family)
{
	static const int filters[] = {EVFILT_AIO, EVFILT_VNODE, EVFILT_PROCDESC,
				      EVFILT_FS,  EVFILT_LIO,   EVFILT_SENDFILE};
	int kq = kqueue(), file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)family;
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		IS(change(kq, file, filters[i], EV_ADD, NOTE_WRITE, 0, 0), -EOPNOTSUPP);
		IS(change(kq, file, filters[i], EV_DELETE, 0, 0, 0), -EOPNOTSUPP);
	}
	IS(change(kq, file, -14, EV_ADD, 0, 0, 0), -EINVAL);
	IS(change(kq, file, 1, EV_ADD, 0, 0, 0), -EINVAL);
	close(file);
	close(kq);
}
