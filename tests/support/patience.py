"""How long a server of the tests waits for its S3: as long as it takes, until a test wants it to give up.

Such an S3 shares a process with the server and the client, and a machine with other tests. An answer may come late without
anything being wrong.
"""

from __future__ import annotations

from dataclasses import asdict
from types import SimpleNamespace
from typing import Any, Final

import pytest

from app.storage.s3.call_limits import DEFAULT_LIMITS
from app.storage.s3.clients import Timeouts
from app.storage.s3.opening import open_s3_store
from tests.support.waiting import PATIENCE

_SOON: Final = 0.3


class Patience:
    """See `be_patient_with_s3`."""

    def __init__(self) -> None:
        # As `CallLimits`, which are read anew for each call.
        self._limits = SimpleNamespace(
            **asdict(DEFAULT_LIMITS) | {"seconds": PATIENCE, "probe_seconds": PATIENCE}
        )

    @property
    def limits(self) -> Any:
        """For `open_s3_store`."""
        return self._limits

    def run_out(self) -> None:
        """Give up every call from now on that is not answered at once."""
        self._limits.seconds = _SOON

    def come_back(self) -> None:
        """Wait again."""
        self._limits.seconds = PATIENCE


def be_patient_with_s3(monkeypatch: pytest.MonkeyPatch, *, read: float = PATIENCE) -> Patience:
    """Let stores that are opened from now on wait for S3, unless they are opened with limits of their own.

    Args:
        read: seconds without a byte after which a download is given up.
    """
    patience = Patience()
    usual: Any = open_s3_store.__wrapped__.__kwdefaults__  # type: ignore[attr-defined]
    monkeypatch.setitem(usual, "limits", patience.limits)
    monkeypatch.setitem(usual, "timeouts", Timeouts(PATIENCE, read))
    return patience
