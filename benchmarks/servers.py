"""Every server that takes part, how it is started, and what a reader has to know about it.

None of the peers writes an access log; Pierhead does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.bench import HOME, Bench
from benchmarks.programs import LOAD_CORE, SERVER_CORE, Program, run_program
from benchmarks.results import BenchError
from benchmarks.s3 import STORAGE, aws_environment, rclone_environment
from tests.support.aws import BUCKET, S3Endpoint

PIERHEAD: Final = "Pierhead"
PIERHEAD_S3: Final = "Pierhead on S3"
FLOOR: Final = "floor"
NGINX_FILE: Final = "nginx, static file"
AUTOINDEX: Final = "nginx autoindex"
FANCYINDEX: Final = "nginx fancyindex"
APACHE: Final = "Apache mod_autoindex"
CADDY: Final = "Caddy file_server browse"
RCLONE: Final = "rclone serve http"
RCLONE_S3: Final = "rclone on S3"
RCLONE_S3_READING: Final = "rclone on S3, --dir-cache-time 0"
LISTING_PEERS: Final = (AUTOINDEX, FANCYINDEX, APACHE, CADDY)

COMMAND: Final = Path(sys.executable).with_name("pierhead")

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
    client_body_temp_path {directory}/client; proxy_temp_path {directory}/proxy; scgi_temp_path {directory}/scgi;
    fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi;
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
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule autoindex_module /usr/lib/apache2/modules/mod_autoindex.so
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

Running = AbstractContextManager[Program]


def pierhead(
    bench: Bench,
    storage: str = "",
    *,
    environ: Mapping[str, str] | None = None,
    workers: int = 1,
    cores: Sequence[int] = (SERVER_CORE,),
    prefix: Sequence[str] = (),
) -> Running:
    """Pierhead as an operator runs it, access log to a file, metrics on; on the tree or another storage."""
    return run_program(
        "{pierhead} serve --storage {storage} --port {port} --workers {workers}",
        bench.place(PIERHEAD),
        ready="/readyz",
        environ=environ,
        cores=cores,
        prefix=prefix,
        pierhead=COMMAND,
        storage=storage or f"file://{bench.tree}",
        workers=workers,
    )


def pierhead_on_s3(bench: Bench, s3: S3Endpoint | None = None, **settings: str) -> Running:
    """Pierhead on the S3 engine or another S3, with some settings (`PIERHEAD_*`)."""
    return pierhead(bench, STORAGE, environ=aws_environment(s3 or bench.s3) | settings)


def made_up_s3(bench: Bench, *, entries: int = 0, object_bytes: int = 0, delay: float = 0.0) -> Running:
    """A `MadeUpS3`, on the load generator's core."""
    return run_program(
        f"{{python}} -m benchmarks.made_up_s3 {{port}} {entries} {object_bytes} {delay}",
        bench.place("made-up S3"),
        ready="/-/requests",
        cores=(LOAD_CORE,),
    )


def nginx(
    bench: Bench, root: Path | None = None, location: str = "", *, module: Path | None = None
) -> Running:
    """nginx with one worker, and directives for all of the root.

    Raises:
        BenchError: the module is not installed.
    """
    if module is not None and not module.exists():
        raise BenchError(f"{module} is not installed")
    return run_program(
        "nginx -c {directory}/configuration -e {directory}/errors",
        bench.place("nginx"),
        ready="/ready",
        configuration=_NGINX,
        root=root or bench.tree,
        location=location,
        module=f"load_module {module};" if module else "",
        user="user root;" if os.geteuid() == 0 else "",
    )


def static_pages(bench: Bench) -> Path:
    """The directory of the pages that `NGINX_FILE` sends."""
    pages = bench.directory / "static"
    pages.mkdir(exist_ok=True)
    return pages


def rclone(bench: Bench, s3: S3Endpoint | None = None, options: str = "") -> Running:
    """`rclone serve http` on the tree, or on an S3."""
    remote = f":s3:{BUCKET}" if s3 else bench.tree
    environ = rclone_environment(s3, bench.directory) if s3 else {}
    command = f"rclone serve http {remote} --addr 127.0.0.1:{{port}} --read-only {options}"
    return run_program(command, bench.place(RCLONE), environ=environ)


def rclone_on_s3(bench: Bench, s3: S3Endpoint | None = None, options: str = "") -> Running:
    """rclone on S3. Times are those of S3: for another one, rclone would ask S3 once more for each file."""
    return rclone(bench, s3 or bench.s3, f"--use-server-modtime {options}")


def _on_tree(command: str, bench: Bench, configuration: str = "") -> Running:
    """A server that needs nothing but a command."""
    place, tools = bench.place(Path(command.split()[0]).name), HOME / "copyparty"
    return run_program(command, place, configuration=configuration, root=bench.tree, copyparty=tools)


class Server(NamedTuple):
    """One that takes part in the warm listings."""

    name: str
    start: Callable[[Bench], Running]
    is_ours: bool = False  # Pierhead, or what says how good Pierhead could be: measured for longer
    reads_s3: bool = False
    suffix: str = "/"  # of the page's path: `/` for a folder
    note: str = ""  # stands in each of its rows
    strength: str = ""  # why it wins, where it does


_READS: Final = "reads the directory for every request; it is in the kernel's memory and short"
_KEEPS: Final = "Go; keeps directories in memory for five minutes"
_FANCYINDEX = Path("/usr/lib/nginx/modules/ngx_http_fancyindex_module.so")
_RUN_APACHE = "apache2 -f {directory}/configuration -DFOREGROUND"
_RUN_CADDY = "caddy file-server --browse --root {root} --listen 127.0.0.1:{port}"
_RUN_COPYPARTY = (
    "{copyparty}/bin/python -m copyparty -q -i 127.0.0.1 -p {port} -v {root}::r --no-thumb --http-only"
)

SERVERS: Final = (
    Server(PIERHEAD, pierhead, is_ours=True),
    Server(PIERHEAD_S3, pierhead_on_s3, is_ours=True, reads_s3=True),
    Server(
        NGINX_FILE,
        lambda bench: nginx(bench, static_pages(bench), "default_type text/html;"),
        is_ours=True,
        suffix="",
        note="the same body, made beforehand",
        strength="C throughout, sendfile() of one file; no rules, no freshness, no log",
    ),
    Server(AUTOINDEX, partial(nginx, location="autoindex on;"), strength=f"C throughout; {_READS}"),
    Server(
        FANCYINDEX,
        partial(nginx, location="fancyindex on;", module=_FANCYINDEX),
        strength=f"C throughout; {_READS}",
    ),
    Server(APACHE, partial(_on_tree, _RUN_APACHE, configuration=_APACHE), strength=f"C throughout; {_READS}"),
    Server(CADDY, partial(_on_tree, _RUN_CADDY), strength=f"Go; {_READS}"),
    Server(RCLONE, rclone, strength=_KEEPS),
    Server(RCLONE_S3, rclone_on_s3, reads_s3=True, strength=_KEEPS),
    Server(
        RCLONE_S3_READING,
        partial(rclone_on_s3, options="--dir-cache-time 0"),
        reads_s3=True,
        note="asks S3 for each request",
    ),
    Server(
        "copyparty",
        partial(_on_tree, _RUN_COPYPARTY),
        note="the page is made by a script in the browser",
        strength=_READS,
    ),
)

NAMES: Final = (FLOOR, *(server.name for server in SERVERS))
"""Everybody's name, in the order of the tables."""
