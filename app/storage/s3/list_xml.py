"""Parses ListObjectsV2 answers as they arrive.

botocore reads the whole answer first and makes a tree and then a dictionary of it. Meanwhile the event loop
stands still. Here expat parses the bytes as they come in, in pieces as small as the caller likes, and does not see
the plain objects, which nearly all are.
The format is in the S3 API reference, "ListObjectsV2", "Response Syntax".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote_plus
from xml.parsers import expat

from app.domain.errors import NotFound, ObjectChanged, PierheadError, StoreDenied, StoreUnavailable
from app.storage.s3.entries import opaque
from app.storage.s3.errors import FailedAnswer, error_fields, error_of
from app.storage.s3.list_objects import SIZE, USUAL_CLASSES, seconds_of, take_plain_objects
from app.storage.s3.list_page import ListPage, empty_page

MAX_PAGE_BYTES: Final = 64 * 1024 * 1024
"""Most bytes of an answer, after any compression. A page of 1,000 of the longest keys has 4 MiB."""
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})

_RESULT: Final = "ListBucketResult"
_ERROR: Final = "Error"
_OBJECT: Final = b"<Contents>"
_OBJECT_END: Final = b"</Contents>"
_NOT_LISTED: Final = "the storage does not let this server list folders"
_BOOLEANS: Final = {"true": True, "false": False}
_SIZE: Final = re.compile(SIZE.decode())
_FAULTS: Final = (expat.ExpatError, ValueError, KeyError)
_ENDS_EARLY: Final = {
    expat.errors.codes[text]
    for text in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
}
"""Errors of expat for an incomplete document."""


class ListingParser:
    """Parses one answer.

    Strict about what makes a listing complete (keys, sizes, `IsTruncated`, tokens): a fault is an error, never a
    shorter listing, because the missing key might be the one that protects the others. Lenient about the rest, as engines
    differ: an object may lack its time and its entity tag, its time may have any form, and names may have a prefix.

    Args:
        status: the answer's HTTP status. It decides about an error without a known code.
        headers: of the answer. They name the request and the bucket's region in the log.
    """

    def __init__(self, status: int = 200, headers: Mapping[str, str] = NO_HEADERS) -> None:
        self._status = status
        self._headers = headers
        self._root = ""
        self._depth = 0
        self._received = 0
        self._parsed = 0  # bytes passed to expat
        self._had_cdata = False
        self._text: list[str] = []
        self._top: dict[str, str] = {}
        self._item: dict[str, str] = {}
        self._page = empty_page()
        self._expat = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartCdataSectionHandler = self._note_cdata
        parser.StartDoctypeDeclHandler = _refuse_doctype

    def feed(self, data: bytes) -> None:
        """Parse the next bytes.

        Raises:
            StoreUnavailable: `unexpected`: it is not XML, or not a listing.
            The error of the status, if it is not a success.
        """
        try:
            self._received += len(data)
            if self._received > MAX_PAGE_BYTES:
                raise ValueError(f"a page of a listing has at most {MAX_PAGE_BYTES} bytes")
            self._take(data)
        except _FAULTS as error:
            raise self._error_of(error) from self._cause_of(error)

    def page(self) -> ListPage:
        """Finish, and return the page.

        Raises:
            StoreUnavailable: `broken-stream` if the document ends early, `unexpected` if it is not a listing
                or lacks a field; or the error for its S3 error.
            NotFound, StoreDenied, ObjectChanged: the same.
        """
        try:
            self._expat.Parse(b"", True)
        except _FAULTS as error:
            raise self._error_of(error) from self._cause_of(error)
        finally:
            del self._expat  # breaks a reference cycle, which would wait for the garbage collector
        if self._root == _ERROR or self._status != 200:
            code = self._top.get("Code", "") if self._root == _ERROR else ""
            is_denied = code == "AccessDenied"
            raise (
                StoreDenied(_NOT_LISTED) if is_denied else _error_of_listing(self._status, code)
            ) from self._refusal()
        is_truncated = _BOOLEANS.get(self._top.get("IsTruncated", "").strip().lower())
        token = self._top.get("NextContinuationToken") if is_truncated else None
        if is_truncated is None:
            raise StoreUnavailable("unexpected") from ValueError("IsTruncated is neither true nor false")
        if is_truncated and not token:  # the rest cannot be read, and a listing is never cut silently
            raise StoreUnavailable("unexpected") from ValueError("more follows, but without a token")
        page = self._page._replace(token=token)
        if self._top.get("EncodingType", "").strip() == "url":
            _decode(page.keys)
            _decode(page.common_prefixes)
            if page.classes:
                return page._replace(classes={unquote_plus(key): name for key, name in page.classes.items()})
        return page

    def _take(self, data: bytes) -> None:
        """Let expat parse everything between plain objects, and objects that are not plain or not complete."""
        place = 0
        while (start := data.find(_OBJECT, place)) >= 0:
            self._parse(data[place:start])
            if not self._is_between_items:
                place = start
                break
            place = take_plain_objects(data, start, self._page)
            if place == start:
                end = data.find(_OBJECT_END, start)
                place = len(data) if end < 0 else end + len(_OBJECT_END)
                self._parse(data[start:place])
        self._parse(data[place:])

    def _parse(self, data: bytes) -> None:
        if not self._parsed:
            data = data.lstrip()  # XML does not allow white space before the declaration
        self._parsed += len(data)
        self._expat.Parse(data, False)

    @property
    def _is_between_items(self) -> bool:
        """Whether an element that comes now is an item of the listing: expat waits for the end of nothing that it
        has begun, no tag and no comment. CDATA is not told by that, so one section turns this off."""
        is_clear = self._expat.CurrentByteIndex == self._parsed and not self._had_cdata
        return is_clear and self._depth == 1

    def _note_cdata(self) -> None:
        self._had_cdata = True

    def _error_of(self, fault: Exception) -> PierheadError:
        """The error for a fault. It does not depend on where the bytes were cut: an expat that defers
        small pieces finds a fault only at the end, and calls back for the items there too."""
        if self._status != 200:
            return _error_of_listing(self._status, "")
        ends_early = isinstance(fault, expat.ExpatError) and fault.code in _ENDS_EARLY
        return StoreUnavailable("broken-stream" if ends_early and self._root == _RESULT else "unexpected")

    def _cause_of(self, fault: Exception) -> Exception:
        """The cause for the log: the answer, if it was an error anyway."""
        return fault if self._status == 200 else self._refusal()

    def _refusal(self) -> FailedAnswer:
        return FailedAnswer(self._status, error_fields(self._top, self._headers))

    def _start(self, name: str, _: dict[str, str]) -> None:
        name = _local(name)
        self._depth += 1
        self._text.clear()
        if self._depth == 1:
            self._root = name
            if name not in (_RESULT, _ERROR):
                raise ValueError(f"a listing is not {name}")

    def _end(self, name: str) -> None:
        name = _local(name)
        self._depth = depth = self._depth - 1
        if depth == 2:
            self._item[name] = "".join(self._text)
        elif depth == 1:
            if name == "Contents":
                self._add_object(self._item)
                self._item.clear()
            elif name == "CommonPrefixes":
                self._page.common_prefixes.append(self._item["Prefix"])
                self._item.clear()
            else:
                self._top[name] = "".join(self._text)

    def _add_object(self, item: dict[str, str]) -> None:
        page, size = self._page, item["Size"].strip()
        if not _SIZE.fullmatch(size):
            raise ValueError("a size is up to 18 digits")
        page.keys.append(item["Key"])
        page.sizes.append(int(size))
        page.modified.append(seconds_of(item.get("LastModified", "")))
        page.e_tags.append(opaque(item.get("ETag")) or "")
        if (storage_class := item.get("StorageClass", "").strip()) not in USUAL_CLASSES:
            page.classes[item["Key"]] = storage_class


def _error_of_listing(status: int, code: str) -> PierheadError:
    """The error for an error answer. S3 says with a code that something is absent: no other server's 404 means that."""
    error = error_of(status, code)
    return (
        StoreUnavailable("unexpected") if isinstance(error, NotFound | ObjectChanged) and not code else error
    )


def _local(name: str) -> str:
    """The name of an element without the prefix of its name space."""
    return name.rpartition(":")[2]


def _decode(keys: list[str]) -> None:
    """Undo `EncodingType=url`, by which S3 sends keys with characters that XML cannot hold."""
    for place, key in enumerate(keys):
        if "%" in key or "+" in key:
            keys[place] = unquote_plus(key)


def _refuse_doctype(*_: object) -> None:
    """Refuse a document type: S3 sends none, and its entities may expand without limit."""
    raise ValueError("a listing has no document type")
