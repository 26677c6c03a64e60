"""What EULA files mean, in a folder that has no BUILD-INFO.txt.

    OPEN-EULA.txt           every file is open
    EULA.txt                every file is behind one licence
    NAME.EULA.txt[.THEME]   the file NAME is behind a licence; the remaining files are open
    any other *EULA.txt*    an ordinary file; it opens all files but NAME if it is NAME.EULA.txt*

The first kind that is present counts. A licence is the file's own text. If that is blank, as in older trees,
it is the site's default text for the theme.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.domain.access import Licence, Source, licence_phrase
from app.domain.entries import ControlFile
from app.domain.errors import MalformedRules
from app.domain.paths import ArtifactPath
from app.policy.control_rules import ControlRules, control_file_source
from app.policy.terms import Basis, Terms, combine

EULA = "EULA.txt"
OPEN_EULA = "OPEN-EULA.txt"

_EULA_OF_FILE = re.compile(r"(?P<file>.+)\.EULA\.txt(?:\.(?P<theme>.+))?", re.DOTALL)
_SLIP_OF_FILE = re.compile(r"(?P<file>.+)\.EULA\.txt.*", re.DOTALL)
_ALIASES = {"ste": "stericsson"}
_THEMES_BY_PATH = (("snowball", "stericsson"), ("origen", "samsung"))
"""Boards whose files had a licence of their own: part of the path, and theme."""
_OTHER_PATHS = "linaro"
_PATH_THEMES = (*(theme for _, theme in _THEMES_BY_PATH), _OTHER_PATHS)
_OWN_TEXT = "EULA"
"""Name of a licence with its own text and no theme."""


@dataclass(frozen=True)
class DefaultLicences:
    """Texts for blank EULA files.

    Attributes:
        texts: text by theme; none of them blank.
        fallback: the theme to use for an unknown one; a key of `texts`.

    Raises:
        ValueError: the fallback has no text, or a text is blank.
    """

    texts: Mapping[str, str]
    fallback: str

    def __post_init__(self) -> None:
        if self.fallback not in self.texts:
            raise ValueError(f"there is no default licence text for the theme {self.fallback!r}")
        if blank := sorted(theme for theme, text in self.texts.items() if not text.strip()):
            raise ValueError(f"the default licence text is blank for {', '.join(blank)}")

    def licence(self, theme: str | None) -> Licence:
        """The default licence of a theme, or of the fallback if the theme is unknown or None."""
        known = theme if theme is not None and theme in self.texts else self.fallback
        return Licence(self.texts[known], known)


class EulaName(NamedTuple):
    """What the name `NAME.EULA.txt[.THEME]` says.

    Attributes:
        licensed: name of the file that is behind the licence.
        theme: None if the name has none.
    """

    licensed: str
    theme: str | None


@dataclass(frozen=True)
class EulaRules(ControlRules):
    """The rules of a folder with EULA files.

    Attributes:
        rest: terms of all other files.
        by_name: terms of the files that have a licence of their own.
        ungoverned: names of files without a rule.
        by_theme: set where a blank EULA.txt covers the folder: terms by theme of the file's path.
        folder_text: the folder's path, which may name a theme.
    """

    rest: Terms
    by_name: Mapping[str, Terms] = field(default_factory=dict)
    ungoverned: frozenset[str] = frozenset()
    by_theme: Mapping[str, Terms] = field(default_factory=dict)
    folder_text: str = ""

    def for_file(self, name: str, /) -> Terms | None:
        if self.by_theme:
            return self.by_theme[_theme_by_path(self.folder_text + name)]
        if name in self.ungoverned:
            return None
        return self.by_name.get(name, self.rest)

    @property
    def tells_files_apart(self) -> bool:
        return bool(self.by_theme or self.by_name or self.ungoverned)


def split_eula_name(name: str) -> EulaName | None:
    """The file that a control file licenses by its name; None for any other name, such as EULA.txt or OPEN-EULA.txt.

    Everything behind it is the theme, so that a mistake in the theme never leaves the file open. The whole name counts: `foo.txt.EULA.txt` licenses `foo.txt` and never `o.txt`.
    """
    match = _EULA_OF_FILE.fullmatch(name)
    return EulaName(match["file"], match["theme"]) if match else None


def is_like_eula(name: str) -> bool:
    """Whether the presence of a file of this name counts. True for every EULA file, and for one with a similar name."""
    return EULA in name


def read_eula_files(
    folder: ArtifactPath, names: Iterable[str], files: Sequence[ControlFile], defaults: DefaultLicences
) -> ControlRules:
    """The rules of a folder without BUILD-INFO.txt and OPEN-EULA.txt.

    Args:
        folder: whose files they are.
        names: of all its files that are named like EULA files; others do not count.
        files: its EULA.txt alone, or every NAME.EULA.txt[.THEME]; none where the folder has neither.

    Raises:
        MalformedRules: a text is not UTF-8, or a file is larger than any control file may be.
    """
    by_name: dict[str, list[Terms]] = {}
    for file in sorted(files, key=lambda file: file.name):
        source = control_file_source(folder, file.name)
        text = _own_text(file, source)
        if file.name == EULA:
            return _read_folder_eula(folder, text, source, defaults)
        if split := split_eula_name(file.name):
            licence = _licence(text, split.theme, defaults)
            basis = Basis(
                source, f"{split.licensed} is behind {licence_phrase(licence.name)} ({licence.digest})"
            )
            by_name.setdefault(split.licensed, []).append(Terms(licences=(licence,), basis=(basis,)))
    alike = sorted(filter(is_like_eula, names))
    if not alike:
        return ControlRules()
    # This kind opened folders before OPEN-EULA.txt existed. A mistake in its name must not open what it protects.
    slips = frozenset(slip["file"] for slip in map(_SLIP_OF_FILE.fullmatch, alike) if slip)
    source = control_file_source(folder, alike[0])
    rest = Basis(
        source, "files without an EULA file of their own are open, as the folder has one that is not theirs"
    )
    by_file = {name: combine(terms) for name, terms in by_name.items()}
    return EulaRules(Terms(basis=(rest,)), by_file, ungoverned=slips - by_file.keys())


def open_eula(folder: ArtifactPath) -> EulaRules:
    """The rules of a folder that an OPEN-EULA.txt opens."""
    basis = Basis(control_file_source(folder, OPEN_EULA), "every file of the folder is open")
    return EulaRules(rest=Terms(basis=(basis,)))


def _read_folder_eula(
    folder: ArtifactPath, text: str | None, source: Source, defaults: DefaultLicences
) -> EulaRules:
    def behind(licence: Licence) -> Terms:
        reason = f"every file of the folder is behind {licence_phrase(licence.name)} ({licence.digest})"
        return Terms(licences=(licence,), basis=(Basis(source, reason),))

    if text is not None:
        return EulaRules(rest=behind(Licence(text, _OWN_TEXT)))
    by_theme = {theme: behind(defaults.licence(theme)) for theme in _PATH_THEMES}
    return EulaRules(rest=by_theme[_OTHER_PATHS], by_theme=by_theme, folder_text=folder.text)


def _own_text(file: ControlFile, source: Source) -> str | None:
    """The file's text, every byte of it, because the digest covers them all; None if it is blank."""
    if file.content is None:
        raise MalformedRules(source.name, 1, "the file is too large for a control file")
    try:
        text = file.content.decode("utf-8")
    except UnicodeDecodeError as exc:
        line = file.content.count(b"\n", 0, exc.start) + 1
        raise MalformedRules(source.name, line, "the file must be UTF-8") from exc
    return text if text.strip("\ufeff" + string.whitespace) else None


def _licence(text: str | None, suffix: str | None, defaults: DefaultLicences) -> Licence:
    theme = _ALIASES.get(suffix, suffix) if suffix else None
    if text is None:
        return defaults.licence(theme)
    return Licence(text, theme if theme is not None and theme in defaults.texts else _OWN_TEXT)


def _theme_by_path(text: str) -> str:
    return next((theme for part, theme in _THEMES_BY_PATH if part in text), _OTHER_PATHS)
