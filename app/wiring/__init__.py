"""Wires the rooms of one site together."""

from app.wiring.catalog import build_catalog
from app.wiring.site import SiteWiring, WiredSite

__all__ = ["SiteWiring", "WiredSite", "build_catalog"]
