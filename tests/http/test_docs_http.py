"""`docs/http.md`, row by row: each request of its tables is sent, and each word about errors is held to the code."""

from __future__ import annotations

import asyncio
import base64
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from app.config import Settings
from app.domain.errors import RevokedToken
from app.pages.problem import PROBLEM_MEDIA_TYPE, PROBLEM_TYPE_PREFIX
from app.responses.problems import INTERNAL_ERROR
from app.routes.statuses import TABLE
from scripts.make_sample_tree import make_sample
from tests.support.aws import BUCKET, open_bucket, point_aws_at, run_moto
from tests.support.live_server import app_for, live_server, token

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs/http.md").read_text()
HEAD = "| Request | With | Status | Notable headers |"
CACHE = {
    name: Settings.model_fields[name].default for name in ("cache_ttl", "cache_grace", "cache_max_stale")
}
"""As it is by default; tests are served without."""


class Row(NamedTuple):
    """One row of the tables: what is sent and what must come back."""

    line: int
    tree: str
    method: str
    target: str
    headers: tuple[str, ...]
    status: int
    expected: tuple[str, ...]


def rows() -> Iterator[Row]:
    tree, in_table = "sample", False
    for number, line in enumerate(PAGE.splitlines(), start=1):
        if mark := re.fullmatch(r"<!-- tree: (\w+) -->", line):
            tree = mark[1]
        if line == HEAD or not line.startswith("|"):
            in_table = line == HEAD
        elif in_table and not line.startswith("|---"):
            request, sent, status, expected = (cell.strip() for cell in line.strip("|").split(" |"))
            method, target = request.split()
            yield Row(number, tree, method, target, divided(sent), int(status), divided(expected))


def divided(cell: str) -> tuple[str, ...]:
    return tuple(cell.split("<br>")) if cell else ()


ROWS = list(rows())


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("sample")
    make_sample(directory / "tree", directory / "policy.toml")
    policy = (directory / "policy.toml").read_text()
    with live_server(app_for(f"file://{directory}/tree", policy=policy, **CACHE)) as server:
        yield server.url


@pytest.fixture(scope="module")
def bucket(sample: str) -> Iterator[str]:
    guide = httpx.get(f"{sample}/docs/guide.txt").content

    async def plant() -> None:
        async with open_bucket() as hand:
            await hand.plant("docs/guide.txt", guide)

    with run_moto() as endpoint, pytest.MonkeyPatch.context() as monkeypatch:
        point_aws_at(monkeypatch, endpoint)
        asyncio.run(plant())
        with live_server(app_for(f"s3://{BUCKET}")) as server:
            yield server.url


def test_the_page_has_tables_for_both_trees() -> None:
    assert len(ROWS) > 80
    assert {row.tree for row in ROWS} == {"sample", "bucket"}
    assert PAGE.count(HEAD) >= 10


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"line {row.line}: {row.method} {row.target}")
def test_a_row_is_true(row: Row, request: pytest.FixtureRequest) -> None:
    answer = send(request.getfixturevalue(row.tree), row)
    assert answer.status_code == row.status, answer.text
    for expectation in row.expected:
        name, _, value = expectation.partition("=")
        assert re.fullmatch(pattern(value), answer.headers.get(name, "(none)")), (name, answer.headers)


def send(url: str, row: Row) -> httpx.Response:
    """The answer to exactly the target that is written down: httpx would tidy up a URL."""
    fields = (filled(line).partition(": ") for line in row.headers)
    headers = [(name, value) for name, _, value in fields]
    target = row.target.encode()
    with httpx.Client(headers={}, follow_redirects=False, trust_env=False) as client:
        client.headers.clear()
        request = client.build_request(row.method, url, headers=headers, extensions={"target": target})
        return client.send(request)


def filled(line: str) -> str:
    now = time.time()
    tokens = {"$MEMBER": token("members", now=now), "$GUEST": token("guests", now=now)}
    for name, value in tokens.items():
        basic = base64.b64encode(f"anybody:{value}".encode()).decode()
        line = line.replace(f"Basic {name}", f"Basic {basic}").replace(name, value)
    return line


def pattern(value: str) -> str:
    return ".*".join(map(re.escape, value.split("…")))


# --- errors --------------------------------------------------------------------------------------------


def documented_problems() -> dict[str, int]:
    section = PAGE.split("\n## Errors\n")[1].split("\n## ")[0]
    return {
        word: int(status)
        for word, status in re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", section, re.MULTILINE)
    }


def slugs_in_code() -> set[str]:
    """The words that answers are made with: those of the table, and the last one of each other answer."""
    words = {status.slug for status in TABLE.values()} | {INTERNAL_ERROR[-1]}
    for file in (PROJECT / "app").rglob("*.py"):
        for call in re.findall(
            r"(?:problem_response|errors\.other|Obstacle)\(([^()]*(?:\([^()]*\)[^()]*)*)\)", file.read_text()
        ):
            words.update(re.findall(r'"([a-z]+-[a-z-]+)"', call))
    refusals = (PROJECT / "app/server/refusals.py").read_text()
    for refusal in re.findall(r"= Refusal\((.*?)\n\)", refusals, re.DOTALL):
        words.update(re.findall(r'"([a-z]+-[a-z-]+)"', refusal))
    return words


def test_every_problem_is_documented_and_no_other() -> None:
    assert set(documented_problems()) == slugs_in_code()


def test_the_statuses_of_problems_are_those_of_the_table() -> None:
    documented = documented_problems()
    for status in TABLE.values():
        assert documented[status.slug] == status.code


def test_the_rows_show_problems_as_they_are_documented(sample: str) -> None:
    documented = documented_problems()
    seen = set()
    for row in ROWS:
        if row.tree == "sample" and row.status >= 400 and row.method != "HEAD":
            answer = send(sample, row)
            if answer.headers["content-type"] == PROBLEM_MEDIA_TYPE:
                problem = answer.json()
                word = problem["type"].removeprefix(PROBLEM_TYPE_PREFIX)
                assert documented[word] == answer.status_code == problem["status"]
                seen.add(word)
    assert seen >= {
        "not-found",
        "login-required",
        "licence-required",
        "group-required",
        "refused",
        "key-gone",
    }


def test_every_code_of_an_invalid_token_is_documented() -> None:
    text = "".join(file.read_text() for file in (PROJECT / "app/auth").rglob("*.py"))
    codes = set(re.findall(r'(?:AuthenticationFailed|_fail)\(\s*"([a-z-]+)"', text))
    codes |= {"token-malformed", "token-signature", RevokedToken("", "").code}
    sentence = PAGE.split("The codes of an invalid token are")[1].split("\n\n")[0]
    assert set(re.findall("`([a-z-]+)`", sentence)) == codes


def test_the_example_of_a_licence_is_what_the_server_says(sample: str) -> None:
    example = PAGE.split("```json\n")[1].split("```")[0].replace("https://artifacts.example", sample)
    answer = httpx.get(f"{sample}/licensing/protected/firmware.bin")
    assert answer.json() == httpx.Response(200, text=example).json()
