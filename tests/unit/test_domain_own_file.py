"""What the operator names is read to its end, and nothing of it is waited for without one."""

from __future__ import annotations

import os
import threading
from io import FileIO
from pathlib import Path

import pytest

from app.auth.revocation import Revocations
from app.cli.checks import read_tls
from app.config import ConfigError, load_settings
from app.domain import own_file
from app.domain.errors import RevocationsUnknown
from app.domain.own_file import read_own_file, read_own_text
from app.main import read_site_policy
from app.pages.static import load_static
from tests.support.waiting import PATIENCE

NOW = 1_700_000_000.0


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_own_file, "__kwdefaults__", {"pipe_seconds": 0.01})


def test_a_file_is_read_as_bytes_and_as_text_of_lines(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one\r\ntwo\rthree\n\xc3\xa9")
    assert read_own_file(path) == b"one\r\ntwo\rthree\n\xc3\xa9"
    assert read_own_text(path) == path.read_text("utf-8") == "one\ntwo\nthree\né"


class ShortReads(FileIO):
    """A file of a network or of user space, which may give less than it was asked for (read(2))."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(3, size or 0))


def test_a_regular_file_is_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"tier = closed")
    monkeypatch.setattr(own_file, "open", lambda path, *_, **__: ShortReads(path), raising=False)
    assert read_own_file(path) == b"tier = closed"


def test_a_pipe_is_read_to_its_end(pipe: Path) -> None:
    content = b"x" * 200_000
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    try:
        assert read_own_file(pipe, pipe_seconds=PATIENCE) == content
    finally:
        writer.join()


def test_a_pipe_is_not_waited_for_without_end(pipe: Path) -> None:
    with pytest.raises(TimeoutError, match="has not ended after"):
        read_own_file(pipe)


def test_a_pipe_that_was_read_before_is_no_empty_file() -> None:
    reader, writer = os.pipe()
    os.close(writer)
    try:
        with pytest.raises(OSError, match="gives its content only once"):
            read_own_file(Path(f"/proc/self/fd/{reader}"))
    finally:
        os.close(reader)


def test_the_null_device_is_an_empty_file() -> None:
    assert read_own_file(Path("/dev/null")) == b""


def test_what_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_file, "MAX_BYTES", 10)
    path = tmp_path / "file"
    path.write_bytes(b"x" * 11)
    for large in (path, Path("/dev/zero")):
        with pytest.raises(OSError, match="more than 10 bytes"):
            read_own_file(large)


def test_no_setting_waits_for_a_pipe(pipe: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('rule = [{path = "/a/**", tier = "eula", licence_file = "pipe"}]')
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(environ={}, file=pipe)
    for path, fault in ((pipe, "policy_file"), (policy, "licence_file")):
        with pytest.raises(ConfigError, match=fault):
            read_site_policy(load_settings(environ={"PIERHEAD_POLICY_FILE": str(path)}).settings)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_tls(load_settings(environ={"PIERHEAD_TLS_CERTIFICATE": str(pipe)}))


def test_a_list_of_revoked_ids_that_is_a_pipe_is_unreadable(pipe: Path) -> None:
    revocations = Revocations(pipe)
    with pytest.raises(RevocationsUnknown):
        revocations.is_revoked("t1", NOW)


def test_a_theme_does_not_wait_for_a_pipe(pipe: Path) -> None:
    (pipe.parent / "logo.svg").symlink_to(pipe)
    with pytest.raises(OSError, match="has not ended"):
        load_static(pipe.parent, pipe.parent)
