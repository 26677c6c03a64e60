"""Pierhead: a browsable, scriptable, access-controlled HTTP front for build artifacts."""

__version__ = "0.1.0"
