from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.paths import ROOT, ArtifactPath, is_possible_name
from app.storage.s3.keys import KeySpace

NAMES = st.text(st.sampled_from("ab~%7E/.\u00fc\x00\udcff") | st.characters(), max_size=12)
POSSIBLE = NAMES.filter(is_possible_name)
KEYS = st.text(st.sampled_from("ab~%7E/."), max_size=20)
PREFIXES = st.sampled_from(["", "p/", "p~/q/"])


def paths(*, is_folder: bool) -> st.SearchStrategy[ArtifactPath]:
    names = st.lists(POSSIBLE, min_size=1, max_size=4).map(tuple)
    return names.map(lambda segments: ArtifactPath(segments, is_folder))


def test_a_path_is_its_own_key_below_the_prefix() -> None:
    assert KeySpace("site/").keys(ArtifactPath.of("a", "b c.zip")) == ("site/a/b c.zip",)
    assert KeySpace("site/").keys(ArtifactPath.of("a", is_folder=True)) == ("site/a/",)
    assert KeySpace("site/").keys(ROOT) == ("site/",)
    assert KeySpace().keys(ROOT) == ("",)


def test_a_tilde_has_two_spellings_the_literal_first() -> None:
    assert KeySpace().keys(ArtifactPath.of("~a", "b~c")) == ("~a/b~c", "%7Ea/b%7Ec")


def test_the_stores_own_prefix_is_not_respelled() -> None:
    assert KeySpace("~p/").keys(ArtifactPath.of("~a")) == ("~p/~a", "~p/%7Ea")


def test_nothing_is_stored_where_no_key_can_be() -> None:
    longest = ["n" * 255] * 4
    assert KeySpace().keys(ArtifactPath.of(*longest)) == ("/".join(longest),)
    assert KeySpace().keys(ArtifactPath.of(*longest, "nn")) == ()
    assert KeySpace("p/").keys(ArtifactPath.of(*longest)) == ()
    assert KeySpace().keys(ArtifactPath.parse(b"/%FF")) == ()
    assert KeySpace().keys(ArtifactPath.of("a%7Eb")) == ()


def test_a_literal_key_too_long_in_its_legacy_spelling_is_still_reached() -> None:
    names = ["~" + "n" * 254] * 4
    assert KeySpace().keys(ArtifactPath.of(*names)) == ("/".join(names),)


@given(PREFIXES, KEYS, KEYS)
def test_what_a_listing_shows_leads_back_to_its_key(prefix: str, text: str, rest: str) -> None:
    keys = KeySpace(prefix)
    names = [name for name in text.split("/") if is_possible_name(name)]
    folder = ArtifactPath.of(*names, is_folder=True)
    for folder_key in keys.keys(folder):
        path = keys.entry_path(folder, folder_key + rest, folder_key)
        if path is not None:
            assert path.parent == folder
            assert path.is_folder == rest.endswith("/")
            assert folder_key + rest in keys.keys(path)


@given(PREFIXES, paths(is_folder=False) | paths(is_folder=True))
def test_every_key_of_a_path_is_listed_as_that_path(prefix: str, path: ArtifactPath) -> None:
    keys = KeySpace(prefix)
    folders = keys.keys(path.parent)
    for key in keys.keys(path):
        shown = [keys.entry_path(path.parent, key, folder) for folder in folders if key.startswith(folder)]
        assert path in shown


@given(PREFIXES, paths(is_folder=False), paths(is_folder=False))
def test_no_key_belongs_to_two_paths(prefix: str, one: ArtifactPath, other: ArtifactPath) -> None:
    if one != other:
        assert not set(KeySpace(prefix).keys(one)) & set(KeySpace(prefix).keys(other))
