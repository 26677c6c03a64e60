"""How `pierhead get` shows how far it is, with the part for bars and without."""

from __future__ import annotations

import io

import pytest

from app.cli.progress import progress
from app.cli.progress_bars import Bars
from app.cli.progress_line import Line
from app.domain import extras

MIB = 1024 * 1024


class Terminal:
    """What stands on the last line of a terminal, and the lines above it that stay."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, columns: int = 80, *, is_shown: bool = True) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        self.seconds = 0.0
        self.out = io.StringIO()
        self.line = Line(self.out, is_shown=is_shown, clock=lambda: self.seconds)

    def show(self, name: str, arrived: int, size: int | None) -> None:
        self.seconds += 1
        self.line.show(name, arrived, size)

    @property
    def screen(self) -> list[str]:
        """Each line with what was written over itself, without the spaces at its end."""
        lines = []
        for line in self.out.getvalue().split("\n"):
            seen = ""
            for part in line.split("\r"):
                seen = part + seen[len(part) :]
            lines.append(seen.rstrip())
        return lines


def test_one_line_has_the_name_the_bytes_and_the_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(monkeypatch)
    terminal.show("boot.img", 0, 4 * MIB)
    terminal.show("boot.img", 2 * MIB, 4 * MIB)
    assert terminal.screen == ["boot.img  2.0 MiB of 4.0 MiB, 1.0 MiB/s"]


def test_several_files_share_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(monkeypatch)
    terminal.show("a.img", MIB, 4 * MIB)
    terminal.show("b.img", MIB, 2 * MIB)
    terminal.show("c.img", 0, 2 * MIB)
    assert terminal.screen == ["a.img and 2 more  2.0 MiB of 8.0 MiB, 0 B/s"]
    terminal.line.remove("a.img")
    terminal.line.remove("b.img")
    terminal.line.remove("never shown")
    terminal.show("c.img", 0, None)
    assert terminal.screen == ["c.img  0 B, 0 B/s"]


@pytest.mark.parametrize("columns", [1, 20, 40])
def test_the_line_never_wraps(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    terminal = Terminal(monkeypatch, columns)
    terminal.show("n" * 100, 0, 4 * MIB)
    assert len(terminal.screen[0]) < columns


def test_what_is_said_stays_and_the_line_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(monkeypatch)
    terminal.show("boot.img", 0, MIB)
    terminal.line.say("pierhead: no")
    assert terminal.screen == ["pierhead: no", ""]
    terminal.line.start()
    terminal.show("boot.img", MIB, MIB)
    terminal.line.stop()
    assert terminal.screen == ["pierhead: no", ""]


def test_the_line_is_not_written_for_each_block(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(monkeypatch)
    for arrived in range(1000):
        terminal.line.show("boot.img", arrived, 1000)
    assert terminal.out.getvalue().count("\r") == 1


def test_nothing_moves_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(monkeypatch, is_shown=False)
    terminal.show("boot.img", 0, MIB)
    terminal.line.say("pierhead: no")
    terminal.line.stop()
    assert terminal.out.getvalue() == "pierhead: no\n"


def test_the_bars_are_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(progress(is_shown=True), Bars)
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    assert isinstance(progress(is_shown=True), Line)
