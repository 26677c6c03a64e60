"""`pierhead serve`: one process, or several workers that share the port."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import secrets
import signal
import socket
import sys
import tempfile
from typing import Any

import structlog
import uvicorn
from uvicorn.supervisors import Multiprocess

from app.cache.worker_channel import DIRECTORY_VARIABLE
from app.cli.arguments import Commands, add_storage, load
from app.config import FILE_VARIABLE, PREFIX, Settings
from app.policy.site_policy import SitePolicy
from app.server.protocol import BoundedHttpProtocol
from app.telemetry import configure_logging

KEEP_ALIVE_SECONDS = 30

WORKER_SECONDS = 120
"""Seconds that a worker may be silent before it is replaced. A starting worker is silent, and starting takes long on a
busy host. With less time, workers would be restarted for ever."""

_OPTIONS = ("storage", "host", "port", "workers")

_log = structlog.get_logger(__name__)


def add_serve(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("serve", parents=[common], help="serve the tree over HTTP")
    add_storage(parser)
    parser.add_argument("--host", help="address to listen on")
    parser.add_argument("--port", help="port to listen on; 0: any free port")
    parser.add_argument("--workers", help="number of processes that share the port")
    parser.add_argument(
        "--check-storage",
        action="store_true",
        help="do not start if the storage does not answer; exit with status 2",
    )
    parser.set_defaults(run=_run)


def server_options(settings: Settings) -> dict[str, Any]:
    """uvicorn's options: our limits, our log, our own reading of proxy headers, and no `Server` header."""
    return {
        "loop": "uvloop",
        "http": BoundedHttpProtocol,
        "ws": "none",
        "lifespan": "on",
        "access_log": False,
        "log_config": None,
        "proxy_headers": False,
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": settings.drain_seconds,
        "timeout_worker_healthcheck": WORKER_SECONDS,
    }


def _run(options: argparse.Namespace) -> int:
    # Before anything else: SIGTERM ends the server with status 0, however far it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    loaded = load(options, *_OPTIONS)
    settings = loaded.settings
    # Nothing that is imported from here on is garbage; `prepare_process` turns the collector on again.
    gc.disable()
    from app.cli.checks import check_all  # here, so that other commands start fast

    configure_logging(settings.log_level, settings.log_format)
    policy = asyncio.run(check_all(loaded, calls="need" if options.check_storage else "warn"))
    sockets = open_sockets(settings.host, settings.port)
    _log.info("listening", url=_url(sockets[0]), workers=settings.workers)
    try:
        if settings.workers == 1:
            return _serve_alone(settings, policy, sockets)
        return _serve_workers(settings, options, sockets)
    except KeyboardInterrupt:
        return 0
    finally:
        for listening in sockets:
            listening.close()


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Listen on every address of a host name.

    Args:
        port: 0 for any free port, the same for all addresses.

    Raises:
        OSError: names the host and port that cannot be listened on, and why.
    """
    opened: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
            opened.append(socket.create_server((address[0], port, *address[2:]), family=family))
            port = opened[0].getsockname()[1]
    except OSError as error:
        for listening in opened:
            listening.close()
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise OSError(f"cannot listen on {host}, port {port}: {reason}") from error
    return opened


def _serve_alone(settings: Settings, policy: SitePolicy, sockets: list[socket.socket]) -> int:
    from app.main import create_app, prepare_process

    prepare_process()
    server = uvicorn.Server(uvicorn.Config(create_app(settings, policy), **server_options(settings)))
    server.run(sockets)
    return 0 if server.started else 1


def _serve_workers(settings: Settings, options: argparse.Namespace, sockets: list[socket.socket]) -> int:
    # Workers are new processes: pass them the command line through the environment.
    for name in _OPTIONS:
        value = getattr(settings, name)
        os.environ[PREFIX + name.upper()] = json.dumps(value) if isinstance(value, tuple) else str(value)
    if options.config is not None:
        os.environ[FILE_VARIABLE] = str(options.config)
    if not settings.secret_keys:
        os.environ[PREFIX + "SECRET_KEYS"] = secrets.token_hex(32)
    config = uvicorn.Config(
        "app.main:create_app_from_environment",
        factory=True,
        workers=settings.workers,
        **server_options(settings),
    )
    with (
        tempfile.TemporaryDirectory(prefix="pierhead-metrics-") as metrics,
        tempfile.TemporaryDirectory(prefix="pierhead-workers-") as siblings,
    ):
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics
        os.environ[DIRECTORY_VARIABLE] = siblings
        Multiprocess(config, sockets).run()
    return 0


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
