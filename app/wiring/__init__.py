"""Wires the rooms of one site together."""

from app.wiring.catalog import build_catalog
from app.wiring.parts import WiredSite
from app.wiring.site import SiteWiring

__all__ = ["SiteWiring", "WiredSite", "build_catalog"]
