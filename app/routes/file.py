"""Answers for files."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp

from app.catalog import Catalog
from app.domain.errors import ObjectChanged
from app.responses.delivery import Delivery
from app.responses.located import Located
from app.responses.parsed_request import ParsedRequest
from app.responses.record import record_of
from app.routes.audited import RequestAudit
from app.routes.file_view import FileView
from app.routes.parameters import Query

_LOOKS_AGAIN: Final = 5
"""Attempts for a file that changes before its first byte is read, such as a growing log."""


class FileRoute:
    """Answers for files.

    Args:
        delivery: sends opened files.
        audit: notes licences that a script accepts.
        view: shows text files and images as pages.
    """

    def __init__(self, catalog: Catalog, delivery: Delivery, audit: RequestAudit, view: FileView) -> None:
        self._catalog = catalog
        self._delivery = delivery
        self._audit = audit
        self._view = view

    async def answer(self, request: Request, parsed: ParsedRequest) -> ASGIApp:
        """Answer for a file.

        Raises:
            BadParameter: `view` is another than 0 or 1.
            As `Catalog.open_file`, `Delivery.answer` and `FileView.answer`.
        """
        record_of(request).route = "file"
        for _ in range(_LOOKS_AGAIN):
            try:
                return await self._looked_up(request, parsed)
            except ObjectChanged:
                continue
        return await self._looked_up(request, parsed)

    async def _looked_up(self, request: Request, parsed: ParsedRequest) -> ASGIApp:
        path, principal = parsed.path, parsed.identity.principal
        opened = await self._catalog.open_file(path, principal, mount=parsed.mount)
        await self._audit.note_acceptances(request, opened)
        view = Query(request).choice("view", ("0", "1")) if request.url.query else None
        if view == "1":
            answer: ASGIApp = await self._view.answer(request, parsed, opened)
        else:
            answer = await self._delivery.answer(request, path, principal, opened, stays=view == "0")
        return answer if opened.path == path else Located(answer, opened.path, parsed.mount)
