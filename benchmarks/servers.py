"""Every server that takes part, and how it is started. None of the peers writes an access log; Pierhead does."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from benchmarks.programs import LOAD_CORE, SERVER_CORE, Program, run_program
from benchmarks.results import BenchError

PIERHEAD: Final = "Pierhead"
PIERHEAD_S3: Final = "Pierhead on S3"
FLOOR: Final = "floor"
NGINX_FILE: Final = "nginx, static file"
AUTOINDEX: Final = "nginx autoindex"

COMMAND: Final = Path(sys.executable).with_name("pierhead")
FANCYINDEX: Final = Path("/usr/lib/nginx/modules/ngx_http_fancyindex_module.so")

_NGINX: Final = """\
{module}
{user}
daemon off;
worker_processes 1;
pid {directory}/pid;
events {{ worker_connections 4096; }}
http {{
    types {{ text/html html; }}
    default_type application/octet-stream;
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_body_temp_path {directory}/client;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        location / {{ {location} }}
        location = /ready {{ return 204; }}
    }}
}}
"""

_APACHE: Final = """\
ServerRoot {directory}
ServerName localhost
PidFile {directory}/pid
ErrorLog {directory}/errors
Listen 127.0.0.1:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule mime_module {modules}/mod_mime.so
LoadModule autoindex_module {modules}/mod_autoindex.so
TypesConfig /dev/null
<IfModule unixd_module>
    User www-data
    Group www-data
</IfModule>
StartServers 1
ServerLimit 4
ThreadsPerChild 25
MaxKeepAliveRequests 0
DocumentRoot {root}
<Directory {root}>
    Options Indexes
    AllowOverride None
    Require all granted
    IndexOptions FancyIndexing VersionSort HTMLTable NameWidth=* DescriptionWidth=* Charset=UTF-8
</Directory>
"""


def pierhead(
    directory: Path,
    storage: str,
    *,
    environ: Mapping[str, str] | None = None,
    workers: int = 1,
    cores: Sequence[int] = (SERVER_CORE,),
    prefix: Sequence[str] = (),
) -> AbstractContextManager[Program]:
    """Pierhead as an operator runs it: access log to a file, metrics on.

    Args:
        storage: URL of what it serves.
        environ: settings (`PIERHEAD_*`) that are not to be the defaults, and `AWS_*`.
        cores, prefix: see `run_program`.
    """
    return run_program(
        "{pierhead} serve --storage {storage} --port {port} --workers {workers}",
        directory,
        ready="/readyz",
        environ=environ,
        cores=cores,
        prefix=prefix,
        pierhead=COMMAND,
        storage=storage,
        workers=workers,
    )


def floor(directory: Path, captured: Path) -> AbstractContextManager[Program]:
    """The application `floor`, which sends what `floor.capture` wrote."""
    command = "{python} -m benchmarks.floor {captured} {port}"
    return run_program(command, directory, captured=captured)


def synthetic(directory: Path, groups: int, cache_bytes: int) -> AbstractContextManager[Program]:
    """Pierhead over made-up folders, 10,000 files in each of the groups."""
    command = (
        "{python} -m tests.support.synthetic_site {port} {cache_bytes} --groups {groups} --log-level info"
    )
    return run_program(command, directory, ready="/healthz", cache_bytes=cache_bytes, groups=groups)


def made_up_s3(
    directory: Path, *, entries: int = 0, object_bytes: int = 0, delay: float = 0.0
) -> AbstractContextManager[Program]:
    """A `MadeUpS3`, on the load generator's core."""
    return run_program(
        "{python} -m benchmarks.made_up_s3 {port} {entries} {object_bytes} {delay}",
        directory,
        ready="/-/requests",
        cores=(LOAD_CORE,),
        entries=entries,
        object_bytes=object_bytes,
        delay=delay,
    )


def nginx(
    directory: Path, root: Path, location: str = "", *, module: Path | None = None
) -> AbstractContextManager[Program]:
    """nginx with one worker.

    Args:
        location: directives for all of the root.

    Raises:
        BenchError: the module is not installed.
    """
    if module is not None and not module.exists():
        raise BenchError(f"{module} is not installed")
    return run_program(
        "nginx -c {directory}/configuration -e {directory}/errors",
        directory,
        ready="/ready",
        configuration=_NGINX,
        root=root,
        location=location,
        module=f"load_module {module};" if module else "",
        user="user root;" if os.geteuid() == 0 else "",
    )


def apache(directory: Path, root: Path) -> AbstractContextManager[Program]:
    """Apache with mod_autoindex and the event MPM, listings as Debian sets them up."""
    command = "apache2 -f {directory}/configuration -DFOREGROUND"
    modules = "/usr/lib/apache2/modules"
    return run_program(command, directory, configuration=_APACHE, root=root, modules=modules)


def caddy(directory: Path, root: Path) -> AbstractContextManager[Program]:
    """Caddy's file server with its listings."""
    command = "caddy file-server --browse --root {root} --listen 127.0.0.1:{port}"
    return run_program(command, directory, root=root)


def rclone(
    directory: Path, remote: object, environ: Mapping[str, str] | None = None, options: str = ""
) -> AbstractContextManager[Program]:
    """`rclone serve http`.

    Args:
        remote: a directory, or a bucket that `environ` says more about.
    """
    command = "rclone serve http {remote} --addr 127.0.0.1:{port} --read-only " + options
    nowhere = {"RCLONE_CONFIG": str(directory / "rclone.conf")}
    return run_program(command, directory, environ=nowhere | dict(environ or {}), remote=remote)


def copyparty(directory: Path, root: Path, venv: Path) -> AbstractContextManager[Program]:
    """copyparty, read-only, with its own kind of page."""
    command = "{venv}/bin/python -m copyparty -q -i 127.0.0.1 -p {port} -v {root}::r --no-thumb --http-only"
    return run_program(command, directory, root=root, venv=venv)
