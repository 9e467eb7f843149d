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
#include "sock/inbox.h"
#include "sock/owner.h"

#include <pthread.h>
#include <signal.h>

struct current {
	struct stack *stack; /* NULL: this thread has none */
	struct instance *instance;
	unsigned id;                /* of the worker; 0: none */
	int wake;                   /* for calls that travel: remote.c */
	char err[INSTANCE_ERR_LEN]; /* leat_strerror() */
};

extern _Thread_local struct current current;

struct worker {
	_Atomic bool taken;
	struct inbox *_Atomic inbox; /* NULL: takes no calls */
};

/* Signals that EVFILT_SIGNAL watches: signals.c. */
struct watched {
	struct sigaction wanted[2]; /* the program's; the one not in use is free to be written */
	_Atomic uint8_t in_use;
	_Atomic uint32_t watchers; /* knotes' stacks */
	_Atomic uint32_t count;
};

struct signal_post {
	struct inbox_call call;
	_Atomic bool queued;
	_Atomic(struct inbox *) inbox; /* NULL: nothing watched there */
	unsigned watched;              /* signals; the worker's own */
};

struct process {
	struct watched signals[NSIG];
	struct signal_post posts[OWNER_WORKERS + 1];
	_Atomic unsigned in_handlers;
	pthread_mutex_t signal_lock;
	struct owner_map owners;
	struct worker workers[OWNER_WORKERS + 1];
	pthread_once_t key_once;
	pthread_key_t wake_key;
	bool have_key;
	pthread_once_t fork_once;
	bool forked; /* from a process that had a worker: DPDK cannot start again here */
};

extern struct process process;

#endif
