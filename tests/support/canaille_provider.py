"""A real OpenID Connect provider with names, passwords and groups, in a process of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.waiting import fetch, free_port, wait_until

START_SECONDS = 60
PYTHON = Path(__file__).parents[2] / ".run/provider/bin/python"
"""In an environment of its own: the provider installs a package that is called `tests`, too."""
PASSWORD = "correct horse"
CLIENT_ID, CLIENT_SECRET = "artifacts", "a-secret-of-the-site"


class CanailleProvider:
    """Attributes:
    issuer: its URL.
    """

    def __init__(self, issuer: str, process: subprocess.Popen[str]) -> None:
        self.issuer = issuer
        self._process = process

    def tell(self, **change: Any) -> None:
        """Change something: `callbacks` of the only site, who is on the `staff`, whether it `is_down`, `new_keys`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(change) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"

    def settings(self) -> dict[str, Any]:
        """Settings of a site whose people log in there."""
        return {
            "oidc_issuer": self.issuer,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": CLIENT_SECRET,
        }


@contextmanager
def canaille_provider() -> Iterator[CanailleProvider]:
    """A provider that runs until the block ends."""
    port = free_port()
    assert PYTHON.exists(), f"{PYTHON} is not there: make test-system installs it"
    program = Path(__file__).with_name("canaille_server.py")
    command = [str(PYTHON), "-W", "ignore", str(program), str(port)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    provider = CanailleProvider(f"http://localhost:{port}", process)
    try:
        assert wait_until(lambda: _answers(provider.issuer), START_SECONDS), "the provider did not start"
        yield provider
    finally:
        process.terminate()
        process.communicate(timeout=START_SECONDS)


def _answers(issuer: str) -> bool:
    try:
        fetch(f"{issuer}/.well-known/openid-configuration")
    except OSError:
        return False
    return True
