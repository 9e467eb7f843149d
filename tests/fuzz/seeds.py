#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write the seeds of the wire fuzz targets into corpus/: one packet per feature, made with scapy
(python3-scapy), so that they are not of our own making. Run it after adding a feature."""

import pathlib
import struct

from scapy.all import (ARP, ICMP, IP, TCP, UDP, Dot1Q, Ether, ICMPv6DestUnreach, ICMPv6EchoRequest,
                       ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_Redirect, ICMPv6ND_RS,
                       ICMPv6NDOptDstLLAddr, ICMPv6NDOptMTU, ICMPv6NDOptPrefixInfo,
                       ICMPv6NDOptRedirectedHdr, ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig,
                       ICMPv6ParamProblem, ICMPv6TimeExceeded, IPOption_LSRR, IPOption_RR,
                       IPOption_Router_Alert, IPOption_SSRR, IPOption_Timestamp, IPv6,
                       IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop,
                       IPv6ExtHdrRouting, PadN, RouterAlert)

MAC1, MAC2 = "02:00:00:00:00:01", "02:00:00:00:00:02"
A4, B4, R4 = "192.0.2.1", "198.51.100.2", "203.0.113.9"
A6, B6, R6 = "2001:db8::1", "2001:db8:1::2", "2001:db8:9::9"
LL1, LL2 = "fe80::1", "fe80::2"


def ether(**kw):
    return Ether(dst=MAC2, src=MAC1, **kw)


def eth_ip():
    ip4 = IP(src=A4, dst=B4)
    ip6 = IPv6(src=A6, dst=B6)
    udp = UDP(sport=5353, dport=53) / b"hello"
    route = [R4, B4]
    frag6 = IPv6ExtHdrFragment(id=0xDEADBEEF, nh=17)
    return {
        "arp_request": ether() / ARP(op=1, hwsrc=MAC1, psrc="10.0.0.1", pdst="10.0.0.2"),
        "arp_reply": ether() / ARP(op=2, hwsrc=MAC1, psrc="10.0.0.1", hwdst=MAC2, pdst="10.0.0.2"),
        "vlan_arp": ether() / Dot1Q(vlan=100, prio=5) / ARP(psrc="10.0.0.1", pdst="10.0.0.2"),
        "qinq_ip6": ether(type=0x88A8) / Dot1Q(vlan=1, type=0x8100) / Dot1Q(vlan=2) / ip6 / udp,
        "ip4_udp": ether() / ip4 / udp,
        "ip4_first": ether() / IP(src=A4, dst=B4, flags="MF", id=7) / udp,
        "ip4_later": ether() / IP(src=A4, dst=B4, flags="MF", id=7, frag=185, proto=17) / b"xxxxxxxx",
        "ip4_rr": ether() / IP(src=A4, dst=B4, options=[IPOption_RR(routers=route)]) / udp,
        "ip4_lsrr": ether() / IP(src=A4, dst=B4, options=[IPOption_LSRR(routers=route)]) / udp,
        "ip4_ssrr": ether() / IP(src=A4, dst=B4, options=[IPOption_SSRR(routers=route)]) / udp,
        "ip4_ts": ether() / IP(src=A4, dst=B4, options=[IPOption_Timestamp()]) / udp,
        "ip4_alert": ether() / IP(src=A4, dst=B4, options=[IPOption_Router_Alert()]) / udp,
        "ip6_udp": ether() / ip6 / udp,
        "ip6_hopopts": ether() / ip6 / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / udp,
        "ip6_dstopts": ether() / ip6 / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]) / udp,
        "ip6_rh0": ether() / ip6 / IPv6ExtHdrRouting(addresses=[R6]) / udp,
        "ip6_atomic": ether() / ip6 / frag6 / udp,
        "ip6_first": ether() / ip6 / IPv6ExtHdrFragment(id=1, m=1, nh=17) / UDP(len=99) / b"xxxxxxxx",
        "ip6_later": ether() / ip6 / IPv6ExtHdrFragment(id=1, offset=2, nh=17) / b"xxxxx",
        "ip6_all": ether() / ip6 / IPv6ExtHdrHopByHop(options=[RouterAlert()]) /
                   IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]) /
                   IPv6ExtHdrRouting(segleft=0) / frag6 / udp,
        "vnet_tcp4": struct.pack("=BBHHHH", 1, 1, 54, 1448, 34, 16) + bytes(ether() / ip4 / TCP()),
        "vnet_mrg_tcp6": struct.pack("=BBHHHHH", 1, 0x84, 74, 1428, 54, 16, 1) +
                         bytes(ether() / ip6 / TCP()),
        "vnet_udp": struct.pack("=BBHHHH", 1, 5, 42, 1200, 34, 6) + bytes(ether() / ip4 / udp),
    }


def tcp():
    ts = ("Timestamp", (0x01020304, 0x05060708))
    nop = ("NOP", None)
    syn = [("MSS", 1460), ("SAckOK", b""), ts, nop, ("WScale", 7)]

    def seg(flags, options=(), data=b""):
        return TCP(sport=40000, dport=80, seq=0x11223344, ack=0x55667788, flags=flags,
                   options=list(options)) / data

    return {
        "plain": seg("A"),
        "data": seg("PA", [nop, nop, ts], b"GET"),
        "syn": seg("S", syn),
        "syn_ecn": seg("SEC", syn[:1]),
        "syn_scale_15": seg("S", [("WScale", 15), nop]),
        "syn_tfo": seg("S", syn + [("TFO", (0x01020304, 0x05060708))]),
        "sack_1": seg("A", [nop, nop, ts, nop, nop, ("SAck", (1, 2))]),
        "sack_3": seg("A", [nop, nop, ts, nop, nop, ("SAck", (1, 2, 3, 4, 5, 6))]),
        "sack_4": seg("A", [nop, nop, ("SAck", (1, 2, 3, 4, 5, 6, 7, 8))]),
        "nops": seg("A", [nop] * 40),
        "unknown": seg("A", [(253, b"\1\2"), ("MSS", 536)]),
        "eol": seg("A", [("EOL", None)]),
        "rst": seg("R"),
        "xmas": seg("FPU"),
    }


def icmp_nd():
    flow4 = IP(src=A4, dst=B4, flags="DF") / TCP(sport=40000, dport=80, seq=0x11223344)
    flow6 = IPv6(src=A6, dst=B6) / TCP(sport=40000, dport=80, seq=0x11223344)
    udp4 = IP(src=A4, dst=B4) / UDP(sport=5353, dport=53) / b"hello"
    udp6 = IPv6(src=A6, dst=B6) / UDP(sport=5353, dport=53) / b"hello"
    err4 = IP(src=R4, dst=A4)
    err6 = IPv6(src=R6, dst=A6)
    nd = dict(hlim=255)
    slla, tlla = ICMPv6NDOptSrcLLAddr(lladdr=MAC1), ICMPv6NDOptDstLLAddr(lladdr=MAC2)
    dad = "ff02::1:ff00:2"
    ext6 = IPv6(src=A6, dst=B6) / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]) / TCP()
    return {
        "echo4": IP(src=A4, dst=B4) / ICMP(id=1, seq=2) / b"ping!",
        "echo6": IPv6(src=A6, dst=B6) / ICMPv6EchoRequest(id=1, seq=2, data=b"ping!"),
        "timestamp4": IP(src=A4, dst=B4) / ICMP(type=13, id=1, seq=2) / (b"\0" * 12),
        "frag_needed4": err4 / ICMP(type=3, code=4, nexthopmtu=1400) / flow4,
        "port4": err4 / ICMP(type=3, code=3) / udp4,
        "redirect4": err4 / ICMP(type=5, code=1, gw=R4) / udp4,
        "time4": err4 / ICMP(type=11) / (IP(src=A4, dst=B4) / ICMP(id=1, seq=2)),
        "param4": err4 / ICMP(type=12, ptr=20) / flow4,
        "esp4": err4 / ICMP(type=3, code=4, nexthopmtu=1400) /
                (IP(src=A4, dst=B4, proto=50) / struct.pack("!II", 0x1001, 1)),
        "too_big6": err6 / ICMPv6PacketTooBig(mtu=1400) / flow6,
        "too_big6_ext": err6 / ICMPv6PacketTooBig(mtu=1400) / ext6,
        "port6": err6 / ICMPv6DestUnreach(code=4) / udp6,
        "time6": err6 / ICMPv6TimeExceeded() / (IPv6(src=A6, dst=B6) / ICMPv6EchoRequest(id=1)),
        "param6": err6 / ICMPv6ParamProblem(code=1, ptr=40) / flow6,
        "rs": IPv6(src=LL1, dst="ff02::2", **nd) / ICMPv6ND_RS() / slla,
        "ra": IPv6(src=LL1, dst="ff02::1", **nd) / ICMPv6ND_RA(O=1) / slla /
              ICMPv6NDOptMTU(mtu=1400) / ICMPv6NDOptPrefixInfo(prefix="2001:db8:5::"),
        "ns": IPv6(src=LL1, dst=dad, **nd) / ICMPv6ND_NS(tgt=LL2) / slla,
        "ns_dad": IPv6(src="::", dst=dad, **nd) / ICMPv6ND_NS(tgt=LL2) / bytes.fromhex(
            "0e01112233445566"),
        "na": IPv6(src=LL2, dst=LL1, **nd) / ICMPv6ND_NA(tgt=LL2, R=0, S=1, O=1) / tlla,
        "redirect6": IPv6(src=LL1, dst=A6, **nd) / ICMPv6ND_Redirect(tgt=LL2, dst=B6) / tlla /
                     ICMPv6NDOptRedirectedHdr(pkt=udp6),
        "igmp1_query": IP(src=A4, dst="224.0.0.1", proto=2, ttl=1) / bytes.fromhex(
            "1100eeff00000000"),
        "igmp2_query": IP(src=A4, dst="224.0.0.1", proto=2, ttl=1) / bytes.fromhex(
            "1164ee9b00000000"),
        "igmp3_query": IP(src=A4, dst="239.1.1.1", proto=2, ttl=1) / bytes.fromhex(
            "11ff0000ef0101010a7d00020a0000050a000006"),
        "igmp2_report": IP(src=A4, dst="239.1.1.1", proto=2, ttl=1) / bytes.fromhex(
            "1600f9fdef010101"),
        "ns_fragmented": IPv6(src=LL1, dst=LL2, **nd) / IPv6ExtHdrFragment(id=1, nh=58) /
                         ICMPv6ND_NS(tgt=LL2),
    }


def main():
    corpus = pathlib.Path(__file__).parent / "corpus"
    for target, seeds in (("wire_eth_ip", eth_ip()), ("wire_tcp", tcp()),
                          ("wire_icmp_nd", icmp_nd())):
        folder = corpus / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, packet in seeds.items():
            (folder / name).write_bytes(bytes(packet))


if __name__ == "__main__":
    main()
