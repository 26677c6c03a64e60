"""Hosts of a network that the test makes on this machine: network namespaces, joined by cables. Needs root."""

from __future__ import annotations

import ctypes
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_NETWORK = 0x40000000  # CLONE_NEWNET of setns(2)


@dataclass(frozen=True)
class Host:
    """A host with a loopback and with the addresses that it was given."""

    name: str

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Until the block ends, sockets, programs and threads that this thread begins are this host's."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            with (Path("/run/netns") / self.name).open() as there:
                _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home)
        finally:
            os.close(home)

    def ip(self, *arguments: str) -> None:
        """Run ip(8) on this host."""
        _run("ip", "-netns", self.name, *arguments)

    def give(self, address: str) -> None:
        """Give it one more address, without a network."""
        self.ip("address", "add", f"{address}/32", "dev", "lo")


@contextmanager
def host(name: str) -> Iterator[Host]:
    """A host until the block ends.

    Args:
        name: begins its name on this machine, at most 8 characters.
    """
    made = Host(f"{name}-{secrets.token_hex(3)}")
    _run("ip", "netns", "add", made.name)
    try:
        made.ip("link", "set", "lo", "up")
        yield made
    finally:
        _run("ip", "netns", "delete", made.name)


def join(one: Host, one_address: str, other: Host, other_address: str) -> None:
    """Lay a cable between two hosts. At each end it is named after the host at the other."""
    ends = {"peer": one.name, "name": other.name}
    _run(
        *("ip", "link", "add", ends["name"], "netns", one.name, "type", "veth"),
        *("peer", "name", ends["peer"], "netns", other.name),
    )
    for at, own, end, far in (
        (one, one_address, other.name, other_address),
        (other, other_address, one.name, one_address),
    ):
        at.ip("address", "add", own, "peer", far, "dev", end)
        at.ip("link", "set", end, "up")


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _NETWORK) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)
