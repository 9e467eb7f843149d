/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line. */
#ifndef PROXY_OPTIONS_H
#define PROXY_OPTIONS_H

#include "config.h"

enum options_result {
	OPTIONS_RUN,
	OPTIONS_CHECKED, /* asked for nothing but checking, or for help: done */
	OPTIONS_BAD,     /* a line was printed */
};

/* Read the file that is named, then the options on top of it. */
enum options_result options_read(struct config *config, int argc, char **argv);

#endif
