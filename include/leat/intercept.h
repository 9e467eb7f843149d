/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * intercept.h: take TCP connections to addresses that are not ours.
 *
 * A SYN that is to be forwarded and matches a rule is given to the rule's listener instead. The
 * accepted socket's local address (getsockname) is the destination that the client asked for; its
 * peer address is the client's own. A socket with IP_TRANSPARENT (or IP_BINDANY) set may bind any
 * address: that of the client, to go on to the server under it. See leat_intercept(3).
 */
#ifndef LEAT_INTERCEPT_H
#define LEAT_INTERCEPT_H

#include <leat/leat.h>

#ifdef __cplusplus
extern "C" {
#endif

struct leat_rule {
	const char *src;   /* client prefix, "10.0.0.0/8"; NULL: any of either family */
	const char *dst;   /* server prefix; NULL: any of either family */
	uint16_t dport_lo; /* server ports; 0, 0: any */
	uint16_t dport_hi;
	const char *port; /* the port it comes in by; NULL: any */
};

/*
 * Send what matches to listener, a listening socket of this thread. The longest destination prefix
 * decides, then the longest source prefix, then the earlier rule. With both prefixes NULL there is
 * one rule for each family. The rules of a listener end when it is closed. EBADF, EINVAL (no
 * listener, bad prefix, families differ, dport_lo > dport_hi), ENODEV, ENOMEM, ENOSPC (4096 rules).
 */
LEAT_API int leat_intercept_add(int listener, const struct leat_rule *rule);

/*
 * Hold what connects to this listener: leat_accept() gives a connection whose client has no answer
 * to its SYN yet, so that the program can see first whether there is a server. It becomes writable
 * when, after leat_answer(), the handshake is done; until then reading and writing give EAGAIN or
 * wait. Closing it refuses: the client gets a RST, as from a closed port (RFC 9293 3.5.2).
 * Unanswered it ends by itself after 130 s. Held connections count in the backlog until they are
 * accepted. EBADF, EINVAL (no listener).
 */
LEAT_API int leat_hold(int listener, bool on);

enum leat_answer {
	LEAT_ANSWER_SYNACK, /* go on with the handshake */
	LEAT_ANSWER_NONE,   /* silence, as from an address where nobody is: ETIMEDOUT at this end */
};

/* The answer to a held client. EBADF, EINVAL (not held, or no such answer). */
LEAT_API int leat_answer(int fd, enum leat_answer how);

#ifdef __cplusplus
}
#endif

#endif
