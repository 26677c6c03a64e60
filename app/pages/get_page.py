"""The page with commands that fetch a file or a folder, ready to be copied into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.domain.access import Licence
from app.domain.entries import Digest
from app.domain.mounts import Mount
from app.domain.paths import ArtifactPath
from app.pages.contexts import Site

MEMBERS_FIELD: Final = "Authorization: Bearer TOKEN"
_CHECKERS: Final = {"sha-512": "sha512sum", "sha-256": "sha256sum", "sha": "sha1sum", "md5": "md5sum"}
"""Programs that check a digest, by its name in HTTP; the best first."""
_ARIA2_NAMES: Final = {"sha-512": "sha-512", "sha-256": "sha-256", "sha": "sha-1", "md5": "md5"}
"""What aria2c calls them (its manual, `--checksum`)."""


@dataclass(frozen=True)
class Command:
    """A line for a terminal.

    Attributes:
        id: of the element that has it.
        title: what it is for.
        text: the line.
    """

    id: str
    title: str
    text: str


@dataclass(frozen=True)
class Needs:
    """What a request for a file must bring along.

    Attributes:
        licences: to accept, each with the URL of its text.
        token: whether a token must be put in.
    """

    licences: tuple[tuple[Licence, str], ...] = ()
    token: bool = False

    @property
    def fields(self) -> list[str]:
        """Header fields, as `Name: value`."""
        fields = [MEMBERS_FIELD] if self.token else []
        if self.licences:
            fields.append(f"License-Accepted: {' '.join(licence.digest for licence, _ in self.licences)}")
        return fields

    def of_pierhead(self, url: str) -> str:
        """The command of `pierhead get` that brings it along."""
        variable = "PIERHEAD_TOKEN=TOKEN " if self.token else ""
        accepted = "".join(f"--accept {licence.digest} " for licence, _ in self.licences)
        return f"{variable}pierhead get {accepted}{shlex.quote(url)}"


@dataclass(frozen=True)
class GetPage:
    """Commands that fetch a file or a folder.

    Attributes:
        site: the site.
        path: what is fetched.
        mount: where it is listed.
        commands: most common first.
        facts: pairs of words and text, for people.
        digests: of the file, those of the best algorithms first.
        needs: what the commands bring along.
        has_view: whether `?view=1` shows it.
    """

    site: Site
    path: ArtifactPath
    mount: Mount
    commands: tuple[Command, ...]
    facts: tuple[tuple[str, str], ...] = ()
    digests: tuple[Digest, ...] = ()
    needs: Needs = Needs()
    has_view: bool = False

    @property
    def folder_href(self) -> str:
        """Where the folder is, or the file's, as a link."""
        return self.mount.href(self.path if self.path.is_folder else self.path.parent)


def file_commands(url: str, name: str, needs: Needs, digests: Sequence[Digest]) -> tuple[Command, ...]:
    """Commands that fetch a file, and one that checks it.

    Args:
        url: of the file.
        name: of the file, as people see it.
        needs: what the commands bring along.
        digests: of the file.
    """
    # A name that begins with a hyphen would be an option, and a lone one the standard output.
    name = f"./{name}" if name.startswith("-") else name
    target, saved = shlex.quote(url), shlex.quote(name)
    fields, best = needs.fields, best_digest(digests)
    checksum = f"--checksum={_ARIA2_NAMES[best.algorithm]}={best.value.hex()} " if best else ""
    commands = [
        Command("curl", "curl", f"curl --fail-with-body -L {_options('-H ', fields)}-o {saved} {target}"),
        Command("wget", "wget", f"wget {_options('--header=', fields)}-O {saved} {target}"),
        Command(
            "aria2c", "aria2c", f"aria2c {_options('--header=', fields)}{checksum}--out={saved} {target}"
        ),
        Command("pierhead", "pierhead get, which checks it", needs.of_pierhead(url)),
    ]
    if best:
        line = shlex.quote(f"{best.value.hex()}  {name}")
        commands.append(Command("check", "Check it", f"echo {line} | {_CHECKERS[best.algorithm]} --check"))
    return tuple(commands)


def folder_commands(url: str, manifest_url: str, depth: int, needs: Needs) -> tuple[Command, ...]:
    """Commands that fetch a folder with all that is below it, or only its files, and one that checks them.

    Args:
        url: of the folder.
        manifest_url: of the list of all that is below it.
        depth: how many folders its URL goes down.
        needs: what the commands bring along.
    """
    fields = needs.fields
    curl = f"curl -fsSL {_options('-H ', fields)}"
    names = f"{curl}{shlex.quote(url + '?format=text')} | grep -v '/$' | sed {shlex.quote(_put_before(url))}"
    return (
        Command(
            "wget",
            "Everything below, by wget",
            f"wget --recursive --no-parent --no-host-directories --cut-dirs={depth} --reject='index.html*' "
            f"{_options('--header=', fields)}{shlex.quote(url)}",
        ),
        Command(
            "curl",
            "The files of this folder, by curl",
            f"{names} | xargs -n 1 curl --fail-with-body -L {_options('-H ', fields)}--remote-name",
        ),
        Command(
            "aria2c",
            "The files of this folder, by aria2c",
            f"{names} | aria2c {_options('--header=', fields)}--input-file=-",
        ),
        Command("pierhead", "Everything below, checked, by pierhead get", needs.of_pierhead(url)),
        Command(
            "check",
            "Check everything",
            f"{curl}{shlex.quote(manifest_url + '?format=text')} | sha256sum --check",
        ),
    )


def best_digest(digests: Sequence[Digest]) -> Digest | None:
    """The one that says most, of those that usual programs can check."""
    ranks = list(_CHECKERS)
    known = [digest for digest in digests if digest.algorithm in _CHECKERS]
    return min(known, key=lambda digest: ranks.index(digest.algorithm), default=None)


def _options(option: str, fields: Sequence[str]) -> str:
    return "".join(f"{option}{shlex.quote(field)} " for field in fields)


def _put_before(url: str) -> str:
    """A script of sed that puts a URL before each line."""
    escaped = url.replace("\\", "\\\\").replace("&", "\\&").replace("|", "\\|")
    return f"s|^|{escaped}|"
