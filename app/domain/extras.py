"""Parts of the server that are installed on demand, since their libraries are large: the extras of pyproject.toml."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final, Literal

Extra = Literal["s3", "login", "ldap", "otel", "documents", "brotli", "progress"]

_LIBRARIES: Final[dict[Extra, tuple[str, ...]]] = {
    "s3": ("aioboto3", "stamina"),
    "login": ("joserfc",),
    "ldap": ("joserfc", "ldap3"),
    "otel": ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"),
    "documents": ("docutils", "textile"),
    "brotli": ("brotli",),
    "progress": ("rich",),
}
"""What each brings along. None of them is loaded here."""


def is_installed(extra: Extra) -> bool:
    """Whether the libraries of a part are there."""
    try:
        return all(find_spec(name) is not None for name in _LIBRARIES[extra])
    except ModuleNotFoundError:  # not even what a module is in
        return False


def how_to_install(extra: Extra) -> str:
    """The command that installs a part, in words for the end of a message."""
    return f"is not installed: pip install 'pierhead[{extra}]'"
