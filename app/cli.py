"""The command line: `pierhead serve | token create | explain | config`."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any, TypeVar

import uvicorn

from app import __version__
from app.auth.keys import KeyRing
from app.auth.networks import is_in, parse_networks
from app.auth.tokens import TokenGrant, issue_token, parse_duration
from app.config import FILE_VARIABLE, PREFIX, ConfigError, LoadedSettings, Settings, load_settings, masked
from app.domain.access import Allow, Decision, Forbidden, Hidden, NeedsLicence, NeedsLogin, Principal
from app.domain.errors import Moved, PierheadError
from app.domain.paths import ArtifactPath
from app.policy.decide import Explanation
from app.policy.globs import PathGlob

EXIT_USAGE = 2
KEEP_ALIVE_SECONDS = 30

Address = IPv4Address | IPv6Address
Parsed = TypeVar("Parsed")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: those of the command line; None for the process's own.

    Returns:
        exit status: 0 done, 1 the command failed, 2 wrong arguments or settings.
    """
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except ConfigError as error:
        print("pierhead: these settings cannot be used:", file=sys.stderr)
        for fault in error.faults:
            print(f"  {fault}", file=sys.stderr)
        return EXIT_USAGE
    except PierheadError as error:
        print(f"pierhead: {error}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pierhead",
        description="A browsable, scriptable, access-controlled HTTP front for build artifacts.",
    )
    parser.add_argument("--version", action="version", version=f"pierhead {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config", type=Path, metavar="FILE", help="configuration file (default: ./pierhead.toml)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", parents=[common], help="serve the tree over HTTP")
    serve.add_argument("--storage", metavar="URL", help="directory, file:///dir or s3://bucket/prefix")
    serve.add_argument("--host", help="address to listen on")
    serve.add_argument("--port", help="port to listen on; 0 takes a free one")
    serve.add_argument("--workers", help="processes that share the port")
    serve.set_defaults(run=_serve)

    token = commands.add_parser("token", help="make access tokens").add_subparsers(
        required=True, metavar="ACTION"
    )
    create = token.add_parser("create", parents=[common], help="print a new token")
    create.add_argument("--subject", required=True, metavar="S", help="user or robot name, for the log")
    create.add_argument(
        "--group", required=True, nargs="+", action="extend", metavar="G", help="groups it is in"
    )
    create.add_argument(
        "--expires", required=True, type=_duration, metavar="30d", help="its life: s, m, h, d or w"
    )
    create.add_argument("--not-before", type=_duration, metavar="1h", help="time until it begins to hold")
    create.add_argument(
        "--path",
        nargs="+",
        action="extend",
        type=_glob,
        default=[],
        metavar="GLOB",
        help="path globs that its groups are limited to",
    )
    create.add_argument(
        "--network",
        nargs="+",
        action="extend",
        type=_network,
        default=[],
        metavar="CIDR",
        help="networks it may be used from",
    )
    create.set_defaults(run=_create_token)

    explain = commands.add_parser("explain", parents=[common], help="tell which rule decides about a path")
    explain.add_argument("path", metavar="PATH", help="path of the tree; a folder's ends in /")
    explain.add_argument(
        "--group", nargs="+", action="extend", default=[], metavar="G", help="ask as a member of G"
    )
    explain.add_argument("--ip", type=_address, help="ask from this address")
    explain.add_argument("--storage", metavar="URL", help="directory, file:///dir or s3://bucket/prefix")
    explain.set_defaults(run=_explain)

    config = commands.add_parser(
        "config", parents=[common], help="show the settings and where each comes from"
    )
    config.set_defaults(run=_config)
    return parser


def _load(options: argparse.Namespace, *names: str) -> LoadedSettings:
    overrides = {name: getattr(options, name) for name in names}
    return load_settings(environ=os.environ, file=options.config, overrides=overrides)


# --- serve ---------------------------------------------------------------------------------------------


def _serve(options: argparse.Namespace) -> int:
    names = ("storage", "host", "port", "workers")
    settings = _load(options, *names).settings
    if settings.workers == 1:
        return _serve_alone(settings)
    # Workers are new processes, so their environment tells them what the command line said.
    for name in names:
        os.environ[PREFIX + name.upper()] = str(getattr(settings, name))
    if options.config is not None:
        os.environ[FILE_VARIABLE] = str(options.config)
    if not settings.secret_keys:
        os.environ[PREFIX + "SECRET_KEYS"] = secrets.token_hex(32)
    with tempfile.TemporaryDirectory(prefix="pierhead-metrics-") as metrics:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics
        return _serve_workers(settings)


def _serve_alone(settings: Settings) -> int:
    from app.main import create_app, read_site_policy  # here, so that other commands start fast
    from app.telemetry import configure_logging

    policy = read_site_policy(settings)
    _check_storage(settings)
    configure_logging(settings.log_level, settings.log_format)
    server = uvicorn.Server(uvicorn.Config(create_app(settings, policy), **server_options(settings)))
    server.run()
    return 0 if server.started else 1


