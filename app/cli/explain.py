"""`pierhead explain`: which rule decides about a path."""

from __future__ import annotations

import argparse
import asyncio
import sys
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from app.auth.networks import is_in, parse_networks
from app.cache.byte_cache import ByteCache
from app.cli.arguments import (
    Commands,
    add_command,
    add_site,
    add_storage,
    checked,
    is_url,
    load,
    load_site,
    name,
    read_path,
    site_of_url,
)
from app.config import LoadedSettings
from app.domain.access import Allow, Decision, Forbidden, Hidden, NeedsLicence, NeedsLogin, Principal
from app.domain.errors import Moved, NotFound
from app.domain.mounts import AT_ROOT
from app.domain.paths import ArtifactPath
from app.policy.decide import Explanation

_EXAMPLES: Final = """\
pierhead explain releases/2026.09/boot.img
pierhead explain https://releases.example.org/members/plan.txt --group members
pierhead explain members/ --ip 192.0.2.1 --storage s3://artifacts/releases
pierhead explain members/ --site downloads.example.org"""


def add_explain(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands, "explain", "show which rule decides for a path", parents=[common], examples=_EXAMPLES
    )
    parser.add_argument("path", metavar="PATH", help="path in the tree, or its URL; a folder's ends in /")
    parser.add_argument(
        "--group",
        nargs="+",
        action="extend",
        type=name,
        default=[],
        metavar="G",
        help="decide for a member of G",
    )
    parser.add_argument("--ip", type=_address, help="decide for a client at this address")
    add_storage(parser)
    add_site(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    loaded = _site(options)
    path = read_path(options.path, loaded.settings.root_path)
    is_trusted = is_in(options.ip, parse_networks(loaded.settings.trusted_networks))
    subject = "(asked for)" if options.group else None
    principal = Principal(subject, frozenset(options.group), trusted=is_trusted)
    try:
        explanation = asyncio.run(_ask(loaded, path, principal))
    except Moved as moved:
        print(f"path      {path.url}")
        print(f"decision  redirect to {moved.target.url}, whose own rules apply")
        return 0
    except NotFound:
        folder = path if path.is_folder else path.parent
        print(f"pierhead: there is no folder {folder.url}", file=sys.stderr)
        return 1
    _show(path, explanation)
    return 0


def _site(options: argparse.Namespace) -> LoadedSettings:
    """The settings of the site that is named, by the option or by the host of a URL."""
    if options.site is None and is_url(options.path):
        return site_of_url(load(options, "storage"), options.path)
    return load_site(options, "storage")


def _show(path: ArtifactPath, explanation: Explanation) -> None:
    print(f"path      {path.url}")
    if (url := AT_ROOT.url(path)) != path.url:
        print(f"url       {url}, as the name is reserved")
    print(f"tier      {explanation.access}")
    print(f"decision  {_say(explanation.decision)}")
    for source in explanation.sources:
        print(f"rule      {source}")
    for reason in explanation.reasons:
        print(f"because   {reason}")


async def _ask(loaded: LoadedSettings, path: ArtifactPath, principal: Principal) -> Explanation:
    from app.cli.checks import check_all  # here, so that other commands start fast
    from app.storage.observation import Unwatched
    from app.storage.open_store import open_storage
    from app.telemetry import configure_logging
    from app.wiring import build_catalog

    settings = loaded.settings
    configure_logging(settings.log_level, settings.log_format)  # to standard error, apart from the answer
    (plan,) = await check_all(loaded._replace(sites=()))
    async with open_storage(settings.storage, settings.overlay, watch=Unwatched()) as store:
        return await build_catalog(settings, plan.policy, store, ByteCache(0)).explain(path, principal)


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


def _address(text: str) -> IPv4Address | IPv6Address:
    return checked(ip_address, text)
