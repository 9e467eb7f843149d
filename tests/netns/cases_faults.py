# SPDX-License-Identifier: BSD-2-Clause
"""Cases about endings: resets, servers that are down, limits, time-outs, shutdown."""
import errno
import signal
import socket
import time

from cases_data import transfer
from harness import case, equal, require
from traffic import ending, fill, pattern, recv_all, recv_exactly, reset, send_pattern, wait_until

MB = 10**6


def pour(sock):
    """Send until the connection is broken; return the error."""
    block = pattern(5)
    try:
        while True:
            sock.sendall(block)
    except OSError as e:
        return e.errno


@case("client-reset")
def client_reset(env):
    """The client resets: idle, while it sends, while it receives. The server sees a reset each time."""
    listener = env.listen()
    client, server = env.pair(listener)
    reset(client)
    equal("idle: ending at the server", ending(server), "reset")

    client, server = env.pair(listener)
    task = env.spawn(ending, server)
    send_pattern(client, 10 * MB)
    reset(client)
    equal("sending: ending at the server", task.result(10), "reset")

    client, server = env.pair(listener)
    task = env.spawn(pour, server)
    recv_exactly(client, 5 * MB)
    reset(client)
    require(task.result(10) in (errno.ECONNRESET, errno.EPIPE), "receiving: the server could go on")
    env.expect(accepted=3, client_resets=3)


@case("server-reset")
def server_reset(env):
    """The server resets: idle, while it sends, while it receives. The client sees a reset each time."""
    listener = env.listen()
    client, server = env.pair(listener)
    reset(server)
    equal("idle: ending at the client", ending(client), "reset")

    client, server = env.pair(listener)
    task = env.spawn(ending, client)
    send_pattern(server, 10 * MB)
    reset(server)
    equal("sending: ending at the client", task.result(10), "reset")

    client, server = env.pair(listener)
    task = env.spawn(pour, client)
    recv_exactly(server, 5 * MB)
    reset(server)
    require(task.result(10) in (errno.ECONNRESET, errno.EPIPE), "receiving: the client could go on")
    env.expect(accepted=3, server_resets=3)


def words(sock):
    """What came before the end, and how the peer ended the connection."""
    sock.settimeout(10)
    data = b""
    try:
        while more := sock.recv(1000):
            data += more
        return data, "end"
    except ConnectionResetError:
        return data, "reset"


@case("early-reset")
def early_reset(env):
    """The server speaks and resets as soon as it has accepted: no refusal, and no word is lost on the way."""
    listener = env.listen()
    for _ in range(50):
        client = env.connect()
        server = env.accept(listener)
        server.sendall(b"no")
        reset(server)
        equal("words and ending at the client", words(client), (b"no", "reset"))
    env.expect(accepted=50, connected=50, server_resets=50)


@case("half-closed-reset")
def half_closed_reset(env):
    """A reset after one side has finished is a reset too."""
    listener = env.listen()
    for first_is_client in (True, False):
        client, server = env.pair(listener)
        first, second = (client, server) if first_is_client else (server, client)
        first.shutdown(socket.SHUT_WR)
        equal("the end", second.recv(1), b"")
        second.sendall(b"not yet")
        equal("data", recv_exactly(first, 7), b"not yet")
        reset(second)
        equal("ending", ending(first), "reset")
    env.expect(accepted=2, client_resets=1, server_resets=1)


@case("stalled-reset")
def stalled_reset(env):
    """A receiver has stopped reading: its reset gets through to the sender, and the sender's to it."""
    listener = env.listen(rcvbuf=65536)
    client, server = env.pair(listener)
    task = env.spawn(pour, client)
    time.sleep(1)
    reset(server)
    require(task.result(10) in (errno.ECONNRESET, errno.EPIPE), "the client could go on")

    client, server = env.pair(listener, rcvbuf=65536)
    fill(server, pattern(5))
    reset(server)
    # The proxy lets go although it still holds bytes that the client does not take.
    wait_until("the proxy has seen it", lambda: env.box.report()["open"] == 0)
    equal("ending at the client", ending(client), "reset")
    env.expect(accepted=2, server_resets=2)


@case("unread-close")
def unread_close(env):
    """A server that answers and closes without reading all it was sent: its kernel sends a reset."""
    listener = env.listen()
    client, server = env.pair(listener)
    client.sendall(pattern(6)[:500_000])
    recv_exactly(server, 1000)
    server.sendall(b"413 too large")
    server.close()
    equal("words and ending at the client", words(client), (b"413 too large", "reset"))
    env.expect(accepted=1, server_resets=1)


