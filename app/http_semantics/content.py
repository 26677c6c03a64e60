"""The media type of a file, and the name to save it under."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from functools import cache
from typing import Literal
from urllib.parse import quote

DEFAULT_MEDIA_TYPE = "application/octet-stream"

DispositionKind = Literal["inline", "attachment"]

_TAR_SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
"""The original server called these application/x-tar; clients may rely on it."""

_TEXT_NAMES = frozenset({
    "authors", "changelog", "copying", "dockerfile", "hacking", "index", "inrelease", "install", "kbuild", "kconfig",
    "license", "makefile", "manifest", "news", "notice", "packages", "readme", "release", "sources", "todo", "version",
})  # fmt: skip

_TEXT_EXTENSIONS = (
    ".adoc", ".asc", ".bb", ".bbappend", ".bbclass", ".buildinfo", ".cfg", ".changes", ".conf", ".diff", ".dsc", ".dts",
    ".dtsi", ".env", ".inc", ".ini", ".its", ".list", ".log", ".manifest", ".markdown", ".md", ".md5", ".md5sum", ".patch",
    ".repo", ".rst", ".sha1", ".sha1sum", ".sha256", ".sha256sum", ".sha512", ".sha512sum", ".sources", ".textile", ".toml",
    ".yaml", ".yml",
)  # fmt: skip

_OWN_TYPES = {
    **dict.fromkeys(_TEXT_EXTENSIONS, "text/plain"),
    **dict.fromkeys((".deb", ".img", ".iso", ".rpm"), DEFAULT_MEDIA_TYPE),
    ".apk": "application/vnd.android.package-archive",
    ".avif": "image/avif",
    ".bz2": "application/x-bzip2",
    ".dtb": "application/x-dtb",
    ".dtbo": "application/x-dtb",
    ".geojson": "application/geo+json",  # RFC 7946
    ".gz": "application/gzip",
    ".js": "text/javascript",  # RFC 9239
    ".mjs": "text/javascript",
    ".raucb": "application/vnd.squashfs",  # a bundle of RAUC
    ".sig": "application/pgp-signature",
    ".swu": "application/x-cpio",  # an image of SWUpdate
    ".torrent": "application/x-bittorrent",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
    ".woff": "font/woff",  # RFC 8081
    ".woff2": "font/woff2",
    ".xhtml": "application/xhtml+xml",  # RFC 3236
    ".xml": "application/xml",  # as text/* its charset parameter would overrule the document's own
    ".xz": "application/x-xz",
    ".zst": "application/zstd",
}

_INLINE_TYPES = frozenset({
    "application/pdf", "image/avif", "image/gif", "image/jpeg", "image/png", "image/webp", "text/plain",
})  # fmt: skip

_CHECKSUMS = re.compile(r"(?:.*[^a-z0-9])?[a-z0-9]*[0-9]sums?(?:[^a-z0-9]|$)|[a-z]*sums$")
"""`SHA256SUMS` and similar names: `SHA256SUMS.gpg`, `SHA256SUMS-arm64`."""

_OLD_LOG = re.compile(r".*\.log\.[0-9]+")

_SURROGATES = re.compile("[\ud800-\udfff]")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")
_RISKY_IN_FALLBACK = re.compile(r'[^\x20-\x7e]|["\\/]|%(?=[0-9A-Fa-f]{2})')


def media_type_for(name: str) -> str:
    """The media type of a file, by its name alone.

    The machine's own MIME tables are not read, so that every replica gives the same answer.

    Args:
        name: file name without folders.

    Returns:
        Value for `Content-Type`; text types with `charset=utf-8`, unknown ones `application/octet-stream`.
    """
    lowered = name.lower()
    if lowered.endswith(_TAR_SUFFIXES):
        return "application/x-tar"
    stem, dot, extension = lowered.rpartition(".")
    has_extension = bool(stem and dot)  # a leading dot begins none
    found = _types_by_extension().get(f".{extension}") if has_extension else None
    if found is None:
        is_bare_text = not has_extension and lowered in _TEXT_NAMES
        is_text = is_bare_text or _CHECKSUMS.match(lowered) or _OLD_LOG.fullmatch(lowered)
        found = "text/plain" if is_text else DEFAULT_MEDIA_TYPE
    return f"{found}; charset=utf-8" if found.startswith("text/") else found


def known_media_type(name: str) -> str | None:
    """The same without parameters; None if the type is unknown."""
    media_type = media_type_for(name).partition(";")[0]
    return None if media_type == DEFAULT_MEDIA_TYPE else media_type


def disposition_kind(media_type: str) -> DispositionKind:
    """Whether a file may be shown in the browser, or must be saved.

    Published HTML, SVG and XML may contain script, which would run with the rights of this site's pages. So
    everything is saved except a few types that cannot.

    Args:
        media_type: value of `Content-Type`, with or without parameters.
    """
    essence = media_type.partition(";")[0].strip().lower()
    return "inline" if essence in _INLINE_TYPES else "attachment"


def content_disposition(name: str, kind: DispositionKind) -> str:
    """Value of `Content-Disposition` for a file of this name (RFC 6266).

    Args:
        name: file name; lone surrogates (bytes that are not UTF-8) become U+FFFD, control characters `_`.
        kind: `inline` or `attachment`.

    Returns:
        ASCII only. `inline` has no name: a client that saves the file uses the name in the URL. `filename` has the
        name for old clients, without accents and with `_` for characters that they misread (RFC 6266
        appendix D). If that changed the name, `filename*` has it in full (RFC 8187 section 3.2).
    """
    if kind == "inline":
        return kind
    shown = _CONTROLS.sub("_", _SURROGATES.sub("\ufffd", name))
    fallback = _RISKY_IN_FALLBACK.sub("_", "".join(map(_without_accents, shown)))
    value = f'{kind}; filename="{fallback}"'
    if fallback != shown:
        value += f"; filename*=UTF-8''{quote(shown, safe='!#$&+-.^_`|~')}"
    return value


def _without_accents(character: str) -> str:
    """The ASCII letters of a character, if it has some; else the character."""
    letters = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode("ascii")
    return letters or character


@cache
def _types_by_extension() -> dict[str, str]:
    return mimetypes.MimeTypes(filenames=()).types_map[True] | _OWN_TYPES
