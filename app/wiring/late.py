"""What a server loads late: nothing of it is needed for the first answer of the tree.

It takes as long to load as all the rest, so that a start takes half of the time without it: FastAPI and Starlette's
routing with the routers of the reserved paths, and the templates of their pages. That a path is not reserved is
found here too, so after the start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from starlette.types import ASGIApp

from app.routes.probes import Probes
from app.server.late import LateApplication

if TYPE_CHECKING:  # they name what this makes
    from app.wiring.parts import Parts, SiteParts

LATE_MODULES: Final = ("app.server.reserved", "app.wiring.routers", "app.routes.admin")
"""With what they import. A process that workers are forked from has them from the beginning."""


def late_reserved(parts: Parts, own: SiteParts) -> LateApplication:
    """The application of the reserved paths.

    Args:
        own: of the site.
    """

    def build() -> ASGIApp:
        from app.server.reserved import build_reserved
        from app.wiring.routers import build_routers

        own.html.load()
        return build_reserved(build_routers(parts, own), parts.errors, parts.limits, parts.audit)

    return LateApplication(build)


def late_admin(probes: Probes, state: Callable[[], dict[str, Any]], replica_id: str) -> LateApplication:
    """The application of the admin listener. Args as `build_admin_app`."""

    def build() -> ASGIApp:
        from app.routes.admin import build_admin_app

        return build_admin_app(probes, state, replica_id)

    return LateApplication(build)
