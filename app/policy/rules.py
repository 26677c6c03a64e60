"""Everything that governs one folder, composed from its control files and the site policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from app.domain.access import Source
from app.domain.entries import ControlFile
from app.domain.errors import MalformedRules
from app.domain.paths import ArtifactPath
from app.policy.build_info import parse_build_info
from app.policy.build_info_rules import BuildInfoRules
from app.policy.control_file_names import BUILD_INFO, control_files_to_read
from app.policy.control_rules import (
    ControlRules,
    MalformedControlFile,
    UnknownControlFiles,
    control_file_source,
)
from app.policy.eula import OPEN_EULA, DefaultLicences, open_eula, read_eula_files
from app.policy.site_policy import FolderPolicy, SitePolicy


class Hop(NamedTuple):
    """The target of a link, and the rules that decide who may know what exists there.

    Attributes:
        path: a file, or a folder.
        above: of the folder that it is in; for the top of the tree, its own.
        own: of a folder itself; None where `above` says enough.
    """

    path: ArtifactPath
    above: Rules
    own: Rules | None


@dataclass(frozen=True)
class Rules:
    """What governs the listing and the files of one folder, and what its sub-folders look like from there.

    Attributes:
        folder: the folder.
        control: what its control files say.
        site: what the site policy says of it and of its entries.
        default_public: whether a file that nothing governs is public (otherwise it is closed).
        links: the links among its entries, by name, each with every hop of its way.
    """

    folder: ArtifactPath
    control: ControlRules
    site: FolderPolicy
    default_public: bool
    links: Mapping[str, Sequence[Hop]] = field(default_factory=dict)

    @property
    def fault(self) -> MalformedControlFile | None:
        """What closes the folder to everybody; None where no control file does."""
        return self.control if isinstance(self.control, MalformedControlFile) else None

    @cached_property
    def tells_files_apart(self) -> bool:
        """Whether the name of a file in this folder can make a difference, if it is not hidden."""
        return self.tells_folders_apart or self.control.tells_files_apart

    @property
    def tells_folders_apart(self) -> bool:
        """Whether the name of a sub-folder can make a difference."""
        return bool(self.links) or self.site.tells_entries_apart

    @cached_property
    def groups(self) -> frozenset[str]:
        """Every group whose membership can make a difference to what is seen in this folder."""
        elsewhere = (
            rules.groups for hops in self.links.values() for hop in hops for rules in hop[1:] if rules
        )
        return (self.control.groups | self.site.groups).union(*elsewhere)


def compose(
    folder: ArtifactPath,
    names: Iterable[str],
    control_files: Sequence[ControlFile],
    *,
    site: SitePolicy,
    default_public: bool,
    default_licences: DefaultLicences,
) -> Rules:
    """The rules of a folder. Control files that cannot be understood give rules that refuse.

    Args:
        folder: the folder.
        names: base names of its files (not of its sub-folders).
        control_files: at least the files that `control_files_to_read` names.
        site: the whole site policy.
        default_public: what holds where nothing governs a file.
        default_licences: texts for EULA files that are blank.

    Raises:
        ValueError: a file that must be read was not handed in. That is a slip in the program: what was not
            read must not count as absent.
    """
    present = frozenset(names)
    to_read = control_files_to_read(present)
    contents = {file.name: file for file in control_files}
    if missing := sorted(set(to_read) - contents.keys()):
        raise ValueError(f"control files of {folder} were not read: {', '.join(missing)}")
    files = [contents[name] for name in to_read]
    try:
        control = _read_control_files(folder, present, files, default_licences)
    except MalformedRules as exc:
        control = MalformedControlFile.of(exc)
    return Rules(folder, control, site.within(folder), default_public)


def closed_rules(
    folder: ArtifactPath, fault: MalformedRules, *, site: SitePolicy, default_public: bool
) -> Rules:
    """The rules of a folder whose control files are too many or too large to be read: they refuse.

    Args:
        fault: what is too much.
        site: the whole site policy.
        default_public: as `compose` takes it.
    """
    source = Source(fault.source)
    control = MalformedControlFile(source, fault.reason, "are too large")
    return Rules(folder, control, site.within(folder), default_public)


def rules_of_unlisted(folder: ArtifactPath, *, site: SitePolicy) -> Rules:
    """The rules of a folder that the store does not list. What no rule with `override` opens is closed."""
    return Rules(folder, UnknownControlFiles(), site.within(folder), default_public=False)


def rules_without_control_files(folder: ArtifactPath, *, site: SitePolicy, default_public: bool) -> Rules:
    """The rules of a folder by the site policy alone, before anything of it is read.

    A denial by these rules is final, as control files only add conditions. An Allow says nothing about a
    file: its folder's control files may still refuse it.
    """
    return Rules(folder, ControlRules(), site.within(folder), default_public)


def _read_control_files(
    folder: ArtifactPath,
    names: frozenset[str],
    files: Sequence[ControlFile],
    default_licences: DefaultLicences,
) -> ControlRules:
    if BUILD_INFO in names:
        return _read_build_info(folder, files[0])
    if OPEN_EULA in names:
        return open_eula(folder)
    return read_eula_files(folder, names, files, default_licences)


def _read_build_info(folder: ArtifactPath, file: ControlFile) -> ControlRules:
    source = control_file_source(folder, file.name)
    if file.content is None:
        raise MalformedRules(source.name, 1, "the file is too large for a control file")
    return BuildInfoRules.compile(parse_build_info(file.content, source.name), source)
