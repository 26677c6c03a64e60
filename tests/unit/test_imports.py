"""What a site loads, and what it does without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

S3_LIBRARIES = {"aioboto3", "aiobotocore", "aiohttp", "boto3", "botocore", "multidict", "yarl"}
LOGIN_LIBRARIES = {"ldap3", "pyasn1"}

SERVE_ONCE = """
import asyncio, json, sys
from app.cli import main
from app.cli.checks import check_all
from app.config import Settings
from app.main import create_app
from app.policy.site_policy import SitePolicy

async def answer():
    app = create_app(Settings(storage=(sys.argv[1],), default_tier="public", secret_keys=("k" * 32,)), SitePolicy())
    scope = {"type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"", "scheme": "http",
             "headers": [(b"host", b"test")], "http_version": "1.1", "client": None, "server": None}
    sent = []
    async def receive(): return {"type": "http.request", "body": b"", "more_body": False}
    async def send(message): sent.append(message)
    async with app._open(None):
        await app(scope, receive, send)
    return sent[0]["status"]

if sys.argv[1]:
    assert asyncio.run(answer()) == 200
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def loaded(storage: str) -> set[str]:
    """Top-level modules of a process that has imported all of the server, and answered a request if it has a tree."""
    found = subprocess.run(
        [sys.executable, "-c", SERVE_ONCE, storage], capture_output=True, text=True, check=True, timeout=120
    )
    return set(found.stdout.strip().strip("[]").replace('"', "").split(", "))


@pytest.mark.parametrize("has_tree", [True, False])
def test_a_site_in_a_directory_loads_no_library_for_s3_or_logins(tmp_path: Path, has_tree: bool) -> None:
    (tmp_path / "a.txt").write_text("a")
    modules = loaded(str(tmp_path) if has_tree else "")
    assert {"app", "uvicorn", "fastapi"} <= modules
    assert not modules & (S3_LIBRARIES | LOGIN_LIBRARIES)
