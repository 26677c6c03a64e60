"""`pierhead get` in this process: what it prints, and what it leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from app.cli import main


class Got(NamedTuple):
    """The exit status, standard output, standard error, and the directory that it fetched into."""

    status: int
    output: str
    errors: str
    directory: Path

    @property
    def lines(self) -> dict[str, Any]:
        """The lines of JSON by path."""
        return {line["path"]: line for line in map(json.loads, self.output.splitlines()) if "path" in line}

    def files(self) -> dict[str, bytes]:
        """All files below the directory, unfinished ones too."""
        found = (path for path in sorted(self.directory.rglob("*")) if path.is_file())
        return {str(path.relative_to(self.directory)): path.read_bytes() for path in found}


Get = Callable[..., Got]


def getter(home: Path, capture: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> Get:
    """Something that runs the command with its own home and without this process's credentials and proxies.

    Its arguments are those of the command, behind `get`; `out` is the directory that it fetches into.
    """
    for name in (
        "PIERHEAD_TOKEN",
        "NETRC",
        "http_proxy",
        "HTTP_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "XDG_STATE_HOME",
    ):
        patch.delenv(name, raising=False)
    patch.setenv("HOME", str(home))

    def get(*arguments: str) -> Got:
        capture.readouterr()
        directory = home / "out"
        try:
            status: object = main(["get", *arguments, "-o", str(directory)])
        except SystemExit as leaving:
            status = leaving.code
        output, errors = capture.readouterr()
        assert isinstance(status, int)
        assert "Traceback" not in errors, errors
        return Got(status, output, errors, directory)

    return get
