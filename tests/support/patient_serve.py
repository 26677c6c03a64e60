"""`pierhead serve` as a program that waits for its S3 as long as it takes, for a machine that is slow itself.

Runs where nothing of the tests' own packages is installed.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any, Final

from app.cli import main
from app.storage.s3.call_limits import DEFAULT_LIMITS
from app.storage.s3.clients import Timeouts
from app.storage.s3.opening import open_s3_store
from tests.support.waiting import PATIENCE

PROGRAM: Final = ("-m", __name__)
"""What Python is started with."""

if __name__ == "__main__":
    usual: Any = open_s3_store.__wrapped__.__kwdefaults__  # type: ignore[attr-defined]
    usual["limits"] = replace(DEFAULT_LIMITS, seconds=PATIENCE, probe_seconds=PATIENCE)
    usual["timeouts"] = Timeouts(PATIENCE, PATIENCE)
    sys.exit(main())
