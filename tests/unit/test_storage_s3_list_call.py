"""How pages of a listing are fetched and parsed: in small steps, over a pool of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest

from app.domain.errors import StoreUnavailable
from app.domain.paths import ROOT, ArtifactPath
from app.storage.s3.list_call import SLICE_BYTES
from app.storage.s3.list_xml import ListingParser
from app.storage.s3.store import S3Store
from app.storage.store import FirstPage
from tests.support import fake_s3
from tests.support.fake_s3 import FakeS3, Request
from tests.support.patient_store import open_patient_store

OBJECT = (
    "<Contents><Key>{key}</Key><LastModified>2022-10-12T17:50:00Z</LastModified>"
    "<ETag>&quot;tag&quot;</ETag><Size>1</Size></Contents>"
)


def page(*keys: str, token: str = "") -> str:
    more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    items = "".join(OBJECT.format(key=key) for key in keys)
    cut = "true" if token else "false"
    return f"<ListBucketResult><Name>b</Name><IsTruncated>{cut}</IsTruncated>{more}{items}</ListBucketResult>"


@pytest.fixture
async def store(s3: FakeS3) -> AsyncIterator[S3Store]:
    async with open_patient_store() as opened:
        yield opened


def query_of(request: Request) -> dict[str, str]:
    fields = parse_qs(urlsplit(request.target).query, keep_blank_values=True, strict_parsing=True)
    return {name: values[0] for name, values in fields.items() if not name.startswith("X-Amz-")}


async def test_the_event_loop_has_a_turn_after_every_slice(
    s3: FakeS3, store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two large pages at once, and still never two slices in one turn."""
    turns: list[int] = []
    turn = 0
    feed = ListingParser.feed

    def noted(self: ListingParser, data: bytes) -> None:
        assert len(data) <= SLICE_BYTES
        turns.append(turn)
        feed(self, data)

    async def count() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(ListingParser, "feed", noted)
    body = page(*(f"{number:06}" for number in range(1000)))
    s3.answer = fake_s3.xml(body)
    counting = asyncio.create_task(count())
    try:
        listings = await asyncio.gather(store.list_folder(ROOT), store.list_folder(ROOT))
    finally:
        counting.cancel()
    assert [len(listing.entries) for listing in listings] == [1000, 1000]
    assert len(turns) >= 2 * len(body) / SLICE_BYTES
    assert len(set(turns)) == len(turns)


async def test_what_is_asked_for(s3: FakeS3, store: S3Store) -> None:
    s3.answer = fake_s3.in_turn(fake_s3.xml(page("d/a", token="more of+it")), fake_s3.xml(page("d/b")))
    await store.list_folder(ArtifactPath.of("d", is_folder=True))
    usual = {"list-type": "2", "encoding-type": "url", "prefix": "d/", "delimiter": "/"}
    assert list(map(query_of, s3.requests)) == [usual, {**usual, "continuation-token": "more of+it"}]


async def test_a_walk_asks_for_all_levels_and_for_the_next_page_when_it_is_wanted(
    s3: FakeS3, store: S3Store
) -> None:
    async def no_names(_: ArtifactPath) -> tuple[()]:
        return ()

    s3.answer = fake_s3.in_turn(fake_s3.xml(page("d/a", token="more")), fake_s3.xml(page("d/b")))
    walk = store.walk(ROOT, "d", no_names)
    await anext(walk)
    usual = {"list-type": "2", "encoding-type": "url", "prefix": ""}
    assert list(map(query_of, s3.requests)) == [{**usual, "start-after": "d"}]
    assert [file.name for found in await anext(walk) for file in found.files] == ["b"]
    assert query_of(s3.requests[1]) == {**usual, "continuation-token": "more"}


async def test_a_redirect_to_elsewhere_is_not_followed(s3: FakeS3, store: S3Store) -> None:
    """It would take the signature to whatever it names."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 307 Go\r\nLocation: {s3.url}/other\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    s3.answer = answer
    with pytest.raises(StoreUnavailable):
        await store.list_folder(ROOT)
    assert len(s3.requests) == 1


async def test_a_page_that_is_cut_off_is_no_page(s3: FakeS3, store: S3Store) -> None:
    body = page(*(f"{number:06}" for number in range(1000))).encode()
    s3.answer = fake_s3.content(body[:50_000], claims=len(body))
    with pytest.raises(StoreUnavailable) as raised:
        await store.list_folder(ROOT)
    assert raised.value.reason == "broken-stream"


async def test_the_proxy_of_the_environment_is_asked(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", s3.url)
    monkeypatch.setenv("NO_PROXY", "")
    s3.answer = fake_s3.xml(page("a"))
    endpoint = "http://s3.invalid"
    async with open_patient_store(endpoint=endpoint) as store:
        assert len((await store.list_folder(ROOT)).entries) == 1
    assert s3.requests[0].target.startswith("http://s3.invalid/artifacts?")


class Watch:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[FirstPage] = []

    def began(self, first_page: FirstPage) -> None:
        self.told.append(first_page)


async def told_of(s3: FakeS3, store: S3Store, *pages: str, folder: str = "d") -> list[FirstPage]:
    s3.answer = fake_s3.in_turn(*map(fake_s3.xml, pages))
    watch = Watch()
    await store.list_folder(ArtifactPath.of(folder, is_folder=True), watch)
    return watch.told


async def test_who_watches_is_told_of_the_first_of_several_pages(s3: FakeS3, store: S3Store) -> None:
    first = page("d/a", "d/a~b", "d/c", token="1")
    assert await told_of(s3, store, page("d/a")) == []
    [first_page] = await told_of(s3, store, first, page("d/x"))
    assert [entry.name for entry in first_page.entries] == ["a", "c"]
    assert (first_page.skipped, first_page.last) == ((), b"c")


async def test_who_watches_is_told_of_no_page_but_the_first(s3: FakeS3, store: S3Store) -> None:
    pages = page("d/a", token="1"), page("d/b", token="2"), page("d/c")
    [first_page] = await told_of(s3, store, *pages)
    assert [entry.name for entry in first_page.entries] == ["a"]


async def test_a_folder_that_may_have_two_spellings_has_no_beginning(s3: FakeS3, store: S3Store) -> None:
    pages = page("~d/a", token="1"), page("~d/b"), page()
    assert await told_of(s3, store, *pages, folder="~d") == []
