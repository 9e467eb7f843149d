# SPDX-License-Identifier: BSD-2-Clause
"""Unmodified programs on Leat against the kernel's."""
import hashlib
import json
import os
import re
import signal
import time

from harness import Failure, equal, require
from programs_lab import LEAT_IP, bracketed
from traffic import Task

CASES = {}
HERE = os.path.dirname(os.path.abspath(__file__))
MB = 1 << 20
PYTHON = "/usr/bin/python3"


def case(name, timeout=90):
    def register(fn):
        fn.timeout = timeout
        CASES[name] = fn
        return fn
    return register


# ---- nginx ----

NGINX = """
user root;
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/nginx-error.log warn;
worker_processes {workers};
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
    uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
    server {{
        listen {port};
        listen [::]:{port} ipv6only=on;
        root {dir}/www;
        location /pid {{ return 200 "$pid"; }}
    }}
}}
"""


def nginx_conf(lab, workers=1):
    return lab.write("nginx.conf", NGINX.format(dir=lab.tmp, workers=workers, port=80))


def nginx_on_peer(lab):
    lab.on_peer("/usr/sbin/nginx", "-e", lab.path("nginx-error.log"), "-c", nginx_conf(lab))
    lab.wait_for_peer_port(80)


def url(ip, port, path):
    return f"http://{bracketed(ip)}:{port}/{path}"


@case("curl")
def curl(lab):
    """curl on Leat fetches from nginx on Linux: large, small, and several on one connection."""
    want = lab.random_file("www/large", 64 * MB)
    small = lab.random_file("www/small", 1000)
    nginx_on_peer(lab)
    begin = time.monotonic()
    lab.run_on_leat("curl", "-sSf", "-m", "60", "-o", lab.path("got"), url(lab.peer_ip, 80, "large"))
    lab.note = f"{64 * MB * 8 / (time.monotonic() - begin) / 1e9:.2f} Gbit/s with start and end"
    equal("SHA-256", lab.sha256("got"), want)
    both = [x for i in range(5) for x in ("-o", lab.path(f"got{i}"), url(lab.peer_ip, 80, "small"))]
    lab.run_on_leat("curl", "-sSf", "-m", "30", *both)
    for i in range(5):
        equal(f"SHA-256 of small {i}", lab.sha256(f"got{i}"), small)
    refused = lab.on_leat("curl", "-sSv", "-m", "30", url(lab.peer_ip, 81, ""))
    refused.wait(40, status=7)
    require("Connection refused" in refused.text(), "a refused connection is not told as such")


@case("curl-upload")
def curl_upload(lab):
    """curl on Leat sends 32 MB to a server on Linux."""
    want = lab.random_file("up", 32 * MB)
    listener = lab.listen_on_peer(8000)

    def serve():
        s, _ = listener.accept()
        s.settimeout(30)
        data = b""
        while b"\r\n\r\n" not in data:
            data += s.recv(65536)
        body = data.split(b"\r\n\r\n", 1)[1]
        digest, n = hashlib.sha256(body), len(body)
        if b"Expect:" in data:
            s.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while n < 32 * MB:
            piece = s.recv(1 << 20)
            if not piece:
                raise Failure(f"the upload ends after {n} bytes")
            digest.update(piece)
            n += len(piece)
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        s.close()
        return digest.hexdigest()

    task = Task(serve)
    lab.run_on_leat("curl", "-sSf", "-m", "60", "-T", lab.path("up"), url(lab.peer_ip, 8000, "up"))
    equal("SHA-256", task.result(10), want)
    listener.close()


@case("nginx")
def nginx(lab):
    """nginx on Leat, master and one worker: 10,000 requests of wrk's without an error, equal bytes to curl."""
    want = lab.random_file("www/large", 32 * MB)
    lab.random_file("www/small", 4000)
    server = lab.on_leat("/usr/sbin/nginx", "-e", lab.path("nginx-error.log"), "-c", nginx_conf(lab))
    lab.wait_for_port(80)
    lab.run_on_peer("curl", "-sSf", "-m", "60", "-o", lab.path("got"), url(lab.leat_ip, 80, "large"))
    equal("SHA-256", lab.sha256("got"), want)
    wrk_many(lab, lambda: lab.run_on_peer("wrk", "-t1", "-c32", "-d2s", "--timeout", "10s",
                                          url(lab.leat_ip, 80, "small")))
    server.stop()
    errors = open(lab.path("nginx-error.log"), encoding="utf-8").read()
    require(not errors, f"nginx complains: {errors[:300]}")


