/* SPDX-License-Identifier: BSD-2-Clause */
/* The traffic generator's options, on the command line and, for single runs, a line at a time. */
#include "gen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 32, MAX_CONNECTIONS = 1000000, MAX_SIZE = 1 << 30, MAX_SECONDS = 86400 };

static const char usage[] =
	"bench_gen --role client|server --port SPEC --addr ADDRESS/LENGTH [OPTION ...]\n"
	"\n"
	"  --port SPEC             as of leat_port_add(3): dpdk:net_memif0,role=client,...\n"
	"  --addr ADDRESS/LENGTH   of the port; several: give it again\n"
	"  --route PREFIX,GATEWAY  several: give it again\n"
	"  --mac ADDRESS  --mtu N  --core N  --buffers-small N  --buffers-big N  --max-sockets N\n"
	"  --eal ARGUMENT          one argument for DPDK's EAL; several: give it again\n"
	"  --shared                another generator has the same core: take turns with it\n"
	"  --tcp-port N            the server's (5001)\n"
	"  --peer ADDRESS          the server, for the client\n"
	"  --commands              the client reads runs from standard input, one a line,\n"
	"                          made of the options below\n"
	"\n"
	"  --mode bulk|short|echo  (bulk)\n"
	"  --dir up|down|both      of bulk; up is from client to server (up)\n"
	"  --connections N         at a time (1)\n"
	"  --size BYTES            of a request and of its answer, in short and echo (64)\n"
	"  --sndbuf BYTES          of a connection, in bulk (by their number)\n"
	"  --seconds S             to measure (3)\n"
	"  --warmup S              before that (0.5)\n";

enum {
	OPT_ROLE = 256,
	OPT_PORT,
	OPT_ADDR,
	OPT_ROUTE,
	OPT_MAC,
	OPT_MTU,
	OPT_CORE,
	OPT_SMALL,
	OPT_BIG,
	OPT_SOCKETS,
	OPT_EAL,
	OPT_SHARED,
	OPT_TCP_PORT,
	OPT_PEER,
	OPT_COMMANDS,
	OPT_HELP,
	OPT_RUN, /* this one and the next belong to a run */
	OPT_MODE = OPT_RUN,
	OPT_DIR,
	OPT_CONNECTIONS,
	OPT_SIZE,
	OPT_SNDBUF,
	OPT_SECONDS,
	OPT_WARMUP,
};

static const struct option options[] = {
	{"role", required_argument, NULL, OPT_ROLE},
	{"port", required_argument, NULL, OPT_PORT},
	{"addr", required_argument, NULL, OPT_ADDR},
	{"route", required_argument, NULL, OPT_ROUTE},
	{"mac", required_argument, NULL, OPT_MAC},
	{"mtu", required_argument, NULL, OPT_MTU},
	{"core", required_argument, NULL, OPT_CORE},
	{"buffers-small", required_argument, NULL, OPT_SMALL},
	{"buffers-big", required_argument, NULL, OPT_BIG},
	{"max-sockets", required_argument, NULL, OPT_SOCKETS},
	{"eal", required_argument, NULL, OPT_EAL},
	{"shared", no_argument, NULL, OPT_SHARED},
	{"tcp-port", required_argument, NULL, OPT_TCP_PORT},
	{"peer", required_argument, NULL, OPT_PEER},
	{"commands", no_argument, NULL, OPT_COMMANDS},
	{"help", no_argument, NULL, OPT_HELP},
	{"mode", required_argument, NULL, OPT_MODE},
	{"dir", required_argument, NULL, OPT_DIR},
	{"connections", required_argument, NULL, OPT_CONNECTIONS},
	{"size", required_argument, NULL, OPT_SIZE},
	{"sndbuf", required_argument, NULL, OPT_SNDBUF},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"warmup", required_argument, NULL, OPT_WARMUP},
	{NULL, 0, NULL, 0},
};

const char *const gen_mode_names[] = {"bulk", "short", "echo", NULL};
const char *const gen_dir_names[] = {"up", "down", "both", NULL};
static const char *const role_names[] = {"client", "server", NULL};

static int bad(const char *key, const char *value, const char *want)
{
	(void)fprintf(stderr, "bench_gen: --%s %s: want %s\n", key, value, want);
	return -1;
}

static int read_word(const char *key, const char *text, const char *const *words, int *out)
{
	char want[64] = "";

	for (int i = 0; words[i]; i++) {
		if (strcmp(text, words[i]) == 0) {
			*out = i;
			return 0;
		}
		(void)strncat(want, i > 0 ? ", " : "", sizeof(want) - strlen(want) - 1);
		(void)strncat(want, words[i], sizeof(want) - strlen(want) - 1);
	}
	return bad(key, text, want);
}

static int read_number(const char *key, const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
	char want[64];
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && text[0] != '-' && v >= min && v <= max) {
		*out = (uint32_t)v;
		return 0;
	}
	(void)snprintf(want, sizeof(want), "%u to %u", min, max);
	return bad(key, text, want);
}

static int read_seconds(const char *key, const char *text, uint64_t *out_ns)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end != '\0' || !(v >= 0) || v > MAX_SECONDS)
		return bad(key, text, "seconds");
	*out_ns = (uint64_t)(v * (double)GEN_NS_PER_S);
	return 0;
}

static int add_text(const char *key, struct gen_list *list, const char *text)
{
	if (list->n == GEN_LIST)
		return bad(key, text, "16 at most");
	list->text[list->n++] = text;
	return 0;
}

