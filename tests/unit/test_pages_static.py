"""Static files, default licence texts, and the colours of the style sheet."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from app.pages.static import STATIC_PREFIX, load_static, static_urls
from app.pages.templates_dir import load_default_licences, templates_directory

TEMPLATES = templates_directory()
FILES = load_static(TEMPLATES)
STYLE_SHEET = next(file.content for file in FILES.values() if file.source == "pierhead.css").decode()


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
        stem, _, suffix = file.source.rpartition(".")
        assert name == f"{stem}-{digest[:12]}.{suffix}"
        assert digest.startswith(file.e_tag)


def test_media_types() -> None:
    assert {file.source: file.media_type for file in FILES.values()} == {
        "pierhead.css": "text/css; charset=utf-8",
        "pierhead.js": "text/javascript; charset=utf-8",
        "icons.svg": "image/svg+xml",
        "favicon.svg": "image/svg+xml",
    }


def test_a_style_sheet_names_images_as_they_are_served(templates: Path) -> None:
    files = load_static(templates)
    image, sheet = files
    assert files[sheet].content == f'b {{ background: url("{image}") }}'.encode()


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


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.2, "contrast ratio" and "relative luminance")."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


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
        assert contrast(palette[text], palette[ground]) >= 4.5, ground


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_folder_icons_stand_out(scheme: str) -> None:
    """WCAG 2.2, success criterion 1.4.11 (AA): at least 3 : 1."""
    palette = colours(scheme)
    assert min(contrast(palette["folder"], palette[ground]) for ground in ("surface", "hover")) >= 3
