"""A real OpenID Connect provider that asks for no password, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.waiting import fetch, free_port, wait_until

START_SECONDS = 180


@contextmanager
def real_provider(*people: dict[str, Any]) -> Iterator[str]:
    """A provider that runs until the block ends; gives its issuer.

    Args:
        people: the claims of each, `sub` among them.
    """
    port = free_port()
    program = Path(sys.executable).with_name("oidc-provider-mock")
    claims = [argument for person in people for argument in ("--user-claims", json.dumps(person))]
    command = [str(program), "--port", str(port), "--require-nonce", "true", *claims]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    issuer = f"http://localhost:{port}"
    try:
        assert wait_until(lambda: _answers(issuer), START_SECONDS), "the provider did not start"
        yield issuer
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def _answers(issuer: str) -> bool:
    try:
        fetch(f"{issuer}/.well-known/openid-configuration")
    except OSError:
        return False
    return True
