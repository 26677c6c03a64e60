"""Things that may be there or not, and are nobody's business: who asks must not be able to tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from app.domain.access import Allow, NeedsLicence, Principal
from app.domain.entries import ControlFile, File
from app.domain.paths import ArtifactPath
from app.policy.control_file_names import control_files_to_read
from app.policy.decide import Rules, compose, decide, visible_entry
from tests.support.in_process import Ask
from tests.support.oracle import Site, State
from tests.support.policy import DEFAULTS

FOR_STAFF: Final = b"Format-Version: 0.5\nFiles-Pattern: *,\nAuth-Groups: staff\n"


class Secret(NamedTuple):
    """A file, or a folder with a file in it, that may be there or not.

    Attributes:
        path: of the file.
        files: what is there with it, by path.
        links: what leads to it, or to its folder, whether that is there or not: content by path of link files, and targets
            of symbolic links.
        asked: paths that lead to it.
    """

    path: str
    files: Mapping[str, bytes]
    links: Mapping[str, bytes | str]
    asked: tuple[str, ...]

    def is_kept_from(self, principal: Principal, site: Site, state: State) -> bool:
        """Whether somebody may not know that it is there: no listing and no rule of its own tells them.

        Args:
            state: of the tree, with all of it.
        """
        path = ArtifactPath.from_text(self.path)
        rules = _rules_of(path.parent, site, state)
        if isinstance(decide(path, rules, principal), Allow | NeedsLicence):
            return False
        if (
            len(self.files) == 1
            and visible_entry(path.parent, File(path.name, 0, 0.0), rules, principal) is None
        ):
            return True
        folders = [rules]
        if len(self.files) > 1:
            folders.append(_rules_of(path.parent.parent, site, state))
        return not any(isinstance(decide(one.folder, one, principal), Allow) for one in folders)


def _rules_of(folder: ArtifactPath, site: Site, state: State) -> Rules:
    inside = {
        path.removeprefix(folder.text): content for path, content in state if path.startswith(folder.text)
    }
    names = [name for name in inside if "/" not in name]
    contents = {name: inside[name] for name in control_files_to_read(names)}
    return compose(
        folder,
        names,
        [ControlFile(name, content) for name, content in contents.items() if isinstance(content, bytes)],
        site=site.policy,
        default_public=site.settings.default_tier == "public",
        default_licences=DEFAULTS,
    )


_FILE: Final = "a/members/x.bin"
_IN_FOLDER: Final = "a/members/inner/x.bin"
_FOLDER: Final = {_IN_FOLDER: b"x", "a/members/inner/BUILD-INFO.txt": FOR_STAFF}


def _everywhere(*paths: str) -> tuple[str, ...]:
    return tuple(f"{api}/{path}" for path in paths for api in ("", "/api/ls", "/api/license"))


SECRETS: Final = {
    "a name in a folder": Secret(_FILE, {_FILE: b"x"}, {}, _everywhere(_FILE, "a/members/x*")),
    "a folder": Secret(
        _IN_FOLDER,
        _FOLDER,
        {},
        _everywhere("a/members/inner", "a/members/inner/", _IN_FOLDER, "a/members/i*"),
    ),
    "behind a link file": Secret(
        _IN_FOLDER,
        _FOLDER,
        {"latest/.s3_linked_from": b"a/members/inner"},
        _everywhere("latest", "latest/", "latest/x.bin", "latest/none"),
    ),
    "behind a link to a file": Secret(
        _FILE, {_FILE: b"x"}, {"b/link.bin": _FILE}, _everywhere("b/link.bin", "b/link*", "b/")
    ),
    "behind a link to a folder": Secret(
        _IN_FOLDER,
        _FOLDER,
        {"b/link": "a/members/inner"},
        _everywhere("b/link", "b/link/", "b/link/x.bin", "b/"),
    ),
}
"""By what they are."""


def asks_for(secret: Secret) -> tuple[Ask, ...]:
    """Ways to find out whether it is there."""
    plain = [Ask(path) for path in secret.asked]
    as_page = [Ask(path, headers=(("Accept", "text/html"),)) for path in secret.asked if path[:5] != "/api/"]
    folders = [path for path in secret.asked if path.endswith("/") and path[:5] != "/api/"]
    others = [
        *(Ask(path, query) for path in folders for query in ("format=json", "recursive=true", "limit=1")),
        *(Ask(path, method="HEAD") for path in secret.asked),
    ]
    return (*plain, *as_page, *others)
