"""What the control files of one folder say about its files. They govern only that folder, nothing below it."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.access import Source
from app.domain.errors import MalformedRules
from app.domain.paths import ArtifactPath, display_name
from app.policy.terms import Basis, Terms


@dataclass(frozen=True)
class ControlRules:
    """The rules of a folder without control files. The other kinds are subclasses."""

    def for_file(self, _name: str, /) -> Terms | None:
        """The terms of one file; None where no control file governs it.

        Args:
            _name: base name, not hidden.
        """
        return None

    def for_listing(self) -> Terms:
        """The terms of the folder's own listing. A licence never stands before it."""
        return Terms()

    def overlapping_patterns(self, _name: str, /) -> tuple[str, ...]:
        """Patterns of different blocks that all match one file: a likely mistake of the publisher."""
        return ()

    @property
    def tells_files_apart(self) -> bool:
        """Whether the terms of two files can differ."""
        return False

    @property
    def groups(self) -> frozenset[str]:
        """Every group that is named."""
        return frozenset()


@dataclass(frozen=True)
class MalformedControlFile(ControlRules):
    """The rules of a folder with a malformed control file: nothing in it is served to anybody.

    Attributes:
        source: file and line of the first fault.
        reason: what is wrong with it; for operators and publishers, as it may quote the file.
        said: the reason as everybody may see it; completes "the access rules of this folder ...".
    """

    source: Source
    reason: str
    said: str = "cannot be parsed"

    @classmethod
    def of(cls, error: MalformedRules) -> MalformedControlFile:
        return cls(Source(error.source, error.line), error.reason)

    def for_file(self, _name: str, /) -> Terms:
        return self.for_listing()

    def for_listing(self) -> Terms:
        refusal = f"the access rules of this folder {self.said} ({self.source})"
        return Terms(refusal=refusal, basis=(Basis(self.source, f"malformed: {self.reason}"),))


@dataclass(frozen=True)
class UnknownControlFiles(ControlRules):
    """The rules of a folder that cannot be listed: it may have any control file, so nothing in it is open.

    Only a rule of the site policy with `override` opens it, as that does not ask for control files.
    """

    def for_file(self, _name: str, /) -> Terms:
        return self.for_listing()

    def for_listing(self) -> Terms:
        source = Source("the storage")
        refusal = (
            "the storage of this site does not list this folder, so its control files are not known; only a rule of the site "
            "policy with override = true opens it"
        )
        return Terms(refusal=refusal, basis=(Basis(source, "list=no: the control files are not known"),))


def control_file_source(folder: ArtifactPath, name: str) -> Source:
    """The name of a control file in messages: its path within the site."""
    return Source(display_name(folder.text + name))
