"""The server's own files. None of them may lie in a directory that it publishes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from app.config import LoadedSettings

_OF_AWS: Final = {
    "AWS_CONFIG_FILE": "~/.aws/config",
    "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials",
    "BOTO_CONFIG": "~/.boto",
    "AWS_WEB_IDENTITY_TOKEN_FILE": None,
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": None,
    "AWS_CA_BUNDLE": None,
}
"""Files of the AWS conventions: the variable that names each, and its default path (AWS SDKs and Tools Reference Guide,
"Settings reference")."""

_ENVIRONMENT_FILES: Final = ("/etc/pierhead/environment", ".env")
"""Environment files: of the service in docs/operations.md, and the one that container tools read by default."""


_MADE_HERE: Final = ("audit_file", "access_log_file", "unix_socket")


class OwnFile(NamedTuple):
    """A file that the server reads.

    Attributes:
        what: the setting or variable that names it, for the operator.
        path: the path as written there.
        is_made_here: whether the server makes it where it does not exist.
    """

    what: str
    path: Path
    is_made_here: bool = False


def own_files(
    loaded: LoadedSettings, licences: Iterable[Path], environ: Mapping[str, str]
) -> Iterator[OwnFile]:
    """The one table of files that the server reads. It includes every setting of type `Path`.

    Args:
        loaded: the settings.
        licences: the files that the site policy names.
        environ: the process environment.
    """
    if loaded.file is not None:
        yield OwnFile("the configuration file", loaded.file)
    for name, value in loaded.settings:
        for path in value if isinstance(value, tuple) else (value,):
            if isinstance(path, Path):
                yield OwnFile(loaded.named(name), path, is_made_here=name in _MADE_HERE)
    for path in licences:
        yield OwnFile("a licence_file of the site policy", path)
    for variable, default in _OF_AWS.items():
        if written := environ.get(variable) or default:
            yield OwnFile(variable, _at_home(written))
    for written in _ENVIRONMENT_FILES:
        yield OwnFile("the environment file", Path(written))


def faults_of_place(files: Iterable[OwnFile], published: Iterable[Path]) -> list[str]:
    """One error for each file that lies in a published directory. Files that do not exist, and will not, are skipped.

    Args:
        published: the published directories.
    """
    directories = tuple(published)
    return [
        f"{file.what}: {file.path} is in {directory}, which is published: move it elsewhere"
        for file in files
        if (file.is_made_here or _identity(file.path) is not None)
        and (directory := directory_around(file.path, directories)) is not None
    ]


def directory_around(path: Path, directories: Iterable[Path]) -> Path | None:
    """The first of the directories that contains the path, through any links and spellings; None if none does.

    Args:
        path: need not exist.
    """
    there = [_identity(parent) for parent in path.resolve().parents]
    for directory in directories:
        identity = _identity(directory)
        if identity is not None and identity in there:
            return directory
    return None


def _at_home(written: str) -> Path:
    try:
        return Path(written).expanduser()
    except RuntimeError:  # the user has no home directory
        return Path(written)


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode, the same for every spelling of a path and through other mounts; None if it cannot be read."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
