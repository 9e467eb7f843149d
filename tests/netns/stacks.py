# SPDX-License-Identifier: BSD-2-Clause
"""The box with the proxy, on either stack. Everything else is the same for both."""
import json
import os
import signal
import subprocess
import time

from topology import plain

# nftables takes the connections, policy routing brings the packets to the local sockets. ICMP errors about the
# upstream connections are addressed to the clients: they too must reach our sockets, or path MTU discovery fails.
TPROXY = """
table inet leat {
    chain prerouting {
        type filter hook prerouting priority mangle; policy accept;
        meta l4proto { tcp, icmp, icmpv6 } socket transparent 1 socket wildcard 0 meta mark set 1 accept
        iifname "in0" fib daddr type local accept
        iifname "in0" meta nfproto ipv4 meta l4proto tcp tproxy ip to :8080 meta mark set 1 accept
        iifname "in0" meta nfproto ipv6 meta l4proto tcp tproxy ip6 to :8080 meta mark set 1 accept
    }
}
"""


class Box:
    """The proxy box. Options are configuration keys of leat-proxy; sockets limits its descriptors."""

    program = None

    def __init__(self, topo, build, tmp, options=None, sockets=None, wrap=()):
        self.topo, self.build, self.tmp = topo, build, tmp
        self.options = dict(options or {})
        self.sockets = sockets
        self.wrap = list(wrap)
        self.proc = None
        self.log_path = os.path.join(tmp, "proxy.log")
        self.out_path = os.path.join(tmp, "proxy.out")

    def attach(self):
        """Make the two links to the box."""
        raise NotImplementedError

    def start(self):
        """Have the proxy ready; attach() and the ends' configuration come before."""
        raise NotImplementedError

    def config(self):
        conf = {"listen": ["0.0.0.0:8080", "[::]:8080"], "statistics": "json", "log_level": "debug"}
        conf.update(self.options)
        return conf

    def launch(self, argv_prefix=()):
        path = os.path.join(self.tmp, "proxy.yaml")
        with open(path, "w", encoding="ascii") as f:
            json.dump(self.config(), f, indent=1)  # JSON is YAML
        argv = [*self.wrap, *argv_prefix, os.path.join(self.build, "apps/proxy", self.program), "-c", path]
        with open(self.log_path, "w", encoding="ascii") as log, open(self.out_path, "w", encoding="ascii") as out:
            self.proc = self.topo.box.popen(*argv, stdout=out, stderr=log)
        self.wait_log(": ready", 20)

    def wait_log(self, what, timeout):
        end = time.monotonic() + timeout
        while what not in self.log():
            if self.proc.poll() is not None:
                raise RuntimeError(f"{self.program} ended with status {self.proc.returncode}")
            if time.monotonic() > end:
                raise RuntimeError(f"no \"{what}\" in the proxy's log after {timeout} s")
            time.sleep(0.02)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def reports(self):
        """The statistics printed so far, one dictionary for each."""
        with open(self.out_path, encoding="utf-8") as f:
            return [json.loads(line) for line in f if line.startswith("{") and line.endswith("}\n")]

    def report(self, timeout=5):
        """Ask for statistics now."""
        have, end = len(self.reports()), time.monotonic() + timeout
        self.proc.send_signal(signal.SIGUSR1)
        while len(self.reports()) == have:
            if time.monotonic() > end:
                raise RuntimeError("no statistics on SIGUSR1")
            time.sleep(0.02)
        return self.reports()[-1]

    def stop(self, timeout=40):
        """End the proxy; return (exit status, last statistics)."""
        if self.proc.poll() is None:
            self.proc.terminate()
        status = self.proc.wait(timeout)
        reports = self.reports()
        return status, reports[-1] if reports else None

    def waited(self):
        """Seconds that the proxy was ready to run while others had the processor."""
        try:
            with open(f"/proc/{self.proc.pid}/schedstat", encoding="ascii") as f:
                return int(f.read().split()[1]) / 1e9
        except (OSError, IndexError, ValueError):
            return 0.0

    def kill(self):
        if not self.proc or self.proc.poll() is not None:
            return
        # Killed while it starts it would leave DPDK's folder behind. The second signal stops it at once.
        for _ in range(20):
            self.proc.terminate()
            try:
                self.proc.wait(0.5)
                return
            except subprocess.TimeoutExpired:
                pass
        self.proc.kill()
        self.proc.wait()

    def check(self, stats):
        """What must hold at the end of any run. Returns the list of what does not."""
        bad = [f"{k} is {stats[k]}" for k in ("open", "buffers") if stats[k] != 0]
        ended = ("over_client_limit", "loops", "finished", "client_resets", "server_resets", "client_lost",
                 "server_lost", "connect_refused", "connect_unreachable", "connect_timeouts", "connect_errors",
                 "idle_timeouts", "half_close_timeouts", "forced")
        total = sum(stats[k] for k in ended)
        if total != stats["accepted"]:
            bad.append(f"{stats['accepted']} connections accepted, {total} ended")
        return bad


