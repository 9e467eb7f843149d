/* SPDX-License-Identifier: BSD-2-Clause */
/* Scatter and gather lists of the program: their length, and pieces of them. Stateless. */
#include "sock/socket.h"

#include <limits.h>

/* Linux moves at most this much in one call (MAX_RW_COUNT). */
#define IOV_BYTES_MAX ((size_t)INT_MAX & ~(size_t)4095)

ssize_t iov_total(const struct iovec *iov, int n_iov, bool nowhere)
{
	size_t total = 0;

	for (int i = 0; i < n_iov; i++) {
		if ((ssize_t)iov[i].iov_len < 0)
			return -EINVAL;
		if (iov[i].iov_len > 0 && !iov[i].iov_base && !nowhere)
			return -EFAULT;
		total = min_size(total + min_size(iov[i].iov_len, IOV_BYTES_MAX), IOV_BYTES_MAX);
	}
	return (ssize_t)total;
}

int iov_slice(const struct iovec *iov, int n_iov, size_t skip, size_t len,
	      struct iovec out[IOV_PIECES])
{
	int n = 0;

	for (int i = 0; i < n_iov && n < IOV_PIECES && len > 0; i++) {
		size_t part;

		if (skip >= iov[i].iov_len) {
			skip -= iov[i].iov_len;
			continue;
		}
		part = min_size(iov[i].iov_len - skip, len);
		out[n].iov_base = (char *)iov[i].iov_base + skip;
		out[n].iov_len = part;
		n++;
		len -= part;
		skip = 0;
	}
	return n;
}
