/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bad wire between two Linux interfaces: frames that come in by one go out by the other, and TCP
 * packets among them are dropped, duplicated, corrupted or late, as a seeded generator says. Frames
 * that carry no TCP (ARP, ND, ICMP) always pass, so that a test can require every ping to be
 * answered. The interfaces must give MTU-sized frames with complete checksums (see plain() in
 * topology.py). On SIGTERM it prints what it did, as JSON.
 *
 *   wire IF1 IF2 [--seed N] [--drop PERCENT] [--duplicate PERCENT] [--corrupt PERCENT]
 *                [--reorder PERCENT] [--delay-us MAX]
 */
#include <errno.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_BYTES = 2048, LATE_MAX = 4096, BURST = 64 };

struct late {
	uint64_t at_ns;
	int to;
	uint32_t len;
	uint8_t data[FRAME_BYTES];
};

struct wire {
	int fd[2];
	uint64_t seed;
	unsigned drop, duplicate, corrupt, reorder; /* percent */
	uint64_t delay_ns;
	struct late *late[LATE_MAX]; /* in no order: few at a time */
	size_t nlate;
	uint64_t passed, dropped, duplicated, corrupted, reordered, overflow;
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* splitmix64 */
static uint64_t draw(struct wire *w)
{
	uint64_t z = w->seed += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static bool chance(struct wire *w, unsigned percent)
{
	return draw(w) % 100 < percent;
}

static bool is_tcp(const uint8_t *frame, size_t len)
{
	uint16_t type;

	if (len < 54)
		return false;
	type = (uint16_t)(frame[12] << 8 | frame[13]);
	return (type == ETH_P_IP && frame[23] == IPPROTO_TCP) ||
	       (type == ETH_P_IPV6 && frame[20] == IPPROTO_TCP);
}

static void put(struct wire *w, int to, const uint8_t *frame, size_t len)
{
	ssize_t n = send(w->fd[to], frame, len, 0);

	if (n < 0 && errno != ENOBUFS && errno != ENETDOWN)
		perror("wire: send");
	w->passed++;
}

static void put_later(struct wire *w, int to, const uint8_t *frame, size_t len)
{
	struct late *late;

	if (w->nlate == LATE_MAX) {
		w->overflow++;
		return;
	}
	late = malloc(sizeof(*late));
	if (!late)
		abort();
	late->at_ns = now_ns() + 1 + draw(w) % w->delay_ns;
	late->to = to;
	late->len = (uint32_t)len;
	memcpy(late->data, frame, len);
	w->late[w->nlate++] = late;
	w->reordered++;
}

static void carry(struct wire *w, int to, uint8_t *frame, size_t len)
{
	if (!is_tcp(frame, len)) {
		put(w, to, frame, len);
		return;
	}
	if (chance(w, w->drop)) {
		w->dropped++;
		return;
	}
	if (chance(w, w->duplicate)) {
		w->duplicated++;
		put(w, to, frame, len);
	}
	if (chance(w, w->corrupt)) {
		/* One bit behind the Ethernet header: a checksum must find it. */
		frame[14 + draw(w) % (len - 14)] ^= (uint8_t)(1u << draw(w) % 8);
		w->corrupted++;
	}
	if (chance(w, w->reorder))
		put_later(w, to, frame, len);
	else
		put(w, to, frame, len);
}

/* Send what is due; return the milliseconds until the next one is, -1: none waits. */
static int send_due(struct wire *w)
{
	uint64_t now = now_ns(), next = UINT64_MAX;

	for (size_t i = 0; i < w->nlate;) {
		struct late *late = w->late[i];

		if (late->at_ns > now) {
			next = late->at_ns < next ? late->at_ns : next;
			i++;
			continue;
		}
		put(w, late->to, late->data, late->len);
		free(late);
		w->late[i] = w->late[--w->nlate];
	}
	return next == UINT64_MAX ? -1 : (int)((next - now) / 1000000 + 1);
}

static void receive(struct wire *w, int from)
{
	uint8_t frame[FRAME_BYTES];

	for (int i = 0; i < BURST; i++) {
		ssize_t n = recv(w->fd[from], frame, sizeof(frame), MSG_DONTWAIT | MSG_TRUNC);

		if (n < 14)
			return;
		if (n > (ssize_t)sizeof(frame)) {
			w->overflow++;
			continue;
		}
		carry(w, 1 - from, frame, (size_t)n);
	}
}

static int open_side(const char *name)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	struct packet_mreq promisc = {.mr_type = PACKET_MR_PROMISC};
	int on = 1, room = 16 << 20, fd;

	promisc.mr_ifindex = to.sll_ifindex = (int)if_nametoindex(name);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0 || to.sll_ifindex == 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof(promisc)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0 ||
	    bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror(name);
		exit(1);
	}
	return fd;
}

static void read_options(struct wire *w, int argc, char **argv)
{
	static const struct option options[] = {
		{"seed", 1, NULL, 's'},    {"drop", 1, NULL, 'd'},    {"duplicate", 1, NULL, 'u'},
		{"corrupt", 1, NULL, 'c'}, {"reorder", 1, NULL, 'r'}, {"delay-us", 1, NULL, 'y'},
		{NULL, 0, NULL, 0},
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		unsigned long value = opt == '?' ? 0 : strtoul(optarg, NULL, 10);

		switch (opt) {
		case 's':
			w->seed = value;
			break;
		case 'd':
			w->drop = (unsigned)value;
			break;
		case 'u':
			w->duplicate = (unsigned)value;
			break;
		case 'c':
			w->corrupt = (unsigned)value;
			break;
		case 'r':
			w->reorder = (unsigned)value;
			break;
		case 'y':
			w->delay_ns = value * 1000;
			break;
		default:
			exit(2);
		}
	}
	if (argc - optind != 2 || w->delay_ns == 0) {
		fprintf(stderr, "wire: two interfaces are wanted, and a delay above 0\n");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	static struct wire w = {.delay_ns = 1000000};
	struct sigaction action = {.sa_handler = on_signal};

	read_options(&w, argc, argv);
	w.fd[0] = open_side(argv[optind]);
	w.fd[1] = open_side(argv[optind + 1]);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	while (!stop) {
		struct pollfd fds[2] = {{.fd = w.fd[0], .events = POLLIN},
					{.fd = w.fd[1], .events = POLLIN}};
		int n = poll(fds, 2, send_due(&w));

		for (int i = 0; n > 0 && i < 2; i++) {
			if (fds[i].revents)
				receive(&w, i);
		}
	}
	printf("{\"passed\": %llu, \"dropped\": %llu, \"duplicated\": %llu, \"corrupted\": %llu, "
	       "\"late\": %llu, \"overflow\": %llu}\n",
	       (unsigned long long)w.passed, (unsigned long long)w.dropped,
	       (unsigned long long)w.duplicated, (unsigned long long)w.corrupted,
	       (unsigned long long)w.reordered, (unsigned long long)w.overflow);
	return 0;
}
