# SPDX-License-Identifier: BSD-2-Clause
"""Ping the proxy box all the time, over both families from both sides, and make the neighbours be asked
for again every second. A ping that is never answered is a loss, however busy the box is."""
import os
import select
import socket
import struct
import threading
import time

from topology import FAMILIES

INTERVAL = 0.1
GRACE = 3.0
READY = 15.0


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def echo_request(family, ident, seq):
    """The kernel fills in the ICMPv6 checksum; the ICMP one is ours."""
    payload = b"leat end-to-end test"
    if family == "v6":
        return struct.pack("!BBHHH", 128, 0, 0, ident, seq) + payload
    head = struct.pack("!BBHHH", 8, 0, 0, ident, seq)
    return struct.pack("!BBHHH", 8, 0, checksum(head + payload), ident, seq) + payload


class Target:
    """One address that is pinged from one namespace."""

    def __init__(self, ns, family, address, ident):
        self.family, self.address, self.ident = family, address, ident
        self.where = f"{address} from {ns.name.rsplit('-', 1)[1]}"
        self.sent, self.answered, self.worst = {}, 0, 0.0
        proto = socket.IPPROTO_ICMPV6 if family == "v6" else socket.IPPROTO_ICMP
        with ns:
            self.sock = socket.socket(FAMILIES[family], socket.SOCK_RAW, proto)
        self.sock.setblocking(False)
        self.seq = 0

    def send(self):
        self.seq += 1
        try:
            self.sock.sendto(echo_request(self.family, self.ident, self.seq), (self.address, 0))
        except OSError:
            pass  # no neighbour: it counts as sent and is not answered
        self.sent[self.seq] = time.monotonic()

    def receive(self):
        while True:
            try:
                data = self.sock.recv(2048)
            except OSError:
                return
            if self.family == "v4":
                data = data[(data[0] & 15) * 4:]
            kind, _, _, ident, seq = struct.unpack("!BBHHH", data[:8])
            if kind == (129 if self.family == "v6" else 0) and ident == self.ident and seq in self.sent:
                self.worst = max(self.worst, time.monotonic() - self.sent.pop(seq))
                self.answered += 1


class Pinger:
    """Runs in a thread of its own from start() to stop()."""

    def __init__(self, topo):
        self.spaces = ((topo.client, "c0"), (topo.router1, "a0") if topo.path_mtu else (topo.server, "s0"))
        self.targets = []
        for ns, addresses in ((self.spaces[0][0], topo.in_ip), (self.spaces[1][0], topo.out_ip)):
            for family, address in addresses.items():
                ident = (os.getpid() + len(self.targets)) & 0xffff
                self.targets.append(Target(ns, family, address, ident))
        self._stop, self._grace = threading.Event(), GRACE
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        """Returns when each target has answered once; from then on every ping counts."""
        end = time.monotonic() + READY
        while silent := [t for t in self.targets if not t.answered]:
            if time.monotonic() > end:
                raise TimeoutError(f"no answer to pings from {', '.join(t.where for t in silent)}")
            for t in silent:
                t.send()
            self._listen(time.monotonic() + 0.03)
        for t in self.targets:
            t.sent.clear()
        self._thread.start()

    def _flush(self):
        for ns, dev in self.spaces:
            try:
                ns.ip(f"neigh flush dev {dev}")
            except RuntimeError:
                pass  # the namespace may be on its way out

    def _listen(self, until):
        socks = {t.sock: t for t in self.targets}
        while (left := until - time.monotonic()) > 0:
            for sock in select.select(list(socks), [], [], left)[0]:
                socks[sock].receive()

    def _run(self):
        rounds = 0
        while not self._stop.is_set():
            if rounds % 10 == 9:
                self._flush()
            for t in self.targets:
                t.send()
            self._listen(time.monotonic() + INTERVAL)
            rounds += 1
        end = time.monotonic() + self._grace
        while time.monotonic() < end and any(t.sent for t in self.targets):
            self._listen(time.monotonic() + 0.02)

    def stop(self, grace=GRACE):
        """Waits so long for answers that are still out. Returns (answered, lost, worst answer time in seconds, what was lost)."""
        self._grace = grace
        self._stop.set()
        self._thread.join(GRACE + 5)
        for t in self.targets:
            t.sock.close()
        lost = [f"{len(t.sent)} of {t.seq} to {t.where}" for t in self.targets if t.sent]
        return (sum(t.answered for t in self.targets), sum(len(t.sent) for t in self.targets),
                max(t.worst for t in self.targets), lost)
