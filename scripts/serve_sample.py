"""Serves the sample tree, or the storage that PIERHEAD_STORAGE names, and says what to try."""

from __future__ import annotations

import argparse
import os
import secrets
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from app.cli.own_files import directory_around
from app.cli.places import places_of
from app.config import ConfigError, load_settings
from app.domain.access import Licence
from scripts.make_sample_tree import make_sample
from scripts.sample_tree.licensing import EVALUATION_LICENCE, MEMBERS

RUN_DIRECTORY = Path(".run")
KEY_FILE = "secret-key"
PUBLIC_FILE = "releases/2026.09/devkit/boot.img"
EULA_FILE = "releases/2026.09/board/boot.img"
PRIVATE_FILE = "members/roadmap.txt"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def secret_key_file(directory: Path) -> Path:
    """The file with the key that signs tokens; written once, readable by its owner only."""
    path = directory / KEY_FILE
    directory.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
    return path


def server_environment(
    environ: Mapping[str, str], directory: Path, host: str = "127.0.0.1"
) -> dict[str, str]:
    """What the server is started with; whatever is set already wins.

    Where only this machine can reach it, anybody may log in as `alice`, a member, or `bob`. The sample tree and its policy are made in `directory` if they are what is to be served.

    Raises:
        OSError: something else stands where the tree is to be made, or the key has no place.
    """
    defaults: dict[str, str] = {}
    if not environ.get("PIERHEAD_STORAGE"):
        tree, policy = directory / "tree", directory / "policy.toml"
        make_sample(tree, policy)
        defaults["PIERHEAD_STORAGE"] = f"file://{tree.resolve()}"
        defaults["PIERHEAD_POLICY_FILE"] = str(policy)
        if host in LOOPBACK:
            defaults["PIERHEAD_DEMO_LOGIN_GROUPS"] = MEMBERS
    environment = {**environ, **{name: value for name, value in defaults.items() if not environ.get(name)}}
    if not environ.get("PIERHEAD_SECRET_KEYS"):
        environment["PIERHEAD_SECRET_KEYS"] = secret_key_file(
            key_directory(environment, directory)
        ).read_text()
    return environment


def key_directory(environment: Mapping[str, str], directory: Path) -> Path:
    """Where the key is kept: in `directory`, or in the user's state directory where that one is published.

    Args:
        environment: what the server is started with.

    Raises:
        OSError: both are published.
    """
    state = Path(environment.get("XDG_STATE_HOME") or Path(environment.get("HOME", "")) / ".local" / "state")
    try:
        places = places_of(load_settings(environ=environment))
    except ConfigError:
        places = ()  # the server names what is wrong with them, and publishes nothing
    published = [place for place in places if isinstance(place, Path)]
    for candidate in (directory, state / "pierhead"):
        if directory_around(candidate / KEY_FILE, published) is None:
            return candidate
    raise OSError("everything is published: set PIERHEAD_SECRET_KEYS, or publish less")


def base_url(host: str, port: int) -> str:
    """Where a client on this machine finds a server that listens there; no slash at its end."""
    if host in ("0.0.0.0", "::"):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def hints(base: str, storage: str, token: str) -> str:
    """What to try, as commands that can be pasted into another shell.

    Args:
        base: URL of the server, without a slash at its end.
        storage: what is served.
        token: shell command that prints a member's token.
    """
    digest = Licence(EVALUATION_LICENCE).digest
    return f"""\
Serving {storage} at {base}/

  in a browser     {base}/
  for scripts      curl -s {base}/api/ls/ | python3 -m json.tool
                   curl -s '{base}/releases/?format=json'

In the sample tree:
  a public file    curl -fLO {base}/{PUBLIC_FILE}
  under a licence  curl -fLO -H 'License-Accepted: {digest}' {base}/{EULA_FILE}
  for members      curl -fLO -H "Authorization: Bearer $({token})" {base}/{PRIVATE_FILE}
                   or log in at {base}/login as alice, with the password alice

Ctrl-C stops the server.
"""


def token_command(key_file: Path | None, pierhead: str) -> str:
    """A shell command that prints a member's token, signed with the key the server verifies it with.

    Args:
        key_file: the file with that key; None where the shell's environment has it already.
    """
    key = "" if key_file is None else f'PIERHEAD_SECRET_KEYS="$(cat {shlex.quote(str(key_file))})" '
    return f"{key}{pierhead} token create --subject me --group {MEMBERS} --expires 1d"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Entry point: prepares, and becomes the server, which so gets the signals."""
    parser = argparse.ArgumentParser(prog="serve_sample", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on")
    options = parser.parse_args(arguments)
    pierhead = os.path.relpath(Path(sys.executable).with_name("pierhead"))
    try:
        environment = server_environment(os.environ, RUN_DIRECTORY, options.host)
        is_given = bool(os.environ.get("PIERHEAD_SECRET_KEYS"))
        key_file = None if is_given else secret_key_file(key_directory(environment, RUN_DIRECTORY))
    except OSError as error:
        sys.exit(f"serve_sample: {error}")
    print(
        hints(
            base_url(options.host, options.port),
            environment["PIERHEAD_STORAGE"],
            token_command(key_file, pierhead),
        ),
        flush=True,
    )
    command = [pierhead, "serve", "--host", options.host, "--port", str(options.port)]
    os.execve(pierhead, command, environment)


if __name__ == "__main__":
    main()
