"""The folders that are listed, as a directory and as objects in S3."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from benchmarks.load import Answer
from benchmarks.results import BenchError

_NAME = re.compile(rb"build-[0-9]{6}\.tar\.gz")
COLD_FOLDERS = 24
COLD_ENTRIES = 100


class WrongListing(BenchError):
    """A server does not list what is there."""


def folder(entries: int) -> str:
    """Name of the folder with so many entries."""
    return f"n{entries}"


def cold_folder(number: int) -> str:
    """Path of one of the `COLD_FOLDERS` folders that are listed once each; `COLD_ENTRIES` entries in each."""
    return f"cold/{number:03}"


def file_name(number: int) -> str:
    """Name of a file in any folder."""
    return f"build-{number:06}.tar.gz"


def make_folder(directory: Path, entries: int) -> None:
    """Make a folder of empty files; nothing is done where it is there already."""
    marker = directory.with_name(f".{directory.name}.made")
    if marker.exists():
        return
    directory.mkdir(parents=True, exist_ok=True)
    for number in range(entries):
        (directory / file_name(number)).touch()
    marker.touch()


def make_tree(root: Path, sizes: tuple[int, ...]) -> None:
    """Make the whole tree in a directory."""
    for entries in sizes:
        make_folder(root / folder(entries), entries)
    for number in range(COLD_FOLDERS):
        make_folder(root / cold_folder(number), COLD_ENTRIES)


def check_listing(answer: Answer, entries: int) -> None:
    """Look at an answer before its like is counted: it must list all files of its folder.

    Raises:
        WrongListing: it does not.
    """
    if answer.status != 200:
        raise WrongListing(f"status {answer.status}")
    is_gzip = dict(answer.headers).get("content-encoding") == "gzip"
    listed = len(set(_NAME.findall(gzip.decompress(answer.body) if is_gzip else answer.body)))
    if listed != entries:
        raise WrongListing(f"lists {listed:,} of {entries:,} entries")
