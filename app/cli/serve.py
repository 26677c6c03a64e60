"""`pierhead serve`: one process, or several workers that share the port."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Final

import structlog
import uvicorn
from prometheus_client.multiprocess import mark_process_dead

from app.cache.worker_channel import DIRECTORY_VARIABLE
from app.cli.arguments import Commands, add_command, add_setting, add_storage, load
from app.cli.demo import demonstration, hints
from app.cli.listening import Listening, listening, url_of
from app.config import Settings
from app.plan import Plan
from app.server.draining import AdminListener, DrainingServer
from app.server.heartbeat import END_AT_ONCE, Pulse, keep_beating
from app.server.protocol import BoundedHttpProtocol
from app.server.service_manager import ServiceManager
from app.server.supervisor import Supervisor, release_signals
from app.telemetry import configure_logging, log_what_python_reports

if TYPE_CHECKING:
    from app.cli.plans import PlanReader
    from app.main import Application

KEEP_ALIVE_SECONDS = 30

_OPTIONS = (
    "storage", "policy_file", "default_tier", "site_title", "host", "port", "unix_socket", "workers", "demo_login_groups",
)  # fmt: skip
_EXAMPLES: Final = """\
pierhead serve --demo
pierhead serve /srv/releases --title 'Releases of Example' --policy /etc/pierhead/policy.toml
pierhead serve s3://artifacts/releases --host 0.0.0.0 --workers 2 --default-tier closed"""

_log = structlog.get_logger(__name__)


def add_serve(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add the command to the command line."""
    parser = add_command(commands, "serve", "serve a tree over HTTP", parents=[common], examples=_EXAMPLES)
    parser.add_argument(
        "places",
        nargs="*",
        metavar="DIR|s3://BUCKET/PREFIX",
        help="what to publish, in the form of --storage; several are copies of one tree",
    )
    add_storage(parser)
    add_setting(parser, "policy_file", "--policy", metavar="FILE")
    add_setting(parser, "default_tier", choices=("public", "closed"))
    add_setting(parser, "site_title", "--title", metavar="TEXT")
    add_setting(parser, "host", metavar="ADDRESS")
    add_setting(parser, "port", metavar="N")
    add_setting(parser, "unix_socket", metavar="PATH")
    add_setting(parser, "workers", metavar="N")
    parser.add_argument(
        "--demo",
        action="store_true",
        help="serve a small demo tree with its own policy, a licence and two users",
    )
    parser.add_argument(
        "--check-storage",
        action="store_true",
        help="do not start if the storage does not answer; exit with status 2",
    )
    parser.set_defaults(run=_run, refuse=parser.error, demo_login_groups=None)


def server_options(settings: Settings) -> dict[str, Any]:
    """uvicorn's options: our limits, our log, our own reading of proxy headers, and no `Server` header."""
    return {
        "loop": "app.server.accepting_loop:AcceptingLoop",
        "http": BoundedHttpProtocol,
        "ws": "none",
        "lifespan": "on",
        "access_log": False,
        "log_config": None,
        "proxy_headers": False,
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": settings.drain_timeout,
    }


def _run(options: argparse.Namespace) -> int:
    # Before anything else: SIGTERM ends the server with status 0, however far it has started, and SIGHUP does not end it.
    # Until `Hangups` notes it, nothing has been read that would have to be read again.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if bool(options.places) + bool(options.storage) + options.demo > 1 or (
        options.demo and options.policy_file
    ):
        options.refuse(
            "name what is served once: as argument, by --storage or by --demo, which has its own policy"
        )
    options.storage = options.storage or options.places or None
    if not options.demo:
        return _serve(options)
    with demonstration(options):
        return _serve(options)


def _serve(options: argparse.Namespace) -> int:
    settings = load(options, *_OPTIONS).settings
    from app.cli.plans import Hangups, PlanReader  # here, so that other commands start fast
    from app.main import prepare_process

    configure_logging(settings.log_level, settings.log_format)
    log_what_python_reports()
    hangups, manager = Hangups(), ServiceManager(os.environ)
    reader = PlanReader(lambda fixed: load(options, *_OPTIONS, fixed=fixed))
    plan = reader.read("need" if options.check_storage else "warn")
    prepare_process()
    with listening(plan.settings, os.environ) as opened:
        if options.demo:
            print(hints(opened.url), file=sys.stderr, flush=True)
        _log.info("listening", url=opened.url, admin=url_of(opened.admin[0]), workers=plan.settings.workers)
        if plan.settings.workers == 1:
            return _serve_alone(plan, hangups.plans(reader, plan, manager), opened, manager)
        return _serve_workers(plan, reader, opened, manager)


def _serve_alone(plan: Plan, plans: AsyncIterator[Plan], opened: Listening, manager: ServiceManager) -> int:
    from app.main import Application

    server = _server(Application(plan, plans), plan.settings, opened.admin, manager=manager)
    server.run(opened.public)
    return 0 if server.started else 1


def _serve_workers(plan: Plan, reader: PlanReader, opened: Listening, manager: ServiceManager) -> int:
    with (
        tempfile.TemporaryDirectory(prefix="pierhead-metrics-") as metrics,
        tempfile.TemporaryDirectory(prefix="pierhead-workers-") as siblings,
    ):
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics
        os.environ[DIRECTORY_VARIABLE] = siblings

        def read_again(former: Plan) -> Plan:
            new = reader.read_again(former)
            configure_logging(new.settings.log_level, new.settings.log_format)
            return new

        supervisor = Supervisor(
            run_worker,
            plan,
            [opened.public, opened.admin],
            modules=_modules_of(plan),
            read_again=read_again,
            note_death=mark_process_dead,
            manager=manager,
        )
        return 0 if supervisor.run(plan.settings.workers) else 1


def _modules_of(plan: Plan) -> tuple[str, ...]:
    """What a worker imports, early or late."""
    from app.wiring.catalog import buckets_of
    from app.wiring.late import LATE_MODULES

    of_storage = ("app.storage.s3.opening",) if any(buckets_of(site.settings) for site in plan.sites) else ()
    of_traces = ("app.telemetry.tracing",) if plan.settings.tracing == "on" else ()
    return (__name__, "app.main", *of_storage, *of_traces, *LATE_MODULES)


def run_worker(plan: Plan, sockets: list[list[socket.socket]], link: Connection) -> None:
    """What each worker process runs. See `WorkerMain`."""
    # A terminal sends these to all processes; the one that has started this passes them on in its own way.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    configure_logging(plan.settings.log_level, plan.settings.log_format)
    log_what_python_reports()
    release_signals()
    pulse = keep_beating(link)
    from app.cli.plans import plans_from
    from app.main import Application, prepare_process

    prepare_process()
    public, admin = sockets
    server = _server(Application(plan, plans_from(link)), plan.settings, admin, pulse=pulse)
    signal.signal(END_AT_ONCE, lambda *_: server.end_at_once())
    server.run(public)


def _server(
    app: Application,
    settings: Settings,
    admin: list[socket.socket],
    *,
    manager: ServiceManager | None = None,
    pulse: Pulse | None = None,
) -> DrainingServer:
    options = server_options(settings)
    config = uvicorn.Config(app, **options)
    if (certificates := app.certificates) is not None:
        config.ssl_context_factory = lambda *_: certificates.context
    return DrainingServer(
        config,
        app.lifetime.drain,
        delay=settings.drain_delay,
        admin=AdminListener(app.answer_operator, admin, options),
        manager=manager,
        pulse=pulse,
    )
