"""Writes down who did what, before they are answered."""

from __future__ import annotations

from starlette.requests import Request

from app.auth.sessions import Sessions
from app.catalog import OpenedFile
from app.domain.errors import (
    AccessDenied,
    AuditUnavailable,
    AuthenticationFailed,
    LicenceDeclined,
    LicenceRequired,
    LoginFailed,
    MalformedRules,
    PierheadError,
    RevokedToken,
    TooManyLogins,
)
from app.responses.record import record_of
from app.responses.requester import Requester
from app.routes.statuses import TABLE
from app.telemetry import AccessRefused, Audit, AuditEvent, LicenceAccepted, LoginRejected, RevokedUsed

_NO_REFUSALS = (LicenceRequired, LicenceDeclined)
"""What anybody can go on from by themselves."""


class RequestAudit:
    """Notes events of requests in the audit log.

    Args:
        audit: the log.
        requester: says from where a request comes.
        sessions: know which were revoked.
    """

    def __init__(self, audit: Audit, requester: Requester, sessions: Sessions) -> None:
        self._audit = audit
        self._requester = requester
        self._sessions = sessions

    async def note(self, request: Request, event: AuditEvent, subject: str | None = None) -> None:
        """Note an event.

        Args:
            subject: whose it is, where the request's credentials do not say it.

        Raises:
            AuditUnavailable: it cannot be written down, so it must not happen.
        """
        identity, client = record_of(request).identity, self._requester.client(request)
        if subject is None and identity is not None:
            subject = identity.principal.subject
        await self._audit.note(event, client=str(client) if client else None, subject=subject)

    async def note_acceptances(self, request: Request, opened: OpenedFile) -> None:
        """Note which licences a script accepts with its request for a file; what a cookie says was noted with the form.

        Raises:
            AuditUnavailable: as `note`.
        """
        by_header = self._requester.accepted_by_header(request) if opened.licences else frozenset()
        for licence in opened.licences:
            if licence.is_accepted(by_header):
                event = LicenceAccepted(opened.path.url, licence.digest, licence.sha256, "header")
                await self.note(request, event)

    async def error_after(self, request: Request, error: PierheadError) -> PierheadError:
        """Note a refusal of a request with credentials, and return the error to answer with."""
        try:
            await self._note_refusal(request, error)
        except AuditUnavailable as unavailable:
            return unavailable
        return error

    async def _note_refusal(self, request: Request, error: PierheadError) -> None:
        path = path_of(request)
        match error:
            case RevokedToken(subject=subject, token_id=identifier):
                await self.note(request, RevokedUsed("token", identifier, path), subject)
            case LoginFailed(code=code):
                await self.note(request, LoginRejected(code))
            case TooManyLogins(subject=subject):
                await self.note(request, LoginRejected(TABLE[type(error)].slug), subject or None)
            case AuthenticationFailed(code=code, subject=subject):
                await self.note(request, AccessRefused("", path, TABLE[type(error)].code, code), subject)
            case AccessDenied() | MalformedRules() if not isinstance(error, _NO_REFUSALS):
                await self._note_denial(request, error, path)
            case _:
                pass

    async def _note_denial(self, request: Request, error: PierheadError, path: str) -> None:
        identity, status = record_of(request).identity, TABLE[type(error)]
        if identity is not None and identity.credential:
            await self.note(request, AccessRefused(identity.credential, path, status.code, status.slug))
        elif session := self._requester.session(request, self._sessions):  # on a page that asks for no rights
            event = AccessRefused(session.id, path, status.code, status.slug)
            await self.note(request, event, session.subject)
        elif revoked := self._requester.revoked_session(request, self._sessions):
            await self.note(request, RevokedUsed("session", revoked.id, path), revoked.subject)


def path_of(request: Request) -> str:
    """The path of a request as it was sent, without the query."""
    raw: bytes = request.scope["raw_path"]
    return raw.partition(b"?")[0].decode("ascii", "backslashreplace")
