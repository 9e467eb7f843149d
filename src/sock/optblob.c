/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Socket options with values of their own shape: times, linger, addresses, names, structures.
 * Worker thread.
 */
#include "sock/opt.h"

#include "sock/tcpinfo.h"
#include "tcp/cc.h"

#include <string.h>

#define SECOND_NS UINT64_C(1000000000)
#define NS_PER_US UINT64_C(1000)

/* Linux cuts what is longer than the caller's room. */
static int give(const void *v, socklen_t size, void *buf, socklen_t *len)
{
	*len = min_u32(*len, size);
	memcpy(buf, v, *len);
	return 0;
}

static int set_time(uint64_t *ns, const void *buf, socklen_t len)
{
	struct timeval tv;

	if (len < sizeof(tv))
		return -EINVAL;
	memcpy(&tv, buf, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	/* A negative time does not wait: Linux has no value for that but the smallest. */
	if (tv.tv_sec < 0)
		*ns = 1;
	else
		*ns = min_u64((uint64_t)tv.tv_sec, UINT32_MAX) * SECOND_NS +
		      (uint64_t)tv.tv_usec * NS_PER_US;
	return 0;
}

static int get_time(uint64_t ns, void *buf, socklen_t *len)
{
	struct timeval tv = {.tv_sec = (time_t)(ns / SECOND_NS),
			     .tv_usec = (suseconds_t)(ns % SECOND_NS / NS_PER_US)};

	return give(&tv, sizeof(tv), buf, len);
}

static int set_rcvtimeo(struct socket *so, const void *buf, socklen_t len)
{
	return set_time(&so->rcvtimeo_ns, buf, len);
}

static int get_rcvtimeo(struct socket *so, void *buf, socklen_t *len)
{
	return get_time(so->rcvtimeo_ns, buf, len);
}

static int set_sndtimeo(struct socket *so, const void *buf, socklen_t len)
{
	return set_time(&so->sndtimeo_ns, buf, len);
}

static int get_sndtimeo(struct socket *so, void *buf, socklen_t *len)
{
	return get_time(so->sndtimeo_ns, buf, len);
}

static int set_linger(struct socket *so, const void *buf, socklen_t len)
{
	struct linger l;

	if (len < sizeof(l))
		return -EINVAL;
	memcpy(&l, buf, sizeof(l));
	so->flags &= ~SOF_LINGER;
	if (l.l_onoff) {
		so->flags |= SOF_LINGER;
		so->linger_s = l.l_linger < 0 ? INT32_MAX : (uint32_t)l.l_linger;
	}
	return 0;
}

static int get_linger(struct socket *so, void *buf, socklen_t *len)
{
	struct linger l = {.l_onoff = (so->flags & SOF_LINGER) != 0, .l_linger = (int)so->linger_s};

	return give(&l, sizeof(l), buf, len);
}

/* The address the client asked for: an intercepted connection has it as its own. */
static int get_original_dst(struct socket *so, void *buf, socklen_t *len)
{
	struct ipaddr a;
	uint16_t port;
	socklen_t need =
		so->flags & SOF_V6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

	if (so->phase != SOCK_CONNECTED)
		return -ENOENT;
	tcp_local(so->tcp, &a, &port);
	if (ipaddr_is_v4(&a))
		need = sizeof(struct sockaddr_in);
	if (*len < need)
		return -EINVAL;
	addr_emit(!ipaddr_is_v4(&a), &a, port, buf, len);
	return 0;
}

#define CC_NAME_MAX 16u /* Linux's TCP_CA_NAME_MAX */

static int set_congestion(struct socket *so, const void *buf, socklen_t len)
{
	size_t n = strnlen(buf, min_u32(len, CC_NAME_MAX - 1));
	char name[CC_NAME_MAX] = "";
	int kind, rc;

	if (n == 0)
		return -EINVAL;
	memcpy(name, buf, n);
	kind = tcp_cc_by_name(name);
	if (kind < 0)
		return -ENOENT;
	rc = tcp_opt_set(so->tcp, TCP_OPT_CONGESTION, kind);
	if (rc == 0 && so->phase == SOCK_LISTEN)
		tcp_listener_opts(so->listener, so->tcp);
	return rc;
}

static int get_congestion(struct socket *so, void *buf, socklen_t *len)
{
	char padded[CC_NAME_MAX] = "";
	const char *name;
	int64_t v;
	int rc = tcp_opt_get(so->tcp, TCP_OPT_CONGESTION, &v);

	if (rc < 0)
		return rc;
	name = tcp_cc_name((enum tcp_cc_kind)v);
	memcpy(padded, name, strlen(name));
	return give(padded, sizeof(padded), buf, len);
}

static int get_info(struct socket *so, void *buf, socklen_t *len)
{
	*len = (socklen_t)tcpinfo_copy(so->tcp, buf, *len);
	return 0;
}

static const struct opt_blob blobs[] = {
	{SOL_SOCKET, SO_RCVTIMEO, OPT_ANY, get_rcvtimeo, set_rcvtimeo},
	{SOL_SOCKET, SO_SNDTIMEO, OPT_ANY, get_sndtimeo, set_sndtimeo},
	{SOL_SOCKET, SO_LINGER, OPT_ANY, get_linger, set_linger},
	{IPPROTO_IP, SO_ORIGINAL_DST, OPT_TCP, get_original_dst, NULL},
	{IPPROTO_IPV6, SO_ORIGINAL_DST, OPT_TCP | OPT_V6, get_original_dst, NULL},
	{IPPROTO_TCP, TCP_CONGESTION, OPT_TCP, get_congestion, set_congestion},
	{IPPROTO_TCP, TCP_INFO, OPT_TCP, get_info, NULL},
};

const struct opt_blob *opt_blob_find(int level, int name)
{
	for (size_t i = 0; i < ARRAY_LEN(blobs); i++)
		if (blobs[i].level == level && blobs[i].name == name)
			return &blobs[i];
	return NULL;
}
