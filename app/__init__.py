"""Pierhead: a browsable, scriptable, access-controlled HTTP front for build artifacts."""
