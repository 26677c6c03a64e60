"""The folders that are listed, as a directory and as objects in S3."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from benchmarks.client import Answer, Target, get
from benchmarks.programs import Program
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
    """Make a folder of empty files."""
    directory.mkdir(parents=True, exist_ok=True)
    for number in range(entries):
        (directory / file_name(number)).touch()


def make_file(path: Path, size: int) -> None:
    """Make a file of zeros."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as output:
        output.truncate(size)


def make_tree(root: Path, sizes: tuple[int, ...]) -> None:
    """Make the whole tree in a directory. Folders that an earlier run has finished stay as they are."""
    folders = {folder(entries): entries for entries in sizes}
    folders |= {cold_folder(number): COLD_ENTRIES for number in range(COLD_FOLDERS)}
    for name, entries in folders.items():
        marker = root / f".{name.replace('/', '-')}.made"
        if not marker.exists():
            make_folder(root / name, entries)
            marker.touch()


def small_page(program: Program, headers: Mapping[str, str] = MappingProxyType({})) -> Target:
    """The page of a folder of `COLD_ENTRIES` entries, once it was right: from then on it is warm."""
    target = Target(program, f"/{cold_folder(0)}/", headers)
    check_listing(get(target), COLD_ENTRIES)
    return target


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
