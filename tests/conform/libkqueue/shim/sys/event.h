/* SPDX-License-Identifier: BSD-2-Clause */
/* What libkqueue's tests include. */
#include <leat/posix.h>
