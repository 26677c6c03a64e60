"""The command line: `pierhead serve | get | token | link | explain | config | completion`."""

from __future__ import annotations

import gc
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Args and returns as `app.cli.command.run`."""
    # Nothing that is imported is garbage, and to look for some takes a tenth of a start. A server turns this on again.
    gc.disable()
    try:
        from app.cli.command import run

        return run(arguments)
    finally:
        gc.enable()
