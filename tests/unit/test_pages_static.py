"""Static files, default licence texts, and the colours of the style sheet."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from app.domain.licence_look import MIN_CONTRAST, Colours, LicenceLook, Logo, contrast
from app.pages.licence_looks import files_of
from app.pages.static import STATIC_PREFIX, load_static, static_urls
from app.pages.templates_dir import load_default_licences, templates_directory

TEMPLATES = templates_directory()
FILES = load_static(TEMPLATES)
STYLE_SHEET = next(file.content for file in FILES.values() if "pierhead.css" in file.sources).decode()


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "a.css").write_text('b { background: url("z.svg") }')
    (tmp_path / "static" / "z.svg").write_text("<svg/>")
    (tmp_path / "static" / ".z.svg.swp").write_text("an editor leaves such files")
    return tmp_path


def test_names_carry_a_hash_of_what_is_served() -> None:
    for name, file in FILES.items():
        digest = hashlib.sha256(file.content).hexdigest()
        stem, _, suffix = file.sources[0].rpartition(".")
        assert name == f"{stem}-{digest[:12]}.{suffix}"
        assert digest.startswith(file.e_tag)


def test_media_types() -> None:
    assert {file.sources: file.media_type for file in FILES.values()} == {
        ("pierhead.css",): "text/css; charset=utf-8",
        ("pierhead.js",): "text/javascript; charset=utf-8",
        ("icons.svg",): "image/svg+xml",
        ("favicon.svg",): "image/svg+xml",
    }


def test_a_style_sheet_names_images_as_they_are_served(templates: Path) -> None:
    files = load_static(templates)
    image, sheet = files
    assert files[sheet].content == f'b {{ background: url("{image}") }}'.encode()


def test_a_name_is_written_as_a_url(templates: Path) -> None:
    (templates / "static" / "a.css").write_text('b { background: url("50% #1?.svg") }')
    (templates / "static" / "50% #1?.svg").write_text("<svg/>")
    files = load_static(templates)
    name = next(name for name, file in files.items() if "50% #1?.svg" in file.sources)
    assert static_urls(files)["50% #1?.svg"] == STATIC_PREFIX + quote(name)
    assert [file.content for file in files.values() if "a.css" in file.sources] == [
        f'b {{ background: url("{quote(name)}") }}'.encode()
    ]


def test_looks_that_are_alike_in_part_keep_all_their_files(templates: Path) -> None:
    """Two of one logo and one pair of colours, two logos of one file name, and one that is a picture of the theme too."""
    (templates / "static" / "logo.svg").write_text("<svg>of the theme</svg>")
    colours, one, other = (
        Colours("#000000", "#ffffff"),
        Logo("logo.svg", b"<svg/>"),
        Logo("logo.svg", b"<svg>of the theme</svg>"),
    )
    looks = (
        LicenceLook("a", "", one, colours),
        LicenceLook("b", "", one, colours),
        LicenceLook("c", "", other, Colours("#ffffff", "#000000")),
    )
    files = load_static(templates, looks=looks)
    urls = static_urls(files)
    for look in looks:
        found = files_of(look)
        assert look.logo
        assert files[unquote(urls[found.logo].removeprefix(STATIC_PREFIX))].content == look.logo.content
        assert look.colours
        sheet = files[urls[found.style_sheet].removeprefix(STATIC_PREFIX)].content.decode()
        assert f"--accent: {look.colours.accent}; --accent-ground: {look.colours.background};" in sheet
    assert files[urls["logo.svg"].removeprefix(STATIC_PREFIX)].content == b"<svg>of the theme</svg>"


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#FFFFFF", 21), ("#777777", "#ffffff", 4.48), ("#ff0000", "#ff0000", 1)],
)
def test_contrast_is_what_the_guidelines_say(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.005)


def test_a_changed_image_changes_the_name_of_the_style_sheet(templates: Path) -> None:
    before = static_urls(load_static(templates))
    (templates / "static" / "z.svg").write_text("<svg></svg>")
    after = static_urls(load_static(templates))
    assert before["z.svg"] != after["z.svg"]
    assert before["a.css"] != after["a.css"]
    assert after["a.css"].startswith(STATIC_PREFIX + "a-")


def test_every_image_of_the_style_sheet_is_served() -> None:
    images = re.findall(r"url\(([^)]*)\)", STYLE_SHEET)
    assert images
    for image in images:
        assert image.strip('"') in FILES


def test_static_files_refer_to_no_other_host() -> None:
    for file in FILES.values():
        text = file.content.decode().replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert "//" not in text
        assert "@import" not in text
        assert "<script" not in text


def test_the_default_licences_are_all_different() -> None:
    texts = load_default_licences(TEMPLATES)
    assert set(texts) == {"default", "linaro", "samsung", "stericsson"}
    assert len(set(texts.values())) == len(texts)
    assert all(f"(theme {theme})" in " ".join(text.split()) for theme, text in texts.items())


def test_missing_templates_are_noticed_at_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="default"):
        load_default_licences(tmp_path)


def colours(scheme: str) -> dict[str, str]:
    """Custom properties of one colour scheme."""
    light, dark = STYLE_SHEET.split("@media screen and (prefers-color-scheme: dark)")
    block = {"light": light, "dark": dark}[scheme]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("text", "grounds"),
    [
        ("text", ("ground", "surface", "closed-ground")),
        ("muted", ("ground", "surface", "hover")),
        ("link", ("ground", "surface", "hover", "link-ground")),
        ("eula-text", ("eula-ground",)),
        ("private-text", ("private-ground",)),
        ("closed-text", ("closed-ground",)),
    ],
)
def test_text_stands_out_from_its_ground(scheme: str, text: str, grounds: tuple[str, ...]) -> None:
    """WCAG 2.2, success criterion 1.4.3 (AA): at least 4.5 : 1."""
    palette = colours(scheme)
    for ground in grounds:
        assert contrast(palette[text], palette[ground]) >= MIN_CONTRAST, ground


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_folder_icons_stand_out(scheme: str) -> None:
    """WCAG 2.2, success criterion 1.4.11 (AA): at least 3 : 1."""
    palette = colours(scheme)
    assert min(contrast(palette["folder"], palette[ground]) for ground in ("surface", "hover")) >= 3
