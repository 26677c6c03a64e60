"""Reads the answer to a HeadObject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.domain.entries import FileInfo, StoredFields
from app.storage.s3.digests import stored_digests
from app.storage.s3.entries import opaque

if TYPE_CHECKING:
    from types_aiobotocore_s3.type_defs import GetObjectOutputTypeDef, HeadObjectOutputTypeDef

_DEFAULT_TYPES: Final = frozenset({"", "binary/octet-stream", "application/octet-stream"})
"""Media types that S3 and its clients store when none was given."""

_ARCHIVES: Final = frozenset({"GLACIER", "DEEP_ARCHIVE"})


def file_info_of(answer: HeadObjectOutputTypeDef) -> FileInfo:
    """The file that an answer describes.

    Raises:
        KeyError: it lacks a field that S3 always gives.
    """
    return FileInfo(
        size=answer["ContentLength"],
        modified=modified_of(answer),
        e_tag=opaque(answer.get("ETag")),
        content_type=_stated_type(answer.get("ContentType", "")),
        digests=stored_digests(answer),
        stored=StoredFields(
            encoding=answer.get("ContentEncoding", ""),
            language=answer.get("ContentLanguage", ""),
            cache_control=answer.get("CacheControl", ""),
            disposition=answer.get("ContentDisposition", ""),
        ),
        storage_class=answer.get("StorageClass"),
        is_archived=_is_archived(answer),
    )


def _is_archived(answer: HeadObjectOutputTypeDef) -> bool:
    """Whether GetObject would answer `InvalidObjectState`. A restored copy can be read for as long as it lasts."""
    is_away = answer.get("StorageClass") in _ARCHIVES or "ArchiveStatus" in answer
    return is_away and 'ongoing-request="false"' not in answer.get("Restore", "")


def modified_of(answer: HeadObjectOutputTypeDef | GetObjectOutputTypeDef) -> float | None:
    """When the object was changed, in seconds since the epoch; None where an engine does not say."""
    return answer["LastModified"].timestamp() if "LastModified" in answer else None


def _stated_type(content_type: str) -> str | None:
    return None if content_type.lower() in _DEFAULT_TYPES else content_type
