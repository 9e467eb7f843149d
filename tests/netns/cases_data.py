# SPDX-License-Identifier: BSD-2-Clause
"""Cases about bytes: bulk, many, short, small, half-close, stalls, loss, reordering, narrow path."""
import hashlib
import json
import re
import socket
import time

from harness import case, equal, require
from traffic import fill, pattern, recv_all, recv_exactly, send_pattern

GB = 10**9
MB = 10**6


def transfer(env, source, sink, nbytes, seed=1, timeout=60):
    """All bytes one way, then the end of the stream."""
    start = time.monotonic()
    receiver = env.spawn(recv_all, sink)
    sender = env.spawn(send_pattern, source, nbytes, seed)
    sent = sender.result(timeout)
    source.shutdown(socket.SHUT_WR)
    got, digest = receiver.result(timeout)
    equal("bytes", got, nbytes)
    equal("SHA-256", digest, sent)
    return nbytes * 8 / (time.monotonic() - start) / 1e9


def both_ways(env, nbytes, timeout, up=True, down=True):
    """One connection; each way in turn, or not at all."""
    client, server = env.pair(env.listen())
    rates = []
    if up:
        rates.append(transfer(env, client, server, nbytes, 1, timeout))
    else:
        client.shutdown(socket.SHUT_WR)
    if down:
        rates.append(transfer(env, server, client, nbytes, 2, timeout))
    else:
        server.shutdown(socket.SHUT_WR)
    env.note = " and ".join(f"{r:.2f} Gbit/s" if r >= 0.1 else f"{r * 1000:.0f} Mbit/s" for r in rates)
    suffix = env.family
    env.expect(accepted=1, connected=1, finished=1,
               **{f"bytes_up_{suffix}": nbytes if up else 0, f"bytes_down_{suffix}": nbytes if down else 0})


@case("bulk", timeout=150)
def bulk(env):
    """1 GB each way, equal SHA-256."""
    both_ways(env, GB, 60)


@case("bulk-at-once", timeout=150)
def bulk_at_once(env):
    """Both directions of one connection at the same time."""
    nbytes = GB if env.full else GB // 5
    client, server = env.pair(env.listen())
    tasks = [env.spawn(transfer, env, client, server, nbytes, 1), env.spawn(transfer, env, server, client, nbytes, 2)]
    env.note = " and ".join(f"{t.result(120):.2f} Gbit/s" for t in tasks)
    env.expect(accepted=1, finished=1)


@case("plain-frames", timeout=90, offload=False)
def plain_frames(env):
    """MTU-sized frames with complete checksums only."""
    both_ways(env, GB if env.full else 100 * MB, 40)


@case("parallel-200", timeout=90)
def parallel(env):
    """200 connections at once; each gets its own bytes back."""
    count, size = 200, 400_000 if env.full else 100_000
    listener = env.listen()
    pairs = []
    for _ in range(count):
        client = env.connect()
        pairs.append((client, env.accept(listener)))
    # The order of accepting need not be that of connecting.
    servers = {s.getpeername()[:2]: s for _, s in pairs}
    equal("clients that the server sees", len(servers), count)
    tasks = []
    for i, (client, _) in enumerate(pairs):
        server = servers[client.getsockname()[:2]]
        env.check_addresses(client, server)
        tasks.append(env.spawn(transfer, env, client, server, size, i))
        tasks.append(env.spawn(transfer, env, server, client, size, i + count))
    for t in tasks:
        t.result(60)
    env.expect(accepted=count, finished=count, open_peak=count)


def serve_short(listener, count):
    """Answer each request; every other connection is closed by the server first."""
    for i in range(count):
        s, _ = listener.accept()
        s.settimeout(30)
        request = recv_exactly(s, 64)
        s.sendall(request[::-1])
        if i % 2:
            s.shutdown(socket.SHUT_WR)
        if s.recv(1):
            raise ValueError("more than was sent")
        s.close()


@case("short-5000", timeout=120)
def short(env):
    """5,000 connections one after the other."""
    count = 5000
    server = env.spawn(serve_short, env.listen(), count)
    start = time.monotonic()
    for i in range(count):
        c = env.connect()
        request = pattern(1)[i:i + 64]
        c.sendall(request)
        equal(f"answer {i}", recv_exactly(c, 64), request[::-1])
        if i % 2 == 0:
            c.shutdown(socket.SHUT_WR)
        equal(f"end of {i}", c.recv(1), b"")
        env.socks.remove(c)
        c.close()
    server.result(10)
    env.note = f"{count / (time.monotonic() - start):.0f} a second"
    env.expect(accepted=count, finished=count)


def echo(sock, count, size_of):
    for i in range(count):
        sock.sendall(recv_exactly(sock, size_of(i)))


