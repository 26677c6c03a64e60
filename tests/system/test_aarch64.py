"""The server on aarch64, installed from the lock, answers byte for byte as on this machine.

Costs 20 seconds of a processor, most of them for the start of the emulated server; the first run fetches a system and 60 packages,
and compiles them there.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.support.aarch64 import emulated, packages_of, system_files
from tests.support.deployment import PROJECT
from tests.support.engines import run_rclone
from tests.support.patient_serve import PROGRAM
from tests.support.pierhead_process import run_pierhead

pytestmark = pytest.mark.timeout(1800)  # a system and sixty packages are fetched

SEEN = ("etag", "last-modified", "content-type", "content-length", "content-range", "repr-digest", "vary")
BROWSER = {"Accept": "text/html"}
FILE, OBJECT = "/local/file.bin", "/stored/object.bin"
LOCK = PROJECT / "requirements/runtime.txt"
CONTENT = bytes(range(256)) * 4096
ASKED: tuple[tuple[str, dict[str, str]], ...] = (
    *((f"/local/?format={form}", {}) for form in ("json", "ndjson")),
    *((f"/stored/?format={form}", {}) for form in ("json", "csv")),
    *((path, BROWSER) for path in ("/", "/local/", "/stored/", "/local/README.md?view=1", "/absent")),
    *((path, {}) for path in (FILE, OBJECT, "/?recursive=true", "/api/v1/manifest/", "/api/ls/")),
    *((path, {"Range": "bytes=1000-2000"}) for path in (FILE, OBJECT)),
    *(("/local/", {"Accept-Encoding": encoding}) for encoding in ("br", "zstd", "gzip")),
)


class Answer(NamedTuple):
    """What has to be the same."""

    status: int
    fields: dict[str, str]
    content: bytes


class Machines(NamedTuple):
    """A server on this machine and one on the other, over the same stores."""

    here: str
    there: str


@pytest.fixture(scope="module")
def python() -> tuple[str, ...]:
    return emulated(system_files())


@pytest.fixture(scope="module")
def site() -> Path:
    return packages_of(LOCK)


@pytest.fixture(scope="module")
def machines(
    python: tuple[str, ...], site: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machines]:
    directory = tmp_path_factory.mktemp("machines")
    local, stored = directory / "tree/local", directory / "s3/tree/artifacts/stored"
    for place, name in ((local, "file.bin"), (stored, "object.bin")):
        place.mkdir(parents=True)
        (place / name).write_bytes(CONTENT)
        (place / "README.md").write_text("# Read me\n\nSome *words*, and `code`.\n")
        for number in range(40):
            (place / f"part-{number}.txt").write_text(f"{number}\n" * number)
    for name in ("here", "there"):
        (directory / name).mkdir()
    with run_rclone(directory / "s3") as endpoint:
        environ = {
            "AWS_ENDPOINT_URL_S3": endpoint.url,
            "AWS_ACCESS_KEY_ID": endpoint.access_key,
            "AWS_SECRET_ACCESS_KEY": endpoint.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "PIERHEAD_CACHE_TTL": "0",
            "PIERHEAD_DELIVERY": "proxy",
            "PIERHEAD_OVERLAY": str(directory / "tree"),
            "PIERHEAD_ADMIN_LISTEN": "127.0.0.1:0",
        }
        packages = {"PYTHONPATH": f"{site}:{PROJECT}"}
        # No README of a bucket is left out because this machine, or the other, is slow.
        with (
            run_pierhead(
                *("s3://artifacts", directory / "here"), environ=environ, program=(sys.executable, *PROGRAM)
            ) as here,
            run_pierhead(
                *("s3://artifacts", directory / "there"),
                environ=environ | packages,
                program=(*python, *PROGRAM),
            ) as there,
        ):
            yield Machines(here.url, there.url)


def answer_of(url: str, path: str, fields: dict[str, str]) -> Answer:
    with httpx.Client(trust_env=False, timeout=120) as client:
        request = client.build_request("GET", url + path, headers={"Accept-Encoding": "identity"} | fields)
        answer = client.send(request, stream=True)
        content = b"".join(answer.iter_raw())
    return Answer(answer.status_code, {name: answer.headers.get(name, "") for name in SEEN}, content)


def test_it_is_another_machine(python: tuple[str, ...]) -> None:
    command = [*python, "-c", "import platform; print(platform.machine())"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "aarch64\n"


def test_what_the_lock_names_is_built_for_it(site: Path) -> None:
    built = [path.name for path in site.rglob("*.so")]
    assert {"uvloop", "httptools", "orjson"} <= {path.name for path in site.iterdir()}
    assert built
    assert not [name for name in built if "x86_64" in name]


@pytest.mark.parametrize(("path", "fields"), ASKED)
def test_it_answers_as_here(machines: Machines, path: str, fields: dict[str, str]) -> None:
    here = answer_of(machines.here, path, fields)
    assert answer_of(machines.there, path, fields) == here
    assert here.status in ((404,) if path == "/absent" else (200, 206))
    if path in (FILE, OBJECT) and not fields:
        assert (here.content, bool(here.fields["etag"])) == (CONTENT, True)
