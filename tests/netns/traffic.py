# SPDX-License-Identifier: BSD-2-Clause
"""Senders and receivers with a checksum, and threads whose failure is not lost."""
import functools
import hashlib
import random
import select
import socket
import struct
import threading
import time

BLOCK = 1 << 20


class Task(threading.Thread):
    """A thread with a result; an exception in it comes out of result()."""

    def __init__(self, fn, *args, **kw):
        super().__init__(daemon=True)
        self._call, self._value, self._error = (fn, args, kw), None, None
        self.start()

    def run(self):
        fn, args, kw = self._call
        try:
            self._value = fn(*args, **kw)
        except BaseException as e:  # pylint: disable=broad-except
            self._error = e

    def result(self, timeout=60):
        self.join(timeout)
        if self.is_alive():
            raise TimeoutError(f"{self._call[0].__name__} still runs after {timeout} s")
        if self._error:
            raise self._error
        return self._value


@functools.lru_cache(16)
def pattern(seed):
    """A block of bytes that no other seed gives."""
    return random.Random(seed).randbytes(BLOCK)


def send_pattern(sock, nbytes, seed=1, on_progress=None):
    """Send so many bytes; return their SHA-256. The block is sent rotated, so that no two are the same."""
    block = pattern(seed)
    block += block
    digest, left, turn = hashlib.sha256(), nbytes, 0
    while left > 0:
        start = turn * 7919 % BLOCK
        piece = memoryview(block)[start:start + min(left, BLOCK)]
        digest.update(piece)
        sock.sendall(piece)
        left -= len(piece)
        turn += 1
        if on_progress:
            on_progress(nbytes - left)
    return digest.hexdigest()


def recv_all(sock):
    """Receive to the end of the stream; return (bytes, SHA-256)."""
    digest, total, buf = hashlib.sha256(), 0, bytearray(BLOCK)
    view = memoryview(buf)
    while n := sock.recv_into(buf):
        digest.update(view[:n])
        total += n
    return total, digest.hexdigest()


def recv_exactly(sock, nbytes):
    out = bytearray()
    while len(out) < nbytes:
        data = sock.recv(nbytes - len(out))
        if not data:
            raise EOFError(f"the stream ended after {len(out)} of {nbytes} bytes")
        out += data
    return bytes(out)


def reset(sock):
    """Close with a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def ending(sock, timeout=10):
    """How the peer ended the connection: "end" or "reset"; data before it is skipped."""
    sock.settimeout(timeout)
    try:
        while sock.recv(BLOCK):
            pass
        return "end"
    except ConnectionResetError:
        return "reset"


def fill(sock, chunk, quiet=1.0):
    """Write until nothing was taken for a while; return how many bytes were, and their SHA-256."""
    total, digest = 0, hashlib.sha256()
    sock.setblocking(False)
    while select.select([], [sock], [], quiet)[1]:
        try:
            n = sock.send(chunk)
            total += n
            digest.update(chunk[:n])
        except BlockingIOError:
            pass
    return total, digest.hexdigest()


def wait_until(what, fn, timeout=5):
    end = time.monotonic() + timeout
    while not fn():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout} s")
        time.sleep(0.01)
