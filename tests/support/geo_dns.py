"""Two regions behind the documented geo-DNS, each a host with a replica and a bucket of its own.

The network has the addresses of the documentation, `containers/gdnsd` is used as it is.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.engines import run_rclone
from tests.support.hosts import Host, host, join
from tests.support.pierhead_process import RunningPierhead, run_pierhead
from tests.support.waiting import wait_until

NAME = "releases.example.org"
ADDRESSES = {"eu": "192.0.2.10", "us": "198.51.100.10"}
CLIENTS = {"eu": "203.0.113.1", "us": "203.0.113.129"}
"""A client near each region."""
PORT = 8000
FILE = b"published\n" * 1000
_CONFIGURATION = Path(__file__).parents[2] / "containers/gdnsd"
_DNS = "192.0.2.53"
_ROUTERS = {"eu": "192.0.2.1", "us": "198.51.100.1"}
_BUCKET = "127.0.0.1:9000"
_START_SECONDS = 60


class Region:
    """A host with a replica and its bucket; each may die and come back."""

    def __init__(self, name: str, world: Host, directory: Path, stack: ExitStack) -> None:
        self.name = name
        self._directory = directory
        self._host = stack.enter_context(host(name))
        self._world = world
        join(world, _ROUTERS[name], self._host, ADDRESSES[name])
        self._host.ip("route", "add", "default", "via", _ROUTERS[name])
        tree = directory / "bucket/tree/artifacts"
        tree.mkdir(parents=True)
        (tree / "file.txt").write_bytes(FILE)
        self._bucket = stack.enter_context(ExitStack())
        self._replica = stack.enter_context(ExitStack())
        self._starts = 0
        self.start_bucket()
        self.server = self.start_replica()

    def start_bucket(self) -> None:
        with self._host.entered():
            self._bucket.enter_context(run_rclone(self._directory / "bucket", _BUCKET))

    def stop_bucket(self) -> None:
        self._bucket.close()

    def start_replica(self) -> RunningPierhead:
        self._starts += 1
        own = self._directory / f"replica-{self._starts}"
        own.mkdir()
        environ = {
            "AWS_ENDPOINT_URL_S3": f"http://{_BUCKET}",
            "AWS_ACCESS_KEY_ID": "testing-access-key",
            "AWS_SECRET_ACCESS_KEY": "testing-secret-key",
            "AWS_DEFAULT_REGION": "us-east-1",
            "PIERHEAD_REPLICA_ID": self.name,
            "PIERHEAD_DELIVERY": "proxy",
            "PIERHEAD_LOG_FORMAT": "json",
        }
        listen = ("--host", "0.0.0.0", "--port", str(PORT))
        with self._host.entered():
            self.server = self._replica.enter_context(
                run_pierhead("s3://artifacts", own, *listen, environ=environ)
            )
        return self.server

    def kill_replica(self) -> None:
        os.kill(self.server.pid, signal.SIGKILL)
        self._replica.close()

    def cut_network(self) -> None:
        """Nothing that is sent arrives, and nobody is told."""
        self._host.ip("route", "flush", "table", "main")

    def metrics(self) -> str:
        with self._host.entered():
            return self.server.metrics()


@contextmanager
def geo_dns(world: Host, directory: Path) -> Iterator[None]:
    """The documented gdnsd on a host, until the block ends."""
    place = directory / "gdnsd"
    shutil.copytree(_CONFIGURATION, place)
    text = (place / "config").read_text()
    own = f"options => {{\n  run_dir => {directory}/run\n  state_dir => {directory}/state\n"
    (place / "config").write_text(text.replace("options => {\n", own, 1))
    with world.entered(), (directory / "gdnsd.log").open("wb") as log:
        process = subprocess.Popen(["gdnsd", "-c", str(place), "start"], stdout=log, stderr=log)
        try:
            started = wait_until(lambda: _asked(CLIENTS["eu"]) != [], _START_SECONDS)
            assert started, (directory / "gdnsd.log").read_text()
            yield
        finally:
            process.terminate()
            process.wait(_START_SECONDS)


def _asked(source: str) -> list[list[str]]:
    command = ["dig", "+noall", "+answer", "+time=5", "+tries=1", "-b", source, f"@{_DNS}", NAME, "A"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return [line.split() for line in answer.stdout.splitlines() if not line.startswith(";")]


def resolve(world: Host, source: str) -> tuple[str, int]:
    """The address that a client is given, and for how many seconds it may keep it.

    Args:
        source: the client's address.
    """
    with world.entered():
        ((_, ttl, *_, address),) = _asked(source)
    return address, int(ttl)


@contextmanager
def two_regions(directory: Path) -> Iterator[tuple[Host, dict[str, Region]]]:
    """A host where the clients and the geo-DNS are, and the regions by name."""
    with ExitStack() as stack:
        world = stack.enter_context(host("world"))
        for address in (_DNS, *CLIENTS.values()):
            world.give(address)
        regions = {}
        for name in ADDRESSES:
            (directory / name).mkdir()
            regions[name] = Region(name, world, directory / name, stack)
        stack.enter_context(geo_dns(world, directory))
        yield world, regions
