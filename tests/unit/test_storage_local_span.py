"""Bytes of a file that are written straight to a socket."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.domain.errors import ObjectChanged, StoreUnavailable
from app.domain.paths import ROOT
from app.storage.local import sendfile, span
from app.storage.local.span import CHUNK_BYTES, COPIED_BYTES, LocalSpan
from app.storage.local.store import LocalStore
from tests.support.store_contract import path_of
from tests.support.waiting import PATIENCE, wait_until

BORROWED = 6 * 1024 * 1024
SIZE = BORROWED + COPIED_BYTES
PART = 64 * 1024


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "f.bin"
    file.write_bytes(os.urandom(SIZE))
    return file


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.settimeout(PATIENCE)
    with ours, theirs:
        yield ours, theirs


@asynccontextmanager
async def opened(file: Path, first: int = 0) -> AsyncIterator[LocalSpan]:
    store = LocalStore(file.parent, observe=lambda *_: None)
    info = await store.head(path_of(file.name))
    try:
        async with store.open_range(path_of(file.name), info, first, info.size - first) as chunks:
            assert isinstance(chunks, LocalSpan)
            yield chunks
    finally:
        await store.aclose()


@pytest.fixture
def is_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is, its clients count as fast and no turn ends."""
    monkeypatch.setattr(span, "FAST_BYTES", 0)
    monkeypatch.setattr(span, "DRAIN_MILLISECONDS", 60_000)
    monkeypatch.setattr(span, "TURN_SECONDS", 60)


async def taken(source: LocalSpan, ours: socket.socket, theirs: socket.socket, most: int = SIZE) -> bytes:
    """What arrives, or its beginning."""
    received = bytearray()
    while source.straight and len(received) < most:
        written = await source.write_some(ours.fileno())
        while written:
            block = theirs.recv(written)
            received += block
            written -= len(block)
    return bytes(received)


