"""What EULA files mean in a folder that has no BUILD-INFO.txt."""

from __future__ import annotations

import pytest

from app.domain.access import ANONYMOUS, Access, Allow, Forbidden, Hidden, Licence, NeedsLicence, Source
from app.domain.paths import ArtifactPath
from app.policy.decide import Rules, classify, decide, explain
from app.policy.eula import DefaultLicences
from tests.support.policy import DEFAULTS, FOLDER, build_info, decide_file, folder_rules

CLOSED = Forbidden((), "no rule opens this file")


def licences(rules: Rules, name: str) -> tuple[Licence, ...]:
    access, found = classify(rules.folder.child(name), rules)
    assert access is (Access.EULA if found else Access.PUBLIC)
    return found


@pytest.mark.parametrize("others", [(), ("EULA.txt",), ("f.EULA.txt.samsung",)])
def test_open_eula_opens_every_file_whatever_stands_beside_it(others: tuple[str, ...]) -> None:
    rules = folder_rules({"OPEN-EULA.txt": b"\xff", **dict.fromkeys(others, b"text")})
    assert decide_file(rules, "f", ANONYMOUS) == Allow()
    assert explain(FOLDER.child("f"), rules, ANONYMOUS).reasons == (
        "releases/16.09/OPEN-EULA.txt: every file of the folder is open",
    )


def test_a_name_that_only_contains_open_eula_opens_nothing() -> None:
    rules = folder_rules({"EULA.txt": b"text", "foo.OPEN-EULA.txt.bak": b""})
    assert decide_file(rules, "f", ANONYMOUS) == NeedsLicence((Licence("text", "EULA"),))


def test_eula_protects_every_file_by_its_own_text_to_the_byte() -> None:
    rules = folder_rules({"EULA.txt": "First line\r\n \ufefflast \n\n".encode()})
    expected = Licence("First line\r\n \ufefflast \n\n", "EULA")
    assert licences(rules, "a") == licences(rules, "b.img") == (expected,)
    assert decide_file(rules, "a", ANONYMOUS) == NeedsLicence((expected,))
    assert decide(FOLDER, rules, ANONYMOUS) == Allow()


@pytest.mark.parametrize("blank", [b"", b" \r\n\t\n", b"\xef\xbb\xbf\n"])
@pytest.mark.parametrize(
    ("folder", "name", "theme"),
    [
        ("/builds/panda/1/", "f.img", "linaro"),
        ("/builds/origen/1/", "f.img", "samsung"),
        ("/builds/snowball/1/", "f.img", "stericsson"),
        ("/builds/my-snowball-origen/", "f.img", "stericsson"),
        ("/builds/1/", "origen-oneiric.img", "samsung"),
        ("/builds/Origen/", "f.img", "linaro"),
    ],
)
def test_a_blank_eula_stands_for_the_default_text_of_the_paths_theme(
    folder: str, name: str, theme: str, blank: bytes
) -> None:
    rules = folder_rules({"EULA.txt": blank}, folder=ArtifactPath.from_text(folder))
    assert licences(rules, name) == (Licence(DEFAULTS.texts[theme], theme),)


def test_without_a_text_for_the_theme_the_default_stands_in() -> None:
    defaults = DefaultLicences({"default": "text"}, "default")
    assert defaults.licence("samsung") == defaults.licence(None) == Licence("text", "default")


@pytest.mark.parametrize(
    "texts", [{}, {"linaro": "text"}, {"default": " \n"}, {"default": "text", "linaro": ""}]
)
def test_default_licences_without_a_text_are_a_slip(texts: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="default licence text"):
        DefaultLicences(texts, "default")


@pytest.mark.parametrize(
    ("name", "content", "licence"),
    [
        ("f.img.EULA.txt", b"own", Licence("own", "EULA")),
        ("f.img.EULA.txt.samsung", b"own", Licence("own", "samsung")),
        ("f.img.EULA.txt.unheard", b"own", Licence("own", "EULA")),
        ("f.img.EULA.txt.samsung", b"", Licence("samsung text", "samsung")),
        ("f.img.EULA.txt.ste", b"\n", Licence("ste text", "stericsson")),
        ("f.img.EULA.txt.unheard", b"", Licence("default text", "default")),
        ("f.img.EULA.txt", b"", Licence("default text", "default")),
    ],
)
def test_the_eula_of_one_file_protects_it_and_opens_the_rest(
    name: str, content: bytes, licence: Licence
) -> None:
    rules = folder_rules({"f.img": b"", "MANIFEST": b"", name: content})
    assert licences(rules, "f.img") == (licence,)
    assert decide_file(rules, "MANIFEST", ANONYMOUS) == Allow()
    assert decide_file(rules, name, ANONYMOUS) == Hidden()


