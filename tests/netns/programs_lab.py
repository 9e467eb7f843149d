# SPDX-License-Identifier: BSD-2-Clause
"""Where unmodified programs meet: one side on Leat, the other one on the kernel.

      leat                                peer (all on the kernel)
    +----------------------+            +------------------------+
    |  program on Leat  l0 |------------| p0                     |
    |                   l1 |------------| p1                     |
    +----------------------+            +------------------------+
      10.9.0.1/24, fd09::1/64             10.9.0.2, fd09::2
      10.9.1.1/24, fd09:1::1/64           10.9.1.2, fd09:1::2

The kernel of "leat" has no address on these links: what works across them works on Leat.
"""
import hashlib
import json
import os
import socket
import subprocess
import time

from harness import Failure
from topology import FAMILIES, Topology, Uninterrupted, patient

LEAT_IP = [{"v4": "10.9.0.1", "v6": "fd09::1"}, {"v4": "10.9.1.1", "v6": "fd09:1::1"}]
PEER_IP = [{"v4": "10.9.0.2", "v6": "fd09::2"}, {"v4": "10.9.1.2", "v6": "fd09:1::2"}]
# What the library says when a program's sockets are not Leat's.
FALLBACK = "its sockets are the kernel's"


def bracketed(ip):
    return f"[{ip}]" if ":" in ip else ip


class Program:
    """A started program; its output goes to a file."""

    def __init__(self, lab, name, proc, path, killed):
        self.lab, self.name, self.proc, self.path = lab, name, proc, path
        self.killed = killed  # it ends by our signal, whatever status that gives

    def text(self):
        with open(self.path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def tail(self):
        return "\n".join(f"  {self.name}: {x}" for x in self.text().splitlines()[-12:])

    def wait(self, timeout=60, status=0):
        """Let it end by itself; return its output."""
        try:
            got = self.proc.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} does not end within {timeout} s") from None
        if got != status:
            raise Failure(f"{self.name} ended with status {got}")
        return self.text()

    def stop(self, timeout=15):
        """SIGTERM, and it must end soon."""
        if self.proc.poll() is not None:
            raise Failure(f"{self.name} has ended with status {self.proc.returncode}")
        self.proc.terminate()
        try:
            return self.proc.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} does not end within {timeout} s of SIGTERM") from None


class Lab:
    """The two namespaces, and what runs in them."""

    def __init__(self, build, tmp, family):
        self.build, self.tmp, self.family = build, tmp, family
        self.topo = Topology("leat-prog")
        self.programs = []
        self.note = ""
        self.fallback = False  # a program of this case is left to the kernel, and says so
        self.leat_ip, self.peer_ip = LEAT_IP[0][family], PEER_IP[0][family]

    def create(self):
        self.leat, self.peer = self.topo.add("leat"), self.topo.add("peer")
        for i in range(2):
            self.leat.ip(f"link add l{i} type veth peer name p{i} netns {self.peer.name}",
                         f"link set l{i} addrgenmode none arp off")
            self.leat.sysctl(f"net/ipv6/conf/l{i}/disable_ipv6", 1)
            self.leat.ip(f"link set l{i} up")
            self.peer.ip(f"addr add {PEER_IP[i]['v4']}/24 dev p{i}", f"addr add {PEER_IP[i]['v6']}/64 dev p{i} nodad",
                         f"link set p{i} up")
            patient(self.peer, f"p{i}")

    def delete(self):
        with Uninterrupted():
            for p in self.programs:
                if p.proc.poll() is None:
                    p.proc.kill()
                p.proc.wait()
            self.topo.delete()

    # ---- files ----

    def path(self, *names):
        return os.path.join(self.tmp, *names)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def random_file(self, name, size):
        """Returns its SHA-256."""
        data = os.urandom(size)
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as f:
            f.write(data)
        return hashlib.sha256(data).hexdigest()

    def sha256(self, name):
        with open(self.path(name), "rb") as f:
            return hashlib.sha256(f.read()).hexdigest()

    def config(self, ports=1, **keys):
        conf = {"ports": [{"name": f"l{i}", "device": f"af_packet:l{i}",
                           "addresses": [f"{LEAT_IP[i]['v4']}/24", f"{LEAT_IP[i]['v6']}/64"]} for i in range(ports)],
                "buffers_small": 8192, "buffers_big": 1024}
        conf.update(keys)
        # JSON is YAML.
        return self.write("leat.yaml", json.dumps(conf, indent=1))

    # ---- programs ----

    def _start(self, ns, name, argv, killed):
        path = self.path(f"{name}.{len(self.programs)}.out")
        with open(path, "wb") as out:
            proc = ns.popen(*argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=self.tmp)
        self.programs.append(Program(self, name, proc, path, killed))
        return self.programs[-1]

    def leat_command(self, *argv, ports=1, **keys):
        return [os.path.join(self.build, "tools/leat/leat"), "exec", "-c", self.config(ports, **keys), "--", *argv]

    def on_leat(self, *argv, ports=1, **keys):
        """Start a program on Leat."""
        return self._start(self.leat, os.path.basename(argv[0]), self.leat_command(*argv, ports=ports, **keys), True)

    def on_peer(self, *argv):
        """Start a program on the other side."""
        return self._start(self.peer, os.path.basename(argv[0]) + "-peer", argv, True)

    def run_on_leat(self, *argv, timeout=60, **keys):
        return self.on_leat(*argv, **keys).wait(timeout)

    def run_on_peer(self, *argv, timeout=60):
        return self.on_peer(*argv).wait(timeout)

    def until(self, what, fn, timeout=20):
        end = time.monotonic() + timeout
        while True:
            try:
                if fn():
                    return
            except (Failure, OSError):
                pass
            for p in self.programs:
                if p.proc.poll() not in (None, 0) and not p.killed:
                    raise Failure(f"{what}: {p.name} has ended with status {p.proc.returncode}")
            if time.monotonic() > end:
                raise Failure(f"{what}: not within {timeout} s")
            time.sleep(0.1)

    def peer_socket(self):
        with self.peer:
            return socket.socket(FAMILIES[self.family])

    def listen_on_peer(self, port):
        s = self.peer_socket()
        s.settimeout(30)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((self.peer_ip, port))
        s.listen(16)
        return s

    def connect_from_peer(self, port, ip=None, timeout=2):
        s = self.peer_socket()
        s.settimeout(timeout)
        try:
            s.connect((ip or self.leat_ip, port))
        except OSError:
            s.close()
            raise
        return s

    def wait_for_port(self, port, ip=None):
        """Until a program on Leat accepts connections."""
        def there():
            self.connect_from_peer(port, ip).close()
            return True
        self.until(f"port {port} on Leat", there)

    def wait_for_stack(self):
        """Until a program on Leat answers pings: its first wait runs the stack. For programs that a connection
        without a word confuses."""
        def answers():
            return "1 received" in self.peer.run("ping", "-c1", "-W1", self.leat_ip, check=False)
        self.until("an answer to a ping", answers)

    def wait_for_peer_port(self, port):
        def there():
            text = self.peer.run("ss", "-Hltn", "sport", "=", f":{port}")
            return bool(text.strip())
        self.until(f"port {port} of the peer", there)

    def check_end(self):
        """No program has said that it was left to the kernel, nor that something broke."""
        for p in self.programs:
            text = p.text()
            if FALLBACK in text and not self.fallback:
                raise Failure(f"{p.name} is not on Leat: {[x for x in text.splitlines() if FALLBACK in x][0]}")

    def tails(self):
        return "\n".join(p.tail() for p in self.programs)