def outcome(env, port, address=None, timeout=20):
    """Connect and wait: how and after how many seconds does it end for the client?"""
    start = time.monotonic()
    try:
        how = ending(env.connect(port, address=address, timeout=timeout), timeout)
    except ConnectionRefusedError:
        how = "refused"
    except ConnectionResetError:
        how = "reset"
    except (TimeoutError, OSError) as e:
        how = errno.errorcode.get(e.errno, "timeout") if e.errno else "timeout"
    return how, time.monotonic() - start


@case("refused")
def refused(env):
    """Nobody listens: the client is refused, or reset at once (the proxy has accepted before)."""
    for _ in range(10):
        how, seconds = outcome(env, 9)
        require(how in ("refused", "reset"), f"the client's connection ended by \"{how}\"")
        require(seconds < 2, f"that took {seconds:.1f} s")
    env.expect(accepted=10, connect_refused=10)


@case("first-refused", proxy={"connect_first": True}, only="leat")
def first_refused(env):
    """connect_first: nobody listens, and the client is refused, as without a proxy."""
    for _ in range(10):
        how, seconds = outcome(env, 9)
        require(how == "refused" and seconds < 2, f"the client's connection ended by \"{how}\" after {seconds:.1f} s")
    env.expect(accepted=10, connect_refused=10)


@case("first-silent", proxy={"connect_first": True, "connect_timeout": "2s"}, only="leat")
def first_silent(env):
    """connect_first: the server's packets vanish, and the client hears nothing either."""
    swallow(env)
    try:
        env.connect(9, timeout=3.5)
        require(False, "the client was accepted")
    except TimeoutError:
        pass
    # Its SYN came again after the first try was given up: a second one, perhaps.
    wait_until("the proxy gives up", lambda: env.box.report()["open"] == 0, 10)
    require(env.box.report()["connect_timeouts"] >= 1, "no time-out was counted")


@case("first-open", timeout=60, proxy={"connect_first": True}, only="leat")
def first_open(env):
    """connect_first: who is accepted is served; handshakes one after the other, with loss too."""
    listener = env.listen()
    for i in range(30):
        client, server = env.pair(listener)
        client.sendall(b"question")
        equal("question", recv_exactly(server, 8), b"question")
        server.sendall(b"answer")
        server.close()
        equal("words and ending", words(client), (b"answer", "end"))
        client.close()
    client, server = env.pair(listener)
    transfer(env, client, server, 20 * MB)
    transfer(env, server, client, 20 * MB)
    env.expect(accepted=31, finished=31)


@case("refused-with-data")
def refused_with_data(env):
    """The same when the client speaks at once."""
    for _ in range(10):
        try:
            c = env.connect(9)
            c.sendall(b"hello")
            equal("ending", ending(c), "reset")
        except (ConnectionResetError, ConnectionRefusedError, BrokenPipeError):
            pass
    env.expect(accepted=10, connect_refused=10)


def swallow(env):
    """Nothing that goes to port 9 is answered."""
    env.topo.server.nft("table inet hole {\nchain in {\ntype filter hook input priority 0; tcp dport 9 drop\n}\n}\n")


@case("silent-server", proxy={"connect_timeout": "2s"})
def silent_server(env):
    """The server's packets vanish: silence until the proxy's time-out, then a reset."""
    swallow(env)
    how, seconds = outcome(env, 9)
    env.note = f"{how} after {seconds:.1f} s"
    require(how in ("reset", "timeout", "ETIMEDOUT"), f"the client's connection ended by \"{how}\"")
    require(1.5 < seconds < 6, f"after {seconds:.1f} s")
    env.expect(accepted=1, connect_timeouts=1)


@case("absent-server", proxy={"connect_timeout": "6s"})
def absent_server(env):
    """No such host: the client's connection ends, by what ARP and ND say or by the time-out."""
    address = {"v4": "10.2.0.77", "v6": "fd00:2::77"}[env.family]
    how, seconds = outcome(env, 9, address)
    env.note = f"{how} after {seconds:.1f} s"
    require(how in ("reset", "timeout", "ETIMEDOUT", "EHOSTUNREACH"), f"the client's connection ended by \"{how}\"")
    require(seconds < 10, f"after {seconds:.1f} s")
    env.expect(accepted=1, **({"connect_unreachable": 1} if seconds < 5.5 else {"connect_timeouts": 1}))


@case("client-gives-up", proxy={"connect_timeout": "10s"})
def client_gives_up(env):
    """The client resets while the server does not answer: the proxy lets go at once."""
    swallow(env)
    client = env.connect(9)
    wait_until("the proxy has accepted", lambda: env.box.report()["open"] == 1)
    reset(client)
    wait_until("the proxy lets go", lambda: env.box.report()["open"] == 0)
    env.expect(accepted=1, client_resets=1)


