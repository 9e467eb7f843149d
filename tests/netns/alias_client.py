# SPDX-License-Identifier: BSD-2-Clause
"""The C library's names as a program imports them, called one by one on sockets of Leat's, against an echo server."""
import ctypes
import errno
import os
import select
import socket
import struct
import sys
import tempfile
import time

HOST, PORT = sys.argv[1], int(sys.argv[2])
FAMILY = socket.AF_INET6 if ":" in HOST else socket.AF_INET
C = ctypes.CDLL(None, use_errno=True)
for wide in ("__read_chk", "__recv_chk", "__recvfrom_chk", "__read", "__write", "__send", "readv", "writev", "preadv2",
             "pwritev2", "pread64", "sendfile64", "sendfile", "splice", "recvmsg", "fread", "fwrite"):
    getattr(C, wide).restype = ctypes.c_ssize_t
C.fdopen.restype = ctypes.c_void_p
NULL = None


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


class Msghdr(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint), ("iov", ctypes.POINTER(Iovec)),
                ("iovlen", ctypes.c_size_t), ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t),
                ("flags", ctypes.c_int)]


class Mmsghdr(ctypes.Structure):
    _fields_ = [("hdr", Msghdr), ("len", ctypes.c_uint)]


class Timespec(ctypes.Structure):
    _fields_ = [("sec", ctypes.c_long), ("nsec", ctypes.c_long)]


class Ifaddrs(ctypes.Structure):
    pass


Ifaddrs._fields_ = [("next", ctypes.POINTER(Ifaddrs)), ("name", ctypes.c_char_p), ("flags", ctypes.c_uint),
                    ("addr", ctypes.POINTER(ctypes.c_ubyte)), ("mask", ctypes.POINTER(ctypes.c_ubyte))]


def check(what, holds):
    print(f"{'ok' if holds else 'FAIL'} {what}" + ("" if holds else f" (errno {ctypes.get_errno()})"), flush=True)


def wait(sock):
    select.select([sock], [], [], 10)


sock = socket.create_connection((HOST, PORT))
fd = sock.fileno()
buf = ctypes.create_string_buffer(200)


def comes_back(text, read):
    """The echo is read by one of the names."""
    wait(sock)
    time.sleep(0.02)
    n = read()
    return n == len(text) and buf.raw[:n] == text


size_t = ctypes.c_size_t
for name, call in {
        "__read_chk": lambda: C.__getattr__("__read_chk")(fd, buf, size_t(100), size_t(200)),
        "__recv_chk": lambda: C.__getattr__("__recv_chk")(fd, buf, size_t(100), size_t(200), 0),
        "__recvfrom_chk": lambda: C.__getattr__("__recvfrom_chk")(fd, buf, size_t(100), size_t(200), 0, NULL, NULL),
        "__read": lambda: C.__getattr__("__read")(fd, buf, size_t(100)),
        "readv": lambda: C.readv(fd, ctypes.byref(Iovec(ctypes.addressof(buf), 100)), 1),
        "preadv2 without a position": lambda: C.preadv2(fd, ctypes.byref(Iovec(ctypes.addressof(buf), 100)), 1,
                                                        ctypes.c_long(-1), 0)}.items():
    sock.sendall(name.encode())
    check(name, comes_back(name.encode(), call))

for name, call in {
        "__write": lambda t: C.__getattr__("__write")(fd, t, size_t(len(t))),
        "__send": lambda t: C.__getattr__("__send")(fd, t, size_t(len(t)), 0),
        "writev": lambda t: C.writev(fd, ctypes.byref(Iovec(ctypes.cast(t, ctypes.c_void_p), len(t))), 1),
        "dprintf": lambda t: C.dprintf(fd, b"%s", t),
        "__dprintf_chk": lambda t: C.__getattr__("__dprintf_chk")(fd, 1, b"%s", t)}.items():
    data = name.encode()
    n = call(data)
    check(name, n == len(data) and comes_back(data, lambda: len(os.readv(fd, [buf]) and data)))

with tempfile.TemporaryFile() as f:
    content = os.urandom(300000)
    f.write(content)
    f.flush()
    for name in ("sendfile", "sendfile64"):
        offset, got = ctypes.c_long(1000), b""
        n = getattr(C, name)(fd, f.fileno(), ctypes.byref(offset), size_t(len(content)))
        while len(got) < n:
            got += sock.recv(65536)
        check(name, n == len(content) - 1000 and got == content[1000:] and offset.value == len(content))
    r, w = os.pipe()
    check("splice is refused", C.splice(fd, NULL, w, NULL, size_t(100), 0) == -1 and
          ctypes.get_errno() == errno.EINVAL)
    check("pread64 has no position", C.pread64(fd, buf, size_t(1), ctypes.c_long(0)) == -1 and
          ctypes.get_errno() == errno.ESPIPE)

