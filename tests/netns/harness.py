# SPDX-License-Identifier: BSD-2-Clause
"""What a case gets to work with, and the list of cases."""
import socket

from topology import FAMILIES
from traffic import Task

CASES = {}


class Failure(Exception):
    """Something did not hold."""


class Case:
    """A function, its topology and its time limit; one test for each family."""

    def __init__(self, fn, name, timeout, full, proxy, topo, sockets, ping, only):
        self.fn, self.name, self.timeout, self.full, self.only = fn, name, timeout, full, only
        self.proxy, self.topo, self.sockets, self.ping = proxy, topo, sockets, ping


def case(name, timeout=30, full=False, proxy=None, sockets=None, ping=True, only=None, **topo):
    """Register a case. full: only with --full. proxy: configuration keys. ping: no ping may be lost.
    only: what the other stack cannot do."""
    def register(fn):
        CASES[name] = Case(fn, name, timeout, full, proxy or {}, topo, sockets, ping, only)
        return fn
    return register


def require(condition, text):
    if not condition:
        raise Failure(text)


def equal(what, got, want):
    require(got == want, f"{what}: got {got}, want {want}")


class Env:
    """The running set-up, seen by one case."""

    PORT = 5001

    def __init__(self, topo, box, family, full):
        self.topo, self.box, self.family, self.full = topo, box, family, full
        self.socks, self.expected, self.note = [], {}, ""
        self.harms = ()  # what the bad wires must have done
        self.stopped = None  # (exit status, statistics) when the case itself ended the proxy

    def expect(self, **counters):
        """What the proxy's statistics must say at the end."""
        for key, value in counters.items():
            self.expected[key] = self.expected.get(key, 0) + value

    def keep(self, sock, timeout=30):
        sock.settimeout(timeout)
        self.socks.append(sock)
        return sock

    def listen(self, port=PORT, rcvbuf=0, backlog=512):
        """A listening socket of the server."""
        with self.topo.server:
            s = socket.socket(FAMILIES[self.family], socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if rcvbuf:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        s.bind((self.topo.server_ip[self.family], port))
        s.listen(backlog)
        return self.keep(s)

    def connect(self, port=PORT, rcvbuf=0, address=None, timeout=30):
        """A connection of the client's to the server (who need not be there)."""
        with self.topo.client:
            s = socket.socket(FAMILIES[self.family], socket.SOCK_STREAM)
        if rcvbuf:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.keep(s, timeout)
        s.connect((address or self.topo.server_ip[self.family], port))
        return s

    def accept(self, listener):
        s, _ = listener.accept()
        return self.keep(s)

    def pair(self, listener, rcvbuf=0):
        """Connect and accept; either side must see the other's own address."""
        client = self.connect(listener.getsockname()[1], rcvbuf)
        server = self.accept(listener)
        self.check_addresses(client, server)
        return client, server

    def check_addresses(self, client, server):
        equal("client's address at the server", server.getpeername()[:2], client.getsockname()[:2])
        equal("client's address", client.getsockname()[0], self.topo.client_ip[self.family])
        equal("server's address at the client", client.getpeername()[:2], server.getsockname()[:2])

    def close(self):
        for s in self.socks:
            s.close()
        self.socks.clear()

    @staticmethod
    def spawn(fn, *args, **kw):
        return Task(fn, *args, **kw)