@case("messages", timeout=60)
def messages(env):
    """Requests and answers of many sizes on one connection: nothing waits for a timer."""
    count = 2000
    client, server = env.pair(env.listen())
    for s in (client, server):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    size_of = lambda i: 1 + i * 37 % 4000
    task = env.spawn(echo, server, count, size_of)
    start, data = time.monotonic(), pattern(3)
    for i in range(count):
        client.sendall(data[i:i + size_of(i)])
        equal(f"answer {i}", recv_exactly(client, size_of(i)), data[i:i + size_of(i)])
    task.result(10)
    each = (time.monotonic() - start) / count
    env.note = f"{each * 1e6:.0f} us each"
    require(each < 0.02, f"an answer takes {each * 1000:.1f} ms: something waits for a delayed acknowledgement")
    client.close()
    server.close()
    env.expect(accepted=1, finished=1)


@case("half-close")
def half_close(env):
    """One side finishes, the other one goes on; then the other way round."""
    listener, nbytes = env.listen(), 20 * MB
    for first_is_client in (True, False):
        client, server = env.pair(listener)
        first, second = (client, server) if first_is_client else (server, client)
        first.sendall(b"the last words")
        first.shutdown(socket.SHUT_WR)
        equal("before the end", recv_exactly(second, 14), b"the last words")
        equal("the end", second.recv(1), b"")
        time.sleep(0.3)
        transfer(env, second, first, nbytes)
    env.expect(accepted=2, finished=2)


@case("empty")
def empty(env):
    """Connections that close without a byte."""
    listener = env.listen()
    for _ in range(20):
        client, server = env.pair(listener)
        client.close()
        equal("end", server.recv(1), b"")
        server.close()
    env.expect(accepted=20, finished=20)


@case("server-first")
def server_first(env):
    """A server that speaks first and closes first."""
    listener = env.listen()
    client, server = env.pair(listener)
    server.sendall(b"220 ready\r\n")
    server.close()
    equal("greeting", recv_exactly(client, 11), b"220 ready\r\n")
    equal("end", client.recv(1), b"")
    client.close()
    env.expect(accepted=1, finished=1)


def stall(env, receiver, sender):
    """The receiver reads nothing: the sender is held back, nothing is lost."""
    seconds = 10 if env.full else 3
    chunk = pattern(4)
    taken, digest = fill(sender, chunk)
    env.note += f" {taken / 1e6:.1f} MB held"
    # Four socket buffers of the kernel's largest size, and what the proxy holds.
    require(taken < 64 * MB, f"{taken} bytes were taken although nobody reads")
    time.sleep(seconds)
    for s in (sender, receiver):
        s.settimeout(30)
    task = env.spawn(recv_exactly, receiver, taken)
    equal("SHA-256", hashlib.sha256(task.result(30)).hexdigest(), digest)
    sender.sendall(b"after the stall")
    equal("after the stall", recv_exactly(receiver, 15), b"after the stall")


@case("stall", timeout=60)
def stalls(env):
    """A receiver that reads nothing for some seconds, in each direction: zero window, then it goes on."""
    listener = env.listen(rcvbuf=65536)
    client, server = env.pair(listener, rcvbuf=65536)
    stall(env, server, client)
    stall(env, client, server)
    transfer(env, client, server, 10 * MB)
    transfer(env, server, client, 10 * MB)
    env.expect(accepted=1, finished=1)


def stall_many(env, count, nbytes):
    """Receivers that read nothing while their senders push; others go on; then all get their bytes."""
    listener = env.listen()
    pairs = [env.pair(listener) for _ in range(count)]
    chunk = pattern(6)
    # Half of them up, half of them down.
    ends = [pair if i % 2 else pair[::-1] for i, pair in enumerate(pairs)]
    fills = [env.spawn(fill, sender, chunk) for sender, _ in ends]
    taken = [task.result(60) for task in fills]
    client, server = env.pair(listener)
    transfer(env, client, server, nbytes)
    transfer(env, server, client, nbytes)
    time.sleep(2)
    env.note = f"{sum(n for n, _ in taken) / 1e6:.0f} MB held"
    tasks = [env.spawn(recv_all, receiver) for _, receiver in ends]
    for sender, receiver in ends:
        receiver.settimeout(30)
        sender.settimeout(30)
        sender.shutdown(socket.SHUT_WR)
    for i, task in enumerate(tasks):
        equal(f"bytes and SHA-256 of receiver {i}", task.result(60), taken[i])
    env.close()
    env.expect(accepted=count + 1, finished=count + 1)


@case("stall-60", timeout=90)
def stall_60(env):
    """60 receivers that read nothing: others, and pings, go on."""
    stall_many(env, 60, 20 * MB)


@case("stall-short", timeout=120, proxy={"buffers_small": 2048, "buffers_big": 512}, only="leat")
def stall_short(env):
    """The same with too few packet buffers for all: nobody stands still for good."""
    stall_many(env, 60, 5 * MB)


@case("idle")
def idle(env):
    """Without traffic, with 50 connections open, hardly any processor time is used."""
    listener = env.listen()
    for _ in range(50):
        env.pair(listener)
    before = env.box.report()
    time.sleep(4)
    after = env.box.report()
    cpu = sum(after[k] - before[k] for k in ("cpu_user_seconds", "cpu_system_seconds"))
    share = cpu / (after["seconds"] - before["seconds"])
    env.note = f"{share:.1%} of a processor, pings answered"
    require(share < 0.03, f"{share:.1%} of a processor without traffic")
    env.close()
    env.expect(accepted=50, finished=50)


