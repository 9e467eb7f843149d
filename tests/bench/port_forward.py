#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Measure bench_port_forward between two kernel TCP ends (iperf3), or over memif without a kernel.

    port_forward.py BENCH [--ports tap,af_packet,memif] [--offload on,off] [--flows 1,10]
                    [--sizes 64,1514] [--seconds N] [--json]

    namespace lpa-PID                                       namespace lpb-PID
    iperf3 -c    <-- TAP, or a veth pair --> bench <-- TAP, or a veth pair -->   iperf3 -s
    198.18.0.1                                              198.18.0.2
    processor 0                             processor 1     processor 0

Needs root. Namespaces and processes are gone when it ends.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

ENDS = ("a", "b")


def sh(*args):
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL)


class Bed:
    """Two namespaces for the ends, one for our side of the veth pairs."""

    def __init__(self):
        self.pid = os.getpid()
        self.ns = {e: f"lp{e}-{self.pid}" for e in ENDS + ("f",)}
        self.made = []

    def __enter__(self):
        for ns in self.ns.values():
            sh("ip", "netns", "add", ns)
            self.made.append(ns)
            sh("ip", "-n", ns, "link", "set", "lo", "up")
        return self

    def __exit__(self, *exc):
        for ns in self.made:
            subprocess.run(("ip", "netns", "del", ns), check=False)

    def veth(self, end, offload):
        ours, theirs = f"p{end}", f"k{end}"
        sh("ip", "link", "add", ours, "netns", self.ns["f"], "type", "veth", "peer", "name", theirs,
           "netns", self.ns[end])
        sh("ip", "-n", self.ns["f"], "link", "set", ours, "up")
        if not offload:
            for ns, dev in ((self.ns["f"], ours), (self.ns[end], theirs)):
                sh("ip", "netns", "exec", ns, "ethtool", "-K", dev, "tx", "off", "tso", "off",
                   "gso", "off", "gro", "off")

    def address(self, end):
        ns, dev = self.ns[end], f"k{end}"
        host = ENDS.index(end) + 1
        sh("ip", "-n", ns, "link", "set", dev, "up")
        sh("ip", "-n", ns, "addr", "add", f"198.18.0.{host}/24", "dev", dev)


def specs(kind, bed, offload):
    if kind == "tap":
        return [f"tap:k{e},netns={bed.ns[e]}" for e in ENDS]
    for e in ENDS:
        bed.veth(e, offload)
    if kind == "kernel":
        return None
    if kind == "pmd":
        return [f"dpdk:net_af_packet{e},iface=p{e}" for e in ENDS]
    return [f"af_packet:p{e},netns={bed.ns['f']}" for e in ENDS]


def start_bench(bench, spec, offload, extra=(), cpu=1):
    args = [bench, "--cpu", str(cpu)] + list(extra)
    for name, s in zip(ENDS, spec):
        args += [f"--{name}", s]
    if not offload:
        args.append("--no-offload")
    p = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in p.stderr:
        if line.strip() == "ready":
            return p
        print(line, end="", file=sys.stderr)
    raise SystemExit("bench did not start")


def stop_bench(p):
    p.send_signal(signal.SIGINT)
    out, _ = p.communicate(timeout=20)
    res = json.loads(out)
    if p.returncode != 0 or res["buffers_missing"]:
        raise SystemExit(f"bench failed: {out}")
    return res


def iperf(bed, flows, seconds):
    srv = subprocess.Popen(("ip", "netns", "exec", bed.ns["b"], "taskset", "-c", "0", "iperf3", "-s",
                            "-1"), stdout=subprocess.DEVNULL)
    time.sleep(0.5)
    # Not BBR, should that be the default: it takes the delays of a busy machine for a slow path.
    cmd = ["ip", "netns", "exec", bed.ns["a"], "taskset", "-c", "0", "iperf3", "-c", "198.18.0.2",
           "-t", str(seconds), "-P", str(flows), "-J", "-C", "cubic"]
    out = subprocess.run(cmd, capture_output=True, text=True, timeout=seconds + 30)
    srv.wait(timeout=10)
    res = json.loads(out.stdout)
    if "error" in res:
        raise SystemExit(res["error"])
    return res["end"]["sum_received"]["bits_per_second"] / 1e9, res["end"]["sum_sent"]["retransmits"]


