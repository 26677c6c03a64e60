"""Who asks: a token, or what a netrc file has for the host."""

from __future__ import annotations

import base64
import netrc
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ENVIRONMENT_NAME: Final = "PIERHEAD_TOKEN"
_NETRC_VARIABLE: Final = "NETRC"


def authorization(host: str, token_file: Path | None, environ: Mapping[str, str]) -> str | None:
    """The value of `Authorization` for a host (RFC 6750 section 2.1, RFC 7617): of the token file, else of the
    environment, else of a netrc file.

    Args:
        host: without a port.
        token_file: holds the token alone.
        environ: the process environment.

    Raises:
        OSError: the token file cannot be read.
        ValueError: the token or the netrc file is malformed; the text holds no secret.
    """
    if token_file is not None:
        return _bearer(token_file.read_text(encoding="utf-8", errors="replace"), str(token_file))
    if token := environ.get(ENVIRONMENT_NAME):
        return _bearer(token, ENVIRONMENT_NAME)
    return _from_netrc(host, environ)


def _bearer(text: str, where: str) -> str:
    token = text.strip()
    if not token or not token.isascii() or any(character.isspace() for character in token):
        raise ValueError(f"{where}: must hold one token and nothing else")
    return f"Bearer {token}"


def _from_netrc(host: str, environ: Mapping[str, str]) -> str | None:
    named = environ.get(_NETRC_VARIABLE)
    path = Path(named) if named else Path("~/.netrc").expanduser()
    if not named and not path.exists():
        return None
    try:
        found = netrc.netrc(path).authenticators(host)
    except netrc.NetrcParseError as error:
        raise ValueError(f"{path}, line {error.lineno}: is not a netrc file: {error.msg}") from error
    if found is None:
        return None
    login, _, password = found
    encoded = base64.b64encode(f"{login}:{password}".encode()).decode("ascii")
    return f"Basic {encoded}"
