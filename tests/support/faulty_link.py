"""A line between two hosts that is as bad as the test wants it. Needs root and /dev/net/tun.

Run as a program it is the line itself, since kernels of test machines lack netem: whatever one end is given is held for a while, or lost,
and handed to the other end, in order. Each line on standard input is the state from then on.
"""

from __future__ import annotations

import fcntl
import heapq
import json
import os
import random
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from tests.support.hosts import Host

_ATTACH = 0x400454CA  # TUNSETIFF, with packets as they are (IFF_TUN | IFF_NO_PI)
_FLAGS = 0x0001 | 0x1000
_LARGEST = 65535
_AT_ONCE = 64
_END_SECONDS = 60
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Fault:
    """What a line does to what is sent, in each direction.

    Attributes:
        delay: seconds that a packet takes.
        jitter: seconds that it may take more or less.
        lost: one packet in so many gets lost; 0: none. Counted, not drawn, so that no packet is lost again and again.
        cut: all get lost.
    """

    delay: float = 0
    jitter: float = 0
    lost: int = 0
    cut: bool = False


class FaultyLink:
    """The hold that a test has on a line."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self._program = program

    def become(self, fault: Fault) -> None:
        """Have this fault from now on, and no other."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        print(json.dumps(asdict(fault)), file=self._program.stdin, flush=True)
        assert self._program.stdout.readline() == "done\n"


@contextmanager
def join_badly(one: Host, one_address: str, other: Host, other_address: str) -> Iterator[FaultyLink]:
    """Lay a line between two hosts, without a fault at first, until the block ends."""
    command = [sys.executable, "-m", "tests.support.faulty_link", one.name, other.name]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        try:
            link = FaultyLink(program)
            link.become(Fault())
            for at, own, end, far in (
                (one, one_address, other.name, other_address),
                (other, other_address, one.name, one_address),
            ):
                at.ip("address", "add", own, "peer", far, "dev", end)
                at.ip("link", "set", end, "up")
            yield link
        finally:
            assert program.stdin is not None
            program.stdin.close()
            program.wait(_END_SECONDS)


class _Packet(NamedTuple):
    due: float
    number: int
    end: int
    content: bytes


class _Line:
    """Hands packets from one end to the other."""

    def __init__(self, ends: tuple[int, int]) -> None:
        self._other = {ends[0]: ends[1], ends[1]: ends[0]}
        self._last = dict.fromkeys(ends, 0.0)
        self._seen = dict.fromkeys(ends, 0)
        self._held: list[_Packet] = []
        self._number = 0
        self.fault = Fault()

    def wait(self) -> float | None:
        """Seconds until the next packet is due."""
        return max(0.0, self._held[0].due - time.monotonic()) if self._held else None

    def take(self, end: int) -> None:
        """Take what an end was given."""
        for _ in range(_AT_ONCE):
            try:
                content = os.read(end, _LARGEST)
            except BlockingIOError:
                return
            self._seen[end] += 1
            if self.fault.cut or (self.fault.lost and self._seen[end] % self.fault.lost == 0):
                continue
            held = self.fault.delay + random.uniform(-self.fault.jitter, self.fault.jitter)
            self._last[end] = max(self._last[end], time.monotonic() + held)
            self._number += 1
            heapq.heappush(self._held, _Packet(self._last[end], self._number, self._other[end], content))

    def hand_over(self) -> None:
        """Hand over what is due."""
        while self._held and self._held[0].due <= time.monotonic():
            packet = heapq.heappop(self._held)
            with suppress(
                OSError
            ):  # a full queue loses packets, as in any network; so does an end that is not up yet
                os.write(packet.end, packet.content)


def _end_at(host: Host, name: str) -> int:
    """A network device of a host, as the file descriptor of what comes out of it."""
    with host.entered():
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, _ATTACH, struct.pack("16sH22x", name.encode(), _FLAGS))
    return device


def _run(one: str, other: str) -> None:
    line = _Line(ends := (_end_at(Host(one), other), _end_at(Host(other), one)))
    ready = select.epoll()
    for source in (*ends, sys.stdin.fileno()):
        ready.register(source, select.EPOLLIN)
    while True:
        for source, _ in ready.poll(line.wait()):
            if source in ends:
                line.take(source)
            elif state := sys.stdin.readline():
                line.fault = Fault(**json.loads(state))
                print("done", flush=True)
            else:
                return
        line.hand_over()


if __name__ == "__main__":
    _run(*sys.argv[1:])
