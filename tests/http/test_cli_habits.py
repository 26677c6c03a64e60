"""The command line answers as people expect of one: arguments without flags, examples, variables, hints."""

from __future__ import annotations

import argparse
import os
import pty
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.cli import main
from app.cli.command import build_parser
from app.config import PREFIX, Settings
from tests.support.forked_command import PIERHEAD
from tests.support.pierhead_process import run_pierhead
from tests.support.serve_command import KEY, environment
from tests.support.site_trees import http_client
from tests.support.waiting import fetch

ALL = re.compile(r"^  (pierhead .*)$", re.MULTILINE)


def commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A command and all below it."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from commands(command)


PARSERS = {parser.prog: parser for parser in commands(build_parser())}


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIERHEAD_SECRET_KEYS", KEY)


# --- help ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", PARSERS)
def test_the_option_of_a_setting_names_its_variable(program: str) -> None:
    for action in PARSERS[program]._actions:
        if action.dest in Settings.model_fields:
            assert f"({PREFIX}{action.dest.upper()})" in (action.help or ""), action.dest
            assert f"--{action.dest.replace('_', '-')}" in action.option_strings  # as messages call it


def test_the_examples_of_the_help_can_be_typed() -> None:
    examples = [shlex.split(line) for parser in PARSERS.values() for line in ALL.findall(parser.epilog or "")]
    assert len(examples) > 12
    for program, *arguments in examples:
        assert program == "pierhead"
        build_parser().parse_args(arguments[: arguments.index(">")] if ">" in arguments else arguments)


@pytest.mark.parametrize("program", ["serve", "get", "token create", "link", "explain", "completion"])
def test_what_people_type_has_examples(program: str) -> None:
    assert ALL.findall(PARSERS[f"pierhead {program}"].format_help())


# --- serve ---------------------------------------------------------------------------------------------


def test_a_directory_is_served_without_a_flag(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a.txt").write_text("a")
    policy = tmp_path / "other.toml"
    policy.write_text('[[rule]]\npath = "a.txt"\ntier = "public"\n')
    arguments = ["--title", "Our Site", "--default-tier", "closed", "--policy", str(policy)]
    with run_pierhead(str(tree), tmp_path, *arguments) as server:
        assert b"Our Site" in fetch(f"{server.url}/")
        assert fetch(f"{server.url}/a.txt") == b"a"


def test_the_demonstration_has_a_file_of_each_tier(tmp_path: Path) -> None:
    with run_pierhead("--demo", tmp_path) as server:
        with http_client(server.url) as http:
            answers = {
                path: http.get(path).status_code
                for path in ("/", "/boards/board.img", "/members/roadmap.txt")
            }
            names = http.get("/releases/?format=text").text.split()
        hint = re.search(r"pierhead get (http://\S*board.img --accept \w{32})", server.log.read_text())
        assert hint
        assert main(["get", *hint[1].split(), "-o", str(tmp_path / "out")]) == 0
    assert answers == {"/": 200, "/boards/board.img": 403, "/members/roadmap.txt": 401}
    assert names == ["1.10.0/", "1.9.0/", "1.2.0/"]
    assert (tmp_path / "out/board.img").stat().st_size == 65536


@pytest.mark.parametrize(
    "arguments",
    [["a", "--storage", "b"], ["a", "--demo"], ["--demo", "--storage", "b"], ["--demo", "--policy", "p"]],
)
def test_what_is_served_is_named_once(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["serve", *arguments])
    assert leaving.value.code == 2
    assert "name what is served once" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("place", "hint"),
    [
        ("a.img", "'a.img' is a file; its directory is '.'"),
        ("https://s3.example.org/bucket", "s3://bucket/prefix?endpoint="),
        ("https://releases.example.org/", "pierhead get"),
        ("nowhere", "there is no directory 'nowhere'"),
    ],
)
def test_what_cannot_be_served_is_answered_with_what_was_meant(
    place: str, hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.img").touch()
    assert main(["serve", place]) == 2
    assert hint in capsys.readouterr().err


# --- paths that are URLs -------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tree/a b").mkdir(parents=True)
    (tmp_path / "tree/a b/c%d.txt").touch()
    monkeypatch.setenv("PIERHEAD_STORAGE", "tree")
    return tmp_path / "tree"


@pytest.mark.parametrize("root_path", ["", "/down"])
@pytest.mark.parametrize(
    "form", ["a b/c%d.txt", "/a b/c%d.txt", "URL/a%20b/c%25d.txt", "URL/-/tree/a%20b/c%25d.txt?x=1#y"]
)
@pytest.mark.usefixtures("tree")
def test_explain_takes_a_path_or_its_url(
    form: str, root_path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIERHEAD_ROOT_PATH", root_path)
    assert main(["explain", form.replace("URL", f"https://site.example{root_path}")]) == 0
    assert capsys.readouterr().out.startswith("path      /a%20b/c%25d.txt\n")


def test_link_takes_a_url_and_answers_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["link", "https://site.example/members/plan.pdf", "--expires", "1d"]) == 0
    assert capsys.readouterr().out.startswith("https://site.example/members/plan.pdf?link=")


# --- shells and terminals ------------------------------------------------------------------------------


def test_bash_completes_commands_options_and_choices(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "completion.bash"
    script.write_text(capsys.readouterr().out)

    def completed(*words: str) -> set[str]:
        line = f"source {script}; COMP_WORDS=(pierhead {' '.join(map(shlex.quote, words))}); COMP_CWORD={len(words)}"
        call = f'{line}; complete -p pierhead >/dev/null; _shtab_pierhead; printf "%s\\n" "${{COMPREPLY[@]}}"'
        shell = subprocess.run(["bash", "-c", call], capture_output=True, text=True, check=True)
        return set(shell.stdout.split())

    assert completed("") >= {"serve", "get", "explain"}
    assert completed("serve", "--de") == {"--default-tier", "--demo"}
    assert completed("serve", "--default-tier", "") == {"public", "closed"}
    assert completed("token", "cr") == {"create"}


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    try:
        yield ours, theirs
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_log_lines_have_colours_only_on_a_terminal_that_wants_them(
    tmp_path: Path, no_color: str, coloured: bool
) -> None:
    environ = environment({"NO_COLOR": no_color, "PIERHEAD_LOG_FORMAT": "auto", "TERM": "xterm"})
    with terminal() as (ours, theirs):
        process = subprocess.Popen(
            [PIERHEAD, "serve", str(tmp_path), "--port", "0"], env=environ, stderr=theirs
        )
        try:
            seen = b""
            while b"listening" not in seen:
                seen += os.read(ours, 4096)
        finally:
            process.terminate()
            process.wait(30)
    assert (b"\x1b[" in seen) == coloured
