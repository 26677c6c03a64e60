"""SeaweedFS for as long as a block lasts: an S3 engine over a file tree, to which `a\\b` and `a/b` are one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.aws import S3Endpoint
from tests.support.engine_process import installed, run_engine
from tests.support.waiting import free_port


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
        *(installed("weed"), "server", "-s3", f"-s3.port={port}", f"-s3.config={directory / 's3.json'}"),
        *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={directory}", "-volume.max=1000"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),  # these have fixed ports
        "-volume.preStopSeconds=0",  # it would go on for ten seconds once it is told to end
        *(f"-{option}={free_port()}" for option in others),
    ]
    with run_engine(command, endpoint, directory):
        yield endpoint