def _serve_workers(settings: Settings) -> int:
    from app.main import read_site_policy
    from app.telemetry import configure_logging

    read_site_policy(settings)  # its faults are to be told once, not by every worker
    _check_storage(settings)
    configure_logging(settings.log_level, settings.log_format)
    uvicorn.run(
        "app.main:create_app_from_environment",
        factory=True,
        workers=settings.workers,
        **server_options(settings),
    )
    return 0


def _check_storage(settings: Settings) -> None:
    """Find out now what a storage URL lacks, rather than at the first request.

    Raises:
        ConfigError: no such directory, or no bucket name.
    """
    from app.storage.open_store import open_store

    try:
        open_store(settings.storage, observe=lambda *_: None)
    except ValueError as error:
        raise ConfigError((f"storage: {error}",)) from error
    if settings.delivery == "redirect" and not settings.storage.startswith("s3://"):
        raise ConfigError(("delivery: redirect must go with s3://bucket/prefix; a directory has no URLs",))


def server_options(settings: Settings) -> dict[str, Any]:
    """How uvicorn is run: our own log, our own reading of proxies' headers, nothing told about itself."""
    return {
        "host": settings.host,
        "port": settings.port,
        "loop": "uvloop",
        "http": "httptools",
        "ws": "none",
        "lifespan": "on",
        "access_log": False,
        "log_config": None,
        "proxy_headers": False,
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
    }


# --- token create --------------------------------------------------------------------------------------


def _create_token(options: argparse.Namespace) -> int:
    settings = _load(options).settings
    if not settings.secret_keys:
        raise ConfigError(
            ("secret_keys: must be given to make tokens: the keys that the server verifies with",)
        )
    now = int(time.time())
    start = now + options.not_before if options.not_before else None
    grant = TokenGrant(
        subject=options.subject,
        groups=frozenset(options.group),
        expires=(start or now) + options.expires,
        issued=now,
        id=uuid.uuid4().hex,
        not_before=start,
        paths=tuple(options.path),
        networks=parse_networks(options.network),
    )
    keys = KeyRing([key.get_secret_value() for key in settings.secret_keys])
    try:
        print(issue_token(keys, grant))
    except ValueError as error:
        raise ConfigError((str(error),)) from error
    return 0


# --- explain -------------------------------------------------------------------------------------------


def _explain(options: argparse.Namespace) -> int:
    settings = _load(options, "storage").settings
    _check_storage(settings)
    path = ArtifactPath.from_text(os.fsencode(options.path).decode("utf-8", "surrogateescape"))
    is_trusted = is_in(options.ip, parse_networks(settings.trusted_networks))
    subject = "(asked for)" if options.group else None
    principal = Principal(subject, frozenset(options.group), trusted=is_trusted)
    try:
        explanation = asyncio.run(_ask(settings, path, principal))
    except Moved as moved:
        print(f"path      {path.url}")
        print(f"decision  redirect to {moved.target.url}, whose own rules apply")
        return 0
    print(f"path      {path.url}")
    print(f"tier      {explanation.access}")
    print(f"decision  {_say(explanation.decision)}")
    for source in explanation.sources:
        print(f"rule      {source}")
    for reason in explanation.reasons:
        print(f"because   {reason}")
    return 0


async def _ask(settings: Settings, path: ArtifactPath, principal: Principal) -> Explanation:
    from app.main import build_catalog, read_site_policy
    from app.storage.open_store import open_store

    async with open_store(settings.storage, observe=lambda *_: None) as store:
        return await build_catalog(settings, read_site_policy(settings), store).explain(path, principal)


def _say(decision: Decision) -> str:
    match decision:
        case Allow():
            return "allow"
        case NeedsLogin():
            return "login needed (401)"
        case NeedsLicence(licences):
            return "licence needed (403): " + ", ".join(f"{x.name} {x.digest}" for x in licences)
        case Forbidden(groups, reason):
            return f"forbidden (403): {reason}" + (f"; groups: {', '.join(groups)}" if groups else "")
        case Hidden():
            return "hidden (404)"


# --- config --------------------------------------------------------------------------------------------


def _config(options: argparse.Namespace) -> int:
    settings, sources = _load(options)
    shown = masked(settings)
    width = max(map(len, shown))
    for name, value in shown.items():
        print(f"{name:{width}}  {value or '-'}  ({sources[name]})")
    return 0


# --- arguments -----------------------------------------------------------------------------------------


def _duration(text: str) -> int:
    return _argument(parse_duration, text)


def _glob(text: str) -> str:
    _argument(PathGlob.parse, text)
    return text


def _network(text: str) -> str:
    _argument(lambda value: parse_networks([value]), text)
    return text


def _address(text: str) -> Address:
    return _argument(ip_address, text)


def _argument(parse: Callable[[str], Parsed], text: str) -> Parsed:
    """Let argparse show what the parser says is allowed; of a plain ValueError it would hide the text."""
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
