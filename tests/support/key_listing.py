"""Any number of keys, listed as ListObjectsV2 lists them, page by page, by a server that makes them up."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import parse_qs, quote, urlsplit
from xml.sax.saxutils import escape

from tests.support.fake_s3 import Answer, Request, content, status, xml

PAGE_KEYS = 1000


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
    """

    def __init__(
        self, keys: Sequence[str], contents: dict[str, bytes], order: Callable[[str], str] = str
    ) -> None:
        self._keys = keys
        self._order = order
        self._contents = contents
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
            return xml(self._page(fields, delimiter))
        key = url.path.split("/", 2)[2]
        self.asked.append(Asked(request.method, key))
        return content(self._contents[key]) if key in self._contents else status(404, "NoSuchKey")

    def _behind(self, key: str) -> int:
        return bisect_right(self._keys, self._order(key), key=self._order)

    def _page(self, fields: dict[str, str], delimiter: str | None) -> str:
        prefix = fields.get("prefix", "")
        after = fields.get("continuation-token", fields.get("start-after", ""))
        shown: list[str] = []
        place = self._behind(max(after, prefix, key=self._order))
        most = int(fields.get("max-keys", PAGE_KEYS))
        while place < len(self._keys) and self._keys[place].startswith(prefix) and len(shown) <= most:
            key = self._keys[place]
            common, slash, _ = key.removeprefix(prefix).partition("/")
            if delimiter and slash:
                key = prefix + common + "/"
                place = self._behind(key + "\U0010ffff")
            else:
                place += 1
            shown.append(key)
        is_cut = len(shown) > most
        page = shown[:most]
        token = ""
        if is_cut:
            last = page[-1] + ("\U0010ffff" if delimiter and page[-1].endswith("/") else "")
            token = f"<NextContinuationToken>{escape(last)}</NextContinuationToken>"
        items = "".join(map(_item if not delimiter else _item_or_prefix, page))
        return (
            '<?xml version="1.0"?><ListBucketResult><Name>artifacts</Name><EncodingType>url</EncodingType>'
            f"<IsTruncated>{'true' if is_cut else 'false'}</IsTruncated>{token}{items}</ListBucketResult>"
        )


def folder_order(key: str) -> str:
    """The order of engines that list one folder after the other."""
    return key.replace("/", "\0")


def _item(key: str) -> str:
    return (
        f'<Contents><Key>{quote(key)}</Key><Size>1</Size><ETag>"tag"</ETag>'
        "<LastModified>2022-10-12T17:50:00.000Z</LastModified></Contents>"
    )


def _item_or_prefix(key: str) -> str:
    if key.endswith("/"):
        return f"<CommonPrefixes><Prefix>{quote(key)}</Prefix></CommonPrefixes>"
    return _item(key)
