/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration as data: a table of rows (key, type, range, place) reads a YAML mapping, and the
 * same rows are the command line's long options. Every error is one line: file:line:column, the
 * key, what is allowed.
 */
#ifndef PROXY_CONF_H
#define PROXY_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <yaml.h>

struct conf;
struct conf_row;

enum conf_type {
	CONF_NUMBER, /* uint64_t, whole number */
	CONF_TIME,   /* uint64_t nanoseconds: 500ms, 30s, 5m, 1h; "none" is 0 where min is 0 */
	CONF_SIZE,   /* uint64_t bytes: 4096, 64KiB, 1MiB, 1GiB */
	CONF_CHOICE, /* uint64_t, index into the names */
	CONF_TEXT,   /* the row's own function reads the text */
	CONF_NODE,   /* the row's own function reads the YAML node; a file's key only, no option */
};

/* Returns 0, or -1 when the text is not allowed. For a list row it appends; -ENOSPC when the list
 * is full. */
typedef int conf_text_fn(const char *text, void *field);

/* Returns 0, or -1 after conf_fail(). */
typedef int conf_node_fn(struct conf *conf, const struct conf_row *row, yaml_node_t *node,
			 void *base);

struct conf_row {
	const char *key;
	enum conf_type type;
	bool list; /* CONF_TEXT only: one text or a sequence of them */
	size_t offset, size;
	uint64_t min, max;        /* of a number, time or size */
	const char *const *names; /* of a choice; NULL ends */
	conf_text_fn *text;
	conf_node_fn *node;
	const char *allowed; /* CONF_TEXT and CONF_NODE: for the error line */
	const char *arg;     /* word for the value in --help */
	const char *help;
};

/* Rows and the struct that they fill; a mapping may be read by several tables. */
struct conf_table {
	const struct conf_row *rows;
	size_t count;
	void *base;
};

/* Where something was read, for errors that show only later. */
struct conf_place {
	const char *file; /* borrowed: the name that conf_read() was given */
	size_t line, column;
};

struct conf {
	const char *name; /* of the file */
	yaml_document_t doc;
	char error[512];
};

/* Read a whole file into rows. Returns 0, or -1 with conf->error set. */
int conf_read(struct conf *conf, FILE *in, const char *name, const struct conf_table *tables,
	      size_t ntables);

/* Read one mapping node into rows; unknown and repeated keys are refused. what names it in errors.
 */
int conf_mapping(struct conf *conf, const char *what, yaml_node_t *node,
		 const struct conf_table *tables, size_t ntables);

/* Read one row's value from text. Returns 0 or -1. */
int conf_text(const struct conf_row *row, const char *text, void *base);

/* What a row allows, in words, into a buffer. Returns the buffer. */
const char *conf_allowed(const struct conf_row *row, char *buf, size_t len);

/* A row's value as text that conf_text() reads, into a buffer; "" when it is unset. Returns the
 * buffer. */
const char *conf_value(const struct conf_row *row, const void *base, char *buf, size_t len);

/* Row of a key, or NULL. */
const struct conf_row *conf_find(const struct conf_table *tables, size_t ntables, const char *key,
				 void **base);

/* Set the error line of a node: "file:line:column: key: text". Returns -1. */
int conf_fail(struct conf *conf, const yaml_node_t *node, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

struct conf_place conf_place_of(const struct conf *conf, const yaml_node_t *node);

/* "file:line:column: " and then the text. Returns -1. */
int conf_fail_at(const struct conf_place *place, char *error, size_t len, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The text of a scalar node, NULL for other nodes and for text with a NUL inside. */
const char *conf_scalar(const yaml_node_t *node);

#endif
