"""Site policies that tests of several rooms begin with."""

from __future__ import annotations

from typing import Final

MEMBERS: Final = """
[[rule]]
path = "members"
tier = "private"
groups = ["staff"]
"""
"""A folder for members. Others must log in."""

MEMBERS_AND_VAULT: Final = f"""{MEMBERS}
[[rule]]
path = "vault"
tier = "private"
groups = ["staff"]
visibility = "hidden"
"""
"""Besides, a folder that only members can know of."""

MEMBERS_AND_SHOWN: Final = f"""{MEMBERS}
[[rule]]
path = "shown"
tier = "private"
groups = ["staff"]
visibility = "listed"
"""
"""Besides, a folder for members that everybody sees in listings."""
