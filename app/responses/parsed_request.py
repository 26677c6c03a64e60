"""The parsed request: made once, at the front door, and passed on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from app.auth.principal import Identity
from app.domain.mounts import AT_ROOT, Mount
from app.domain.paths import ArtifactPath
from app.http_semantics import choose_encoding, choose_media_type
from app.pages.representations import REPRESENTATIONS, SEARCHED
from app.responses.compression import ENCODINGS

_NEGOTIABLE: Final = {form.bare_media_type: name for name, form in REPRESENTATIONS.items()}
_NEGOTIABLE_SEARCHES: Final = {REPRESENTATIONS[name].bare_media_type: name for name in SEARCHED}


class ParsedRequest(NamedTuple):
    """A request for a path of the tree.

    Attributes:
        representation: of a folder, by `Accept`; empty for a file.
        encoding: of a folder's page, by `Accept-Encoding`; identity for a file.
        mount: where the site is mounted for this request.
        in_parts: whether the page of a large folder comes in parts: for browsers, which ask for HTML by its name. Programs that
            read listings accept anything; some of them follow no link with a query, and would miss the rest.
    """

    path: ArtifactPath
    identity: Identity
    representation: str = ""
    encoding: str = "identity"
    mount: Mount = AT_ROOT
    in_parts: bool = False


def parsed_request(
    path: ArtifactPath,
    identity: Identity,
    accept: Sequence[str],
    accept_encoding: Sequence[str],
    representation: str | None = None,
) -> ParsedRequest:
    """A request with what it negotiates.

    Args:
        accept: every line of `Accept`.
        accept_encoding: every line of `Accept-Encoding`.
        representation: requested by name, if any.
    """
    if not path.is_folder:
        return ParsedRequest(path, identity)
    return ParsedRequest(
        path,
        identity,
        representation or negotiated(accept),
        choose_encoding(accept_encoding, ENCODINGS),
        in_parts=any("text/html" in line.lower() for line in accept),
    )


def negotiated(accept: Sequence[str], *, is_search: bool = False) -> str:
    """The representation by Accept; a client that accepts none of ours gets the first (RFC 9110 section 12.5.1).

    Args:
        is_search: whether it is for what a search finds.
    """
    offered = _NEGOTIABLE_SEARCHES if is_search else _NEGOTIABLE
    media_type = choose_media_type(accept, tuple(offered))
    return offered[media_type] if media_type is not None else next(iter(offered.values()))
