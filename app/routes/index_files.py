"""Index files: files that stand for their folder, if the site policy names some."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp

from app.catalog import Catalog
from app.domain.access import Principal
from app.domain.errors import Moved, NotFound
from app.domain.paths import ArtifactPath
from app.policy.serving import ServingRules
from app.responses.delivery import Delivery
from app.responses.record import record_of
from app.routes.audited import RequestAudit


class IndexFiles:
    """Answers for folders with an index file.

    Args:
        delivery: sends opened files.
        audit: notes licences that a script accepts.
        serving: names the files.
    """

    def __init__(
        self, catalog: Catalog, delivery: Delivery, audit: RequestAudit, serving: ServingRules
    ) -> None:
        self._catalog = catalog
        self._delivery = delivery
        self._audit = audit
        self._serving = serving

    async def answer(self, request: Request, folder: ArtifactPath, principal: Principal) -> ASGIApp | None:
        """The first index file that exists; None if the folder has none. Its own rules apply.

        Raises:
            As `Catalog.open_file`, except NotFound and Moved, and as `Delivery.answer`.
        """
        for name in self._serving.options_for(folder).index or ():
            try:
                opened = await self._catalog.open_file(folder.child(name), principal)
            except (NotFound, Moved):
                continue
            record_of(request).route = "file"
            await self._audit.note_acceptances(request, opened)
            return await self._delivery.answer(request, folder, principal, opened)
        return None
