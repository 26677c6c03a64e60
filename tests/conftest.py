"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# A machine that is busy is no fault of the code: no example has to be done in a given time.
settings.register_profile("pierhead", deadline=None)
settings.load_profile("pierhead")
