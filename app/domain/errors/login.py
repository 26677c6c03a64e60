"""Credentials and logins that fail."""

from __future__ import annotations

from app.domain.errors.base import PierheadError


class AuthenticationFailed(PierheadError):
    """Credentials were sent and are invalid (RFC 6750 section 3.1, `invalid_token`).

    Args:
        code: machine-readable reason, such as `token-expired`.
        reason: the same for people.
        subject: user or robot that the credentials name; None if they name none.
    """

    def __init__(self, code: str, reason: str, subject: str | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.subject = subject


class RevokedToken(AuthenticationFailed):
    """The token was revoked.

    Args:
        token_id: its id.
        subject: user or robot that it names.
    """

    def __init__(self, token_id: str, subject: str) -> None:
        super().__init__("token-revoked", "the token was revoked", subject)
        self.token_id = token_id


class AuditUnavailable(PierheadError):
    """An event cannot be written to the audit log, so what it says must not happen: worth a retry later."""

    def __init__(self) -> None:
        super().__init__("the audit log cannot be written at the moment, so the request was refused")


class RevocationsUnknown(PierheadError):
    """The list of revoked tokens cannot be read, so no token counts: worth a retry later."""

    def __init__(self) -> None:
        super().__init__("tokens and logins cannot be checked at the moment")


class SessionDue(PierheadError):
    """The user is logged in, but the groups must be refreshed before they count."""

    def __init__(self) -> None:
        super().__init__("this session must be renewed: open the page in the browser again, or send a token")


class LoginFailed(PierheadError):
    """A login failed.

    Args:
        code: machine-readable reason, such as `nonce`; a key of `LOGIN_FAILURES`.
    """

    def __init__(self, code: str) -> None:
        super().__init__(LOGIN_FAILURES[code])
        self.code = code


class LoginUnavailable(PierheadError):
    """The identity provider or directory does not answer as it should: worth a retry later."""

    def __init__(self, reason: str = "the login service does not answer at the moment") -> None:
        super().__init__(reason)


class IssuerUnavailable(LoginUnavailable):
    """Tokens of an issuer cannot be checked, as its keys cannot be read: worth a retry later."""

    def __init__(self) -> None:
        super().__init__(
            "the issuer of this token does not answer at the moment, so the token cannot be checked"
        )


LOGIN_FAILURES = {
    "password": "the user name or the password is wrong",
    "attempt": "this login was not started in this browser, or too long ago; log in again",
    "issuer": "this answer comes from another login service; log in again",
    "denied": "the login service says that you did not log in or may not use this site",
    "refused": "the login service rejected this site's request; the operator of this site finds the reason in the log",
    "token": "the login service sent an invalid token; the operator of this site finds the reason in the log",
    "nonce": "the login service sent a token for another login; log in again",
    "no-user": "the login service does not say who you are; the operator of this site can name the claim in the "
    "setting OIDC_USER_CLAIM",
    "groups-form": "the login service does not name your groups as text; the operator of this site can name another "
    "claim in the setting OIDC_GROUPS_CLAIM",
    "groups-left-out": "you are in more groups than the login service puts into a token; its operator can have it name "
    "only those that are assigned to this site",
    "too-many-groups": "you are in more groups than fit into a session; the operator of this site can choose the groups "
    "that count in the setting LOGIN_GROUPS",
}
"""What went wrong at a login, for people: what happened, and who can do what about it."""
