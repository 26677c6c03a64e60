"""nginx as `containers/nginx-accel.conf` has it, in front of a server on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.shared_caches import run_nginx

CONTAINERS = Path(__file__).parents[2] / "containers"
_COMPRESSES = "gzip on;\ngzip_types text/plain;\ngzip_min_length 1;\n"
"""What an operator may have switched on for everything."""


def accel_configuration(port: int, root: Path, authorities: Path | None = None) -> str:
    """What goes into the `http` block, with this machine's places in it.

    Args:
        port: where the server listens.
        root: the directory that it serves, if it does.
        authorities: certificates by which those of S3 are judged; None for the system's.
    """
    text = (CONTAINERS / "nginx-accel.conf").read_text()
    system = "/etc/ssl/certs/ca-certificates.crt"
    for old, new, times in (
        ("server 127.0.0.1:8000;", f"server 127.0.0.1:{port};", 1),
        ("listen 80;", "listen 127.0.0.1:@PORT@;", 1),
        ("/srv/releases/", f"{root}/", 2),
        (system, str(authorities or system), 1),
    ):
        assert text.count(old) == times, old
        text = text.replace(old, new)
    return _COMPRESSES + text


@contextmanager
def run_accel_nginx(
    directory: Path, port: int, root: Path, *, authorities: Path | None = None, more: str = ""
) -> Iterator[str]:
    """Run it until the block ends; gives its URL, without a slash at the end.

    Args:
        directory: for all that it writes.
        port, root, authorities: as `accel_configuration` takes them.
        more: what else goes into the `http` block.
    """
    directory.mkdir()
    # What is included is looked for beside the configuration.
    (directory / "nginx-accel-fields.conf").write_bytes((CONTAINERS / "nginx-accel-fields.conf").read_bytes())
    configuration = accel_configuration(port, root, authorities) + more
    with run_nginx(directory, configuration, "/healthz") as nginx:
        yield nginx.url
