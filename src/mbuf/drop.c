/* SPDX-License-Identifier: BSD-2-Clause */
/* The names and texts of drop reasons and holders; tools and logs read them. */
#include "mbuf/drop.h"

#include "mbuf/mbuf.h"

const struct drop_row drop_rows[DROP_COUNT] = {
#define X(id, name, text) [DROP_##id] = {name, text},
	DROP_TABLE(X)
#undef X
};

const struct mbuf_holder_row mbuf_holder_rows[MBUF_HOLDER_COUNT] = {
#define X(id, name, text) [MBUF_##id] = {name, text},
	MBUF_HOLDER_TABLE(X)
#undef X
};
