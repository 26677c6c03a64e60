"""An S3 of a few objects, in a thread of its own, that fails in the way a test tells it to."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.support.fake_s3 import Answer, FakeS3, Request, status, stored, tag_of, xml
from tests.support.waiting import PATIENCE

BUCKET = "artifacts"
MODIFIED = "Wed, 12 Oct 2022 17:50:00 GMT"


class SwitchedS3:
    """See `run_switched_s3`.

    Attributes:
        url: its endpoint.
        objects: what it holds, by key.
        e_tags: whether it gives an ETag with what it holds: `strong`, `weak` or `none`.
        timeless: keys of the objects that it lists and gives without a time.
        most_under_way: most requests that it was answering at the same time.
    """

    def __init__(
        self, objects: Mapping[str, bytes], *, e_tags: str = "strong", timeless: Collection[str] = ()
    ) -> None:
        self.objects = dict(objects)
        self.e_tags = e_tags
        self.timeless = timeless
        self.url = ""
        self._fake = FakeS3()
        self._fake.answer = self.serve
        self._loop = asyncio.new_event_loop()
        self.server: asyncio.Server | None = None
        self._port = 0
        self.most_under_way = 0
        self._under_way = 0

    @property
    def requests(self) -> list[Request]:
        """All that arrived, in order."""
        return self._fake.requests

    def well(self) -> None:
        """Answer from now on, and listen again after `refuse`."""
        self.answer(self.serve)
        self._run(self._listen())

    def answer(self, answer: Answer) -> None:
        """Answer every request in this way from now on."""
        self._fake.answer = self._counted(answer)

    def answer_each(self, **answers: Answer) -> None:
        """Answer the requests of these operations (`list`, `get`, `head`) in these ways, and the others well."""

        async def chosen(request: Request, writer: asyncio.StreamWriter) -> None:
            await answers.get(operation_of(request), self.serve)(request, writer)

        self.answer(chosen)

    def refuse(self) -> None:
        """Break every connection, and take no new ones."""
        self._run(self._unlisten())

    def _counted(self, answer: Answer) -> Answer:
        async def counted(request: Request, writer: asyncio.StreamWriter) -> None:
            self._under_way += 1
            self.most_under_way = max(self.most_under_way, self._under_way)
            try:
                await answer(request, writer)
            finally:
                self._under_way -= 1

        return counted

    async def serve(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """The answer of an S3 that is well."""
        target = urlsplit(request.target)
        key = unquote(target.path).removeprefix(f"/{BUCKET}").removeprefix("/")
        if not key:
            query = parse_qs(target.query)
            await xml(self.listing(query.get("prefix", [""])[0]))(request, writer)
        elif (body := self.objects.get(key)) is not None:
            modified = None if key in self.timeless else MODIFIED
            await stored(body, e_tag=self._e_tag(body), modified=modified)(request, writer)
        else:
            await status(404, "NoSuchKey")(request, writer)

    def listing(self, prefix: str) -> str:
        """The document that lists the keys that begin with a prefix."""
        below = {
            key.removeprefix(prefix): body for key, body in self.objects.items() if key.startswith(prefix)
        }
        folders = sorted({rest.partition("/")[0] for rest in below if "/" in rest})
        files = "".join(
            f"<Contents><Key>{escape(prefix + rest)}</Key>{self._time_element(prefix + rest)}"
            f"{self._e_tag_element(body)}<Size>{len(body)}</Size></Contents>"
            for rest, body in sorted(below.items())
            if "/" not in rest
        )
        commons = "".join(
            f"<CommonPrefixes><Prefix>{escape(f'{prefix}{folder}/')}</Prefix></CommonPrefixes>"
            for folder in folders
        )
        return (
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{BUCKET}</Name><IsTruncated>false</IsTruncated>{files}{commons}</ListBucketResult>"
        )

    def _time_element(self, key: str) -> str:
        return "" if key in self.timeless else "<LastModified>2022-10-12T17:50:00.000Z</LastModified>"

    def _e_tag_element(self, body: bytes) -> str:
        e_tag = self._e_tag(body)
        return "" if e_tag is None else f"<ETag>{escape(tag_of(e_tag))}</ETag>"

    def _e_tag(self, body: bytes) -> str | None:
        forms = {"strong": e_tag_of(body), "weak": f"W/{e_tag_of(body)}", "none": None}
        return forms[self.e_tags]

    async def _listen(self) -> None:
        if self.server is None:
            self.server = await asyncio.start_server(self._fake.serve, "127.0.0.1", self._port, backlog=1024)
            self._port = self.server.sockets[0].getsockname()[1]
            self.url = f"http://127.0.0.1:{self._port}"

    async def _unlisten(self) -> None:
        if self.server is not None:
            self.server.close()
            await self._fake.stop()
            await self.server.wait_closed()
            self.server = None

    def _run(self, call: object) -> None:
        asyncio.run_coroutine_threadsafe(call, self._loop).result(PATIENCE)  # type: ignore[arg-type]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Listen until the block ends."""
        thread = threading.Thread(target=self._loop.run_forever, name="switched-s3")
        thread.start()
        try:
            self.well()
            yield
        finally:
            self.refuse()
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(PATIENCE)
            self._loop.close()


@contextmanager
def run_switched_s3(
    objects: Mapping[str, bytes], *, e_tags: str = "strong", timeless: Collection[str] = ()
) -> Iterator[SwitchedS3]:
    """Run it with these objects; it is well at first."""
    s3 = SwitchedS3(objects, e_tags=e_tags, timeless=timeless)
    with s3.running():
        yield s3


def operation_of(request: Request) -> str:
    """`list`, `get` or `head`."""
    if request.method == "HEAD":
        return "head"
    return "list" if "list-type=2" in request.target else "get"


def e_tag_of(body: bytes) -> str:
    """What it says of an object with these bytes, without quotes."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
