"""Paths, remembered for a moment."""

from __future__ import annotations

import tracemalloc

from app.cache.recent_paths import MAX_PATHS, RecentPaths
from app.domain.paths import ArtifactPath


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def path(name: str) -> ArtifactPath:
    return ArtifactPath.of("releases", name)


def longest_path(number: int) -> ArtifactPath:
    """A path of about 4,000 bytes that shares no text with that of another number."""
    return ArtifactPath.of(*(f"{number}" + "🚢" * 62 for _ in range(16)))


def test_a_path_is_remembered_for_its_seconds_and_no_longer() -> None:
    clock = Clock()
    memory = RecentPaths(2, clock)
    memory.add(path("a"))
    clock.now = 1.9
    assert path("a") in memory
    assert path("b") not in memory
    clock.now = 2
    assert path("a") not in memory


def test_a_file_is_not_the_folder_of_its_name() -> None:
    memory = RecentPaths(2, Clock())
    memory.add(path("a"))
    assert path("a").as_folder not in memory


def test_a_path_can_be_forgotten_even_where_it_is_not_remembered() -> None:
    memory = RecentPaths(2, Clock())
    memory.add(path("a"))
    memory.discard(path("a"))
    memory.discard(path("a"))
    assert path("a") not in memory


def test_of_no_seconds_nothing_is_remembered() -> None:
    memory = RecentPaths(0, Clock())
    memory.add(path("a"))
    assert path("a") not in memory


def test_long_paths_without_number_take_little_memory() -> None:
    memory = RecentPaths(2, Clock())
    tracemalloc.start()
    try:
        for number in range(MAX_PATHS + 100):
            memory.add(longest_path(number))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 6_000_000
    assert longest_path(0) not in memory
    assert longest_path(MAX_PATHS + 99) in memory
