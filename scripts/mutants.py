"""Change the code in small ways, one at a time, and see whether the tests notice.

A change that they do not notice survives: it is a hole in the tests, code that is not needed, or an equal of what
stood there before. Which of these, only a reader can say.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Final

import pytest

from scripts.mutant_changes import Mutant, mutants_of
from scripts.mutant_trials import LATE, SURVIVED, Trials

_COPIED: Final = (
    "app",
    "tests",
    "scripts",
    "benchmarks",
    "templates",
    "docs",
    "containers",
    "pyproject.toml",
    "Makefile",
)
_BESIDE: Final = {
    "auth": (
        "tests/http/test_tokens_http.py",
        "tests/http/test_networks_http.py",
        "tests/http/test_licence_forgery.py",
        "tests/http/test_limits.py",
        "tests/http/test_login_*.py",
        "tests/http/test_own_tokens.py",
        "tests/http/test_passwords.py",
        "tests/http/test_workloads.py",
    ),
    "cache": (
        "tests/unit/test_catalog_cache*.py",
        "tests/http/test_cache_calls.py",
        "tests/http/test_refresh.py",
    ),
    "policy": (
        "tests/http/test_rules_http.py",
        "tests/http/test_access_http.py",
        "tests/http/test_links_listed.py",
        "tests/http/test_unlisted_buckets.py",
    ),
    "storage": ("tests/contract",),
    "server": (
        "tests/http/test_warm*.py",
        "tests/http/test_fast_path_parity.py",
        "tests/http/test_bad_input_connections.py",
        "tests/http/test_request_framing.py",
        "tests/http/test_half_closed.py",
        "tests/http/test_unread_answers.py",
        "tests/http/test_small_files.py",
        "tests/http/test_sendfile.py",
        "tests/http/test_sites.py",
    ),
    "responses": (
        "tests/http/test_archives.py",
        "tests/http/test_conditional.py",
        "tests/http/test_cross_origin.py",
        "tests/http/test_delivery.py",
        "tests/http/test_digests.py",
        "tests/http/test_documents.py",
        "tests/http/test_download.py",
        "tests/http/test_early.py",
        "tests/http/test_folder_sizes.py",
        "tests/http/test_listed_digests.py",
        "tests/http/test_listing_cache_headers.py",
        "tests/http/test_manifest.py",
        "tests/http/test_negotiation.py",
        "tests/http/test_page_parts.py",
        "tests/http/test_paging.py",
        "tests/http/test_recursive.py",
        "tests/http/test_search.py",
        "tests/http/test_streaming.py",
        "tests/http/test_warm_redirects.py",
    ),
    "catalog": (
        "tests/http/test_links.py",
        "tests/http/test_listed_digests.py",
        "tests/http/test_order.py",
        "tests/http/test_rules_unreadable*.py",
        "tests/http/test_search.py",
        "tests/http/test_wildcards.py",
    ),
}
"""By the room of `app/`, what tests it beside `tests/unit/test_ROOM_*.py`."""


def nearest(file: Path) -> list[str]:
    """The test files of a module."""
    name = "_".join(file.relative_to("app").with_suffix("").parts)
    return sorted(map(str, Path().glob(f"tests/unit/test_{name}*.py")))


def noticed_by(file: Path) -> list[str]:
    """The test files that are to notice a change, those of the very module first."""
    room = file.relative_to("app").with_suffix("").parts[0]
    patterns = (f"tests/unit/test_{room}_*.py", *_BESIDE.get(room, ()))
    beside = [str(path) for pattern in patterns for path in sorted(Path().glob(pattern))]
    return list(dict.fromkeys([*nearest(file), *beside]))


@contextmanager
def in_a_copy() -> Iterator[None]:
    """Work in a copy of the project, so that the one at hand can be worked on meanwhile."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
        for name in _COPIED:
            (shutil.copytree if Path(name).is_dir() else shutil.copy2)(name, Path(directory, name))
        with chdir(directory):
            yield


def run(packages: Sequence[Path], sample: int, seed: int, seconds: float) -> int:
    """Try a sample of the mutants of some packages, and print what became of each. Returns the exit status."""
    files = [file for package in packages for file in (sorted(package.rglob("*.py")) or [package])]
    every = [mutant for file in files for mutant in mutants_of(file)]
    chosen = random.Random(seed).sample(every, min(sample, len(every)))
    tests = dict.fromkeys(test for mutant in chosen for test in noticed_by(mutant.file))
    left: list[Mutant] = []

    def tell(mutant: Mutant, outcome: str) -> None:
        is_killed = outcome not in (SURVIVED, LATE)
        left.extend([mutant] * (not is_killed))
        print(f"{'killed by ' if is_killed else ''}{outcome}\n    {mutant}", flush=True)

    options = [
        "-q",
        "-s",
        "--tb=no",
        "-p",
        "no:cacheprovider",
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
    ]
    status = pytest.main([*options, *tests], plugins=[Trials(chosen, nearest, seconds, tell)])
    print(
        f"\n{len(chosen) - len(left)} of {len(chosen)} killed, of the {len(every)} that there are; not these:"
    )
    print(*(f"  {mutant}" for mutant in left), sep="\n")
    return int(status)


def main() -> int:
    """Read the arguments and run. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="+", type=Path, help="directories or modules, such as app/policy")
    parser.add_argument("--sample", type=int, default=60, help="how many mutants to try (default 60)")
    parser.add_argument("--seed", type=int, default=0, help="which ones (default 0)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=30,
        help="what the tests of one mutant may take unchanged (default 30)",
    )
    given = parser.parse_args()
    with in_a_copy():
        return run(given.packages, given.sample, given.seed, given.seconds)


if __name__ == "__main__":
    sys.exit(main())
