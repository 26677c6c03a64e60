"""Turns decisions into errors. No other code does."""

from __future__ import annotations

from app.domain.access import Allow, Decision, Forbidden, Hidden, NeedsLicence, NeedsLogin, Principal
from app.domain.errors import GroupRequired, LicenceRequired, LoginRequired, NotFound, Refused
from app.domain.paths import ArtifactPath
from app.policy.decide import Rules, decide


def require_access(
    path: ArtifactPath, rules: Rules, principal: Principal, *, with_licences: bool = True
) -> None:
    """Raise unless the principal may have a path.

    Args:
        path: as `decide` takes it.
        rules: of its folder.
        with_licences: whether licences that are not accepted yet stand in the way too.

    Raises:
        LoginRequired, LicenceRequired, GroupRequired, Refused, NotFound: by the decision. NotFound where the
            path is hidden.
    """
    decision = decide(path, rules, principal)
    if with_licences or not isinstance(decision, NeedsLicence):
        _deny(decision)


def deny_if_existence_is_secret(path: ArtifactPath, rules: Rules, principal: Principal) -> None:
    """Raise where the path's own rule says that the principal may not even learn whether it exists.

    Raises:
        LoginRequired, GroupRequired, NotFound: by the decision.
    """
    decision = decide(path, rules, principal)
    if isinstance(decision, NeedsLogin | Hidden) or (isinstance(decision, Forbidden) and decision.groups):
        _deny(decision)


def _deny(decision: Decision) -> None:
    match decision:
        case Allow():
            return
        case NeedsLogin():
            raise LoginRequired
        case NeedsLicence(licences):
            raise LicenceRequired(licences)
        case Forbidden(groups, reason):
            raise GroupRequired(groups) if groups else Refused(reason)
        case Hidden():
            # The same answer as for what does not exist, so that nobody can tell the two apart.
            raise NotFound
