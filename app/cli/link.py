"""`pierhead link`: a URL that opens one private file to anybody who has it."""

from __future__ import annotations

import argparse
import time
from urllib.parse import urlsplit

from app.auth.keys import KeyRing
from app.auth.links import Links
from app.auth.networks import parse_networks
from app.auth.revocation import NOTHING_REVOKED
from app.auth.tokens import parse_duration
from app.cli.arguments import Commands, checked, load, network
from app.cli.audited import note_command, operator
from app.config import ConfigError, Settings
from app.domain.errors import RequestError
from app.domain.paths import ArtifactPath
from app.policy.control_file_names import is_hidden_name
from app.telemetry import LinkCreated


def add_link(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "link", parents=[common], help="print a URL that opens one private file until it expires"
    )
    parser.add_argument(
        "path", type=_path, metavar="PATH", help="the real path of the file, not of a link to it"
    )
    parser.add_argument(
        "--expires",
        required=True,
        type=_duration,
        metavar="2d",
        help="lifetime: a number and s, m, h, d or w",
    )
    parser.add_argument(
        "--network",
        nargs="+",
        action="extend",
        type=network,
        default=[],
        metavar="CIDR",
        help="networks from which it may be used",
    )
    parser.add_argument(
        "--site",
        type=_site,
        metavar="URL",
        help="URL of the site; default: https and the first of site_hosts, and without those only the path is printed",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    settings = load(options).settings
    if not settings.secret_keys:
        raise ConfigError(("secret_keys: must be set to create links, to the same keys as the server's",))
    keys = KeyRing([key.get_secret_value() for key in settings.secret_keys])
    expires = int(time.time()) + options.expires
    networks = parse_networks(options.network)
    try:
        link = Links(keys, NOTHING_REVOKED).make(options.path, expires=expires, networks=networks)
    except ValueError as error:
        raise ConfigError((str(error),)) from error
    created = LinkCreated(link.id, options.path.url, expires, operator())
    note_command(settings, created, so="; there is no link")
    print((options.site or _first_host(settings) + settings.root_path) + link.url(options.path))
    return 0


def _first_host(settings: Settings) -> str:
    return f"https://{settings.site_hosts[0]}" if settings.site_hosts else ""


def _path(text: str) -> ArtifactPath:
    try:
        path = ArtifactPath.from_text(text)
    except RequestError as error:
        raise argparse.ArgumentTypeError(str(error) or "is not a path of the tree") from error
    if path.is_folder:
        raise argparse.ArgumentTypeError("must be the path of a file, without a slash at its end")
    if is_hidden_name(path.name):
        raise argparse.ArgumentTypeError("must not be a control file: these are never served")
    return path


def _duration(text: str) -> int:
    return checked(parse_duration, text)


def _site(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise argparse.ArgumentTypeError(
            f"must be a URL such as https://releases.example.org, but got {text!r}"
        )
    return text.rstrip("/")