def kernel_bridge(bed):
    ns = bed.ns["f"]
    sh("ip", "-n", ns, "link", "add", "br0", "type", "bridge")
    sh("ip", "-n", ns, "link", "set", "br0", "up")
    for e in ENDS:
        sh("ip", "-n", ns, "link", "set", f"p{e}", "master", "br0")


def run_tcp(opt, kind, offload, flows):
    with Bed() as bed:
        spec = specs(kind, bed, offload)
        p = None
        if spec:
            p = start_bench(opt.bench, spec, offload)
        else:
            kernel_bridge(bed)
        try:
            for e in ENDS:
                bed.address(e)
            time.sleep(0.3)
            gbps, retrans = iperf(bed, flows, opt.seconds)
        except BaseException:
            if p:
                p.kill()
            raise
        res = stop_bench(p) if p else {}
    row = {"port": kind, "offload": offload, "flows": flows, "gbps": round(gbps, 2),
           "retransmits": retrans}
    if res:
        row["cpu_share"] = round(res["cpu_s"] / res["wall_s"], 2)
        row["counters"] = {e: res[e] for e in ENDS}
    return row


def run_memif(opt, size, flood):
    """Generator on processor 0, echo on processor 1."""
    with tempfile.TemporaryDirectory() as tmp:
        dev = f"dpdk:net_memif0,socket={tmp}/s,socket-abstract=no,bsize=1920,role="
        echo = start_bench(opt.bench, [dev + "server"], True, ["--echo"], cpu=1)
        gen = start_bench(opt.bench, [dev + "client"], True,
                          ["--generate", str(size)] + (["--flood"] if flood else []), cpu=0)
        time.sleep(opt.seconds)
        res = stop_bench(gen)
        stop_bench(echo)
    return {"port": "memif", "bytes": size, "flood": flood, "mpps": res["mpps_back"],
            "gbps": res["gbps_back"], "lost": round(1 - res["a"]["rx_frames"] / max(1, res["a"]["tx_frames"]), 3)}


def print_row(row, as_json):
    if as_json:
        print(json.dumps(row), flush=True)
    elif row["port"] == "memif":
        print(f"memif      {row['bytes']:5} bytes {'flood' if row['flood'] else '256 under way':13} "
              f"{row['mpps']:6.2f} Mpps  {row['gbps']:6.2f} Gbit/s  lost {row['lost']:.1%}", flush=True)
    else:
        print(f"{row['port']:10} offload {'on' if row['offload'] else 'off':3} {row['flows']:3} flows  "
              f"{row['gbps']:6.2f} Gbit/s  {row['retransmits']:6} retransmits  "
              f"bench cpu {row.get('cpu_share', 0):.2f}", flush=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("bench")
    ap.add_argument("--ports", default="tap,af_packet,memif",
                    help="of tap, af_packet, pmd (DPDK's af_packet), kernel (a bridge), memif")
    ap.add_argument("--offload", default="on,off")
    ap.add_argument("--flows", default="1,10")
    ap.add_argument("--sizes", default="64,1514")
    ap.add_argument("--seconds", type=int, default=5)
    ap.add_argument("--json", action="store_true")
    opt = ap.parse_args()
    for kind in opt.ports.split(","):
        if kind == "memif":
            for size in opt.sizes.split(","):
                for flood in (False, True):
                    print_row(run_memif(opt, int(size), flood), opt.json)
            continue
        for offload in opt.offload.split(","):
            for flows in opt.flows.split(","):
                print_row(run_tcp(opt, kind, offload == "on", int(flows)), opt.json)


if __name__ == "__main__":
    main()
