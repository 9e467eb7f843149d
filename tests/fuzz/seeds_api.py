#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write the seeds of fuzz_api into corpus/api/: the language is in fuzz_api.c. Run it after changing that."""

import pathlib
import random

OPS = ("socket bind listen accept connect shutdown close recv read send sendto getsockopt setsockopt names fcntl ioctl "
       "dup dup2 epoll_create epoll_ctl epoll_wait poll timeouts").split()
ADD, DEL, MOD = 1, 2, 3
LOOPBACK = (6, 0, 0)  # any port


def op(name, *args):
    return bytes([OPS.index(name), *args])


def connected(family):
    """Slot 0 listens, 1 is connected to it, 2 is the other end."""
    return (op("socket", family, 0, 0) + op("bind", 0, *LOOPBACK) + op("listen", 0, 8) + op("socket", family, 0, 0) +
            op("connect", 1, 0, 0, 0, 0) + op("accept", 0, 0))


def seeds():
    out = {}
    for family, f in ((0, "4"), (1, "6")):
        start = connected(family)
        look = op("poll", 0xff, 0xff)
        out["stream" + f] = (start + op("send", 1, 9) + look + op("recv", 2, 2, 4) + op("recv", 2, 0, 4) + look +
                             op("shutdown", 1, 1) + op("ioctl", 2, 0) + op("read", 2, 200) + look + op("close", 2) +
                             op("send", 1, 1) + look + op("recv", 1, 0, 9) + look)
        out["events" + f] = (start + op("epoll_create", 0) + op("epoll_ctl", 3, 1, ADD, 3) +
                             op("epoll_ctl", 3, 2, ADD, 6) + op("epoll_wait", 3, 0) + op("send", 1, 5) +
                             op("epoll_wait", 3, 0) + op("epoll_wait", 3, 0) + op("epoll_ctl", 3, 2, MOD, 7) +
                             op("epoll_wait", 3, 0) + op("shutdown", 1, 2) + op("epoll_wait", 3, 0) +
                             op("epoll_ctl", 3, 2, DEL, 0) + op("close", 1) + op("epoll_wait", 3, 0))
        out["names" + f] = (start + b"".join(op("names", s, p, n) for s in range(4) for p in (0, 1) for n in (0, 8, 39)) +
                            op("connect", 1, 3, 0, 0) + look)
        out["options" + f] = op("socket", family, 0, 0) + b"".join(
            op("setsockopt", 0, o, 1, 0, 0) + op("getsockopt", 0, o, 0) for o in range(22))
        out["udp" + f] = (op("socket", family, 2, 0) + op("bind", 0, *LOOPBACK) + op("socket", family, 2, 0) +
                          op("sendto", 1, 7, 0, 0, 0, 0) + look + op("recv", 0, 3, 3) + op("recv", 0, 0, 9) +
                          op("connect", 1, 6, 0, 2) + op("send", 1, 1) + look + op("recv", 1, 0, 1) + look)
        out["dup" + f] = (start + op("dup", 2) + op("epoll_create", 0) + op("epoll_ctl", 4, 2, ADD, 1) + op("close", 2) +
                          op("send", 1, 3) + op("epoll_wait", 4, 0) + op("dup2", 3, 1) + op("fcntl", 3, 0) + look)
        out["refused" + f] = (op("socket", family, 0, 0) + op("connect", 0, 6, 0, 2) + look + op("connect", 0, 6, 0, 2) +
                              op("recv", 0, 0, 1) + look)
    rng = random.Random(1)
    for k in range(24):
        start = connected(k % 2)
        out[f"random{k:02d}"] = start + bytes(rng.randrange(256) for _ in range(60))
    return out


def main():
    where = pathlib.Path(__file__).parent / "corpus" / "api"
    where.mkdir(parents=True, exist_ok=True)
    for old in where.iterdir():
        old.unlink()
    for name, data in seeds().items():
        (where / name).write_bytes(data)


if __name__ == "__main__":
    main()
