"""What holds for every test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A busy machine is no fault of the code: no example, and no drawing of one, has to be done in a given time.
settings.register_profile("pierhead", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pierhead")
