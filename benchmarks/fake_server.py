"""Pierhead over a `FakeStore`, with the settings of its environment."""

from __future__ import annotations

import argparse
import os

import uvicorn
from starlette.types import ASGIApp

from app.cli import server_options
from app.config import load_settings
from app.main import wire
from app.policy.site_policy import SitePolicy
from app.server.application import build_application
from app.telemetry import Metrics, configure_logging
from benchmarks.fake_store import FakeStore


def build_fake(store: FakeStore) -> tuple[ASGIApp, dict[str, object]]:
    """The application, and what uvicorn is run with. It logs and counts as ever."""
    settings = load_settings(environ=os.environ).settings
    configure_logging(settings.log_level, settings.log_format)
    app = build_application(wire(settings, SitePolicy(), store, Metrics()))
    return app, server_options(settings) | {"lifespan": "off"}


def main() -> None:
    """Serve on a port of the loopback."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folders", type=int, required=True)
    parser.add_argument("--files", type=int, required=True)
    options = parser.parse_args()
    app, how = build_fake(FakeStore(options.folders, options.files))
    uvicorn.run(app, host="127.0.0.1", port=options.port, **how)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
