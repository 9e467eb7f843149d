/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Included before each file of libkqueue's tests: they take what they run on for FreeBSD, the
 * system's headers must not. So these come first.
 */
#include <leat/posix.h>

#include <assert.h>
#include <err.h>
#include <getopt.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#undef __linux__
#define __FreeBSD__ 14
