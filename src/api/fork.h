/* SPDX-License-Identifier: BSD-2-Clause */
/* What fork(2) leaves of Leat in the child. */
#ifndef LEAT_API_FORK_H
#define LEAT_API_FORK_H

/* From now on children of this process know that the stack is not theirs; process.forked tells. */
void fork_prepare(void);

#endif
