"""Finds the templates, and the licence texts beside them. Read once, at start."""

from __future__ import annotations

from pathlib import Path


def templates_directory() -> Path:
    """`app/templates` of an installed wheel, or `templates` of a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "templates"
    return installed if installed.is_dir() else package.parent / "templates"


def load_default_licences(templates: Path) -> dict[str, str]:
    """The texts for folders with an empty licence file.

    Args:
        templates: what `templates_directory` gives.

    Returns:
        text by theme name; `default` is always among them.

    Raises:
        FileNotFoundError: the templates are missing.
    """
    files = sorted((templates / "licences").glob("*.txt"))
    texts = {file.stem: file.read_text(encoding="utf-8") for file in files}
    if "default" not in texts:
        raise FileNotFoundError(f"no licences/default.txt in {templates}")
    return texts