def lose(env, percent):
    """Lose TCP packets at random, in and out, at both ends. Returns what reads the counters.

    What leaves goes into a blind alley: a sender that is told of a drop is not a network's. (Linux even
    forgets a half-open connection when its second SYN-ACK is dropped under its eyes.)"""
    for ns, dev in ((env.topo.client, "c0"), (env.topo.server, "s0")):
        ns.ip("link add lost0 type veth peer name lost1", "link set lost0 up", "link set lost1 up")
        match = f"meta l4proto tcp numgen random mod 100 < {percent} counter"
        ns.nft(f"""
            table netdev loss {{
                chain in {{
                    type filter hook ingress device "{dev}" priority 0; {match} drop
                }}
                chain out {{
                    type filter hook egress device "{dev}" priority 0; {match} fwd to "lost0"
                }}
            }}""")
    return lambda: [rule["rule"]["expr"][i]["counter"]["packets"]
                    for ns in (env.topo.client, env.topo.server)
                    for rule in json.loads(ns.run("nft", "-j", "list", "table", "netdev", "loss"))["nftables"]
                    if "rule" in rule
                    for i, e in enumerate(rule["rule"]["expr"]) if "counter" in e]


def lossy(env, percent, nbytes, connections):
    counts = lose(env, percent)
    listener, tasks = env.listen(), []
    for i in range(connections):
        client, server = env.pair(listener)
        tasks.append(env.spawn(transfer, env, client, server, nbytes, i, 100))
        tasks.append(env.spawn(transfer, env, server, client, nbytes, i + 50, 100))
    start = time.monotonic()
    for t in tasks:
        t.result(110)
    rate = 2 * connections * nbytes * 8 / (time.monotonic() - start) / 1e6
    dropped = counts()
    env.note = f"{sum(dropped)} packets lost, {rate:.0f} Mbit/s"
    require(len(dropped) == 4 and all(dropped), f"packets dropped in the four places: {dropped}")
    env.expect(accepted=connections)


@case("loss-1", timeout=120, offload=False)
def loss_1(env):
    """1 % random loss, each way, on both links."""
    lossy(env, 1, 100 * MB if env.full else 10 * MB, 4)


@case("loss-5", timeout=120, offload=False)
def loss_5(env):
    """5 % random loss, each way, on both links."""
    lossy(env, 5, 10 * MB if env.full else 1 * MB, 4)


@case("loss-superpackets", timeout=120)
def loss_superpackets(env):
    """1 % random loss of what may be 64 KB at once."""
    lossy(env, 1, 100 * MB if env.full else 10 * MB, 4)


@case("reorder", timeout=120, offload=False, wire="--reorder 5 --delay-us 3000 --duplicate 1")
def reorder(env):
    """5 % of the packets are late by up to 3 ms, 1 % come twice."""
    wild_wire(env, 20 * MB if env.full else 5 * MB, ("late", "duplicated"))


@case("bad-wire", timeout=120, offload=False, wire="--reorder 3 --delay-us 2000 --duplicate 1 --drop 1 --corrupt 1")
def bad_wire(env):
    """Loss, reordering, duplicates and flipped bits together."""
    wild_wire(env, 5 * MB if env.full else 1 * MB, ("late", "duplicated", "dropped", "corrupted"))


def wild_wire(env, nbytes, harms):
    listener, tasks = env.listen(), []
    for i in range(4):
        client, server = env.pair(listener)
        tasks.append(env.spawn(transfer, env, client, server, nbytes, i, 100))
        tasks.append(env.spawn(transfer, env, server, client, nbytes, i + 50, 100))
    start = time.monotonic()
    for t in tasks:
        t.result(110)
    env.note = f"{8 * nbytes * 8 / (time.monotonic() - start) / 1e6:.0f} Mbit/s"
    env.harms = harms
    env.expect(accepted=4)


def told_too_big(env):
    """How many packets the routers refused as too big, and how many they cut instead."""
    told = cut = 0
    for name in ("router1", "router2"):
        text = env.topo.spaces[name].run("cat", "/proc/net/snmp", "/proc/net/snmp6")
        if env.family == "v6":
            told += int(re.search(r"Icmp6OutPktTooBigs\s+(\d+)", text).group(1))
            continue
        for line, key in (("Icmp", "OutDestUnreachs"), ("Ip", "FragCreates")):
            names, values = re.findall(rf"^{line}: (.*)$", text, re.M)
            n = int(values.split()[names.split().index(key)])
            told, cut = (told + n, cut) if line == "Icmp" else (told, cut + n)
    return told, cut


def narrow(env):
    both_ways(env, 20 * MB, 40)
    told, cut = told_too_big(env)
    require(told > 0 and cut == 0, f"the routers refused {told} packets as too big and cut {cut}")


@case("path-mtu", timeout=60, path_mtu=1300)
def path_mtu(env):
    """A narrow link far from both ends: only ICMP tells."""
    narrow(env)


@case("path-mtu-plain", timeout=60, path_mtu=1300, offload=False)
def path_mtu_plain(env):
    """The same in MTU-sized frames."""
    narrow(env)
