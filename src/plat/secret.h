/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A secret that survives a restart. Sequence numbers and timestamps stay monotonic per peer only
 * if the key behind them stays the same (RFC 6528 3, RFC 7323 5.4): a stack that restarts with a
 * new one is refused by every server that still remembers the old connection.
 */
#ifndef LEAT_PLAT_SECRET_H
#define LEAT_PLAT_SECRET_H

#include "base/compiler.h"

#include <stddef.h>
#include <stdint.h>

#define PLAT_SECRET_BYTES 32

/*
 * Read the secret of path, or make one when the file does not exist: complete and with mode 0600
 * from the moment it has its name, so that two processes that start at once get the same. On
 * failure returns -errno and one line in err: -EBADMSG the file is damaged, -EPERM others can
 * read or write it or it is no plain file, or what the system says. A damaged file is never
 * replaced.
 */
NODISCARD int plat_secret_load(const char *path, uint8_t out[PLAT_SECRET_BYTES], char *err,
			       size_t err_size);

#endif
