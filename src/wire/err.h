/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a parser refused its input: one row = enum, number, name and a text that a user understands.
 * Parsers return 0 or one of these; all are negative, none is an errno.
 */
#ifndef LEAT_WIRE_ERR_H
#define LEAT_WIRE_ERR_H

#define WIRE_ERR_TABLE(X) \
	X(ETH_ESHORT, -1, "eth-short", "frame ends before its link header") \
	X(ARP_ESHORT, -10, "arp-short", "ARP packet ends before its addresses") \
	X(ARP_ETYPE, -11, "arp-type", "ARP for a link or protocol other than Ethernet and IPv4") \
	X(ARP_ELEN, -12, "arp-length", "ARP address lengths are not 6 and 4") \
	X(IP4_ESHORT, -20, "ip4-short", "packet ends before its IPv4 header") \
	X(IP4_EVERSION, -21, "ip4-version", "IP version is not 4") \
	X(IP4_EIHL, -22, "ip4-ihl", "IPv4 header length under 20 or past the end") \
	X(IP4_ELEN, -23, "ip4-length", "IPv4 total length under the header or past the frame") \
	X(IP4_ECSUM, -24, "ip4-csum", "IPv4 header checksum wrong") \
	X(IP4_EOPT, -25, "ip4-option", "IPv4 option malformed") \
	X(IP6_ESHORT, -30, "ip6-short", "packet ends before its IPv6 header") \
	X(IP6_EVERSION, -31, "ip6-version", "IP version is not 6") \
	X(IP6_ELEN, -32, "ip6-length", "IPv6 payload length past the frame") \
	X(IP6_EMAPPED, -33, "ip6-mapped", "IPv4-mapped address in an IPv6 header") \
	X(IP6_EXT_ESHORT, -40, "ip6-ext-short", "extension header past the end of the packet") \
	X(IP6_EXT_ECHAIN, -41, "ip6-ext-chain", "first fragment without the whole header chain") \
	X(IP6_EXT_ELIMIT, -42, "ip6-ext-limit", "too many or too long extension headers") \
	X(IP6_EXT_EORDER, -43, "ip6-ext-order", "hop-by-hop header that is not the first") \
	X(IP6_EXT_EDUP, -44, "ip6-ext-dup", "fragment header inside a fragment") \
	X(IP6_EXT_EOPTLEN, -45, "ip6-ext-optlen", "option past the end of its extension header") \
	X(IP6_EXT_EOPT, -46, "ip6-ext-option", "unknown option that asks to be refused") \
	X(IP6_EXT_EPAD, -47, "ip6-ext-padding", "more padding than alignment needs, or not zero") \
	X(IP6_EXT_EROUTING, -48, "ip6-ext-routing", "routing header with segments left") \
	X(IP6_EXT_EFRAGLEN, -49, "ip6-ext-fraglen", "fragment length not a multiple of 8") \
	X(IP6_EXT_EFRAGEND, -50, "ip6-ext-fragend", "fragment that ends beyond 65535") \
	X(ICMP_ESHORT, -60, "icmp-short", "ICMP message ends before its header") \
	X(ICMP_ECSUM, -61, "icmp-csum", "ICMP checksum wrong") \
	X(ICMP_EQUOTE, -62, "icmp-quote", "ICMP error that quotes too little of the packet") \
	X(ND_ESHORT, -70, "nd-short", "ND message ends before its fixed part") \
	X(ND_ETYPE, -71, "nd-type", "ICMPv6 type that is no ND message") \
	X(ND_EHOPS, -72, "nd-hops", "ND message with a hop limit other than 255") \
	X(ND_ECODE, -73, "nd-code", "ND message with a code other than 0") \
	X(ND_EFRAG, -74, "nd-fragment", "ND message that came in fragments") \
	X(ND_EOPTLEN, -75, "nd-option", "ND option of length 0, wrong length or past the end") \
	X(ND_ESRC, -76, "nd-source", "ND message from a source that must not send it") \
	X(ND_EDST, -77, "nd-destination", "ND message to a destination it must not have") \
	X(ND_ETARGET, -78, "nd-target", "ND target address multicast or not on the link") \
	X(ND_EFLAGS, -79, "nd-flags", "ND flags that contradict the addresses") \
	X(ND_ELLADDR, -80, "nd-lladdr", "ND option with a link address that no host has") \
	X(UDP_ESHORT, -90, "udp-short", "packet ends before its UDP header") \
	X(UDP_ELEN, -91, "udp-length", "UDP length under 8 or past the IP payload") \
	X(UDP_ECSUM, -92, "udp-csum", "UDP checksum wrong, or absent over IPv6") \
	X(TCP_ESHORT, -100, "tcp-short", "packet ends before its TCP header") \
	X(TCP_EHLEN, -101, "tcp-hlen", "TCP data offset under 5 or past the segment") \
	X(VNET_ESHORT, -110, "vnet-short", "virtio-net header cut off") \
	X(VNET_EGSOTYPE, -111, "vnet-gso-type", "segmentation type that is not supported") \
	X(VNET_EGSO, -112, "vnet-gso", "segment size or header length does not fit the frame") \
	X(VNET_ECSUM, -113, "vnet-csum", "checksum place outside the frame")

enum wire_err {
#define X(id, number, name, text) id = (number),
	WIRE_ERR_TABLE(X)
#undef X
};

/* "ip4-csum"; "?" for a number that is no row. */
const char *wire_err_name(int err);
const char *wire_err_text(int err);

#endif