class LinuxBox(Box):
    """The kernel's sockets: forwarding, TPROXY, policy routing."""

    program = "leat-proxy-linux"

    def attach(self):
        box = self.topo.box
        for dev, (ns, peer) in (("in0", self.topo.in_link), ("out0", self.topo.out_link)):
            box.ip(f"link add {dev} type veth peer name {peer} netns {ns.name}")

    def start(self):
        box, topo = self.topo.box, self.topo
        box.sysctl("net/ipv4/ip_forward", 1)
        box.sysctl("net/ipv6/conf/all/forwarding", 1)
        for dev, own in (("in0", topo.in_ip), ("out0", topo.out_ip)):
            box.ip(f"addr add {own['v4']}/24 dev {dev}", f"addr add {own['v6']}/64 dev {dev} nodad",
                   f"link set {dev} up")
            if not topo.offload:
                plain(box, dev)
        self._routes()
        box.nft(TPROXY)
        prefix = ["prlimit", f"--nofile={self.sockets}"] if self.sockets else []
        self.launch(prefix)

    def _routes(self):
        box = self.topo.box
        if self.topo.routes:
            box.ip(*(f"route add {to} via {via}" for to, via in self.topo.routes))
        for family in ("-4", "-6"):
            box.run("ip", family, "rule", "add", "fwmark", "1", "lookup", "100")
            box.run("ip", family, "route", "add", "local", "default", "dev", "lo", "table", "100")


class LeatBox(Box):
    """Leat: the box's kernel has the interfaces (or not even these) and no address."""

    program = "leat-proxy"

    def __init__(self, *args, port="af_packet", **kw):
        super().__init__(*args, **kw)
        self.port = port

    def attach(self):
        if self.port == "tap":
            self.launch()
            return
        box = self.topo.box
        for dev, (ns, peer) in (("in0", self.topo.in_link), ("out0", self.topo.out_link)):
            box.ip(f"link add {dev} type veth peer name {peer} netns {ns.name}",
                   f"link set {dev} addrgenmode none arp off")
            box.sysctl(f"net/ipv6/conf/{dev}/disable_ipv6", 1)
            box.ip(f"link set {dev} up")
            if not self.topo.offload:
                plain(box, dev)

    def start(self):
        if self.port != "tap":
            self.launch()

    def device(self, dev):
        if self.port == "af_packet":
            return f"af_packet:{dev}"
        ns, peer = self.topo.in_link if dev == "in0" else self.topo.out_link
        return f"tap:{peer},netns={ns.name}"

    def config(self):
        conf = super().config()
        topo = self.topo
        conf["ports"] = [
            {"name": dev, "device": self.device(dev), "addresses": [f"{ip['v4']}/24", f"{ip['v6']}/64"],
             "offload": topo.offload}
            for dev, ip in (("in0", topo.in_ip), ("out0", topo.out_ip))]
        if topo.routes:
            conf["routes"] = [{"to": to, "via": via} for to, via in topo.routes]
        conf["intercept"] = [{"in": "in0"}]
        if self.sockets:
            conf["max_sockets"] = self.sockets
        return conf

    def check(self, stats):
        bad = super().check(stats)
        # A drop without a reason is a path that nobody thought of.
        bad += [f"{k} is {stats[k]}" for k in ("packet_buffers_missing", "drop.unspec") if stats[k] != 0]
        if stats["packet_buffers_free"] + stats["packet_buffers_held"] != stats["packet_buffers"]:
            bad.append("packet buffers: free and held do not make all")
        if ": every packet buffer is back" not in self.log():
            bad.append("the proxy did not say that every packet buffer is back")
        return bad


def make_box(stack, topo, build, tmp, port="af_packet", **kw):
    if stack == "leat":
        return LeatBox(topo, build, tmp, port=port, **kw)
    return LinuxBox(topo, build, tmp, **kw)
