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

#include <pthread.h>

struct current {
	struct stack *stack; /* NULL: this thread has none */
	struct instance *instance;
	unsigned id;                /* of the worker; 0: none */
	int wake;                   /* for calls that travel: remote.c */
	char err[INSTANCE_ERR_LEN]; /* leat_strerror() */
};

extern _Thread_local struct current current;

struct inbox;

struct worker {
	_Atomic bool taken;
	struct inbox *_Atomic inbox; /* NULL: takes no calls */
};

struct process {
	struct owner_map owners;
	struct worker workers[OWNER_WORKERS + 1];
	pthread_once_t key_once;
	pthread_key_t wake_key;
	bool have_key;
};

extern struct process process;

#endif
