# SPDX-License-Identifier: BSD-2-Clause
"""Network namespaces for the end-to-end tests, the demo and the bench.

      client                    box (the proxy)               server
    +--------+               +-------------------+          +--------+
    |     c0 |---------------| in0          out0 |----------| s0     |
    +--------+               +-------------------+          +--------+
    10.1.0.2/24     10.1.0.1/24         10.2.0.1/24        10.2.0.2/24
    fd00:1::2/64    fd00:1::1/64        fd00:2::1/64       fd00:2::2/64

With a bad wire (wire="..."), a namespace with the wire program stands in each of the two links:

    client c0 --- w0 [wire] w1 --- in0 box out0 --- w0 [wire] w1 --- s0 server

With a narrow path (path_mtu=N), two routers stand before the server, and only the link between
them is narrow, so that neither end can tell from its own interface:

    box out0 --- a0 router1 a1 ---N--- b0 router2 b1 --- s0 server
    10.2.0.1   10.2.0.254  10.3.0.1  10.3.0.2  10.4.0.1  10.4.0.2     (fd00:2:: 3:: 4:: alike)

All links are made inside the namespaces: when these are deleted nothing is left. The names carry the
process id, so that runs can be side by side.
"""
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time

CLONE_NEWNET = 0x40000000
FAMILIES = {"v4": socket.AF_INET, "v6": socket.AF_INET6}

_libc = ctypes.CDLL(None, use_errno=True)
_home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
_entered = threading.local()


def sh(*argv, text=None, check=True, timeout=30):
    """Run a program to its end; return its output."""
    r = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=timeout)
    if check and r.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {(r.stderr or r.stdout).strip()}")
    return r.stdout


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Uninterrupted:
    """Cleaning up is not to be cut short by a second Ctrl-C."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)

    def __enter__(self):
        self.before = {s: signal.signal(s, signal.SIG_IGN) for s in self.SIGNALS}

    def __exit__(self, *exc):
        for s, handler in self.before.items():
            signal.signal(s, handler)


class Namespace:
    """A network namespace. "with ns:" moves this thread into it: sockets and sysctls are then its own."""

    def __init__(self, name):
        self.name = name
        self.procs = []
        sh("ip", "netns", "add", name)
        self.fd = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        self.ip("link set lo up")

    def __enter__(self):
        _setns(self.fd)
        return self

    def __exit__(self, *exc):
        _setns(_home)

    def ip(self, *lines):
        """Commands of ip(8), one per line, in one go."""
        sh("ip", "-n", self.name, "-batch", "-", text="\n".join(lines) + "\n")

    def run(self, *argv, **kw):
        return sh("ip", "netns", "exec", self.name, *argv, **kw)

    def popen(self, *argv, **kw):
        """Start a program here; it is killed with the namespace at the latest."""
        proc = subprocess.Popen(["ip", "netns", "exec", self.name, *argv], **kw)
        self.procs.append(proc)
        return proc

    def nft(self, rules):
        self.run("nft", "-f", "-", text=rules)

    def sysctl(self, key, value):
        with self, open("/proc/sys/" + key, "w", encoding="ascii") as f:
            f.write(str(value))

    def ethtool(self, dev, *args):
        self.run("ethtool", "-K", dev, *args)

    def delete(self):
        for proc in self.procs:
            if proc.poll() is None:
                proc.kill()
            proc.wait()
        self.end_programs()
        os.close(self.fd)
        sh("ip", "netns", "del", self.name, check=False)

    def end_programs(self):
        """What our programs have started and left (nginx's workers): nobody else is in this namespace."""
        for _ in range(50):
            found = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True, check=False)
            pids = [int(p) for p in found.stdout.split() if int(p) != os.getpid()]
            if not pids:
                return
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.02)


