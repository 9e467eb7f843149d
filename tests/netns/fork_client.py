# SPDX-License-Identifier: BSD-2-Clause
"""What a process does around fork with sockets of Leat's: a line for each thing that holds."""
import errno
import os
import signal
import socket
import subprocess
import sys
import threading

HOST, PORT = sys.argv[1], int(sys.argv[2])
FAMILY = socket.AF_INET6 if ":" in HOST else socket.AF_INET


def echo(sock, text):
    sock.sendall(text)
    got = b""
    while len(got) < len(text):
        piece = sock.recv(len(text) - len(got))
        if not piece:
            break
        got += piece
    return got == text


def check(what, holds):
    print(f"{'ok' if holds else 'FAIL'} {what}", flush=True)


def in_child(sock):
    """The parent's socket is dead here, and says so at once; new ones are the kernel's."""
    signal.alarm(10)
    try:
        sock.sendall(b"from the child")
        return 1
    except OSError as e:
        if e.errno not in (errno.EBADF, errno.ENOTCONN, errno.ENOTSOCK):
            return 2
    new = socket.socket(FAMILY)
    new.setblocking(False)
    if new.connect_ex((HOST, PORT)) not in (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EHOSTUNREACH):
        return 3
    sock.close()
    return 0


def loopback():
    """A server and a client of this process, on the kernel's loopback."""
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    other, _ = server.accept()
    other.sendall(b"x" * 100)
    ok = client.recv(1000) == b"x" * 100
    for s in (server, client, other):
        s.close()
    return ok


# A child before anything was on Leat attaches by itself, and gives the port back when it ends.
pid = os.fork()
if pid == 0:
    signal.alarm(20)
    with socket.create_connection((HOST, PORT)) as s:
        os._exit(0 if echo(s, b"child first") else 1)
check("a child of a process that had no socket", os.waitpid(pid, 0)[1] == 0)

conn = socket.create_connection((HOST, PORT))
check("the parent", echo(conn, b"parent"))
check("the kernel's loopback in the same process", loopback())

pid = os.fork()
if pid == 0:
    os._exit(in_child(conn))
check("a child ends, its parent's socket is dead there", os.waitpid(pid, 0)[1] == 0)
check("the parent's connection lives on", echo(conn, b"still there" * 1000))

out = subprocess.run(["/bin/sh", "-c", "ls /proc/self/fd | wc -l"], capture_output=True, text=True, check=True)
check("a program that was executed has no descriptor of Leat's", int(out.stdout) <= 5)
check("the parent after that", echo(conn, b"again"))

results = []
thread = threading.Thread(target=lambda: results.append(echo(conn, b"other thread" * 100)))
thread.start()
thread.join()
check("another thread while the first one joins it", results == [True])

dup = conn.dup()
conn.close()
check("a duplicate after the first one is closed", echo(dup, b"dup"))
stream = os.fdopen(dup.detach(), "rb", buffering=0)
stream.close()

# Handlers with SA_RESTART do not end a blocking call; Python repeats the call in any case.
server = socket.create_connection((HOST, PORT))
signal.signal(signal.SIGALRM, lambda *_: server.sendall(b"woken"))
signal.setitimer(signal.ITIMER_REAL, 0.2)
check("a signal during a blocking read", server.recv(100) == b"woken")
server.shutdown(socket.SHUT_WR)
check("the end of the stream", server.recv(1) == b"")
