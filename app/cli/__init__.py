"""The command line: `pierhead serve | token create | explain | config`."""

from app.cli.command import main
from app.cli.serve import server_options

__all__ = ["main", "server_options"]
