"""What `containers/Containerfile` and the server say of the same thing is the same."""

from __future__ import annotations

from tests.support.deployment import CONTAINERS, PORT, unknown_settings

CONTAINERFILE = (CONTAINERS / "Containerfile").read_text()


def test_every_setting_that_is_named_exists() -> None:
    assert "PIERHEAD_" in CONTAINERFILE
    assert unknown_settings(CONTAINERFILE) == []


def test_the_port_is_the_default_one() -> None:
    assert f"EXPOSE {PORT}\n" in CONTAINERFILE
