"""`pierhead completion`: what a shell needs to complete the commands."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from app.cli.arguments import Commands, add_command

SHELLS: Final = ("bash", "zsh", "fish")

_EXAMPLES: Final = """\
pierhead completion bash > /etc/bash_completion.d/pierhead
pierhead completion zsh > /usr/local/share/zsh/site-functions/_pierhead
pierhead completion fish > ~/.config/fish/completions/pierhead.fish"""


def add_completion(commands: Commands, _: argparse.ArgumentParser) -> None:
    """Add the command to the command line."""
    parser = add_command(
        commands, "completion", "print a script that completes this command in a shell", examples=_EXAMPLES
    )
    parser.add_argument("shell", choices=SHELLS, help="the shell")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    import shtab  # here, so that other commands start fast

    for action in _actions(options.root):
        if action.type is Path or action.metavar in ("FILE", "DIR"):
            vars(action)["complete"] = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE
    print(shtab.complete(options.root, options.shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """All arguments of a command and of its own commands."""
    found = []
    for action in parser._actions:
        found.append(action)
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                found += _actions(command)
    return found
