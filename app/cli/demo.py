"""`pierhead serve --demo`: a small tree with a file of each tier, to try things out."""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.auth.demo import MEMBER
from app.domain.access import Licence
from app.domain.extras import how_to_install, is_installed

_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_GROUP: Final = "members"
_LICENCE: Final = "This is a licence of the demonstration. You may do with its files what you like."
_RULES: Final = f"""\
Format-Version: 0.5

Files-Pattern: *.img
License-Type: protected
License-Text: {_LICENCE}

Files-Pattern: *
License-Type: open
"""
_POLICY: Final = f"""\
[[rule]]
path = "{_GROUP}"
tier = "private"
groups = ["{_GROUP}"]
"""
_README: Final = f"""\
# A demonstration

- `releases/` has files for everybody.
- `boards/` has an image behind a licence.
- `{_GROUP}/` is for members: log in as `{MEMBER}`, with the password `{MEMBER}`.
"""


@contextmanager
def demonstration(options: argparse.Namespace) -> Iterator[None]:
    """Make the tree, and set the options of `pierhead serve` so that it is served; it goes when the block ends.

    Raises:
        OSError: there is no place for it.
    """
    with tempfile.TemporaryDirectory(prefix="pierhead-demo-") as made:
        tree, policy = Path(made, "tree"), Path(made, "policy.toml")
        _make_tree(tree)
        policy.write_text(_POLICY)
        options.storage, options.policy_file = [str(tree)], str(policy)
        if (options.host or _LOOPBACK[0]) in _LOOPBACK and is_installed("login"):
            options.demo_login_groups = _GROUP
        yield


def hints(url: str) -> str:
    """What to try.

    Args:
        url: of the server, with a slash at its end.
    """
    members = f"log in at {url}login as {MEMBER}, with the password {MEMBER}"
    if not is_installed("login"):
        members = f"the part for logins {how_to_install('login')}"
    return f"""\
Serving a demonstration at {url}

  in a browser     {url}
  a public file    pierhead get {url}releases/1.10.0/system.img
  under a licence  pierhead get {url}boards/board.img --accept {Licence(_LICENCE).digest}
  for members      {members}

Ctrl-C stops the server.
"""


def _make_tree(tree: Path) -> None:
    image = bytes(range(256)) * 256
    sums = f"{hashlib.sha256(image).hexdigest()}  system.img\n".encode()
    files = {
        "README.md": _README.encode(),
        "boards/BUILD-INFO.txt": _RULES.encode(),
        "boards/board.img": image,
    }
    files[f"{_GROUP}/roadmap.txt"] = b"The next release is the best one.\n"
    for version in ("1.2.0", "1.9.0", "1.10.0"):
        files |= {f"releases/{version}/system.img": image, f"releases/{version}/SHA256SUMS": sums}
    for path, content in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(content)