def wrk_many(lab, run):
    """Until 10,000 requests are answered, all of them well."""
    done, seconds = 0, 0.0
    for _ in range(15):
        text = run()
        m = re.search(r"(\d+) requests in ([\d.]+)s", text)
        require(m is not None, f"wrk says nothing of requests: {text[-300:]}")
        bad = re.search(r"Socket errors:.*|Non-2xx.*", text)
        require(not bad, f"wrk: {bad and bad.group(0)}")
        done, seconds = done + int(m.group(1)), seconds + float(m.group(2))
        if done >= 10000:
            break
    require(done >= 10000, f"only {done} requests in {seconds:.0f} s")
    lab.note += f" {done / seconds:.0f} requests a second"


@case("nginx-workers")
def nginx_workers(lab):
    """nginx on Leat with two workers, a port for each; a new worker takes over the port of one that died."""
    lab.random_file("www/small", 4000)
    server = lab.on_leat("/usr/sbin/nginx", "-e", lab.path("nginx-error.log"),
                         "-c", nginx_conf(lab, workers=2), ports=2, one_port_each=True)
    fetch = lambda ip: lab.run_on_peer("curl", "-sSf", "-m", "20", url(ip, 80, "pid"))
    pids = []
    for i in range(2):
        ip = LEAT_IP[i][lab.family]
        lab.wait_for_port(80, ip)
        pids.append(fetch(ip).strip())
        lab.run_on_peer("wrk", "-t1", "-c8", "-d1s", url(ip, 80, "small"))
    require(pids[0] != pids[1], f"both ports are process {pids[0]}'s")
    os.kill(int(pids[0]), 9)
    lab.wait_for_port(80)
    again = fetch(lab.leat_ip).strip()
    require(again not in pids, f"process {again} answers for the one that was killed")
    equal("the other worker", fetch(LEAT_IP[1][lab.family]).strip(), pids[1])
    server.stop()


@case("nginx-reload")
def nginx_reload(lab):
    """nginx on Leat is told to read its configuration again: the new worker takes the old one's port."""
    os.makedirs(lab.path("www"))
    server = lab.on_leat("/usr/sbin/nginx", "-e", lab.path("nginx-error.log"), "-c", nginx_conf(lab))
    lab.wait_for_port(80)
    fetch = lambda: lab.run_on_peer("curl", "-sSf", "-m", "20", url(lab.leat_ip, 80, "pid")).strip()
    pids = {fetch()}
    for i in range(3):
        server.proc.send_signal(signal.SIGHUP)
        lab.until("the new worker", lambda: fetch() not in pids)
        pids.add(fetch())
    equal("workers, one after the other", len(pids), 4)
    server.stop()


# ---- wrk ----

@case("wrk")
def wrk(lab):
    """wrk on Leat against nginx on Linux: the thread that works is not the one that has the stack."""
    lab.random_file("www/small", 4000)
    nginx_on_peer(lab)
    text = lab.run_on_leat("wrk", "-t1", "-c4", "-d2s", "--timeout", "10s", url(lab.peer_ip, 80, "small"))
    m = re.search(r"(\d+) requests in", text)
    require(m and int(m.group(1)) > 100, f"wrk: {text[-300:]}")
    bad = re.search(r"Socket errors:.*|Non-2xx.*", text)
    require(not bad, f"wrk: {bad and bad.group(0)}")
    lab.note = f"{m.group(1)} requests in 2 s"


# ---- python ----

@case("python-asyncio")
def python_asyncio(lab):
    """An asyncio echo server on Leat: 40 clients at once, timers, a child process and pipes in the same loop."""
    server = lab.on_leat(PYTHON, os.path.join(HERE, "echo_asyncio.py"), lab.leat_ip, "7000")
    lab.wait_for_port(7000)

    def client(i):
        s = lab.connect_from_peer(7000, timeout=30)
        data = hashlib.sha256(str(i).encode()).digest() * 4000
        sender = Task(s.sendall, data)
        got = b""
        while len(got) < len(data):
            piece = s.recv(65536)
            require(piece, f"client {i}: the stream ends after {len(got)} bytes")
            got += piece
        sender.result(10)
        s.close()
        return got == data

    tasks = [Task(client, i) for i in range(40)]
    require(all(t.result(60) for t in tasks), "other bytes came back")
    s = lab.connect_from_peer(7000, timeout=30)
    s.sendall(b"!")
    equal("what the child says", s.recv(100), b"a child of the server\n")
    s.close()
    server.stop()


