"""The header fields of a file, the same for every delivery."""

from __future__ import annotations

from typing import Final

from app.catalog import OpenedFile
from app.domain.access import Access
from app.http_semantics import (
    DispositionKind,
    Validators,
    content_coding,
    content_language,
    digest_fields,
    disposition_kind,
    disposition_with,
    media_type_for,
    stricter_cache_control,
)
from app.policy.serving import ServingOptions
from app.responses.caching import FILE_VARY, PRIVATE, REVALIDATED
from app.responses.headers import store_headers

FILE_SECURITY_POLICY: Final = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""Published files have many authors: a file that a browser shows cannot run anything."""


RENDERED_SECURITY_POLICY: Final = "sandbox allow-scripts allow-downloads; frame-ancestors 'none'"
"""For HTML and SVG that the operator lets browsers show: a separate origin, so they reach no cookie or page of ours."""

_RENDERED_TYPES: Final = frozenset({"text/html", "application/xhtml+xml", "image/svg+xml"})


def is_rendered(opened: OpenedFile, options: ServingOptions) -> bool:
    """Whether browsers show a file that may contain script. This server must send it, with our policy."""
    return options.html == "render" and _essence(_media_type(opened, options)) in _RENDERED_TYPES


def file_headers(
    opened: OpenedFile, options: ServingOptions, validators: Validators, now: float
) -> dict[str, str]:
    """All header fields of a 200 about a file.

    Args:
        options: how it is served.
        now: seconds since the epoch, UTC.
    """
    media_type, rendered = _media_type(opened, options), is_rendered(opened, options)
    kind: DispositionKind = "inline" if rendered else disposition_kind(media_type)
    stored = opened.info.stored
    ours = REVALIDATED if opened.access is Access.PUBLIC else PRIVATE
    fields = {
        "Content-Type": media_type,
        "Content-Encoding": content_coding(stored.encoding),
        "Content-Language": content_language(stored.language),
        "Content-Length": str(opened.info.size),
        "Content-Disposition": disposition_with(stored.disposition, opened.path.name, kind),
        "ETag": validators.etag,
        "Last-Modified": validators.last_modified(now),
        "Accept-Ranges": "bytes",
        "Cache-Control": stricter_cache_control(ours["Cache-Control"], stored.cache_control),
        "Vary": FILE_VARY,
        "Content-Security-Policy": RENDERED_SECURITY_POLICY if rendered else FILE_SECURITY_POLICY,
        **store_headers(opened.info.origin),
        **digest_fields(opened.info.digests),
    }
    return {name: value for name, value in fields.items() if value}


def _media_type(opened: OpenedFile, options: ServingOptions) -> str:
    return options.content_type or opened.info.content_type or media_type_for(opened.path.name)


def _essence(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()
