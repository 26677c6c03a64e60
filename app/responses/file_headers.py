"""What is said of a file, whichever way its bytes go out."""

from __future__ import annotations

from typing import Final

from app.catalog import OpenedFile
from app.domain.access import Access
from app.http_semantics import (
    Validators,
    content_coding,
    content_language,
    digest_fields,
    disposition_kind,
    disposition_with,
    media_type_for,
    stricter_cache_control,
)
from app.responses.caching import FILE_VARY, PRIVATE, REVALIDATED
from app.responses.headers import store_headers

FILE_SECURITY_POLICY: Final = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""Published files come from many hands: one that a browser shows in place can run nothing."""


def file_headers(opened: OpenedFile, validators: Validators, now: float) -> dict[str, str]:
    """Everything that a 200 says about a file.

    Args:
        now: seconds since the epoch, UTC.
    """
    media_type = opened.info.content_type or media_type_for(opened.path.name)
    stored = opened.info.stored
    ours = REVALIDATED if opened.access is Access.PUBLIC else PRIVATE
    fields = {
        "Content-Type": media_type,
        "Content-Encoding": content_coding(stored.encoding),
        "Content-Language": content_language(stored.language),
        "Content-Length": str(opened.info.size),
        "Content-Disposition": disposition_with(
            stored.disposition, opened.path.name, disposition_kind(media_type)
        ),
        "ETag": validators.etag,
        "Last-Modified": validators.last_modified(now),
        "Accept-Ranges": "bytes",
        "Cache-Control": stricter_cache_control(ours["Cache-Control"], stored.cache_control),
        "Vary": FILE_VARY,
        "Content-Security-Policy": FILE_SECURITY_POLICY,
        **store_headers(opened.info.origin),
        **digest_fields(opened.info.digests),
    }
    return {name: value for name, value in fields.items() if value}