class Topology:
    """The namespaces and what is between them; see the drawings above."""

    def __init__(self, prefix, path_mtu=None, wire=None, offload=True, wire_program=None):
        self.path_mtu, self.wire, self.offload = path_mtu, wire, offload
        self.wire_program = wire_program
        self.wires = []
        self.prefix = f"{prefix}-{os.getpid()}"
        self.spaces = {}
        self.client_ip = {"v4": "10.1.0.2", "v6": "fd00:1::2"}
        self.server_ip = {"v4": "10.2.0.2", "v6": "fd00:2::2"}
        if path_mtu:
            self.server_ip = {"v4": "10.4.0.2", "v6": "fd00:4::2"}
        # The box's own addresses on its two sides.
        self.in_ip = {"v4": "10.1.0.1", "v6": "fd00:1::1"}
        self.out_ip = {"v4": "10.2.0.1", "v6": "fd00:2::1"}
        # The box's routes beyond its links: (destination, gateway).
        self.routes = []

    def add(self, name):
        # Made and known in one step: a Ctrl-C between the two would leave it behind.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, Uninterrupted.SIGNALS)
        try:
            self.spaces[name] = Namespace(f"{self.prefix}-{name}")
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self.spaces[name]

    def __getattr__(self, name):
        try:
            return self.__dict__["spaces"][name]
        except KeyError:
            raise AttributeError(name) from None

    def create(self):
        """All namespaces, and the links that do not touch the box."""
        for name in ("client", "box", "server"):
            self.add(name)
        self.in_link, self.out_link = (self.client, "c0"), (self.server, "s0")
        if self.wire is not None:
            self._create_wires()
        if self.path_mtu:
            self._create_routers()

    def _create_wires(self):
        for name, end, dev in (("wire1", self.client, "c0"), ("wire2", self.server, "s0")):
            ns = self.add(name)
            ns.ip(f"link add w0 type veth peer name {dev} netns {end.name}", "link set w0 up")
        self.in_link, self.out_link = (self.wire1, "w1"), (self.wire2, "w1")

    def _create_routers(self):
        r1, r2 = self.add("router1"), self.add("router2")
        r1.ip(f"link add a1 type veth peer name b0 netns {r2.name}", f"link set a1 mtu {self.path_mtu} up")
        r2.ip(f"link set b0 mtu {self.path_mtu} up",
              f"link add b1 type veth peer name s0 netns {self.server.name}", "link set b1 up")
        for r in (r1, r2):
            r.sysctl("net/ipv4/ip_forward", 1)
            r.sysctl("net/ipv6/conf/all/forwarding", 1)
        r1.ip("addr add 10.3.0.1/24 dev a1", "addr add fd00:3::1/64 dev a1 nodad",
              "route add 10.4.0.0/24 via 10.3.0.2", "route add fd00:4::/64 via fd00:3::2")
        r2.ip("addr add 10.3.0.2/24 dev b0", "addr add fd00:3::2/64 dev b0 nodad",
              "addr add 10.4.0.1/24 dev b1", "addr add fd00:4::1/64 dev b1 nodad",
              "route add default via 10.3.0.1", "route add default via fd00:3::1")
        self.out_link = (r1, "a0")
        self.routes = [("0.0.0.0/0", "10.2.0.254"), ("::/0", "fd00:2::fe")]

    def configure(self):
        """Addresses and routes of the ends; their links to the box exist by now."""
        gateway = {"v4": self.out_ip["v4"], "v6": self.out_ip["v6"]}
        if self.path_mtu:
            gateway = {"v4": "10.4.0.1", "v6": "fd00:4::1"}
            self.router1.ip("addr add 10.2.0.254/24 dev a0", "addr add fd00:2::fe/64 dev a0 nodad",
                            "link set a0 up", "route add default via 10.2.0.1",
                            "route add default via fd00:2::1")
            patient(self.router1, "a0")
        for ns, dev, own, gw in ((self.client, "c0", self.client_ip, self.in_ip),
                                 (self.server, "s0", self.server_ip, gateway)):
            ns.ip(f"addr add {own['v4']}/24 dev {dev}", f"addr add {own['v6']}/64 dev {dev} nodad",
                  f"link set {dev} up", f"route add default via {gw['v4']}", f"route add default via {gw['v6']}")
            patient(ns, dev)
            if not self.offload:
                plain(ns, dev)
        for i, ns in enumerate(self.spaces[n] for n in ("wire1", "wire2") if n in self.spaces):
            ns.ip("link set w1 up")
            self._start_wire(ns, i + 1)

    def _start_wire(self, ns, seed):
        for dev in ("w0", "w1"):
            plain(ns, dev)
        self.wires.append(ns.popen(self.wire_program, "w0", "w1", "--seed", str(seed), *self.wire.split(),
                                   stdout=subprocess.PIPE, text=True))

    def stop_wires(self):
        """End the wire programs; return what each one did to the frames."""
        out = []
        for proc in self.wires:
            proc.terminate()
            out.append(proc.communicate(timeout=10)[0].strip())
        return out

    def delete(self):
        """Always works, however far create() came."""
        for name, ns in reversed(list(self.spaces.items())):
            try:
                ns.delete()
            except (OSError, subprocess.SubprocessError) as e:
                print(f"cannot remove namespace {ns.name}: {e}", file=sys.stderr)
            del self.spaces[name]


def patient(ns, dev):
    """Resolve neighbours so that a test can count what is lost elsewhere."""
    for v in ("ipv4", "ipv6"):
        # The first question on a new link is often lost; do not wait a second for the next one.
        ns.sysctl(f"net/{v}/neigh/{dev}/retrans_time_ms", 100)
        # Bulk data that waits for the answer must not push a waiting ping out.
        ns.sysctl(f"net/{v}/neigh/{dev}/unres_qlen_bytes", 64 << 20)


def plain(ns, dev):
    """MTU-sized frames with complete checksums, as on a wire."""
    ns.ethtool(dev, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
