/* SPDX-License-Identifier: BSD-2-Clause */
/* Names and texts of the parsers' reasons; for counters, tools and tests. */
#include "wire/err.h"

const char *wire_err_name(int err)
{
	switch (err) {
#define X(id, number, name, text) \
	case number: \
		return name;
		WIRE_ERR_TABLE(X)
#undef X
	default:
		return "?";
	}
}

const char *wire_err_text(int err)
{
	switch (err) {
#define X(id, number, name, text) \
	case number: \
		return text;
		WIRE_ERR_TABLE(X)
#undef X
	default:
		return "unknown reason";
	}
}
