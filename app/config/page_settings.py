"""Settings of how pages look."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, field_validator

from app.config.types import Allowed


class PageSettings(BaseModel):
    """The title and the look of all pages. Each site may have its own, and templates have them in `page.site.shown`."""

    site_title: Annotated[str, Allowed("1 to 100 characters")] = Field(
        "Pierhead", min_length=1, max_length=100, description="Title of every page."
    )
    theme_dir: Annotated[Path | None, Allowed("the path of a directory")] = Field(
        None,
        description="Look of the pages: logo, colours, header, footer, templates; see [theming](theming.md).",
    )

    @field_validator("theme_dir")
    @classmethod
    def _theme_is_a_directory(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_dir():
            raise ValueError(f"{str(path)!r} is none")
        return path
