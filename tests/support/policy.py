"""Rules of one folder, built as the catalog builds them, with as little to write as a test can do with."""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.access import Decision, Principal
from app.domain.entries import ControlFile
from app.domain.paths import ArtifactPath
from app.policy.control_file_names import control_files_to_read
from app.policy.decide import Rules, compose, decide
from app.policy.eula import DefaultLicences
from app.policy.site_policy_file import SitePolicy, parse_site_policy

FOLDER = ArtifactPath.from_text("/releases/16.09/")
DEFAULTS = DefaultLicences(
    {"default": "default text", "linaro": "linaro text", "samsung": "samsung text", "stericsson": "ste text"},
    fallback="default",
)


def site_policy(text: str) -> SitePolicy:
    """A site policy from TOML, beside which there is every file."""
    return parse_site_policy(
        text, source="policy.toml", read_text=lambda name: f"text of {name}", read_bytes=picture_of
    )


def picture_of(name: str) -> bytes:
    """A picture that differs from that of every other name."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><title>{name}</title></svg>'.encode()


def folder_rules(
    files: Mapping[str, bytes | None],
    *,
    site: str = "",
    default_public: bool = False,
    folder: ArtifactPath = FOLDER,
) -> Rules:
    """The rules of a folder with these files; None for the content of one that is too large."""
    return compose(
        folder,
        files,
        [ControlFile(name, files[name]) for name in control_files_to_read(files)],
        site=site_policy(site),
        default_public=default_public,
        default_licences=DEFAULTS,
    )


def build_info_rules(*lines: str, site: str = "", default_public: bool = False) -> Rules:
    """The rules of a folder whose BUILD-INFO.txt has these lines after its Format-Version."""
    return folder_rules({"BUILD-INFO.txt": build_info(*lines)}, site=site, default_public=default_public)


def build_info(*lines: str) -> bytes:
    return "\n".join(("Format-Version: 0.5", *lines, "")).encode()


def decide_file(rules: Rules, name: str, principal: Principal) -> Decision:
    return decide(rules.folder.child(name), rules, principal)


def member_of(*groups: str, accepted: tuple[str, ...] = ()) -> Principal:
    return Principal(subject="somebody", groups=frozenset(groups), accepted=frozenset(accepted))
