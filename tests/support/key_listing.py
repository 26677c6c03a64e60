"""Any number of keys, listed as ListObjectsV2 lists them, page by page, by a server that makes them up."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import parse_qs, quote, urlsplit
from xml.sax.saxutils import escape

from tests.support.fake_s3 import Answer, Request, content, status, xml

PAGE_KEYS = 1000

_LAST = "\U0010ffff"
"""Comes after whatever a key can go on with."""


class Asked(NamedTuple):
    """One request: the method, and of a list its prefix and delimiter, of an object its key."""

    method: str
    key: str
    delimiter: str | None = None


class KeyListing:
    """Answers for a bucket.

    Attributes:
        asked: every request, in order.

    Args:
        keys: in their order.
        contents: of those objects that can be read.
        order: sorts them; byte order if it is left out.
        repeats: how many of the last keys of a page are on the next one again.
    """

    def __init__(
        self,
        keys: Sequence[str],
        contents: dict[str, bytes],
        order: Callable[[str], str] = str,
        *,
        repeats: int = 0,
    ) -> None:
        self._keys = keys
        self._items = [_item(key) for key in keys]
        self._order = order
        self._contents = contents
        self._repeats = repeats
        self.asked: list[Asked] = []

    async def answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """For `FakeS3.answer`."""
        await self._answer_to(request)(request, writer)

    def _answer_to(self, request: Request) -> Answer:
        url = urlsplit(request.target)
        fields = {name: values[0] for name, values in parse_qs(url.query).items()}
        if "list-type" in fields:
            delimiter = fields.get("delimiter")
            self.asked.append(Asked("list", fields.get("prefix", ""), delimiter))
            return xml(self._page(fields))
        key = url.path.split("/", 2)[2]
        self.asked.append(Asked(request.method, key))
        return content(self._contents[key]) if key in self._contents else status(404, "NoSuchKey")

    def _behind(self, key: str) -> int:
        return bisect_right(self._keys, self._order(key), key=self._order)

    def _page(self, fields: dict[str, str]) -> str:
        prefix = fields.get("prefix", "")
        after = fields.get("continuation-token") or fields.get("start-after", "")
        most = min(int(fields.get("max-keys", PAGE_KEYS)), PAGE_KEYS)
        behind = self._behind(after) - (self._repeats if "continuation-token" in fields else 0)
        first = max(bisect_left(self._keys, self._order(prefix), key=self._order), behind)
        end = self._behind(prefix + _LAST)
        if "delimiter" in fields:
            items, last = self._grouped(prefix, first, end, most)
        else:
            last = max(first, min(first + most, end))
            items = self._items[first:last]
        is_cut = first < last < end
        token = (
            f"<NextContinuationToken>{escape(self._keys[last - 1])}</NextContinuationToken>" if is_cut else ""
        )
        return (
            '<?xml version="1.0"?><ListBucketResult><Name>artifacts</Name><EncodingType>url</EncodingType>'
            f"<IsTruncated>{str(is_cut).lower()}</IsTruncated>{token}{''.join(items)}</ListBucketResult>"
        )

    def _grouped(self, prefix: str, place: int, end: int, most: int) -> tuple[list[str], int]:
        """Up to `most` objects and common prefixes from a place on, and the place behind what they cover."""
        items: list[str] = []
        while place < end and len(items) < most:
            slash = self._keys[place].find("/", len(prefix))
            if slash < 0:
                items.append(self._items[place])
                place += 1
            else:
                common = self._keys[place][: slash + 1]
                items.append(f"<CommonPrefixes><Prefix>{quote(common)}</Prefix></CommonPrefixes>")
                place = self._behind(common + _LAST)
        return items, place


def folder_order(key: str) -> str:
    """The order of engines that list one folder after the other."""
    return key.replace("/", "\0")


def _item(key: str) -> str:
    """As Ceph writes it."""
    return (
        f"<Contents><Key>{quote(key)}</Key><LastModified>2022-10-12T17:50:00.000Z</LastModified>"
        "<ETag>&quot;tag&quot;</ETag><Size>1</Size><StorageClass>STANDARD</StorageClass>"
        "<Owner><ID>owner</ID><DisplayName>owner</DisplayName></Owner><Type>Normal</Type></Contents>"
    )
