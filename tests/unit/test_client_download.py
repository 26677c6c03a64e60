"""What a download goes by: lists of checksums, patience, and the variable with the token."""

from __future__ import annotations

import pytest

from app.client.checksums import parse_checksums
from app.client.credentials import ENVIRONMENT_NAME
from app.client.errors import FetchFailed, NotAsPromised, Transient
from app.client.patience import LONGEST_WAIT, Patience
from app.config import CLIENT_VARIABLES

ONE, TWO = "1" * 64, "a" * 64


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (f"{ONE}  a.txt", "a.txt"),
        (f"{ONE} *dir/a b", "dir/a b"),
        (f"{ONE}  ./a", "a"),
        (f"SHA256 (dir/a (1).txt) = {ONE}", "dir/a (1).txt"),
        (f"\\{ONE}  back\\\\slash", "back\\slash"),
        (f"{ONE}  back\\\\slash", "back\\\\slash"),
    ],
)
def test_each_form_of_a_line_is_read(line: str, path: str) -> None:
    found = parse_checksums(f"# comment\n\n{line}\n".encode())
    assert {path.text: digest.hex() for path, digest in found.items()} == {path: ONE}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_the_marks_of_windows_are_no_part_of_a_list(encoding: str) -> None:
    assert [path.text for path in parse_checksums(f"{ONE}  a.txt\r\n".encode(encoding))] == ["a.txt"]


@pytest.mark.parametrize(
    "line",
    [
        "x",
        f"{ONE}",
        f"{ONE}  ",
        f"{ONE}  a/../b",
        f"{ONE}  /a",
        f"{ONE}  a/",
        f"\\{ONE}  a\\nb",
        f"{TWO}  known",
    ],
)
def test_a_line_that_says_nothing_certain_is_refused(line: str) -> None:
    with pytest.raises(NotAsPromised, match="line 2"):
        parse_checksums(f"{ONE}  known\n{line}\n".encode())


async def test_waits_grow_until_there_is_progress() -> None:
    waits: list[float] = []
    arrived = 0

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def attempt() -> None:
        nonlocal arrived
        if len(waits) == 3:
            arrived = 10
        raise Transient("cut", 7 if len(waits) == 5 else None)

    with pytest.raises(Transient):
        await Patience(5, lambda *_: None, sleep).persist(attempt, lambda: arrived)
    assert waits == [0.5, 1, 2, 0.5, 1, 7, 4, 8]


async def test_it_does_not_wait_for_hours() -> None:
    async def attempt() -> None:
        raise Transient("later", LONGEST_WAIT + 1)

    with pytest.raises(FetchFailed, match="asks to wait 301 seconds") as raised:
        await Patience(5, lambda *_: None).persist(attempt)
    assert not isinstance(raised.value, Transient)


def test_what_the_client_reads_is_no_wrong_setting() -> None:
    assert ENVIRONMENT_NAME in CLIENT_VARIABLES
