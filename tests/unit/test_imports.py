"""What a site loads before its first answer, what it loads late, and what it does without."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final

from tests.support.waiting import PATIENCE

S3_LIBRARIES: Final = {"aioboto3", "aiobotocore", "aiohttp", "boto3", "botocore", "multidict", "yarl"}
LOGIN_LIBRARIES: Final = {"cryptography", "ldap3", "pyasn1"}
DOCUMENT_LIBRARIES: Final = {"docutils", "markdown_it", "nh3", "textile"}
LATE_LIBRARIES: Final = {"fastapi", "opentelemetry"}

SERVE: Final = """
import asyncio, json, os, sys
from app.cli import checks, command  # as `pierhead serve` loads them
from app.main import create_app
from app.server import accepting_loop, late
from app.telemetry import configure_logging
from tests.support.in_process import Ask, Asker, send
from tests.support.live_server import policy_from, settings_for

late.READY_SECONDS = 3600  # only a request has more loaded, however slow this machine is

async def serve(first, *others):
    app = create_app(settings_for(storage=(sys.argv[1],)), policy_from(""))
    async with app._open(None):
        answers = [await send(app, Ask(first), Asker(""))]
        loaded = sorted({name.partition(".")[0] for name in sys.modules})
        answers += await asyncio.gather(*[send(app, Ask(path), Asker("")) for path in others])
    return {"loaded": loaded, "answers": [answer.status for answer in answers]}

for paths in json.loads(sys.argv[2]):
    if (child := os.fork()) == 0:
        configure_logging("error", "json")
        print(json.dumps(asyncio.run(serve(*paths))), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""
OWN_PATHS: Final = ("/healthz", "/readyz", "/api/openapi.json", "/healthz", "/api/v1/manifest/", "/login")


def served(tree: Path, *visits: Sequence[str], without: Collection[str] = ()) -> list[dict[str, Any]]:
    """What a fresh server has loaded when the first path of a visit is answered; and the statuses, of the others at once.

    Each visit gets a fork of its own of a process that has loaded what a server does at its start.

    Args:
        without: libraries that are not installed.
    """
    script = f"import sys; sys.modules.update(dict.fromkeys({sorted(without)}))\n{SERVE}"
    found = subprocess.run(
        [sys.executable, "-c", script, tree, json.dumps(visits)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert found.returncode == 0, found.stderr
    return [json.loads(line) for line in found.stdout.splitlines()]


def test_a_site_in_a_directory_answers_before_it_loads_what_that_does_not_need(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    firsts = {"/": 200, "/a.txt": 200, "/absent": 404}
    visits = served(tmp_path, *((first, *OWN_PATHS) for first in firsts))
    for status, visit in zip(firsts.values(), visits, strict=True):
        loaded = set(visit["loaded"])
        assert {"app", "uvicorn", "jinja2"} <= loaded
        assert not loaded & (S3_LIBRARIES | LOGIN_LIBRARIES | DOCUMENT_LIBRARIES | LATE_LIBRARIES)
        assert visit["answers"] == [status, 200, 200, 200, 200, 200, 404]


def test_a_site_in_a_directory_needs_no_library_of_an_extra(tmp_path: Path) -> None:
    for name in ("README.rst", "README.textile", "README.md"):
        (tmp_path / name).write_text("Some notes.")
    extras = {
        "aioboto3",
        "aiobotocore",
        "boto3",
        "botocore",
        "brotli",
        "cryptography",
        "docutils",
        "joserfc",
        "ldap3",
        "rich",
        "stamina",
        "tenacity",
        "textile",
    }
    (shown,) = served(tmp_path, ("/", *OWN_PATHS, "/README.rst"), without=extras)
    assert shown["answers"] == [200, 200, 200, 200, 200, 200, 404, 200]


def test_the_servers_own_paths_can_be_asked_for_first_and_all_at_once(tmp_path: Path) -> None:
    (shown,) = served(tmp_path, OWN_PATHS)
    assert set(shown["loaded"]) >= LATE_LIBRARIES
    assert not set(shown["loaded"]) & S3_LIBRARIES
    assert shown["answers"] == [200, 200, 200, 200, 200, 404]
