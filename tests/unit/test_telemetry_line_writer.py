"""The writer of log lines: whole lines in order, never in the way, and honest about what it dropped."""

from __future__ import annotations

import io
import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.telemetry.followed_file import FollowedFile
from app.telemetry.line_writer import LineWriter
from tests.support.waiting import wait_until

SECONDS = 60
FULL = 1024 * 1024
"""More than any pipe holds."""


@contextmanager
def pipe() -> Iterator[tuple[io.TextIOWrapper, int]]:
    """A stream to write to, and where it can be read."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        yield stream, reading
    os.close(reading)


def read(descriptor: int, length: int) -> bytes:
    received = b""
    while len(received) < length:
        received += os.read(descriptor, 65536)
    return received


def test_lines_are_written_in_order() -> None:
    with pipe() as (stream, reading):
        writer = LineWriter(stream)
        for number in range(100):
            writer.write(b"%d\n" % number)
        expected = b"".join(b"%d\n" % number for number in range(100))
        assert read(reading, len(expected)) == expected


def test_flushing_waits_for_what_was_written_before() -> None:
    stream = io.TextIOWrapper(io.BytesIO())
    writer = LineWriter(stream)
    writer.write(b"line\n")
    writer.flush(SECONDS)
    assert isinstance(stream.buffer, io.BytesIO)
    assert stream.buffer.getvalue() == b"line\n"


def test_what_a_stalled_reader_does_not_take_is_dropped_counted_and_told() -> None:
    dropped: list[int] = []
    with pipe() as (stream, reading), capture_logs() as logs:
        writer = LineWriter(stream, most=3 * FULL)
        writer.note_dropped = dropped.append
        lines = b"0123456\n" * (FULL // 8)
        for _ in range(3):
            writer.write(lines)
        writer.write(b"one\ntwo\n")
        writer.write(b"three\n")
        writer.flush(0)  # in vain
        assert dropped == [2, 1]
        assert logs == []
        assert read(reading, 3 * FULL) == 3 * lines
        assert wait_until(lambda: logs != [], SECONDS)
        assert logs == [{"event": "log_lines_dropped", "count": 3, "log_level": "warning"}]
        writer.write(b"four\n")
        assert read(reading, 5) == b"four\n"


def test_what_nobody_can_read_is_dropped_and_counted() -> None:
    dropped: list[int] = []
    with pipe() as (stream, reading):
        writer = LineWriter(stream)
        writer.note_dropped = dropped.append
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, reading)  # the end that was read is gone
        os.close(null)
        writer.write(b"one\ntwo\n")
        assert wait_until(lambda: dropped == [2], SECONDS)


def test_a_stream_that_others_made_non_blocking_loses_nothing() -> None:
    with pipe() as (stream, reading):
        os.set_blocking(stream.fileno(), False)
        writer = LineWriter(stream, most=2 * FULL)
        lines = b"0123456\n" * (FULL // 8)
        writer.write(lines)
        assert read(reading, FULL) == lines


@pytest.mark.parametrize("length", [10, 300, 4096])
def test_lines_of_two_writers_never_come_within_another(length: int) -> None:
    with pipe() as (stream, reading):
        writers = [LineWriter(stream, most=2 * FULL) for _ in range(2)]
        lines = [name * (length - 1) + b"\n" for name in (b"a", b"b")]
        for _ in range(20):
            for writer, line in zip(writers, lines, strict=True):
                writer.write(line * (20_000 // length))
        received = read(reading, 2 * 20 * (20_000 // length) * length)
        assert set(received.splitlines(keepends=True)) == set(lines)


@pytest.mark.parametrize(("is_file", "writes"), [(True, 1), (False, 5)])
def test_a_file_takes_at_once_what_a_pipe_takes_in_pieces(
    is_file: bool, writes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = b"x" * (select.PIPE_BUF - 1) + b"\n"
    with pipe() as (stream, _):
        target = FollowedFile(tmp_path / "log") if is_file else stream
        writer = LineWriter(target)
        sizes: list[int] = []
        real = writer._write_piece

        def note(piece: bytes) -> None:
            sizes.append(len(piece))
            real(piece)

        monkeypatch.setattr(writer, "_write_piece", note)
        writer.write(5 * lines)
        writer.flush(SECONDS)
    assert len(sizes) == writes
    assert sum(sizes) == 5 * select.PIPE_BUF
