"""The files that the server reads for itself, none of which may lie in a directory that it publishes."""

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
"""What the AWS conventions read, by the variable that names it, and where it is without that variable (AWS SDKs and
Tools Reference Guide, "Settings reference")."""

_ENVIRONMENT_FILES: Final = ("/etc/pierhead/environment", ".env")
"""Where the environment comes from: the service of docs/operations.md, and what container tools read unasked."""


class OwnFile(NamedTuple):
    """A file that the server reads.

    Attributes:
        what: what names it, for the operator.
        path: where it is, as it is written there.
    """

    what: str
    path: Path


def own_files(
    loaded: LoadedSettings, licences: Iterable[Path], environ: Mapping[str, str]
) -> Iterator[OwnFile]:
    """The one table of what the server reads. A setting is in it by its type: every `Path` is such a file.

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
                yield OwnFile(loaded.named(name), path)
    for path in licences:
        yield OwnFile("a licence_file of the site policy", path)
    for variable, default in _OF_AWS.items():
        if written := environ.get(variable) or default:
            yield OwnFile(variable, _at_home(written))
    for written in _ENVIRONMENT_FILES:
        yield OwnFile("the environment file", Path(written))


def faults_of_place(files: Iterable[OwnFile], published: Iterable[Path]) -> list[str]:
    """What is wrong with where files lie; a file that is not there is left out.

    Args:
        published: directories.
    """
    directories = tuple(published)
    return [
        f"{file.what}: {file.path} lies in {directory}, which is published: move it elsewhere"
        for file in files
        if _identity(file.path) is not None
        and (directory := directory_around(file.path, directories)) is not None
    ]


def directory_around(path: Path, directories: Iterable[Path]) -> Path | None:
    """The first of some directories that a path leads into, by whatever links and spellings; None for no one.

    Args:
        path: of something that need not exist.
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
    """What is the same for every spelling of a path, through another mount too; None where nothing is to be seen."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
