"""Header fields that were stored with an object, as far as they may be sent.

Uploaders wrote them. So only well-formed values are sent, and none that undoes a decision of this server.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from app.http_semantics.content import DispositionKind, content_disposition

_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_LIST: Final = re.compile(rf"{_WORD}(?:[ \t]*,[ \t]*{_WORD})*")
_NO_CODINGS: Final = frozenset({"aws-chunked", "identity"})
"""The first is the coding of the upload, which some clients store by mistake; the second means nothing."""
_RESTRICTIONS: Final = ("no-store", "private", "no-transform", "must-revalidate", "proxy-revalidate")
"""Directives that only restrict caches (RFC 9111 section 5.2.2)."""
_PARAMETER: Final = re.compile(
    rf"""[ \t]*;[ \t]*({_WORD})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))[ \t]*"""
)
_KIND: Final = re.compile(rf"[ \t]*({_WORD})[ \t]*")
_EXTENDED: Final = re.compile(r"utf-8'[^']*'(.*)", re.IGNORECASE)


def content_coding(stored: str) -> str:
    """Value of `Content-Encoding`: the codings that the bytes have (RFC 9110 section 8.4); empty for none."""
    if not _LIST.fullmatch(stored.strip()):
        return ""
    codings = (coding.strip() for coding in stored.split(","))
    return ", ".join(coding for coding in codings if coding.lower() not in _NO_CODINGS)


def content_language(stored: str) -> str:
    """Value of `Content-Language` (RFC 9110 section 8.5); empty for none."""
    return stored.strip() if _LIST.fullmatch(stored.strip()) else ""


def stricter_cache_control(ours: str, stored: str) -> str:
    """Value of `Cache-Control`: ours, with the further restrictions of the object.

    Args:
        ours: the value of this server.
        stored: the value of the object.
    """
    said = {directive.partition("=")[0].strip().lower() for directive in stored.split(",")}
    ours_said = {directive.strip() for directive in ours.split(",")}
    return ", ".join((ours, *(name for name in _RESTRICTIONS if name in said and name not in ours_said)))


def disposition_with(stored: str, name: str, kind: DispositionKind) -> str:
    """Value of `Content-Disposition`: ours, with the name of the object's field, and `attachment` if that says so.

    The object never turns our `attachment` into `inline`.

    Args:
        stored: the value of the object.
        name: of the file.
        kind: the choice of this server.
    """
    match = _KIND.match(stored)
    if match is None:
        return content_disposition(name, kind)
    parameters = {found[1].lower(): found for found in _PARAMETER.finditer(stored, match.end())}
    if sum(len(found[0]) for found in parameters.values()) != len(stored) - match.end():
        return content_disposition(name, kind)
    shown = kind if match[1].lower() == "inline" else "attachment"
    return content_disposition(_safe_name(parameters) or name, shown)


def _safe_name(parameters: dict[str, re.Match[str]]) -> str:
    """The file name, if it is a plain one: not in another folder, and not hidden."""
    name = ""
    if extended := parameters.get("filename*"):
        match = _EXTENDED.fullmatch(extended[3] or "")
        name = unquote(match[1]) if match else ""
    if not name and (plain := parameters.get("filename")):
        name = re.sub(r"\\(.)", r"\1", plain[2]) if plain[2] is not None else plain[3]
    is_safe = name.isprintable() and not name.startswith(".") and not re.search(r"[/\\]", name)
    return name if is_safe else ""