@pytest.mark.parametrize("first", [0, 12345])
async def test_all_is_written_and_only_the_end_is_copied(
    file: Path, ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    borrowed = watch_sendfile(monkeypatch)
    async with opened(file, first) as source:
        assert source.straight == SIZE - first
        assert await taken(source, *ends) == file.read_bytes()[first:]
        assert source.straight == 0
    assert sum(borrowed) == BORROWED - first


@pytest.mark.parametrize(("size", "straight"), [(CHUNK_BYTES, 0), (CHUNK_BYTES + 1, CHUNK_BYTES + 1)])
async def test_what_was_read_at_once_is_not_written_anew(tmp_path: Path, size: int, straight: int) -> None:
    (tmp_path / "f.bin").write_bytes(bytes(size))
    async with opened(tmp_path / "f.bin") as source:
        assert source.straight == straight


def watch_sendfile(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes each call takes, from now on."""
    send, calls = os.sendfile, list[int]()

    def watched(*options: int) -> int:
        calls.append(0)
        calls[-1] = send(*options)
        return calls[-1]

    monkeypatch.setattr(os, "sendfile", watched)
    return calls


async def test_a_fast_client_is_served_without_a_break(
    file: Path, ends: tuple[socket.socket, socket.socket], is_patient: None
) -> None:
    async with opened(file) as source:
        reading = asyncio.create_task(asyncio.to_thread(read_exactly, ends[1], SIZE))
        assert await source.write_some(ends[0].fileno()) == SIZE
        assert await reading == file.read_bytes()


def read_exactly(theirs: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        received += theirs.recv(size - len(received))
    return bytes(received)


async def test_no_thread_waits_for_a_slow_client(
    file: Path, ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    ends[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PART)
    monkeypatch.setattr(span, "_drains_at_once", lambda _: pytest.fail("waited"))
    async with opened(file) as source:
        assert 0 < await source.write_some(ends[0].fileno()) < span.FAST_BYTES
        assert await source.write_some(ends[0].fileno()) == 0


async def test_others_have_their_turn_after_a_while(
    file: Path,
    ends: tuple[socket.socket, socket.socket],
    is_patient: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(span, "TURN_SECONDS", 0)
    calls = watch_sendfile(monkeypatch)
    async with opened(file) as source:
        written = await source.write_some(ends[0].fileno())
    assert calls == [written]


async def test_a_socket_that_is_full_takes_nothing(
    file: Path, ends: tuple[socket.socket, socket.socket]
) -> None:
    async with opened(file) as source:
        while await source.write_some(ends[0].fileno()):
            pass
        left = source.straight
        assert 0 < left < SIZE
        assert await source.write_some(ends[0].fileno()) == 0
        assert source.straight == left


async def test_a_socket_that_nobody_reads_any_more_is_no_fault_of_the_file(
    file: Path, ends: tuple[socket.socket, socket.socket]
) -> None:
    async with opened(file) as source:
        ends[1].close()
        with pytest.raises(ConnectionError):
            await source.write_some(ends[0].fileno())


@pytest.mark.parametrize("error", [errno.ETIMEDOUT, errno.EHOSTUNREACH])
async def test_a_broken_connection_has_many_names(
    file: Path, ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    break_sendfile(monkeypatch, error)
    async with opened(file) as source:
        with pytest.raises(ConnectionError):
            await source.write_some(ends[0].fileno())


async def test_a_broken_disk_is_the_fault_of_the_store(
    file: Path, ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_sendfile(monkeypatch, errno.EIO)
    async with opened(file) as source:
        with pytest.raises(StoreUnavailable, match="io-error"):
            await source.write_some(ends[0].fileno())


async def test_a_file_system_without_sendfile_is_read(
    file: Path, ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_sendfile(monkeypatch, errno.EINVAL)
    async with opened(file) as source:
        assert await taken(source, *ends) == file.read_bytes()


def break_sendfile(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def broken(*_: int) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "sendfile", broken)


async def test_a_file_that_grows_is_sent_to_the_size_it_had(
    file: Path, ends: tuple[socket.socket, socket.socket]
) -> None:
    whole = file.read_bytes()
    async with opened(file) as source:
        begin = await taken(source, *ends, most=PART)
        with file.open("ab") as growing:
            growing.write(b"one more line\n")
        begin += await taken(source, *ends)
    assert begin == whole


def shrink(file: Path) -> None:
    os.truncate(file, PART)


def rewrite(file: Path) -> None:
    with file.open("r+b") as rewritten:
        rewritten.write(os.urandom(SIZE))


def rewrite_to_a_larger_one(file: Path) -> None:
    file.write_bytes(os.urandom(SIZE + 1))


@pytest.mark.parametrize("change", [shrink, rewrite, rewrite_to_a_larger_one])
async def test_a_file_that_is_replaced_in_place_is_cut(
    file: Path, ends: tuple[socket.socket, socket.socket], change: object
) -> None:
    assert callable(change)
    async with opened(file) as source:
        await taken(source, *ends, most=PART)
        change(file)
        os.utime(file, ns=(0, 1))  # the clock of a file system may stand still for some milliseconds
        with pytest.raises(ObjectChanged):
            await source.write_some(ends[0].fileno())


async def test_what_changes_while_it_is_written_is_cut(
    file: Path, ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = sendfile.write_from

    def rewritten_meanwhile(*options: int) -> int | None:
        os.utime(file, ns=(0, 1))
        return write(*options)

    monkeypatch.setattr("app.storage.local.file.write_from", rewritten_meanwhile)
    async with opened(file) as source:
        with pytest.raises(ObjectChanged):
            await source.write_some(ends[0].fileno())


async def test_a_folder_is_listed_while_every_sender_is_busy(
    file: Path, ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def stuck(*_: int) -> int:
        assert go_on.wait(60)
        return 0

    monkeypatch.setattr("app.storage.local.file.write_from", stuck)
    store = LocalStore(file.parent, observe=lambda *_: None, threads=1, senders=1)
    info = await store.head(path_of(file.name))
    async with store.open_range(path_of(file.name), info, 0, info.size) as source:
        assert isinstance(source, LocalSpan)
        sending = asyncio.create_task(source.write_some(ends[0].fileno()))
        try:
            listing = await asyncio.wait_for(store.list_folder(ROOT), 30)
        finally:
            go_on.set()
        assert [entry.name for entry in listing.entries] == [file.name]
        await sending
    await store.aclose()


async def test_a_connection_that_closes_meanwhile_is_not_mistaken_for_the_next(
    file: Path, ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, go_on = threading.Event(), threading.Event()
    write = sendfile.write_from

    def slow(*options: int) -> int | None:
        writing.set()
        assert go_on.wait(10)
        return write(*options)

    monkeypatch.setattr("app.storage.local.file.write_from", slow)
    ours, theirs = ends
    number = ours.fileno()
    async with opened(file) as source:
        task = asyncio.create_task(source.write_some(number))
        await asyncio.to_thread(writing.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        ours.close()
        next_client, client = socket.socketpair()
        with next_client, client:
            assert number in (next_client.fileno(), client.fileno())
            go_on.set()
            await asyncio.to_thread(read_to_end, theirs)
            for end in (next_client, client):
                end.setblocking(False)
                with pytest.raises(BlockingIOError):
                    end.recv(1)


def read_to_end(theirs: socket.socket) -> None:
    """Comes to an end only when every copy of the other side is closed."""
    while theirs.recv(PART):
        pass


async def test_no_descriptor_is_left_behind(file: Path, ends: tuple[socket.socket, socket.socket]) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async with opened(file) as source:
        before = count()
        await taken(source, *ends)
        assert await asyncio.to_thread(wait_until, lambda: count() == before, 10)