stream = C.fdopen(os.dup(fd), b"r+")
C.fwrite(b"stdio", size_t(1), size_t(5), ctypes.c_void_p(stream))
C.fflush(ctypes.c_void_p(stream))
check("fdopen", C.fread(buf, size_t(1), size_t(5), ctypes.c_void_p(stream)) == 5 and buf.raw[:5] == b"stdio")
C.fclose(ctypes.c_void_p(stream))

fds = struct.pack("ihhihh", fd, select.POLLOUT, 0, r, select.POLLIN, 0)
for name, args in (("__poll", (1000,)), ("__poll_chk", (1000, size_t(16))),
                   ("ppoll", (ctypes.byref(Timespec(1, 0)), NULL)),
                   ("__ppoll_chk", (ctypes.byref(Timespec(1, 0)), NULL, size_t(16)))):
    array = ctypes.create_string_buffer(fds)
    check(name, C.__getattr__(name)(array, ctypes.c_ulong(2), *args) == 1 and
          struct.unpack("ihhihh", array.raw[:16])[2] == select.POLLOUT)

bits = (ctypes.c_ulong * 16)()
for name, timeout in (("select", ctypes.byref(Timespec(1, 0))), ("__select", ctypes.byref(Timespec(1, 0)))):
    bits[fd // 64] = 1 << fd % 64
    check(name, C.__getattr__(name)(fd + 1, NULL, bits, NULL, timeout) == 1)
check("pselect", C.pselect(fd + 1, NULL, bits, NULL, ctypes.byref(Timespec(1, 0)), NULL) == 1)

ep, events = select.epoll(), ctypes.create_string_buffer(12 * 8)
ep.register(fd, select.EPOLLOUT)
os.write(w, b"x")
ep.register(r, select.EPOLLIN)
n, end = 0, time.monotonic() + 5
while n < 2 and time.monotonic() < end:
    n = C.epoll_pwait2(ep.fileno(), events, 8, ctypes.byref(Timespec(1, 0)), NULL)
check("epoll_pwait2 with descriptors of both sides",
      {struct.unpack_from("=IQ", events, 12 * i)[1] & 0xffffffff for i in range(n)} == {fd, r})
begin = time.monotonic()
ep.modify(fd, 0)
os.read(r, 1)
check("epoll_pwait2, nothing for 50 ms", C.epoll_pwait2(ep.fileno(), events, 8, ctypes.byref(Timespec(0, 50000000)),
                                                       NULL) == 0 and time.monotonic() - begin >= 0.05)

# Datagrams: to ourselves, by Leat's own address.
own = sock.getsockname()[0]
udp = [socket.socket(FAMILY, socket.SOCK_DGRAM) for _ in range(2)]
udp[0].bind((own, 0))
udp[1].connect(udp[0].getsockname())
texts = [ctypes.create_string_buffer(f"datagram {i}".encode()) for i in range(3)]
iovs = [Iovec(ctypes.addressof(t), len(t.value)) for t in texts]
vec = (Mmsghdr * 3)(*[Mmsghdr(Msghdr(iov=ctypes.pointer(v), iovlen=1)) for v in iovs])
check("sendmmsg", C.sendmmsg(udp[1].fileno(), vec, 3, 0) == 3 and [v.len for v in vec] == [10] * 3)
room = [ctypes.create_string_buffer(100) for _ in range(4)]
iovs = [Iovec(ctypes.addressof(t), 100) for t in room]
vec = (Mmsghdr * 4)(*[Mmsghdr(Msghdr(iov=ctypes.pointer(v), iovlen=1)) for v in iovs])
wait(udp[0])
time.sleep(0.05)
n = C.recvmmsg(udp[0].fileno(), vec, 4, 0x10000, NULL)  # MSG_WAITFORONE
check("recvmmsg", n == 3 and [t.value for t in room[:3]] == [t.value for t in texts])

out = ctypes.POINTER(Ifaddrs)()
seen, node = set(), C.getifaddrs(ctypes.byref(out)) or out
while node:
    seen.add(node.contents.name)
    node = node.contents.next
C.freeifaddrs(out)
check("getifaddrs: both sides", {b"l0", b"lo"} <= seen)

check("fcntl64", C.fcntl64(fd, 4, os.O_NONBLOCK) == 0 and C.__getattr__("__fcntl")(fd, 3) & os.O_NONBLOCK != 0)
C.fcntl64(fd, 4, 0)
copy = C.__getattr__("__dup2")(fd, 100)
check("__dup2 and __close", copy == 100 and C.__getattr__("__close")(100) == 0 and
      C.__getattr__("__close")(100) == -1)
C.dup2(fd, 101)
C.close_range(101, 0x7fffffff, 0)
check("close_range spares what Leat has open", C.close(101) == -1)
sock.sendall(b"after all")
check("the connection after that", comes_back(b"after all", lambda: C.__getattr__("__read")(fd, buf, size_t(100))))
