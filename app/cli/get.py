"""`pierhead get`: fetch a file, or all files of a folder, from a Pierhead server."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.cli.arguments import Commands, add_command, checked
from app.domain.paths import ArtifactPath
from app.policy.globs import PathGlob

if TYPE_CHECKING:
    from yarl import URL

EXIT_INTERRUPTED: Final = 130
_EXIT_STATUSES: Final = """\
exit status:
  0  everything is there
  1  the network, the server or the disk failed
  2  wrong arguments
  3  there is no such file, or nothing matches
  4  a licence must be accepted first
  5  a token is missing or does not have access
  6  the bytes do not match the digest or size
  130  interrupted; the same command continues
If files fail in several ways, the largest counts."""
_EXAMPLES: Final = """\
pierhead get https://releases.example.org/17.02/boot.img
pierhead get https://releases.example.org/17.02/ -o images --include '*.img.gz'
pierhead get https://releases.example.org/17.02/fw.bin --show-licence
pierhead get https://releases.example.org/17.02/ --checksums SHA256SUMS --json"""


def add_get(commands: Commands, _: argparse.ArgumentParser) -> None:
    """Add the command to the command line. It reads no settings of a server."""
    parser = add_command(
        commands,
        "get",
        "download a file or a folder from a Pierhead server, and check it",
        notes=_EXIT_STATUSES,
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "url", type=_url, metavar="URL", help="URL of a file, a folder, a wildcard or a manifest"
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=Path(), metavar="DIR", help="where files go (default: here)"
    )
    parser.add_argument(
        "--include",
        action="append",
        type=_glob,
        default=[],
        metavar="GLOB",
        help="only files whose name matches, or whose path below the folder matches if GLOB has a slash; may "
        "be repeated",
    )
    parser.add_argument(
        "-j", "--jobs", type=_number(1), default=4, metavar="N", help="downloads at a time (default: 4)"
    )
    parser.add_argument(
        "--retries",
        type=_number(0),
        default=5,
        metavar="N",
        help="how many failures in a row are retried (default: 5)",
    )
    _add_checks(parser)
    _add_access(parser)
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object for each file, and no progress"
    )
    parser.set_defaults(run=_run, refuse=parser.error)


def _add_checks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sha256",
        action="store_true",
        help="fail each file whose SHA-256 is not known from the server or --checksums",
    )
    parser.add_argument(
        "--checksums",
        metavar="FILE",
        help="a list in the format of sha256sum, a file or a URL: only its files are fetched, and their "
        "bytes must match",
    )


def _add_access(parser: argparse.ArgumentParser) -> None:
    licences = parser.add_mutually_exclusive_group()
    licences.add_argument(
        "--accept",
        action="append",
        type=_digest,
        default=[],
        metavar="DIGEST",
        help="accept the licence whose text has this digest; it is remembered; may be repeated",
    )
    licences.add_argument(
        "--show-licence",
        action="store_true",
        help="print the licences that must be accepted, and fetch nothing",
    )
    parser.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="file with the token (default: PIERHEAD_TOKEN, or else the password in the netrc file: NETRC or "
        "~/.netrc)",
    )


def _run(options: argparse.Namespace) -> int:
    from app.cli.get_report import Report  # here, so that other commands start fast
    from app.client.credentials import authorization
    from app.client.fetching import fetch, show_licences
    from app.client.licences import LicenceBook, state_directory
    from app.client.request import Request

    try:
        token = authorization(options.url.host or "", options.token_file, os.environ)
    except ValueError as error:
        options.refuse(str(error))
    request = Request(
        options.url,
        token,
        LicenceBook(state_directory(os.environ), options.accept),
        include=tuple(map(_test_of, options.include)),
        compile_glob=_test_of,
        checksums=_checksums(options.checksums),
        jobs=options.jobs,
        retries=options.retries,
        needs_sha256=options.sha256,
    )
    gc.enable()  # a folder may have a million files
    with Report(is_json=options.json) as report:
        work = (
            show_licences(request, report) if options.show_licence else fetch(request, options.output, report)
        )
        try:
            asyncio.run(work)
        except KeyboardInterrupt:
            return EXIT_INTERRUPTED
    return report.exit_status


def _url(text: str) -> URL:
    from app.client.request import start_url

    return checked(start_url, text)


def _checksums(named: str | None) -> bytes | URL | None:
    """A list of checksums: its content, if it is a file, or its URL."""
    if named is None:
        return None
    return _url(named) if named.startswith(("http://", "https://")) else Path(named).read_bytes()


def _test_of(pattern: str) -> Callable[[ArtifactPath], bool]:
    """A pattern without a slash is for names, however deep they are."""
    return PathGlob.parse(pattern if "/" in pattern else f"**/{pattern}").matches


def _glob(text: str) -> str:
    checked(_test_of, text)
    return text


def _digest(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError("must be an MD5 or SHA-256 in hex, as --show-licence prints it")
    return text


def _number(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"must be a whole number of at least {least}, but got {text!r}")
        return int(text)

    return parse
