"""The other servers, each as its manual has it run, and with what makes it faster than that where that is harmless.

No one of them writes an access log, which Pierhead does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from benchmarks.configurations import APACHE, CADDY, NGINX
from benchmarks.programs import Program, run_program
from benchmarks.results import BenchError
from benchmarks.s3 import BUCKET, S3
from tests.support.waiting import answers, free_port

APACHE_MODULES = Path("/usr/lib/apache2/modules")
FANCYINDEX = Path("/usr/lib/nginx/modules/ngx_http_fancyindex_module.so")


def run_nginx(
    directory: Path, root: Path, location: str, *, module: Path | None = None
) -> AbstractContextManager[Program]:
    """nginx with one worker.

    Args:
        directory: where it runs.
        root: what it serves.
        location: directives for all of it.
        module: to be loaded.
    """
    if module is not None and not module.exists():
        raise BenchError(f"{module} is not installed")
    port = free_port()
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "nginx.conf"
    configuration.write_text(
        NGINX.format(
            directory=directory,
            root=root,
            port=port,
            location=location,
            module=f"load_module {module};" if module else "",
            user="user root;" if os.geteuid() == 0 else "",
        )
    )
    command: list[str | Path] = ["nginx", "-c", configuration, "-e", directory / "errors"]
    return _serving(command, port, directory)


def run_apache(directory: Path, root: Path) -> AbstractContextManager[Program]:
    """Apache with mod_autoindex and the event MPM, listings as Debian sets them up."""
    port = free_port()
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "apache.conf"
    configuration.write_text(APACHE.format(directory=directory, root=root, port=port, modules=APACHE_MODULES))
    return _serving(["apache2", "-f", configuration, "-DFOREGROUND"], port, directory)


def run_caddy(directory: Path, root: Path) -> AbstractContextManager[Program]:
    """Caddy with `file_server browse`."""
    port = free_port()
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "Caddyfile"
    configuration.write_text(CADDY.format(root=root, port=port))
    command: list[str | Path] = ["caddy", "run", "--config", configuration, "--adapter", "caddyfile"]
    return _serving(command, port, directory)


def run_rclone(directory: Path, root: Path) -> AbstractContextManager[Program]:
    """`rclone serve http` on a directory."""
    port = free_port()
    command: list[str | Path] = [
        "rclone",
        "serve",
        "http",
        root,
        "--addr",
        f"127.0.0.1:{port}",
        "--read-only",
    ]
    return _serving(command, port, directory, {"RCLONE_CONFIG": str(directory / "rclone.conf")})


def run_rclone_on_s3(
    directory: Path, s3: S3, *, url: str | None = None, keeps_folders: bool = True
) -> AbstractContextManager[Program]:
    """`rclone serve http` on a bucket.

    Times are those of S3: by default rclone asks S3 once more for each file to learn of another one.

    Args:
        url: of a proxy before the engine.
        keeps_folders: for five minutes, as is its default; or asks S3 for each request.
    """
    port = free_port()
    command: list[str | Path] = ["rclone", "serve", "http", f":s3:{BUCKET}", "--addr", f"127.0.0.1:{port}"]
    command += ["--read-only", "--use-server-modtime"]
    command += [] if keeps_folders else ["--dir-cache-time", "0"]
    return _serving(command, port, directory, s3.rclone_environment(directory, url))


def run_copyparty(directory: Path, root: Path, *, venv: Path) -> AbstractContextManager[Program]:
    """copyparty, read-only, with its own kind of page.

    Args:
        venv: where `scripts/install-bench-packages` installed it.
    """
    port = free_port()
    command: list[str | Path] = [
        venv / "bin" / "python",
        "-m",
        "copyparty",
        "-q",
        "-i",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    command += ["-v", f"{root}::r", "--no-thumb", "--http-only"]
    return _serving(command, port, directory)


def _serving(
    command: Sequence[str | Path], port: int, directory: Path, environ: Mapping[str, str] | None = None
) -> AbstractContextManager[Program]:
    url = f"http://127.0.0.1:{port}"
    return run_program(
        command, url=url, directory=directory, answers=lambda: answers(f"{url}/"), environ=environ
    )
