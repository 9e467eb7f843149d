/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calling thread's worker: how a call without a stack argument finds its stack; and what all
 * threads of the process share: whose each descriptor number is. The only mutable static data in
 * the libraries (current.c).
 */
#ifndef LEAT_API_CURRENT_H
#define LEAT_API_CURRENT_H

#include "core/stack.h"
#include "ctl/instance.h"
#include "sock/owner.h"

struct current {
	struct stack *stack; /* NULL: this thread has none */
	struct instance *instance;
	char err[INSTANCE_ERR_LEN]; /* leat_strerror() */
};

extern _Thread_local struct current current;

struct process {
	struct owner_map owners;
};

extern struct process process;

#endif
