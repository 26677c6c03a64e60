"""Denials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.errors.base import PierheadError

if TYPE_CHECKING:
    from app.domain.access import Licence
    from app.domain.paths import ArtifactPath


class AccessDenied(PierheadError):
    """The decision for this path and principal was not Allow."""


class LoginRequired(AccessDenied):
    """The client is anonymous, and a group is needed."""

    def __init__(self) -> None:
        super().__init__("this path is for members")


class LicenceRequired(AccessDenied):
    """One or more licences must be accepted first.

    Args:
        licences: those not yet accepted, in the order in which to show them.
    """

    def __init__(self, licences: tuple[Licence, ...]) -> None:
        super().__init__("a licence must be accepted before this file can be downloaded")
        self.licences = licences


class LicenceDeclined(AccessDenied):
    """The licence was shown and not accepted.

    Args:
        path: of the file that is behind it.
    """

    def __init__(self, path: ArtifactPath) -> None:
        super().__init__(
            "the licence was declined, so the file is not downloaded; open the file again to read and accept it"
        )
        self.path = path


class FormRefused(AccessDenied):
    """A form that may not come from a page of this site."""

    def __init__(self) -> None:
        super().__init__("the form is not from this site or is too old; open the file again")


class GroupRequired(AccessDenied):
    """Logged in, but not a member.

    Args:
        groups: names of the groups; one of them is needed.
    """

    def __init__(self, groups: tuple[str, ...]) -> None:
        if len(groups) == 1:
            text = f"you need to be a member of the group {groups[0]}"
        else:
            text = f"you need to be a member of one of the groups {', '.join(groups[:-1])} or {groups[-1]}"
        super().__init__(text)
        self.groups = groups


class PermissionRequired(AccessDenied):
    """Logged in, but without the permission for this.

    Args:
        permission: the word that the token's scope must have.
    """

    def __init__(self, permission: str) -> None:
        super().__init__(f"this needs a token with the scope {permission}")
        self.permission = permission


class MetricsForbidden(AccessDenied):
    """The metrics are asked for on the public port, and not from a trusted network."""

    def __init__(self) -> None:
        super().__init__("metrics are at the admin listener; on this port they are only for trusted networks")


class Refused(AccessDenied):
    """No rule opens this path to anybody (not covered by its folder's rules, or those are malformed).

    Args:
        reason: the cause, for people.
    """
