"""A tree in a directory."""