def test_the_eula_of_one_file_does_not_catch_the_end_of_another_name() -> None:
    rules = folder_rules({"foo.txt.EULA.txt.samsung": b""})
    assert licences(rules, "o.txt") == ()
    assert licences(rules, "foo.txt") == (Licence("samsung text", "samsung"),)


@pytest.mark.parametrize("theme", ["v1.0", "txt.bak", "samsung.old", ".x"])
def test_a_theme_that_nobody_knows_still_protects_the_file(theme: str) -> None:
    rules = folder_rules({f"foo.txt.EULA.txt.{theme}": b"own"}, default_public=True)
    assert licences(rules, "foo.txt") == (Licence("own", "EULA"),)


def test_two_eulas_of_one_file_are_both_asked_for() -> None:
    rules = folder_rules({"f.EULA.txt.samsung": b"", "f.EULA.txt": b"own"})
    assert licences(rules, "f") == (Licence("own", "EULA"), Licence("samsung text", "samsung"))


def test_eula_beside_the_eula_of_one_file_still_protects_every_file() -> None:
    rules = folder_rules(
        {"EULA.txt": b"all", "f.EULA.txt": b"one", "MY-EULA.txt": b"other", "g.EULA.txt~": b""}
    )
    assert licences(rules, "f") == licences(rules, "g") == (Licence("all", "EULA"),)


@pytest.mark.parametrize(
    "name",
    [
        "MY-EULA.txt",
        "NOT-EULA.txt.gz",
        ".EULA.txt",
        "EULA.txt.samsung",
        "foo.OPEN-EULA.txt.bak",
        "o.EULA.txt~",
    ],
)
def test_the_presence_of_any_other_eula_file_opens_the_folder(name: str) -> None:
    rules = folder_rules({name: None, "foo.bin": b""})
    assert licences(rules, "foo.bin") == ()
    assert decide_file(rules, "foo.bin", ANONYMOUS) == Allow()
    assert decide_file(rules, name, ANONYMOUS) == Allow()  # it is an ordinary file itself
    assert explain(FOLDER.child("foo.bin"), rules, ANONYMOUS).sources == (Source(f"releases/16.09/{name}"),)


@pytest.mark.parametrize("suffix", [".", "~", "-old", "x", "\n"])
def test_a_slip_in_the_name_of_an_eula_file_does_not_open_what_it_is_to_protect(suffix: str) -> None:
    slip = {f"foo.txt.EULA.txt{suffix}": b"own"}
    assert decide_file(folder_rules(slip), "foo.txt", ANONYMOUS) == CLOSED
    assert decide_file(folder_rules(slip), "o.txt", ANONYMOUS) == Allow()
    both = folder_rules({**slip, "foo.txt.EULA.txt": b"own"})
    assert licences(both, "foo.txt") == (Licence("own", "EULA"),)


@pytest.mark.parametrize("name", ["f.bin", "MY-EULA.TXT", "MY_EULA", "eula.txt"])
def test_without_a_eula_file_nothing_governs(name: str) -> None:
    assert decide_file(folder_rules({name: b"text"}), "f.bin", ANONYMOUS) == CLOSED
    assert decide_file(folder_rules({name: b"text"}, default_public=True), "f.bin", ANONYMOUS) == Allow()


@pytest.mark.parametrize("name", ["snowball/EULA.txt-archive", "br[1]", "x.EULA.txt"])
def test_the_name_of_a_folder_is_no_rule(name: str) -> None:
    folder = ArtifactPath.from_text(f"/{name}/")
    assert decide_file(folder_rules({"f": b""}, folder=folder), "f", ANONYMOUS) == CLOSED
    assert decide_file(folder_rules({"OPEN-EULA.txt": b""}, folder=folder), "f", ANONYMOUS) == Allow()


@pytest.mark.parametrize("name", ["EULA.txt", "f.EULA.txt", "f.EULA.txt.samsung"])
@pytest.mark.parametrize("content", [b"fine\ncaf\xe9", None])
def test_a_eula_that_cannot_be_read_refuses_listing_and_files(name: str, content: bytes | None) -> None:
    rules = folder_rules({name: content}, default_public=True)
    line = 2 if content else 1
    expected = Forbidden(
        (), f"the access rules of this folder cannot be parsed (releases/16.09/{name}, line {line})"
    )
    assert decide_file(rules, "f", ANONYMOUS) == expected
    assert decide_file(rules, "other", ANONYMOUS) == expected
    assert decide(FOLDER, rules, ANONYMOUS) == expected


def test_build_info_stands_above_every_eula_file() -> None:
    covered = build_info("Files-Pattern: f", "License-Type: open")
    rules = folder_rules({"BUILD-INFO.txt": covered, "EULA.txt": b"text", "OPEN-EULA.txt": b""})
    assert decide_file(rules, "f", ANONYMOUS) == Allow()
    assert isinstance(decide_file(rules, "g", ANONYMOUS), Forbidden)
