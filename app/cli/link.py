"""`pierhead link`: a URL that opens one private file to anybody who has it."""

from __future__ import annotations

import argparse
import time
from typing import Final
from urllib.parse import urlsplit

from app.auth.links import Links
from app.auth.networks import parse_networks
from app.auth.revocation import NOTHING_REVOKED
from app.cli.arguments import Commands, add_command, is_url, load, read_path, site_of_url
from app.cli.audited import note_command, operator
from app.cli.signing import add_lifetime, signing_keys
from app.config import ConfigError, LoadedSettings, Settings
from app.domain.errors import RequestError
from app.domain.paths import ArtifactPath
from app.policy.control_file_names import is_hidden_name
from app.telemetry import LinkCreated

_EXAMPLES: Final = """\
pierhead link members/plan.pdf --expires 2d --site https://releases.example.org
pierhead link https://releases.example.org/members/plan.pdf --expires 2d"""


def add_link(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands,
        "link",
        "print a URL that opens one private file until it expires",
        parents=[common],
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "path",
        metavar="PATH",
        help="real path of the file (not one through a link such as latest), or its URL",
    )
    add_lifetime(parser, example="2d")
    parser.add_argument(
        "--site",
        type=_site,
        metavar="URL",
        help="URL of the site; default: that of PATH, or https and the first of site_hosts; without either, "
        "only the path is printed",
    )
    parser.set_defaults(run=_run, refuse=parser.error)


def _run(options: argparse.Namespace) -> int:
    site = _site_of(options)
    settings = site.settings
    try:
        path = _file_path(options.path, settings.root_path)
    except ValueError as error:
        options.refuse(f"argument PATH: {error}")
    keys = signing_keys(site, "links")
    expires = int(time.time()) + options.expires
    networks = parse_networks(options.network)
    try:
        link = Links(keys, NOTHING_REVOKED).make(path, expires=expires, networks=networks)
    except ValueError as error:
        raise ConfigError((str(error),)) from error
    created = LinkCreated(link.id, path.url, expires, operator())
    note_command(site, created, so="; there is no link")
    print((options.site or _url_of(options.path, settings)) + link.url(path))
    return 0


def _site_of(options: argparse.Namespace) -> LoadedSettings:
    """The settings of the site that the link is for: of several, the one whose host is named.

    Raises:
        ConfigError: as `load`; and where that is none.
    """
    loaded = load(options)
    named = next((text for text in (options.site, options.path) if text and is_url(text)), None)
    if named is not None:
        return site_of_url(loaded, named)
    if loaded.is_served:
        return loaded
    raise ConfigError(("--site: must be the URL of the site, as there are several",))


def _url_of(path: str, settings: Settings) -> str:
    """Where the site is, as far as it is known."""
    if is_url(path):
        return f"{path.split('/')[0]}//{urlsplit(path).netloc}{settings.root_path}"
    return (
        f"https://{settings.site_hosts[0]}{settings.root_path}" if settings.site_hosts else settings.root_path
    )


def _file_path(text: str, root_path: str) -> ArtifactPath:
    """The file that a path or URL names.

    Raises:
        ValueError: it is no file that can be served; says why.
    """
    try:
        path = read_path(text, root_path)
    except RequestError as error:
        raise ValueError(str(error) or "is not a path of the tree") from error
    if path.is_folder:
        raise ValueError("must be the path of a file, without a slash at its end")
    if is_hidden_name(path.name):
        raise ValueError("must not be a control file: these are never served")
    return path


def _site(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise argparse.ArgumentTypeError(
            f"must be a URL such as https://releases.example.org, but got {text!r}"
        )
    return text.rstrip("/")
