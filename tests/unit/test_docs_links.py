"""What the documents refer to is there: files, headings, tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors that a forge makes of headings."""
    headings = re.findall(r"^#+ (.*)$", without_code(page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(without_code(page.read_text())):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_start_page_leads_to_every_page() -> None:
    linked = {
        (PROJECT / link.partition("#")[0]).resolve()
        for link in LINK.findall((PROJECT / "README.md").read_text())
    }
    records = set((PROJECT / "docs/decisions").glob("0*.md"))
    assert set(PAGES) - records - {PROJECT / "README.md"} <= linked


def test_every_test_that_the_threat_model_names_is_there() -> None:
    rows = re.findall(r"^\| .* \| ([^|]*) \|$", (PROJECT / "docs/threat-model.md").read_text(), re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(tests/[^`]+)`", row)]
    assert len(named) > 30
    assert [name for name in named if not (PROJECT / name).is_file()] == []


def test_every_threat_names_its_test() -> None:
    table = (PROJECT / "docs/threat-model.md").read_text().split("\n## Threats\n")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert rows
    assert all("`tests/" in row for row in rows)


ASVS_SECTIONS = [
    *(("6.1", 3), ("6.2", 12), ("6.3", 8), ("6.4", 6), ("6.5", 8), ("6.6", 4), ("6.7", 2), ("6.8", 4)),
    *(("7.1", 3), ("7.2", 4), ("7.3", 2), ("7.4", 5), ("7.5", 3), ("7.6", 2), ("9.1", 3), ("9.2", 4)),
]
"""How many requirements there are in each section of ASVS 5.0."""


def asvs_rows() -> list[tuple[str, str, str]]:
    """Number, verdict and reason of each line."""
    text = (PROJECT / "docs/asvs.md").read_text()
    return re.findall(r"^\| ([0-9.]+) \| [^|]+ \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)


def test_every_requirement_of_asvs_has_its_line() -> None:
    every = [f"{section}.{number + 1}" for section, count in ASVS_SECTIONS for number in range(count)]
    assert [number for number, _, _ in asvs_rows()] == every


@pytest.mark.parametrize(("number", "verdict", "reason"), asvs_rows())
def test_a_line_of_asvs_names_tests_that_are_there_or_says_why_not(
    number: str, verdict: str, reason: str
) -> None:
    assert verdict in ("Met", "In part", "No", "Elsewhere", "Not here")
    tests = re.findall(r"`(tests/[^`]+)::(test_\w+)`", reason)
    assert reason.count("`tests/") == len(tests)
    assert tests or verdict not in ("Met", "In part")
    if verdict != "Met":
        assert re.search(r"\w", re.sub(r"`tests/[^`]+`", "", reason)), "it says why not"
    for file, name in tests:
        assert re.search(rf"def {name}\(", (PROJECT / file).read_text()), f"{file}::{name}"