@case("own-port")
def own_port(env):
    """A connection to the proxy itself does not go round in circles."""
    how, seconds = outcome(env, 8080, env.topo.in_ip[env.family])
    require(how in ("refused", "reset") and seconds < 3, f"it ended by \"{how}\" after {seconds:.1f} s")
    wait_until("nothing is left", lambda: env.box.report()["open"] == 0)
    require(env.box.report()["accepted"] <= 1, "the proxy connected to itself")


@case("idle-timeout", proxy={"idle_timeout": "1s", "half_close_timeout": "2s"})
def idle_timeout(env):
    """A connection without a byte is reset; one byte in time keeps it; half closed has its own limit."""
    listener = env.listen()
    client, server = env.pair(listener)
    start = time.monotonic()
    for _ in range(4):
        time.sleep(0.6)
        client.sendall(b".")
        recv_exactly(server, 1)
    equal("ending at the client", ending(client), "reset")
    equal("ending at the server", ending(server), "reset")
    seconds = time.monotonic() - start
    require(3 < seconds < 6, f"reset after {seconds:.1f} s, not 3.4")

    client, server = env.pair(listener)
    start = time.monotonic()
    client.shutdown(socket.SHUT_WR)
    equal("ending at the client", ending(client), "reset")
    seconds = time.monotonic() - start
    require(1.5 < seconds < 5, f"half closed: reset after {seconds:.1f} s, not 2")
    env.expect(accepted=2, idle_timeouts=1, half_close_timeouts=1)


@case("connection-limit", proxy={"max_connections": 10})
def connection_limit(env):
    """At the limit the next ones wait; when one ends they are served."""
    listener = env.listen()
    pairs = [env.pair(listener) for _ in range(10)]
    late = env.connect()
    late.sendall(b"late")
    listener.settimeout(1)
    try:
        listener.accept()
        require(False, "an eleventh connection came through")
    except TimeoutError:
        pass
    require(env.box.report()["accept_pauses"] > 0, "no pause of accepting was counted")
    pairs[0][0].close()
    pairs[0][1].close()
    listener.settimeout(10)
    server = env.accept(listener)
    equal("of the one that had to wait", recv_exactly(server, 4), b"late")
    env.close()
    env.expect(accepted=11, finished=11, open_peak=10)


@case("client-limit", proxy={"max_per_client": 5})
def client_limit(env):
    """One client's further connections are reset; they are served when one has ended."""
    listener = env.listen()
    pairs = [env.pair(listener) for _ in range(5)]
    for _ in range(3):
        try:
            equal("ending of the sixth", ending(env.connect()), "reset")
        except ConnectionResetError:
            pass
    pairs[0][0].close()
    pairs[0][1].close()
    wait_until("one has ended", lambda: env.box.report()["finished"] == 1)
    env.pair(listener)
    env.close()
    env.expect(accepted=9, over_client_limit=3, finished=6)


@case("no-descriptors", sockets=60)
def no_descriptors(env):
    """More connections than sockets: some have to wait, the proxy stays calm and recovers."""
    listener = env.listen()
    clients = [env.connect() for _ in range(50)]
    time.sleep(1)
    before = env.box.report()
    time.sleep(2)
    after = env.box.report()
    cpu = sum(after[k] - before[k] for k in ("cpu_user_seconds", "cpu_system_seconds"))
    require(cpu < 0.5, f"{cpu:.2f} s of processor time in 2 s of waiting")
    require(after["open"] < 50, "all connections were served")
    require(after["accept_pauses"] > 0 and after["connect_errors"] == 0, "they did not wait: they were turned away")
    for c in clients:
        c.close()
    listener.close()
    wait_until("all have ended", lambda: env.box.report()["open"] == 0, 15)
    listener = env.listen(5002)
    client, server = env.pair(listener)
    client.sendall(b"still there")
    equal("afterwards", recv_exactly(server, 11), b"still there")


@case("few-buffers", timeout=60, proxy={"buffer_size": "512KiB", "buffer_total": "1MiB"})
def few_buffers(env):
    """Two buffers for ten connections, of which four do not read: the others go on meanwhile."""
    listener = env.listen(rcvbuf=65536)
    pairs = [env.pair(listener, rcvbuf=65536) for _ in range(10)]
    for client, _ in pairs[:4]:
        env.spawn(pour, client)
    time.sleep(1)
    tasks = []
    for i, (client, server) in enumerate(pairs[4:]):
        tasks.append((env.spawn(recv_all, server), env.spawn(send_pattern, client, MB, i), client))
    for receiver, sender, client in tasks:
        digest = sender.result(30)
        client.shutdown(socket.SHUT_WR)
        equal("bytes and SHA-256", receiver.result(30), (MB, digest))
    report = env.box.report()
    require(report["unbuffered"] > 0, "there was a buffer for everybody")
    for _, server in pairs[:4]:
        reset(server)
    env.expect(accepted=10, server_resets=4)


