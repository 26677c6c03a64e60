"""Pierhead itself, as an operator runs it: access log to a file, metrics on."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from benchmarks.programs import SERVER_CORE, Program, run_program
from tests.support.waiting import answers, free_port


def run_pierhead(
    directory: Path,
    storage: str,
    *,
    environ: Mapping[str, str] | None = None,
    workers: int = 1,
    cores: Sequence[int] = (SERVER_CORE,),
    prefix: Sequence[str | Path] = (),
) -> AbstractContextManager[Program]:
    """Serve a storage URL until the block ends.

    Args:
        directory: where it runs and logs; no settings are there.
        environ: settings (`PIERHEAD_*`) that are not to be the defaults, and `AWS_*`.
        prefix: as in `run_program`.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command: list[str | Path] = [Path(sys.executable).with_name("pierhead"), "serve", "--storage", storage]
    return run_program(
        [*command, "--port", str(port), "--workers", str(workers)],
        url=url,
        directory=directory,
        answers=lambda: answers(f"{url}/readyz"),
        environ=environ,
        cores=cores,
        prefix=prefix,
    )


def run_floor(directory: Path, captured: Path, project: Path) -> AbstractContextManager[Program]:
    """Serve a captured answer until the block ends (see `floor`).

    Args:
        captured: directory that `floor.capture` wrote.
        project: where the package `benchmarks` is.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    return run_program(
        [sys.executable, "-m", "benchmarks.floor", captured, "--port", str(port)],
        url=url,
        directory=directory,
        answers=lambda: answers(f"{url}/"),
        environ={"PYTHONPATH": str(project)},
    )
