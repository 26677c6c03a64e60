"""How the page of a licence looks, where the operator gives it a look of its own."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MIN_CONTRAST: Final = 4.5
"""Contrast of text and its ground that people need (WCAG 2.2, success criterion 1.4.3)."""

_COLOUR: Final = re.compile(r"#[0-9a-f]{6}", re.ASCII | re.IGNORECASE)


class Logo(NamedTuple):
    """A picture.

    Attributes:
        file: its file name, which ends with `.svg` or `.png`.
        content: its bytes.
    """

    file: str
    content: bytes


class Colours(NamedTuple):
    """A colour and the ground on which it stands out, or the other way round. Both are as `#1a2b3c`."""

    accent: str
    background: str


class LicenceLook(NamedTuple):
    """The look of one licence.

    Attributes:
        name: of the licence: a theme, or the name the site policy gives.
        title: what its page calls it; empty for its name.
        logo: shown at the top of its page; None for none.
        colours: of the top of its page and of the button that accepts it; None for those of the site.
    """

    name: str
    title: str = ""
    logo: Logo | None = None
    colours: Colours | None = None


def is_colour(text: str) -> bool:
    """Whether this is a colour of six hex digits, as `#1a2b3c` (CSS Color 4 section 5.2)."""
    return _COLOUR.fullmatch(text) is not None


def contrast(one: str, other: str) -> float:
    """How much two colours differ, from 1 to 21 (WCAG 2.2, "contrast ratio").

    Args:
        one, other: as `is_colour` wants them.
    """
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """WCAG 2.2, "relative luminance"."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