@case("drain", timeout=60, proxy={"drain_timeout": "20s"})
def drain(env):
    """SIGTERM: no new connections, the open one ends in its own time, then the proxy ends."""
    listener = env.listen()
    client, server = env.pair(listener)
    env.box.proc.send_signal(signal.SIGTERM)
    env.box.wait_log("stopping", 5)
    time.sleep(0.5)
    receiver = env.spawn(recv_all, server)
    digest = send_pattern(client, 20 * MB)
    client.shutdown(socket.SHUT_WR)
    equal("bytes and SHA-256", receiver.result(20), (20 * MB, digest))
    server.sendall(b"good bye")
    server.close()
    equal("from the server", recv_exactly(client, 8), b"good bye")
    equal("the end", client.recv(1), b"")
    env.stopped = env.box.stop(10)
    env.expect(accepted=1, finished=1)


@case("drain-last-words", timeout=60)
def drain_last_words(env):
    """What the server wrote before it closed reaches the client, though the proxy was told to stop meanwhile."""
    listener = env.listen()
    client, server = env.pair(listener)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    sender = env.spawn(send_pattern, server, 3 * MB)
    env.box.proc.send_signal(signal.SIGTERM)
    client.shutdown(socket.SHUT_WR)
    digest = None
    receiver = env.spawn(recv_all, client)
    digest = sender.result(20)
    server.close()
    equal("bytes and SHA-256", receiver.result(20), (3 * MB, digest))
    env.stopped = env.box.stop(20)
    env.expect(accepted=1, finished=1)


@case("stop-now", proxy={"drain_timeout": "20s"})
def stop_now(env):
    """A second signal ends what is open, with a reset."""
    listener = env.listen()
    client, server = env.pair(listener)
    env.box.proc.send_signal(signal.SIGINT)
    env.box.wait_log("stopping", 5)
    start = time.monotonic()
    env.box.proc.send_signal(signal.SIGINT)
    equal("ending at the client", ending(client), "reset")
    equal("ending at the server", ending(server), "reset")
    env.stopped = env.box.stop(10)
    require(time.monotonic() - start < 8, "it took too long")
    env.expect(accepted=1, forced=1)


@case("drain-timeout", proxy={"drain_timeout": "1s"})
def drain_timeout(env):
    """The drain time is over: what is still open is reset."""
    listener = env.listen()
    client, _ = env.pair(listener)
    env.box.proc.send_signal(signal.SIGTERM)
    start = time.monotonic()
    equal("ending at the client", ending(client), "reset")
    require(0.5 < time.monotonic() - start < 4, "at the wrong time")
    env.stopped = env.box.stop(10)
    env.expect(accepted=1, forced=1)


@case("busy-statistics", timeout=60)
def busy_statistics(env):
    """Signals get through to a loop that never has nothing to do."""
    listener = env.listen()
    pairs = [env.pair(listener) for _ in range(20)]
    tasks = [env.spawn(pour, client) for client, _ in pairs]
    sinks = [env.spawn(ending, server, 30) for _, server in pairs]
    time.sleep(1)
    for _ in range(3):
        require(env.box.report(timeout=3)["open"] == 20, "the report does not say 20 connections")
    env.box.proc.send_signal(signal.SIGTERM)
    env.box.wait_log("stopping", 3)
    env.box.proc.send_signal(signal.SIGTERM)
    for task in tasks:
        require(task.result(10) in (errno.ECONNRESET, errno.EPIPE), "a client was not reset")
    equal("endings at the server", {s.result(10) for s in sinks}, {"reset"})
    env.stopped = env.box.stop(10)
    env.expect(accepted=20, forced=20)


@case("statistics")
def statistics(env):
    """SIGUSR1 reports while connections are open."""
    listener = env.listen()
    client, server = env.pair(listener)
    client.sendall(b"12345")
    recv_exactly(server, 5)
    stats = env.box.report()
    equal("open", stats["open"], 1)
    equal("bytes", stats[f"bytes_up_{env.family}"], 5)
    equal("handled", stats[f"handled_{env.family}"], 1)
    env.close()
    env.expect(accepted=1, finished=1)
