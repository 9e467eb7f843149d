/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a packet was dropped: one row = enum, name and a text that a user understands.
 * Every module adds its rows to its block; a row is never reused for another meaning.
 * DROP_UNSPEC is what a path that nobody thought of counts; tests fail when it is not zero.
 */
#ifndef LEAT_MBUF_DROP_H
#define LEAT_MBUF_DROP_H

#define DROP_TABLE(X) \
	X(UNSPEC, "unspec", "dropped by a path that states no reason: a bug, please report") \
	/* buffers and ports */ \
	X(MBUF_PULL, "headers-scattered", "headers in pieces that cannot be put together") \
	X(MBUF_SEGS, "too-many-segments", "joined packet would have more than 65,535 buffers") \
	X(PORT_TX_FULL, "port-tx-full", "transmit queue of the port was full") \
	X(PORT_TX_ERROR, "port-tx-error", "the port refused to transmit the frame") \
	X(PORT_TX_TOOBIG, "port-tx-toobig", "frame longer than the port can transmit") \
	X(PORT_RX_MALFORMED, "port-rx-malformed", \
	  "receive metadata (virtio-net header) is nonsense") \
	X(PORT_RX_TOOBIG, "port-rx-toobig", "received frame longer than 64 KB and its headers") \
	X(PORT_DOWN, "port-down", "the port is down or was closed") \
	X(GSO_MALFORMED, "gso-malformed", "superpacket whose headers do not allow segmentation") \
	X(NOBUF, "no-buffer", "no packet buffer free for a copy, header or fragment") \
	X(STACK_FINI, "stack-fini", "still held when the stack was shut down") \
	/* link */ \
	X(ETH_SHORT, "eth-short", "frame shorter than its link header") \
	X(ETH_NOTFORUS, "eth-not-for-us", "unicast frame for another link address") \
	X(ETH_BAD_SRC, "eth-bad-source", "frame whose source is a group address") \
	X(ETH_NO_IFACE, "eth-no-interface", "frame on a port that has no interface") \
	X(ETH_TYPE, "eth-type", "ethertype that nobody handles") \
	X(ETH_VLAN, "eth-vlan", "VLAN tag that no interface carries") \
	X(ARP_MALFORMED, "arp-malformed", "ARP packet with bad lengths or addresses") \
	X(ARP_IGNORED, "arp-ignored", "ARP packet that does not concern us") \
	X(NEIGH_QUEUE_FULL, "neigh-queue-full", "too many packets wait for one neighbour") \
	X(NEIGH_TABLE_FULL, "neigh-table-full", "too many unresolved neighbours") \
	X(NEIGH_UNREACHABLE, "neigh-unreachable", "the neighbour does not answer ARP or ND") \
	/* internet */ \
	X(IP4_MALFORMED, "ip4-malformed", "IPv4 header with bad version, length or options") \
	X(IP4_CSUM, "ip4-csum", "IPv4 header checksum wrong") \
	X(IP4_OPTIONS, "ip4-options", "IPv4 options refused (source route)") \
	X(IP6_MALFORMED, "ip6-malformed", "IPv6 header or payload length wrong") \
	X(IP6_EXT, "ip6-ext", "IPv6 extension headers malformed, too many or refused") \
	X(IP_BAD_SRC, "ip-bad-source", "source address that no host may use") \
	X(IP_BAD_DST, "ip-bad-destination", "destination address that must not come from a wire") \
	X(IP_SCOPE, "ip-scope", "link-local address that must not be forwarded off its link") \
	X(IP_L2_GROUP, "ip-link-broadcast", "unicast packet that came by link-level broadcast") \
	X(IP_NOT_LOCAL, "ip-not-local", "not for us and forwarding is off") \
	X(IP_NO_ROUTE, "ip-no-route", "no route to the destination") \
	X(IP_TTL, "ip-ttl", "time to live exhausted") \
	X(IP_TOO_BIG, "ip-too-big", "larger than the path MTU and may not be fragmented") \
	X(IP_NO_PROTO, "ip-no-proto", "upper-layer protocol that nobody handles") \
	X(IP_LOOP_FULL, "ip-loop-full", "too many packets to ourselves wait for delivery") \
	X(REASS_OVERLAP, "reass-overlap", "overlapping fragments: datagram discarded") \
	X(REASS_MALFORMED, "reass-malformed", "fragment with an impossible offset or length") \
	X(REASS_DUP, "reass-duplicate", "fragment that was there already") \
	X(REASS_TIMEOUT, "reass-timeout", "fragments of a datagram did not all arrive in time") \
	X(REASS_LIMIT, "reass-limit", "reassembly memory limit reached") \
	X(ICMP_MALFORMED, "icmp-malformed", "ICMP message with bad length or checksum") \
	X(ICMP_IGNORED, "icmp-ignored", "ICMP message of a kind that is ignored") \
	X(IGMP_MALFORMED, "igmp-malformed", "IGMP message that RFC 3376 says to discard") \
	X(ND_MALFORMED, "nd-malformed", "ND message that RFC 4861 says to discard") \
	X(ND_IGNORED, "nd-ignored", "ND message that does not concern us") \
	/* udp */ \
	X(UDP_MALFORMED, "udp-malformed", "UDP header with bad length") \
	X(UDP_CSUM, "udp-csum", "UDP checksum wrong") \
	X(UDP_NO_PORT, "udp-no-port", "no socket for the UDP destination") \
	X(UDP_RCVBUF, "udp-rcvbuf", "UDP socket receive buffer full") \
	/* tcp */ \
	X(TCP_MALFORMED, "tcp-malformed", "TCP header with bad length or flags") \
	X(TCP_CSUM, "tcp-csum", "TCP checksum wrong") \
	X(TCP_NO_PORT, "tcp-no-port", "no socket for the TCP segment: answered by RST") \
	X(TCP_BAD_DST, "tcp-bad-destination", "TCP to or from a broadcast or multicast address") \
	X(TCP_WINDOW, "tcp-window", "segment outside the receive window") \
	X(TCP_DUP, "tcp-dup", "duplicate of data already received") \
	X(TCP_PAWS, "tcp-paws", "old timestamp") \
	X(TCP_NO_TS, "tcp-no-timestamp", "timestamp missing though agreed") \
	X(TCP_ACK, "tcp-ack", "acknowledgement out of range") \
	X(TCP_FLAGS, "tcp-flags", "flags that make no sense in this state") \
	X(TCP_RST, "tcp-rst", "RST not at the expected sequence number") \
	X(TCP_SYN, "tcp-syn", "SYN on a synchronised connection") \
	X(TCP_DEFERRED, "tcp-deferred", \
	  "bare ACK of a handshake, TCP_DEFER_ACCEPT waits for text") \
	X(TCP_BACKLOG, "tcp-backlog", "accept queue of the listener full") \
	X(TCP_SYNQ, "tcp-synq", "half-open connection limit reached") \
	X(TCP_OOO_LIMIT, "tcp-ooo-limit", "out-of-order data beyond the memory limit") \
	X(TCP_CLOSED, "tcp-closed", "data after the socket was closed") \
	X(TCP_NOMEM, "tcp-nomem", "no memory for a connection") \
	X(TCP_ABORT, "tcp-abort", "queued data of a connection that was reset or aborted") \
	/* sockets */ \
	X(SOCK_CLOSED, "sock-closed", "unread data of a socket that was closed") \
	X(SIM_LOSS, "sim-loss", "lost on purpose by the simulated wire")

enum drop_reason {
#define X(id, name, text) DROP_##id,
	DROP_TABLE(X)
#undef X
		DROP_COUNT
};

struct drop_row {
	const char *name;
	const char *text;
};

extern const struct drop_row drop_rows[DROP_COUNT];

#endif
