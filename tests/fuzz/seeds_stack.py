#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write the seeds of the whole-stack fuzz targets into corpus/: short programs of operations as stackfuzz.h
and the targets read them. Run it after changing the language of a target."""

import pathlib

STATES = ("listen", "syn_sent", "syn_received", "established", "close_wait", "fin_wait_1", "fin_wait_2",
          "closing", "last_ack", "time_wait")
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32


def seg(flags, seq=0, ack=0, wnd=1000, length=0, opts=b"\0", urg=None):
    u = urg.to_bytes(2, "big") if flags & URG else b""
    return bytes([0, flags, seq, ack]) + wnd.to_bytes(2, "big") + u + bytes([length]) + opts


def sack(*blocks):
    out = bytes([1, len(blocks) - 1])
    for at, n in blocks:
        out += (at & 0xFFFF).to_bytes(2, "big") + (n & 0xFFFF).to_bytes(2, "big")
    return out


def wait(k):
    return bytes([5 | k << 3])


def program(what):
    return bytes([6, what])


def icmp(kind, code, mtu=0, at=2):
    return bytes([7, kind, code]) + mtu.to_bytes(2, "big") + bytes([at])


def tcp_seeds():
    text = seg(ACK | PSH, length=100)
    return {
        "good": program(0) + text + wait(6) + seg(FIN | ACK) + wait(8),
        "reset": seg(RST) + seg(RST, seq=2) + seg(RST | ACK, seq=8),
        "syn": seg(SYN) + seg(SYN | ACK) + seg(SYN | FIN) + seg(SYN, seq=3),
        "acks": program(2) + seg(ACK, ack=3) + seg(ACK, ack=4) + seg(ACK, ack=5) * 3 + wait(9),
        "sack": program(2) + seg(ACK, ack=2, opts=sack((1448, 1448))) * 4 +
                seg(ACK, ack=2, opts=sack((-100, 100), (0, 30000), (5, -5))) + wait(9),
        "ooo": seg(ACK, seq=4, length=255) + seg(ACK, seq=8, length=100) + text + wait(7),
        "window": program(2) + seg(ACK, wnd=0) + wait(10) + seg(ACK, wnd=1) + seg(ACK, wnd=60000),
        "options": seg(ACK, opts=bytes([2 | 3 << 2]) + bytes([8, 0, 5, 1, 2, 2, 3, 3, 14, 34, 2, 0])),
        "urgent": seg(ACK | URG, length=10, urg=65535) + seg(URG | ACK, urg=0) + text,
        "icmp": program(2) + icmp(3, 4, 300) + icmp(3, 3) + icmp(2, 0, 1280) + icmp(1, 4) + wait(9),
        "close": program(3) + seg(ACK) + program(6) + wait(14) + seg(FIN | ACK),
        "abort": text + program(7) + text,
    }


def reass_seeds():
    def frag(how, off, length):
        return bytes([how]) + off.to_bytes(2, "big") + bytes([length])

    out = {}
    for v6 in (0, 1):
        a = 0x80 | v6
        out[f"whole{4 + 2 * v6}"] = frag(a, 1, 100) + frag(a, 800 | 1, 100) + frag(a, 1600, 10)
        out[f"backwards{4 + 2 * v6}"] = frag(a, 1600, 10) + frag(a, 800 | 1, 100) + frag(a, 1, 100)
        out[f"overlap{4 + 2 * v6}"] = frag(a, 1, 100) + frag(a, 400 | 1, 100) + frag(a, 1200, 10)
        out[f"long{4 + 2 * v6}"] = frag(a, 0xFFF8, 200) + frag(a, 0xFFF9, 200) + b"\xf7"
        out[f"odd{4 + 2 * v6}"] = frag(v6, 1, 7) + frag(v6, 0, 3) + frag(0x40 | v6, 9, 64) + b"\x77"
    return out


def neigh_seeds():
    own, zero, peer, other = 0, 1, 4, 0x2D
    return {
        "arp": bytes([0, 1, 3, other, 3, own]) + bytes([0, 2, 3, other, 0, own]),
        "arp_ours": bytes([0, 2, 7, own, 7, own]) + bytes([0, 1, 1, own, 1, own]),
        "ping": bytes([2, 0, other, own, 0x43, 2, 1, other, own, 0x93]),
        "ns": bytes([4, 2, other, 2, own, 8]) + bytes([1, 1, 2, 0, 0, 0, 0, 9]),
        "na": bytes([4, 3, peer, own, peer, 0x68]) + bytes([2, 1, 2, 0, 0, 0, 0, 9]),
        "na_ours": bytes([4, 3, other, 3, own, 0x28]) + bytes([2, 1, 2, 0, 0, 0, 0, 9]) + b"\x73",
        "dad": bytes([4, 2, zero, 2, own, 0]),
        "ra": bytes([4, 1, other, 3, 0, 32, 7, 8]) + bytes([3, 4, 64, 0xC0] + [0, 0, 1, 0] * 2 + [0] * 20),
        "redirect": bytes([4, 4, other, own, peer, 8]) + bytes([2, 1, 2, 0, 0, 0, 0, 9]),
        "zero_option": bytes([4, 2, other, 2, own, 8]) + bytes(8),
    }


def host_seeds():
    def wait(k):
        return bytes([6 | k << 4])

    # A router (lifetime of 1800 s), prefix 2001:db8:0:k, both flags, valid and preferred by their numbers.
    def advert(router, times, far=0x10, hops=64, life=3):
        return bytes([0, life, router, hops, 0xC4, times, far])

    def query(v6, what, group, time=10, more=b""):
        return bytes([3, v6, what, group]) + (time.to_bytes(2, "big") if v6 else bytes([time])) + more

    def listen(slot, group, exclude=1, n=0):
        return bytes([5, slot | exclude << 3 | n << 4, group])

    def leave(slot):
        return bytes([5, 0x80 | slot, 0])

    two = bytes([2, 1, 3])  # robustness, two sources
    return {
        "advert": advert(0, 0x46) + wait(5) + wait(12) + advert(0, 0x11) + wait(15),
        "routers": b"".join(advert(i, 0x66, far=i << 4) for i in range(8)) + advert(3, 0x66, life=0) + wait(8),
        "end": advert(0, 0x77) + wait(5) + advert(0, 0x00, life=0) + wait(9),
        "mtu": bytes([0, 3, 0, 64, 5, 0x05, 0x78]) + bytes([0, 3, 0, 1, 5, 0, 68]) + wait(2),
        "configured": bytes([7, 0x11]) + advert(0, 0x66) + advert(0, 0) + bytes([7, 0x11]) + wait(3),
        "configured_too": advert(0, 0x66, far=0x80) + wait(5) + advert(0, 0x00, far=0x80) + wait(3),
        "redirect": advert(0, 0x66) + bytes([1, 0, 0x21, 5]) + bytes([1, 0x45, 0x21, 5]) + wait(12),
        "claims": advert(0, 0x66) + bytes([2, 0x11, 30]) + wait(4) + bytes([2, 0x18, 4]) +
                  bytes([2, 0x1B, 30]) + wait(6),
        "off": advert(0, 0x66) + bytes([7, 0x0F]) + wait(4) + bytes([7, 0x1F]) + wait(5),
        "join4": listen(0, 1) + wait(5) + query(0, 0, 1) + wait(5) + leave(0) + wait(5),
        "join6": listen(0, 5) + wait(5) + query(1, 0, 1, 1000) + wait(5) + leave(0) + wait(5),
        "sources": listen(0, 1, 0, 3) + listen(1, 1, 1, 2) + query(0, 0x24, 1, 10, two) + leave(0) + wait(9),
        "older": listen(0, 1) + listen(1, 5) + query(0, 2, 1, 0) + query(1, 2, 1, 500) + wait(3) +
                 query(0, 1, 1) + query(1, 1, 1) + leave(0) + leave(1) + wait(13),
        "left": listen(0, 5) + query(1, 0x24, 1, 30000, two) + leave(0) + wait(4),
    }


def main():
    corpus = pathlib.Path(__file__).parent / "corpus"
    rows = [(f"stack_{s}", {f"{n}{4 + 2 * v6}": bytes([v6 | 16 * 0]) + d for n, d in tcp_seeds().items()
                            for v6 in (0, 1)}) for s in STATES]
    rows += [("stack_reass", reass_seeds()), ("stack_neigh", neigh_seeds()), 
             ("stack_host", {n: b"\1" + d for n, d in host_seeds().items()})]
    for target, seeds in rows:
        folder = corpus / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds.items():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