@case("python-fork")
def python_fork(lab):
    """Blocking sockets, fork before and after, exec, threads, dup, signals, the kernel's loopback beside."""
    lab.on_peer(PYTHON, os.path.join(HERE, "echo_asyncio.py"), lab.peer_ip, "7000")
    lab.wait_for_peer_port(7000)
    text = lab.run_on_leat(PYTHON, os.path.join(HERE, "fork_client.py"), lab.peer_ip, "7000", timeout=60)
    bad = [line for line in text.splitlines() if line.startswith("FAIL")]
    require(not bad, "; ".join(bad))
    equal("things that hold", len(re.findall(r"^ok ", text, re.M)), 11)
    lab.fallback = True  # the child after the parent's sockets says so, and must


@case("aliases")
def aliases(lab):
    """The names that programs import (64-bit, checked, internal ones), one by one."""
    lab.on_peer(PYTHON, os.path.join(HERE, "echo_asyncio.py"), lab.peer_ip, "7000")
    lab.wait_for_peer_port(7000)
    text = lab.run_on_leat(PYTHON, os.path.join(HERE, "alias_client.py"), lab.peer_ip, "7000", timeout=60)
    bad = [line for line in text.splitlines() if line.startswith("FAIL")]
    require(not bad, "; ".join(bad))
    lab.note = f"{len(re.findall(r'^ok ', text, re.M))} names"
    require("the connection after that" in text, f"it did not come to its end: {text[-300:]}")


# ---- iperf3 ----

def iperf_result(text):
    start = text.find("{")
    require(start >= 0, f"iperf3 gives no JSON: {text[-200:]}")
    out = json.loads(text[start:text.rindex("}") + 1])
    require("error" not in out, f"iperf3: {out.get('error')}")
    return out["end"]


def iperf_client(lab, run, ip):
    """TCP both ways, UDP both ways."""
    base = ["iperf3", "-c", ip, "-J", "-t", "2"]
    rates = []
    for extra in ([], ["-R"], ["-P", "4"]):
        end = iperf_result(run(*base, *extra, timeout=40))
        got = end["sum_received"]["bytes"]
        require(got > MB, f"iperf3 {' '.join(extra)}: {got} bytes in 2 s")
        rates.append(f"{end['sum_received']['bits_per_second'] / 1e9:.2f}")
    lab.note += f" {'/'.join(rates)} Gbit/s (up/down/4 up)"
    for extra in ([], ["-R"]):
        end = iperf_result(run(*base, "-u", "-b", "20M", "-l", "1200", *extra, timeout=40))["sum"]
        require(end["packets"] > 1000 and end["lost_packets"] <= end["packets"] // 20,
                f"iperf3 -u {' '.join(extra)}: {end['lost_packets']} of {end['packets']} datagrams lost")


@case("iperf3-client")
def iperf3_client(lab):
    """iperf3 on Leat as client of one on Linux: TCP and UDP, both ways, four streams."""
    lab.on_peer("iperf3", "-s")
    lab.wait_for_peer_port(5201)
    iperf_client(lab, lab.run_on_leat, lab.peer_ip)


@case("iperf3-server")
def iperf3_server(lab):
    """iperf3 on Leat as server of one on Linux: TCP and UDP, both ways, four streams."""
    lab.on_leat("iperf3", "-s", "-B", lab.leat_ip)
    lab.wait_for_stack()
    iperf_client(lab, lab.run_on_peer, lab.leat_ip)


# ---- redis ----

def redis_server(lab, start, ip):
    return start("redis-server", "--bind", ip, "--port", "6379", "--protected-mode", "no", "--save", "",
                 "--dir", lab.tmp, "--daemonize", "no")


def redis_checks(lab, cli):
    """cli(*words) runs one command of redis-cli's."""
    equal("PING", cli("PING"), "PONG")
    equal("SET", cli("SET", "greeting", "hello"), "OK")
    equal("GET", cli("GET", "greeting"), "hello")
    equal("INCR", cli("INCR", "counter"), "1")
    equal("RPUSH", cli("RPUSH", "list", "a", "b", "c"), "3")
    equal("LRANGE", cli("LRANGE", "list", "0", "-1").split(), ["a", "b", "c"])
    big = "x" * 100000
    equal("SETRANGE", cli("SET", "big", big), "OK")
    equal("STRLEN", cli("STRLEN", "big"), "100000")
    equal("big value", cli("GET", "big"), big)
    equal("EVAL", cli("EVAL", "return redis.call('GET', KEYS[1])", "1", "greeting"), "hello")


