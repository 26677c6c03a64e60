"""Where downloads are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.client.errors import FetchFailed
from app.client.places import Destination
from app.domain.paths import ArtifactPath


@pytest.fixture
def destination(tmp_path: Path) -> Iterator[Destination]:
    with closing(Destination(tmp_path / "made/here")) as destination:
        yield destination


def test_one_process_at_a_time_writes_a_file(destination: Destination, tmp_path: Path) -> None:
    path = ArtifactPath.of("a.bin")
    with destination.place(path) as place:
        place.begin("url", '"tag"')
        place.write(b"half")
        with closing(Destination(tmp_path / "made/here")) as other:
            with pytest.raises(FetchFailed, match="another process"), other.place(path):
                pass
            with other.place(ArtifactPath.of("b.bin")):
                pass
        place.write(b" and half")
        place.finish(None)
    assert [found.name for found in (tmp_path / "made/here").iterdir()] == ["a.bin"]
    assert (tmp_path / "made/here/a.bin").read_bytes() == b"half and half"


@pytest.mark.parametrize("names", [(), ("a.pierhead.part",), ("b", "a.pierhead.etag")])
def test_a_place_has_a_name_that_no_part_has(destination: Destination, names: tuple[str, ...]) -> None:
    with pytest.raises(FetchFailed), destination.place(ArtifactPath.of(*names)):
        pass


def test_a_part_is_of_one_url(destination: Destination) -> None:
    path = ArtifactPath.of("ü" * 127)
    with destination.place(path) as place:
        place.begin("https://a/x", '"tag"')
        place.write(b"bytes")
    with destination.place(path) as place:
        assert (place.arrived, place.e_tag("https://a/x"), place.e_tag("https://b/x")) == (5, '"tag"', None)
