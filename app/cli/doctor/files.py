"""The server's own files: who may read them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from app.cli.checks import LOGS, faults_of_logs
from app.cli.doctor.finding import Finding, error, well
from app.cli.own_files import own_files
from app.config import LoadedSettings, is_secret

AREA: Final = "files"
_SECRETS: Final = (
    "tls_key", "AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "the environment file",
)  # fmt: skip
"""Files that are secret, by what names them. The configuration file may hold keys too."""


def look_at_files(loaded: LoadedSettings) -> Iterator[Finding]:
    """Look at the files that the settings name."""
    seen = 0
    for what, path, is_made_here in own_files(loaded, (), os.environ):
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            if not is_made_here and what not in _SECRETS and not what.startswith(("AWS_", "BOTO_")):
                yield error(AREA, f"{what}: {path} is not there", "put it in place, or leave the setting out")
            continue
        except OSError as failure:
            yield error(AREA, f"{what}: {path}: {failure.strerror}", "let the server's user read it")
            continue
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            continue  # /dev/null stands for a file that is not to be read
        seen += 1
        if not os.access(path, os.R_OK):
            yield error(AREA, f"{what}: {path} cannot be read", "let the server's user read it")
        elif _is_secret(what, path, loaded) and mode & (stat.S_IROTH | stat.S_IWOTH):
            text = f"{what}: {path} can be read or written by everybody on this host ({stat.filemode(mode)})"
            yield error(AREA, text, f"chmod o-rwx {path}")
        elif mode & stat.S_IWOTH:
            yield error(AREA, f"{what}: everybody on this host may change {path}", f"chmod o-w {path}")
    for fault in faults_of_logs(loaded):
        yield error(
            AREA,
            fault,
            "let the server's user write there: requests that need a line in it are refused otherwise",
        )
    yield from _full_file_systems(loaded)
    yield well(AREA, f"{seen} files of the server were checked")


def _full_file_systems(loaded: LoadedSettings) -> Iterator[Finding]:
    """Those of logs. A start does not look: without a log, the server can still serve most of what is asked for."""
    for name in LOGS:
        path: Path | None = getattr(loaded.settings, name)
        with suppress(OSError):  # found already
            if path is not None and not os.statvfs(path.parent).f_bavail:
                yield error(
                    AREA,
                    f"{loaded.named(name)}: the file system of {path} is full",
                    "free some space: lines are lost, and requests that need one in the audit file are refused",
                )


def _is_secret(what: str, path: Path, loaded: LoadedSettings) -> bool:
    if path == loaded.file:
        return any(is_secret(name) and source == str(path) for name, source in loaded.sources.items())
    has_key = loaded.settings.tls_certificate == path and loaded.settings.tls_key is None
    return what.split(" (")[0] in _SECRETS or has_key