static int read_run(struct gen_run *run, int code, const char *text)
{
	int word = 0;
	int rc;

	switch (code) {
	case OPT_MODE:
		rc = read_word("mode", text, gen_mode_names, &word);
		run->mode = (enum gen_mode)word;
		return rc;
	case OPT_DIR:
		rc = read_word("dir", text, gen_dir_names, &word);
		run->dir = (enum gen_dir)word;
		return rc;
	case OPT_CONNECTIONS:
		return read_number("connections", text, 1, MAX_CONNECTIONS, &run->connections);
	case OPT_SIZE:
		return read_number("size", text, GEN_HEADER, MAX_SIZE, &run->size);
	case OPT_SNDBUF:
		return read_number("sndbuf", text, 4096, MAX_SIZE, &run->sndbuf);
	case OPT_SECONDS:
		return read_seconds("seconds", text, &run->measure_ns);
	case OPT_WARMUP:
		return read_seconds("warmup", text, &run->warmup_ns);
	default:
		(void)fprintf(
			stderr,
			"bench_gen: a run has --mode, --dir, --connections, --size, --sndbuf, "
			"--seconds and --warmup only\n");
		return -1;
	}
}

static int read_peer(struct gen_options *o, const char *text)
{
	struct sockaddr_in *in4 = (void *)&o->peer;
	struct sockaddr_in6 *in6 = (void *)&o->peer;

	if (inet_pton(AF_INET, text, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		o->peer_len = sizeof(*in4);
	} else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		o->peer_len = sizeof(*in6);
	} else {
		return bad("peer", text, "an IPv4 or IPv6 address");
	}
	return 0;
}

static int read_number16(const char *key, const char *text, uint16_t *out)
{
	uint32_t v = 0;
	int rc = read_number(key, text, 1, UINT16_MAX, &v);

	*out = (uint16_t)v;
	return rc;
}

static int read_core(struct gen_options *o, const char *text)
{
	uint32_t v = 0;
	int rc = read_number("core", text, 0, 1023, &v);

	o->core = (int)v;
	return rc;
}

static int read_role(struct gen_options *o, const char *text)
{
	int word = 0;
	int rc = read_word("role", text, role_names, &word);

	o->server = word == 1;
	return rc;
}

static int read_option(struct gen_options *o, int code, const char *text)
{
	switch (code) {
	case OPT_ROLE:
		return read_role(o, text);
	case OPT_PORT:
		o->port = text;
		return 0;
	case OPT_ADDR:
		return add_text("addr", &o->addrs, text);
	case OPT_ROUTE:
		return add_text("route", &o->routes, text);
	case OPT_EAL:
		return add_text("eal", &o->eal, text);
	case OPT_MAC:
		o->mac = text;
		return 0;
	case OPT_MTU:
		return read_number("mtu", text, 68, UINT16_MAX, &o->mtu);
	case OPT_CORE:
		return read_core(o, text);
	case OPT_SMALL:
		return read_number("buffers-small", text, 512, 1 << 24, &o->buffers_small);
	case OPT_BIG:
		return read_number("buffers-big", text, 512, 1 << 24, &o->buffers_big);
	case OPT_SOCKETS:
		return read_number("max-sockets", text, 16, 1 << 24, &o->max_sockets);
	case OPT_SHARED:
		o->shared = true;
		return 0;
	case OPT_TCP_PORT:
		return read_number16("tcp-port", text, &o->tcp_port);
	case OPT_PEER:
		return read_peer(o, text);
	case OPT_COMMANDS:
		o->commands = true;
		return 0;
	case OPT_HELP:
		(void)fputs(usage, stdout);
		exit(0);
	default:
		return read_run(&o->run, code, text);
	}
}

static int next_option(int argc, char **argv)
{
	int code = getopt_long(argc, argv, "", options, NULL);

	if (code == -1 && optind < argc) {
		(void)fprintf(stderr, "bench_gen: what is '%s'? See --help\n", argv[optind]);
		return '?';
	}
	return code;
}

static void set_peer_port(struct gen_options *o)
{
	if (o->peer.ss_family == AF_INET)
		((struct sockaddr_in *)(void *)&o->peer)->sin_port = htons(o->tcp_port);
	else
		((struct sockaddr_in6 *)(void *)&o->peer)->sin6_port = htons(o->tcp_port);
}

int gen_options_read(struct gen_options *o, int argc, char **argv)
{
	int code;

	*o = (struct gen_options){
		.core = -1,
		.tcp_port = 5001,
		.run = {.connections = 1,
			.size = 64,
			.warmup_ns = GEN_NS_PER_S / 2,
			.measure_ns = 3 * GEN_NS_PER_S},
	};
	while ((code = next_option(argc, argv)) != -1) {
		if (code == '?' || read_option(o, code, optarg) < 0)
			return -1;
	}
	if (!o->port || o->addrs.n == 0 || (!o->server && o->peer_len == 0)) {
		(void)fprintf(stderr, "bench_gen: --port, --addr and, for the client, --peer "
				      "must be given; see --help\n");
		return -1;
	}
	set_peer_port(o);
	return 0;
}

int gen_options_line(struct gen_run *run, char *line)
{
	char name[] = "bench_gen";
	char *argv[MAX_WORDS + 2] = {name};
	char *rest = NULL;
	int argc = 1;
	int code;

	for (char *word = strtok_r(line, " \t\n", &rest); word;
	     word = strtok_r(NULL, " \t\n", &rest)) {
		if (argc > MAX_WORDS) {
			(void)fprintf(stderr, "bench_gen: a line of more than %d words\n",
				      MAX_WORDS);
			return -1;
		}
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	optind = 0; /* glibc: begin anew */
	while ((code = next_option(argc, argv)) != -1) {
		if (code == '?' || read_run(run, code, optarg) < 0)
			return -1;
	}
	return 0;
}