@case("redis-server", timeout=150)
def redis(lab):
    """redis-server on Leat: redis-cli's checks, a snapshot by a forked child, redis-benchmark."""
    server = redis_server(lab, lab.on_leat, lab.leat_ip)
    lab.wait_for_port(6379)
    cli = lambda *words: lab.run_on_peer("redis-cli", "-h", lab.leat_ip, *words).strip()
    redis_checks(lab, cli)
    before = cli("LASTSAVE")
    time.sleep(1.1)
    require("started" in cli("BGSAVE"), "BGSAVE did not start")
    lab.until("the snapshot", lambda: cli("LASTSAVE") != before)
    require(os.path.getsize(lab.path("dump.rdb")) > 1000, "the snapshot is empty")
    text = lab.run_on_peer("redis-benchmark", "-h", lab.leat_ip, "-n", "20000", "-c", "20", "-t", "ping,set,get,lpush",
                           "--csv", timeout=120)
    rates = re.findall(r'^"(PING_MBULK|SET|GET|LPUSH)","([\d.]+)"', text, re.M)
    equal("tests of redis-benchmark", len(rates), 4)
    lab.note = ", ".join(f"{k} {float(v):.0f}/s" for k, v in rates)
    equal("PING at the end", cli("PING"), "PONG")
    server.stop()


@case("redis-cli")
def redis_cli(lab):
    """redis-cli and redis-benchmark on Leat against redis-server on Linux."""
    redis_server(lab, lab.on_peer, lab.peer_ip)
    lab.wait_for_peer_port(6379)
    redis_checks(lab, lambda *words: lab.run_on_leat("redis-cli", "-h", lab.peer_ip, *words).strip())
    text = lab.run_on_leat("redis-benchmark", "-h", lab.peer_ip, "-n", "10000", "-c", "10", "-t", "set,get", "--csv")
    equal("tests of redis-benchmark", len(re.findall(r'^"(SET|GET)","[\d.]+"', text, re.M)), 2)


# ---- HAProxy ----

HAPROXY = """
global
    nbthread 1
defaults
    mode http
    timeout connect 10s
    timeout client 30s
    timeout server 30s
    option splice-auto
frontend in
    bind {ip}:8080
    default_backend out
backend out
    server one {server}:80 check inter 500ms
"""


@case("haproxy")
def haproxy(lab):
    """HAProxy on Leat between clients and nginx on Linux: 10,000 requests, equal bytes, health checks."""
    want = lab.random_file("www/large", 32 * MB)
    lab.random_file("www/small", 4000)
    nginx_on_peer(lab)
    conf = lab.write("haproxy.cfg", HAPROXY.format(ip=bracketed(lab.leat_ip), server=bracketed(lab.peer_ip)))
    proxy = lab.on_leat("haproxy", "-db", "-f", conf)
    lab.wait_for_port(8080)
    lab.run_on_peer("curl", "-sSf", "-m", "60", "-o", lab.path("got"), url(lab.leat_ip, 8080, "large"))
    equal("SHA-256", lab.sha256("got"), want)
    wrk_many(lab, lambda: lab.run_on_peer("wrk", "-t1", "-c32", "-d2s", "--timeout", "10s",
                                          url(lab.leat_ip, 8080, "small")))
    proxy.stop()


# ---- where Leat is not to be had ----

@case("no-port")
def no_port(lab):
    """A program whose port another process has, or that is not there, runs on the kernel and says so."""
    lab.random_file("www/small", 1000)
    nginx_on_peer(lab)
    lab.on_leat(PYTHON, os.path.join(HERE, "echo_asyncio.py"), lab.leat_ip, "7000")
    lab.wait_for_port(7000)
    second = lab.on_leat("curl", "-sS", "-m", "5", url(lab.peer_ip, 80, "small"))
    second.wait(20, status=7)
    require("another process has it" in second.text(), f"curl says: {second.text()[-200:]}")
    inside = lab.on_leat("curl", "-sS", "-m", "5", url("127.0.0.1", 9, ""))
    inside.wait(20, status=7)
    require("leat:" not in inside.text(), f"a connection to the kernel's loopback needs Leat: {inside.text()[-200:]}")
    lab.fallback = True
